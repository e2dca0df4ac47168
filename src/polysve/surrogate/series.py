"""The Born series of the apparent stiffness on grids of pixels: without training, without a fit.

Its terms are not summed with weight one, which converges for weak contrast only, but with the weights that minimize the
energy: the method of conjugate gradients, whose n-th iterate is the best combination of the first n terms (Milton, The
Theory of Composites, chapter 14; Zeman, Vondřejc, Novák & Marek, J. Comput. Phys. 229 (2010) 8065). The energy is right
to twice as many. Each grid starts from the displacements of the next coarser one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.stiffness import UNPACKED
from polysve.surrogate import grid
from polysve.surrogate.medium import HELD, modes, precondition

MOST_STEPS = 200
# what may be left on a grid that only starts the next one, over the stiffness
COARSE_TOLERANCE = 1e-3
# by what factor a step shrinks the error at least, from the coupling that the preconditioner leaves out
SLOWEST = {"pbc": 0.0, "kubc": 0.1, "subc": 0.4}
# number of the boundary condition in the kernels
NUMBER = {"pbc": 0, "kubc": 1, "subc": 2}
UNIT = np.eye(3, dtype=np.float32)
NONE = np.zeros((3, 3), np.float32)


class Relaxed(NamedTuple):
    """Result on one grid."""

    stiffness_gpa: Array
    """Shape (3, 3)."""
    voigt_gpa: Array
    """Mean stiffness of the pixels, shape (3, 3)."""
    remainder: float
    """What the steps not taken would still change, over the stiffness: estimated from the last ones."""
    steps: int


def relax_grids(
    grids: Sequence[np.ndarray], tall: float, boundary_condition: str, tolerance: float
) -> list[Relaxed]:
    """Apparent stiffness on each of several grids.

    Parameters
    ----------
    grids : sequence of float32 arrays, shape (6, rows, columns)
        Stiffness of the pixels in GPa, order 11, 22, 66, 12, 16, 26; each with half the pixel size of the one before.
    tall : float
        Height of a pixel over its width.
    boundary_condition : {"kubc", "subc", "pbc"}
    tolerance : float
        What the steps not taken may change on the last two, over the stiffness.

    Examples
    --------
    A film of one grain has that grain's stiffness:

    >>> grain = np.full(
    ...     (6, 8, 8), np.array([165.64, 165.64, 79.51, 63.94, 0, 0])[:, None, None], np.float32
    ... )
    >>> relax_grids([grain], 1.0, "subc", 1e-6)[0].stiffness_gpa.round(2).tolist()
    [[165.64, 63.94, 0.0], [63.94, 165.64, 0.0], [0.0, 0.0, 79.51]]
    """
    found, u, rate = [], None, SLOWEST[boundary_condition]
    for left, stiffness in zip(range(len(grids))[::-1], grids, strict=True):
        rows, columns = stiffness.shape[1:]
        u = np.zeros((3, 2, rows + 1, columns + 1), np.float32) if u is None else grid.refine(u)
        goal = tolerance if left < 2 else COARSE_TOLERANCE
        relaxed, rate = _relax(stiffness, tall, boundary_condition, u, goal, rate)
        found.append(relaxed)
    return found


def _relax(
    stiffness: np.ndarray,
    tall: float,
    boundary_condition: str,
    u: np.ndarray,
    tolerance: float,
    rate: float,
) -> tuple[Relaxed, float]:
    """Take steps from the fluctuations `u`, in place, until what is left is below the tolerance.

    Returns what was found and by what factor a step shrinks the error; `rate` is that of the grid before.
    """
    rows, columns = stiffness.shape[1:]
    area, held, number = rows * columns, HELD[boundary_condition], NUMBER[boundary_condition]
    waves = modes(rows, columns, tall, boundary_condition)
    medium = stiffness.reshape(6, -1).mean(1, dtype=np.float32)
    voigt = medium[UNPACKED].astype(float)
    # under stress, the load cases are the tractions of the unit strains in the mean medium
    traction = medium[UNPACKED] if boundary_condition == "subc" else NONE
    force, change = np.empty_like(u), np.empty_like(u)
    mean = grid.balance(u, stiffness, tall, UNIT, traction, number, force)
    rest = u.reshape(3, -1) @ force.reshape(3, -1).T
    direction, norm, gain, keep = np.zeros_like(u), None, None, np.zeros(3)
    remainder, steps = 0.0, 0
    while steps < MOST_STEPS:
        solved = precondition(force, waves, medium, boundary_condition)
        before, norm = norm, grid.products(force, solved, held)
        if not norm.max() > 1e-12 * area * medium[0]:
            remainder = 0.0
            break
        if steps:
            keep = norm / before
        last = mean, rest
        length, mean_change, rest = grid.step(
            u, direction, force, change, solved, keep, norm, stiffness, tall, number
        )
        mean = mean + mean_change
        steps += 1
        gain_before, gain = gain, (length * norm / medium[:3]).max() / area
        # the first step of all shrinks the error by about the share that the step has of the energy; on finer grids
        # the error is in shorter waves and shrinks more slowly
        rate = min(gain / gain_before if gain_before else max(1.5 * rate, gain), 0.9)
        remainder = gain * rate / (1 - rate)
        if remainder < tolerance:
            break
    found = _stiffness(mean, rest / area, voigt, boundary_condition)
    if 0 < remainder < tolerance:
        # what is left of a geometric series
        before = _stiffness(last[0], last[1] / area, voigt, boundary_condition)
        found = found + (found - before) * rate / (1 - rate)
    return Relaxed(found, voigt, float(remainder), steps), rate


def _stiffness(mean: Array, rest: Array, voigt: Array, boundary_condition: str) -> Array:
    """Apparent stiffness, right to second order in the error of the displacements, also between load cases.

    Parameters
    ----------
    mean : array, shape (3, 7)
        Mean stress and strain of each load case, as `grid.balance` gives them.
    rest : array, shape (3, 3)
        Work of the forces that are not balanced, columns, on the fluctuations, rows, per pixel.
    """
    stress, strain = mean[:, :3].T, mean[:, 3:6].T
    if boundary_condition == "subc":
        compliance = voigt @ strain + voigt - stress + rest
        stiffness = voigt @ np.linalg.solve((compliance + compliance.T) / 2, voigt)
    else:
        stiffness = stress - rest
    return (stiffness + stiffness.T) / 2
