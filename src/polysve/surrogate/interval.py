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
    """Calibrated numbers of one boundary condition."""

    step: float
    """Error of the finest grid over its difference from the one before: 1/3 if errors quarter with the pixel."""
    grid_step: float
    """How much more that is in the directions of the grid, where errors fall more slowly."""
    noise: float
    """Of the error that shared pixels leave by chance."""
    grains: float
    """By which power of the number of grains there is more of it than the root of that number tells."""
    bulk: float
    """Logarithm of how much more there is where grains differ in bulk modulus alone."""
    grid: float
    """By which power of what the grids differ in its directions there is more."""
    young: float
    """Half-width of Ē over the one that independent components would give."""
    young_bulk: float
    """Logarithm of how much more that is where grains differ in bulk modulus alone."""


class Clues(NamedTuple):
    """What two grids say of the error of an extrapolated stiffness, for one film or for many."""

    chance_gpa: Array
    """What shared pixels leave, but for a factor, shape (..., 3, 3)."""
    grains: Array
    """Number of grains, shape (...)."""
    bulk_share: Array
    """Share of what the fields relax that is bulk modulus, shape (...)."""
    grid_gpa: Array
    """Difference of the grids in their directions, shape (...)."""
    steps_gpa: Array
    """What the steps not taken would change beyond the tolerance of the calibration, shape (...)."""


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


def extrapolate(fine: Relaxed, coarse: Relaxed, known: Factors) -> Array:
    """Stiffness on ever finer grids, shape (..., 3, 3), GPa, from that on the last two."""
    difference = fine.stiffness_gpa - coarse.stiffness_gpa
    along = _along_grid(difference)[..., None, None] * GRID_HARMONIC
    return fine.stiffness_gpa + known.step * difference + known.grid_step * along


def clues(
    fine: Relaxed, coarse: Relaxed, grains: ArrayLike, pixels: ArrayLike, tolerance: float
) -> Clues:
    """What the last two grids say.

    Parameters
    ----------
    fine, coarse : Relaxed
        Results on them; of many films, with stiffnesses of shape (..., 3, 3).
    grains : array_like, shape (...)
        Number of grains.
    pixels : array_like, shape (...)
        Number of pixels of the finer grid.
    tolerance : float
        Of the calibration, for what the steps not taken may change over C̄11.
    """
    relaxation = fine.voigt_gpa - fine.stiffness_gpa
    diagonal = np.maximum(np.diagonal(relaxation, axis1=-2, axis2=-1), 0)
    mean = np.maximum(diagonal.mean(-1), 1e-9)
    weight = np.sqrt(grains) / np.asarray(pixels)
    chance = np.sqrt(diagonal[..., :, None] * diagonal[..., None, :])
    return Clues(
        chance * weight[..., None, None],
        np.asarray(grains, float),
        np.clip(_bulk_and_shear(relaxation)[0] / mean, 0, 1),
        _along_grid(fine.stiffness_gpa - coarse.stiffness_gpa),
        np.maximum(fine.remainder - tolerance, 0) * fine.voigt_gpa[..., 0, 0],
    )


def terms(found: Clues) -> Array:
    """What the logarithm of an error over `chance_gpa` depends on, shape (..., 3, 3, 3), as calibrated.

    The last axis goes with `grains`, `bulk` and `grid` of `Factors`.
    """
    chance = np.maximum(found.chance_gpa, 1e-12)
    along = np.log1p((found.grid_gpa[..., None, None] / chance) ** 2)
    film = np.stack([np.log(found.grains), bulk_term(found)], -1)[..., None, None, :]
    return np.concatenate([np.broadcast_to(film, (*along.shape, 2)), along[..., None]], -1)


def bulk_term(found: Clues) -> Array:
    """What the logarithm of an error depends on where grains differ in bulk modulus, as calibrated, shape (...)."""
    return found.bulk_share**4


def error_scale(found: Clues, known: Factors) -> Array:
    """Half of the 90 % interval of each component of an extrapolated stiffness, shape (..., 3, 3), GPa.

    What shared pixels leave by chance is in proportion to what the fields relax, and to the area of a pixel over that
    of a grain; what the steps not taken would change is independent of it.
    """
    weights = np.array([known.grains, known.bulk, known.grid])
    pixels = found.chance_gpa * known.noise * np.exp(terms(found) @ weights)
    return np.hypot(pixels, np.asarray(found.steps_gpa)[..., None, None])


def young_half_width(
    stiffness_gpa: Array, half_width_gpa: Array, found: Clues, known: Factors
) -> Array:
    """Half of the 90 % interval of Ē, shape (...), GPa, from that of the components."""
    factor = known.young * np.exp(known.young_bulk * bulk_term(found))
    return factor * young_modulus_scale(stiffness_gpa, half_width_gpa)


def _along_grid(difference: Array) -> Array:
    """Part of a difference of stiffnesses, shape (..., 3, 3), that is `GRID_HARMONIC`."""
    return (_bulk_and_shear(difference)[1] - difference[..., 2, 2]) / 2


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
