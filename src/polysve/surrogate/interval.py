"""How sure the series is: an interval from what its grids say, with calibrated factors, and films it does not know."""

import json
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

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
    grid: float
    """Of the first-order error in the directions of the grid."""
    young: float
    """Of the half-width of Ē that independent components would give."""


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


def error_scale(fine: Relaxed, coarse: Relaxed, grains: int, pixels: int, known: Factors) -> Array:
    """Half of the 90 % interval of each component of an extrapolated stiffness, GPa.

    Three independent parts: what shared pixels leave by chance, in proportion to what the fields relax and to the area
    of a pixel over that of a grain; what the grid's directions leave; and what the steps not taken would change.

    Parameters
    ----------
    fine, coarse : Relaxed
        Results on the last two grids.
    grains : int
        Number of grains.
    pixels : int
        Number of pixels of the finer grid.
    known : Factors
    """
    relaxation = np.maximum(fine.voigt_gpa - fine.stiffness_gpa, 0).diagonal()
    bulk, _ = _bulk_and_shear(fine.voigt_gpa - fine.stiffness_gpa)
    share = np.clip(bulk / max(relaxation.mean(), 1e-9), 0, 1)
    chance = np.sqrt(np.outer(relaxation, relaxation)) * np.sqrt(grains) / pixels
    chance *= known.noise * (1 + known.edge / np.sqrt(grains)) * (1 + known.bulk * share**4)
    difference = fine.stiffness_gpa - coarse.stiffness_gpa
    harmonic = (_bulk_and_shear(difference)[1] - difference[2, 2]) / 2 * GRID_HARMONIC
    steps = fine.remainder * fine.voigt_gpa[0, 0]
    return np.sqrt(chance**2 + (known.grid * harmonic) ** 2 + steps**2)


def _bulk_and_shear(stiffness: Array) -> tuple[float, float]:
    """Plane bulk modulus, and shear modulus for a strain ε11 = -ε22."""
    mean, off = (stiffness[0, 0] + stiffness[1, 1]) / 4, stiffness[0, 1] / 2
    return mean + off, mean - off


def young_modulus_scale(stiffness_gpa: Array, half_width_gpa: Array) -> float:
    """Half-width of Ē = 1/(C̄⁻¹)11 if the components err independently of each other, GPa."""
    compliance = np.linalg.inv(stiffness_gpa)
    # dĒ/dC̄ij = Ē² S1i S1j, twice for i ≠ j
    first = compliance[0] / compliance[0, 0]
    squares = (np.outer(first, first) * half_width_gpa) ** 2
    return float(np.sqrt(2 * squares.sum() - squares.trace()))
