"""What a trained network says of itself: how its images are made, what it was trained on, how far it errs.

The card is an entry of the `.keras` archive, so that one file is all that a user of the network needs.
"""

import json
import math
import zipfile
from pathlib import Path
from typing import Annotated, Literal

import h5py
import numpy as np
from pydantic import Field

from polysve.base.errors import InputError
from polysve.crystals.stiffness import young_modulus
from polysve.data.inputs import Split, open_inputs
from polysve.learning.plan import image_pixels
from polysve.settings.experiment import PreprocessSlice
from polysve.settings.labels import BoundaryCondition
from polysve.settings.material import Material
from polysve.settings.model import Model, Positive, parse

ENTRY = "polysve.json"
LARGEST_CARD_BYTES = 50_000_000
DIRECTIONS_RAD = np.linspace(0, np.pi, 90, endpoint=False)
"""Where directional moduli are compared; they repeat after half a turn."""

Score = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ModelCard(Model):
    """Card of one network."""

    format: Literal[1] = 1
    preprocess: PreprocessSlice
    """How images are made; its `pixels` belong to the first of `windows_um`."""
    boundary_condition: BoundaryCondition
    material: Material
    windows_um: tuple[Positive, ...] = Field(min_length=1)
    """Windows of the training ensembles."""
    grain_sizes_um: tuple[Positive, ...] = Field(min_length=1)
    effective_grains: tuple[Positive, Positive]
    """Smallest and largest 1/Σa² of the training SVEs, a being the area fractions of the grains."""
    texture: Positive
    """Largest |z|²/Σa² of the training SVEs, z being the window mean of exp(4iθ); its mean is 1 without texture."""
    scores_gpa: dict[Literal["young_modulus", "direction"], tuple[Score, ...]]
    """Sorted absolute errors of the validation SVEs: of Ē, and the largest over all directions."""

    def pixels(self, window_um: float) -> int:
        """Image side for a window."""
        return image_pixels(self.preprocess, window_um, self.windows_um[0])

    def pitch_um(self, window_um: float) -> float:
        """Side of an image pixel for a window."""
        return window_um / self.pixels(window_um)

    def half_width_gpa(self, coverage: float, score: str = "young_modulus") -> float:
        """Half width of a prediction interval, infinite where there are too few validation SVEs for it.

        Split conformal prediction: the ⌈(n + 1)·coverage⌉-th smallest of n validation errors covers a further SVE of
        the training ensembles with at least that probability, whatever the law of the errors (Vovk, Gammerman &
        Shafer, Algorithmic Learning in a Random World, 2005; Lei et al., J. Am. Stat. Assoc. 113 (2018) 1094).

        Parameters
        ----------
        coverage : float
            Between 0 and 1.
        score : {"young_modulus", "direction"}

        Raises
        ------
        InputError
            For another coverage, and for directions where the network predicts Ē alone.
        """
        if not 0 < coverage < 1:
            raise InputError(f"coverage = {coverage}: allowed is more than 0 and less than 1")
        if score not in self.scores_gpa:
            raise InputError("the model predicts Ē alone; directions need one that predicts C̄")
        return conformal_quantile(np.array(self.scores_gpa[score]), coverage)


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """The ⌈(n + 1)·coverage⌉-th smallest score, infinite where n is too small.

    Examples
    --------
    >>> conformal_quantile(np.arange(1.0, 10.0), 0.9), conformal_quantile(np.arange(8.0), 0.9)
    (9.0, inf)
    """
    # rounding must not ask for one score more where (n + 1)·coverage is whole
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def describe(inputs_path: Path, model) -> ModelCard:
    """Card of a network, from the inputs it was trained and validated on.

    Parameters
    ----------
    inputs_path : Path
        inputs.h5 of the experiment.
    model : keras.Model
    """
    parts = []
    with open_inputs(inputs_path) as file:
        settings = parse(PreprocessSlice, file.attrs["settings"], str(inputs_path))
        groups = [file[name] for name in settings.train_ensembles]
        windows = [float(group.attrs["window_um"]) for group in groups]
        sizes = [float(group.attrs["grain_size_um"]) for group in groups]
        trained = [_training_range(group) for group in groups]
        parts = [_errors(group, model) for group in groups]
        attributes = {
            "boundary_condition": file.attrs["boundary_condition"],
            "material": next(iter(json.loads(file.attrs["crystals"]).values())),
        }
    grains = np.concatenate([grains for grains, _ in trained])
    return ModelCard(
        preprocess=settings,
        windows_um=windows,
        grain_sizes_um=sizes,
        effective_grains=(grains.min(), grains.max()),
        texture=np.concatenate([texture for _, texture in trained]).max(),
        scores_gpa={
            name: np.sort(np.concatenate([part[name] for part in parts])).round(7).tolist()
            for name in parts[0]
        },
        **attributes,
    )


def _training_range(group: h5py.Group) -> tuple[np.ndarray, np.ndarray]:
    """Effective number of grains and texture of the training SVEs of one ensemble."""
    chosen = group["split"][:] == Split.TRAINING
    squared_areas = group["squared_areas"][:][chosen]
    means = group["window_means"][:][chosen]
    return 1 / squared_areas, (means**2).sum(1) / squared_areas


def _errors(group: h5py.Group, model) -> dict[str, np.ndarray]:
    """Absolute errors of the network on the validation SVEs of one ensemble, by score."""
    from polysve.networks import physical

    rows = np.flatnonzero(group["split"][:] == Split.VALIDATION)
    targets = physical.predict_targets(model, group["images"][rows]).astype(float)
    true = group["stiffness"][:][rows]
    predicted = physical.young_modulus(model, targets)
    errors = {"young_modulus": np.abs(predicted - young_modulus(true))}
    head = physical.stiffness_head(model)
    if head is not None:
        stiffness = stiffness_from_targets(targets, head.bulk_gpa)
        errors["direction"] = np.abs(directional(stiffness) - directional(true)).max(1)
    return errors


def stiffness_from_targets(targets_gpa: np.ndarray, bulk_gpa: float) -> np.ndarray:
    """C̄ (n, 3, 3) from C̄11, C̄66, C̄16 (n, 3) by the bulk identity C̄·(1,1,0) = 2K·(1,1,0), GPa.

    Examples
    --------
    >>> stiffness_from_targets(np.array([[150.0, 70.0, 3.0]]), 90.0)[0] @ [1, 1, 0]
    array([180., 180.,   0.])
    """
    c11, c66, c16 = np.asarray(targets_gpa, float).T
    c12 = 2 * bulk_gpa - c11
    rows = [[c11, c12, c16], [c12, c11, -c16], [c16, -c16, c66]]
    return np.moveaxis(np.array(rows), -1, 0)


def directional(stiffness_gpa: np.ndarray, phi_rad: np.ndarray = DIRECTIONS_RAD) -> np.ndarray:
    """Young's modulus (n, m) of stiffnesses (n, 3, 3) in m directions from x1, GPa."""
    return young_modulus(np.asarray(stiffness_gpa)[:, None], phi_rad)


def write_card(model_path: Path, card: ModelCard) -> None:
    """Add the card to a `.keras` archive that has none."""
    with zipfile.ZipFile(model_path, "a", zipfile.ZIP_DEFLATED) as archive:
        # a date of its own would make equal trainings differ
        archive.writestr(zipfile.ZipInfo(ENTRY), card.canonical_json(), zipfile.ZIP_DEFLATED)


def read_card(model_path: Path) -> ModelCard:
    """Card of a `.keras` archive.

    Raises
    ------
    InputError
        If the file is no such archive, or has no card or a wrong one.
    """
    try:
        with zipfile.ZipFile(model_path) as archive:
            if archive.getinfo(ENTRY).file_size > LARGEST_CARD_BYTES:
                raise InputError(f"{model_path}: {ENTRY} is too large for a card")
            text = archive.read(ENTRY).decode()
    except KeyError:
        raise InputError(
            f"{model_path}: has no {ENTRY}; a model that `polysve train` made is needed"
        ) from None
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise InputError(f"{model_path}: not a .keras model ({error})") from None
    return parse(ModelCard, text, f"{model_path}: {ENTRY}")
