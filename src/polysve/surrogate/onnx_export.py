"""A network as an ONNX file, for programs without Keras."""

import os
import warnings
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from keras import ops

from polysve.base.errors import InputError
from polysve.base.files import atomic_path
from polysve.networks import physical
from polysve.networks.spectral import SpectralFeatures
from polysve.surrogate.network import Surrogate

COMPONENTS = {
    1: "Young's modulus along x1",
    3: "components 11, 66, 16; 22 = 11, 26 = -16, 12 = 2K - 11, with twice the plane bulk modulus 2K of the crystal",
    6: "components 11, 22, 66, 12, 16, 26",
}
"""Of an output, by their number."""


def fourier_by_products(parts):
    """Fourier transform of square complex images as two matrix products, for want of complex numbers in ONNX.

    Parameters
    ----------
    parts : (tensor, tensor)
        Real and imaginary parts, shape (n, p, p).

    Returns
    -------
    (tensor, tensor)
        As `keras.ops.fft2`.

    Examples
    --------
    >>> image = np.random.default_rng(1).normal(size=(2, 1, 6, 6)).astype("float32")
    >>> real, imaginary = fourier_by_products(tuple(image))
    >>> expected = np.fft.fft2(image[0] + 1j * image[1])
    >>> bool(
    ...     np.allclose(real, expected.real, atol=1e-5)
    ...     and np.allclose(imaginary, expected.imag, atol=1e-5)
    ... )
    True
    """
    real, imaginary = parts
    pixels = ops.shape(real)[1]
    number = ops.arange(pixels)
    # whole numbers modulo p: the angle of a large product would be inexact in single precision
    angle = ops.cast((number[:, None] * number[None]) % pixels, real.dtype)
    angle = angle * (2 * np.pi / ops.cast(pixels, real.dtype))
    cos, sin = ops.cos(angle), ops.sin(angle)
    left = ops.matmul(cos, real) + ops.matmul(sin, imaginary)
    left_imaginary = ops.matmul(cos, imaginary) - ops.matmul(sin, real)
    return (
        ops.matmul(left, cos) + ops.matmul(left_imaginary, sin),
        ops.matmul(left_imaginary, cos) - ops.matmul(left, sin),
    )


@keras.saving.register_keras_serializable(package="polysve")
class ProductFeatures(SpectralFeatures):
    """`SpectralFeatures` by matrix products."""

    transform = staticmethod(fourier_by_products)


def export_onnx(surrogate: Surrogate, path: Path) -> None:
    """Write the network as an ONNX file: images (n, p, p, channels) in float32 in, GPa out.

    They are called ``images`` and, by what the network predicts, ``young_modulus_gpa`` or ``stiffness_gpa``, whose
    components the output's description names. How images are made is in the file's metadata, under the name
    ``polysve``, as the JSON of the model's card.

    Raises
    ------
    InputError
        If the packages that write ONNX files are missing, or the network cannot be written.
    """
    try:
        import onnx
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"{error.name} is missing: the packages onnx and tf2onnx write ONNX files"
        ) from None
    model = keras.models.clone_model(
        surrogate.model,
        clone_function=lambda layer: (
            ProductFeatures.from_config(layer.get_config())
            if isinstance(layer, SpectralFeatures)
            else layer
        ),
    )
    pixels = surrogate.card.preprocess.pixels
    # Keras exports only what has been called
    model(np.zeros((1, pixels, pixels, model.input_shape[-1]), np.float32))
    with atomic_path(path) as temporary:
        with _silence():
            model.export(temporary, format="onnx", verbose=False)
        written = onnx.load(temporary)
        _name_ends(written.graph, surrogate)
        onnx.helper.set_model_props(written, {"polysve": surrogate.card.canonical_json()})
        try:
            onnx.checker.check_model(written, full_check=True)
        except onnx.checker.ValidationError as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{path}: the network cannot be written as ONNX ({reason})") from None
        onnx.save(written, temporary)


@contextmanager
def _silence():
    """Throw away what TensorFlow's libraries write to the process's stderr, which no setting of theirs stops."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nothing, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            os.dup2(nothing.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _name_ends(graph, surrogate: Surrogate) -> None:
    """Call input and output by what they are."""
    whole = physical.stiffness_head(surrogate.model) is not None
    (images,), (answer,) = graph.input, graph.output
    names = {images.name: "images", answer.name: "stiffness_gpa" if whole else "young_modulus_gpa"}
    for node in graph.node:
        for ends in (node.input, node.output):
            ends[:] = [names.get(name, name) for name in ends]
    images.name, answer.name = names.values()
    images.doc_string = "rows from the bottom; see the metadata polysve"
    answer.doc_string = COMPONENTS[surrogate.model.output_shape[-1]]
