"""From a mesh to a label: apparent stiffness, its correction by exact identities, and its error."""

from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.square import (
    SquareSymmetry,
    extreme_moduli,
    restore_geometric_mean,
    square_symmetry,
)
from polysve.crystals.stiffness import voigt_reuss
from polysve.fem.apparent import apparent_stiffnesses
from polysve.fem.convergence import Solution, Stiffnesses, affordable_order, converge
from polysve.grains.mesh import Mesh
from polysve.settings.labels import HomogenizeSettings

# boundary conditions, stiffest first
RANKED = ("kubc", "pbc", "subc")


class Label(NamedTuple):
    """What is stored of one SVE."""

    stiffness_gpa: Stiffnesses
    """(3, 3) by boundary condition; extrapolated, and corrected where the identity applies."""
    raw_stiffness_gpa: Stiffnesses
    """As the finite elements of the highest order give it."""
    quality: dict[str, float]
    """Estimated errors, relative residuals and sizes, see `quality`."""


def label_mesh(mesh: Mesh, grain_stiffness_gpa: Array, settings: HomogenizeSettings) -> Label:
    """Homogenize one SVE of any grains.

    Two polynomial orders are solved and extrapolated; where the estimated error is too large, higher ones follow.
    Where the grains are turns of one Q of square symmetry, the geometric mean of the extreme moduli is made exact.

    Parameters
    ----------
    mesh : Mesh
    grain_stiffness_gpa : array, shape (grains, 3, 3)
        Plane-stress stiffness of each grain in window axes.
    settings : HomogenizeSettings

    Raises
    ------
    ArithmeticError
        If a stiffness is not positive definite.

    Examples
    --------
    A film of one grain has the grain's stiffness, whatever its edge is held by:

    >>> square = Mesh(
    ...     np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]),
    ...     np.array([[0, 1, 2], [0, 2, 3]]),
    ...     np.zeros(2, int),
    ... )
    >>> grain = np.array([[[150.0, 60.0, 5.0], [60.0, 140.0, 3.0], [5.0, 3.0, 50.0]]])
    >>> found = label_mesh(square, grain, HomogenizeSettings())
    >>> bool(np.allclose(found.stiffness_gpa["subc"], grain)), found.quality["element_order"]
    (True, 3)
    """
    film = square_symmetry(grain_stiffness_gpa)
    exact = film.geometric_mean if film is not None and settings.correct else None
    wanted = settings.boundary_conditions
    # the correction needs PBC whether asked for or not
    solved = wanted if exact is None else tuple(dict.fromkeys([*wanted, "pbc"]))
    elements = grain_stiffness_gpa[mesh.grain]
    solution = converge(
        apparent_stiffnesses(mesh, elements, solved),
        settings.element_order,
        settings.tolerance,
        max(settings.element_order, affordable_order(mesh)),
    )
    found = {name: solution.extrapolated[name] for name in wanted}
    if exact is not None:
        smallest, largest = extreme_moduli(solution.extrapolated["pbc"])
        factor = exact / np.sqrt(smallest * largest)
        restored = restore_geometric_mean(np.stack([*found.values()]), factor, film.bulk_gpa)
        found = dict(zip(found, restored, strict=True))
    measured = quality(solution, film) | bounds(found, mesh, grain_stiffness_gpa)
    return Label(
        found,
        {name: solution.raw[name] for name in wanted},
        measured | {"n_nodes": len(mesh.nodes_um), "n_triangles": len(mesh.triangles)},
    )


def quality(solution: Solution, film: SquareSymmetry | None) -> dict[str, float]:
    """Estimated error, and residuals of what must hold exactly for the finite elements as they are.

    Returns
    -------
    dict
        ``error_BC``: estimated largest error of a component over C̄11.
        ``element_order``: highest polynomial order that was solved.
        ``order_residual``: smallest eigenvalue of C̄_KUBC - C̄_PBC and C̄_PBC - C̄_SUBC over C̄11, not negative.
        ``bulk_residual_BC`` (square symmetry): largest entry of C̄·(1,1,0) - 2K·(1,1,0) over 2K, zero up to rounding.
        ``geometric_mean_defect`` (turns of one Q, PBC): √(E_min E_max) over its exact value - 1, the discretization
        error.
    """
    raw = solution.raw
    found = {f"error_{name}": error for name, error in solution.error.items()}
    found["element_order"] = solution.order
    if len(raw) > 1:
        found["order_residual"] = _smallest_gap([raw[c] for c in RANKED if c in raw])
    if film is not None:
        ones = np.array([1.0, 1.0, 0.0])
        residuals = np.stack([*raw.values()]) @ (ones / (2 * film.bulk_gpa)) - ones
        for name, residual in zip(raw, np.abs(residuals).max(1).tolist(), strict=True):
            found[f"bulk_residual_{name}"] = residual
        exact = film.geometric_mean
        if exact is not None and "pbc" in raw:
            smallest, largest = extreme_moduli(raw["pbc"])
            found["geometric_mean_defect"] = float((smallest * largest) ** 0.5 / exact - 1)
    return found


def bounds(labels: Stiffnesses, mesh: Mesh, grain_stiffness_gpa: Array) -> dict[str, float]:
    """Whether labels keep their order, stiffest first: Voigt, KUBC, PBC, SUBC, Reuss.

    Returns
    -------
    dict
        ``bounds_residual``: smallest eigenvalue of a difference of two neighbours over C̄11. Extrapolation may leave it
        negative where two of them differ by less than their error.
    """
    area = np.bincount(mesh.grain, mesh.signed_areas_um2(), len(grain_stiffness_gpa))
    voigt, reuss = voigt_reuss(grain_stiffness_gpa, area)
    ranked = [voigt, *(labels[name] for name in RANKED if name in labels), reuss]
    return {"bounds_residual": _smallest_gap(ranked)}


def _smallest_gap(ranked: list[Array]) -> float:
    """Smallest eigenvalue of the differences of stiffnesses, stiffest first, over the first one's C̄11."""
    stiffness = np.array(ranked)
    gaps = np.linalg.eigvalsh(stiffness[:-1] - stiffness[1:])
    return float(gaps.min() / stiffness[0, 0, 0])
