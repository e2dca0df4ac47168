"""The physical model around a network: images in, GPa out; loaded, asked, read."""

import keras
import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import ARCHIVE_DAMAGE
from polysve.data.seal import seal_faults
from polysve.networks.head import StiffnessHead
from polysve.networks.log_head import LogStiffnessHead
from polysve.networks.second_order import SecondOrder

Head = StiffnessHead | LogStiffnessHead


def with_units(network, offset: np.ndarray, scale: np.ndarray, head: Head | None):
    """The network with its normalization undone: `predict(images)` gives GPa.

    Parameters
    ----------
    network : keras.Model
        As `build` makes it; its weights are shared.
    offset, scale : (k,) array
        Mean and standard deviation of the training targets, in coordinates of the head if there is one.
    head : Head or None
        None where the only output is Ē. A network of any film tells what log C̄ has beyond the second order.
    """
    x = keras.layers.Rescaling(scale.tolist(), offset.tolist(), name="units")(network.output)
    if isinstance(head, LogStiffnessHead):
        x = keras.layers.Add()([SecondOrder()(network.input), x])
    return keras.Model(network.input, x if head is None else head(x))


def load(path):
    """Load a `.keras` model in safe mode.

    Raises
    ------
    InputError
        If the file is not a model, or was made for another version of the package.
    """
    if any("damaged" in fault for fault in seal_faults(path)):
        raise InputError(f"{path}: damaged: its bytes do not match its SHA-256 seal")
    # Keras finds only layers whose modules have been imported
    from polysve.networks import architectures  # noqa: F401

    try:
        return keras.saving.load_model(path, compile=False)
    except (*ARCHIVE_DAMAGE, ValueError, TypeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path}: not a .keras model of polysve ({reason})") from None


def stiffness_head(model) -> Head | None:
    """The model's last layer if it predicts C̄, None if it predicts Ē alone."""
    last = model.layers[-1]
    return last if isinstance(last, Head) else None


def predict_targets(model, images: np.ndarray) -> np.ndarray:
    """Outputs (n, k) in GPa for images (n, p, p, channels): Ē, or what its head gives.

    Raises
    ------
    InputError
        If the model was trained on images of another shape.
    """
    wanted = model.input_shape[1:]
    if any(want not in (None, have) for want, have in zip(wanted, images.shape[1:], strict=True)):
        raise InputError(
            f"images have the shape {images.shape[1:]}; the model reads {wanted} (None: any size)"
        )
    size = batch_size(images)
    # Keras's predict takes as long to cut arrays into batches as a small network takes to compute
    parts = [model.predict_on_batch(images[i : i + size]) for i in range(0, len(images), size)]
    return np.concatenate(parts)


def batch_size(images: np.ndarray) -> int:
    """Images at a time such that memory does not grow with their size.

    More at a time take longer: what lies between the layers no longer fits the processor's cache.

    Examples
    --------
    >>> batch_size(np.zeros((1, 64, 64, 2))), batch_size(np.zeros((1, 320, 320, 2)))
    (32, 1)
    """
    return max(1, 32 * 64**2 // (images.shape[1] * images.shape[2]))


def young_modulus(model, targets_gpa: np.ndarray) -> np.ndarray:
    """Ē (n,) in GPa from the model's outputs (n, k)."""
    head = stiffness_head(model)
    return targets_gpa[:, 0] if head is None else head.young_modulus(targets_gpa)
