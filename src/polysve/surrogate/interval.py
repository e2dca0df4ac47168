"""How sure the series is: an interval from what its grids say, with calibrated factors, and films it does not know."""

import json
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.surrogate.series import Relaxed

# more than this, and the steps of the series and its two grids promise nothing
MOST_CONTRAST = 100.0
# beyond what was checked the interval takes the difference of two grids as it is, this many times
CAUTION = 3.0
# components of a quartic tensor that the directions of a grid of squares can leave as an error of first order
GRID_HARMONIC = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, -1.0]])


class Factors(NamedTuple):
    """Calibrated factors of one boundary condition."""

    noise: float
    """Of the error that shared pixels leave by chance: it falls with the root of the number of grains."""
    edge: float
    """By how much more of it there is at the window's edge, times the root of the number of grains."""
    bulk: float
    """By how much more where grains differ in bulk modulus."""
    power: float
    """By which power of what the fields relax, over a hundredth of the stiffness, there is more than in proportion."""
    grid: float
    """Of the first-order error in the directions of the grid."""
    young: float
    """Of the half-width of Ē that independent components would give."""


class Clues(NamedTuple):
    """What two grids say of the error of an extrapolated stiffness, for one film or for many."""

    chance_gpa: Array
    """What shared pixels leave, but for a factor, shape (..., 3, 3)."""
    grains: Array
    """Number of grains, shape (...)."""
    bulk_share: Array
    """Share of what the fields relax that is bulk modulus, shape (...)."""
    relaxed: Array
    """What the fields relax, over a hundredth of the stiffness, shape (...)."""
    harmonic_gpa: Array
    """Difference of the grids in the harmonic of squares, shape (..., 3, 3)."""
    steps_gpa: Array
    """What the steps not taken would change, shape (...)."""


@cache
def calibration() -> dict:
    """The shipped calibration with its record."""
    return json.loads(files("polysve.surrogate").joinpath("calibration.json").read_text())


def factors(boundary_condition: str) -> Factors:
    """Calibrated factors of a boundary condition."""
    return Factors(**calibration()["factors"][boundary_condition])


def contrast(log_q: Array) -> float:
    """How much stiffer the stiffest grain is than the softest, in the direction and strain in which they differ most.

    Parameters
    ----------
    log_q : array, shape (grains, 6)

    Raises
    ------
    InputError
        If it is not finite, or above 100: a film with holes, or with one phase that hardly carries.

    Examples
    --------
    >>> soft = np.array([4.0, 4.0, 4.0, 0.0, 0.0, 0.0])
    >>> round(contrast(np.array([soft, soft + [1, 1, 1, 0, 0, 0]])), 4)
    2.7183
    """
    found = np.inf
    if np.isfinite(log_q).all():
        difference = log_q - np.mean(log_q, 0)
        stretch = np.linalg.eigvalsh(difference[:, [[0, 3, 4], [3, 1, 5], [4, 5, 2]]])
        found = float(np.exp(stretch[:, 2].max() - stretch[:, 0].min()))
    if not found <= MOST_CONTRAST:
        raise InputError(
            f"grains differ in stiffness by a factor of {found:.3g}; allowed without training is {MOST_CONTRAST:g}: "
            "take finite elements"
        )
    return found


def clues(fine: Relaxed, coarse: Relaxed, grains: ArrayLike, pixels: ArrayLike) -> Clues:
    """What the last two grids say.

    Parameters
    ----------
    fine, coarse : Relaxed
        Results on them; of many films, with stiffnesses of shape (..., 3, 3).
    grains : array_like, shape (...)
        Number of grains.
    pixels : array_like, shape (...)
        Number of pixels of the finer grid.
    """
    relaxation = fine.voigt_gpa - fine.stiffness_gpa
    diagonal = np.maximum(np.diagonal(relaxation, axis1=-2, axis2=-1), 0)
    mean = np.maximum(diagonal.mean(-1), 1e-9)
    size = np.asarray(fine.voigt_gpa)[..., 0, 0]
    weight = np.sqrt(grains) / np.asarray(pixels)
    chance = np.sqrt(diagonal[..., :, None] * diagonal[..., None, :])
    difference = fine.stiffness_gpa - coarse.stiffness_gpa
    harmonic = (_bulk_and_shear(difference)[1] - difference[..., 2, 2]) / 2
    return Clues(
        chance * weight[..., None, None],
        np.asarray(grains, float),
        np.clip(_bulk_and_shear(relaxation)[0] / mean, 0, 1),
        100 * mean / size,
        harmonic[..., None, None] * GRID_HARMONIC,
        fine.remainder * size,
    )


def error_scale(found: Clues, known: Factors) -> Array:
    """Half of the 90 % interval of each component of an extrapolated stiffness, shape (..., 3, 3), GPa.

    Three independent parts: what shared pixels leave by chance, in proportion to what the fields relax and to the area
    of a pixel over that of a grain; what the grid's directions leave; and what the steps not taken would change.
    """
    factor = known.noise * (1 + known.edge / np.sqrt(found.grains))
    factor = factor * (1 + known.bulk * found.bulk_share**4) * found.relaxed**known.power
    parts = (
        found.chance_gpa * factor[..., None, None],
        known.grid * found.harmonic_gpa,
        np.asarray(found.steps_gpa)[..., None, None],
    )
    return np.sqrt(sum(part**2 for part in parts))


def _bulk_and_shear(stiffness: Array) -> tuple[Array, Array]:
    """Plane bulk modulus, and shear modulus for a strain ε11 = -ε22, of stiffnesses of shape (..., 3, 3)."""
    mean = (stiffness[..., 0, 0] + stiffness[..., 1, 1]) / 4
    off = stiffness[..., 0, 1] / 2
    return mean + off, mean - off


def young_modulus_scale(stiffness_gpa: Array, half_width_gpa: Array) -> Array:
    """Half-width of Ē = 1/(C̄⁻¹)11 if the components, shape (..., 3, 3), err independently of each other, GPa."""
    compliance = np.linalg.inv(stiffness_gpa)
    # dĒ/dC̄ij = Ē² S1i S1j, twice for i ≠ j
    first = compliance[..., 0, :] / compliance[..., :1, 0]
    squares = (first[..., :, None] * first[..., None, :] * half_width_gpa) ** 2
    return np.sqrt(2 * squares.sum((-2, -1)) - np.trace(squares, axis1=-2, axis2=-1))
