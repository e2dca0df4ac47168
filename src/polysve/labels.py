"""From a mesh to a label: apparent stiffness, its correction by an exact identity, and its error."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.crystal import (
    PlaneStress,
    extreme_moduli,
    plane_stress,
    restore_geometric_mean,
    young_modulus,
)
from polysve.homogenization import apparent_stiffness
from polysve.meshing import Mesh
from polysve.settings import HomogenizeSettings

Array = NDArray[np.float64]


class Label(NamedTuple):
    """What is stored of one SVE."""

    stiffness_gpa: dict[str, Array]
    """(3, 3) by boundary condition; corrected where the identity applies."""
    raw_stiffness_gpa: dict[str, Array]
    """As the finite elements give it."""
    quality: dict[str, float]
    """Relative residuals and sizes, see `quality`."""


def label_mesh(mesh: Mesh, theta_rad: Array, settings: HomogenizeSettings) -> Label:
    """Homogenize one SVE of crystals with a <100> axis along the film normal.

    Parameters
    ----------
    mesh : Mesh
    theta_rad : array, shape (grains,)
    settings : HomogenizeSettings

    Raises
    ------
    ArithmeticError
        If a stiffness is not positive definite.
    """
    crystal = plane_stress(**settings.material.model_dump())
    wanted = settings.boundary_conditions
    needed = tuple(dict.fromkeys([*wanted, "pbc"])) if settings.correct else wanted
    elements = crystal.stiffness(theta_rad)[mesh.grain]
    raw = apparent_stiffness(mesh, elements, needed, settings.element_order)
    factor = 1.0
    if settings.correct:
        smallest, largest = extreme_moduli(raw["pbc"])
        factor = crystal.geometric_mean / np.sqrt(smallest * largest)
    corrected = {
        name: restore_geometric_mean(raw[name], factor, crystal.bulk)
        if settings.correct
        else raw[name]
        for name in wanted
    }
    raw = {name: raw[name] for name in wanted}
    indicator = {}
    if settings.indicator and settings.element_order > 1:
        cheaper = apparent_stiffness(mesh, elements, wanted, settings.element_order - 1)
        indicator = {
            f"indicator_{name}": float(young_modulus(cheaper[name]) / young_modulus(raw[name]) - 1)
            for name in wanted
        }
    return Label(corrected, raw, quality(raw, crystal, mesh) | indicator)


def quality(raw: dict[str, Array], crystal: PlaneStress, mesh: Mesh) -> dict[str, float]:
    """Residuals of what must hold exactly, and the size of the problem.

    Returns
    -------
    dict
        ``bulk_residual_BC``: largest entry of C̄·(1,1,0) - 2K·(1,1,0) over 2K, zero up to rounding on any mesh.
        ``geometric_mean_defect`` (PBC): √(E_min E_max)/√(E<100> E<110>) - 1, the label's discretization error.
        ``order_residual``: smallest eigenvalue of C̄_KUBC - C̄_PBC and C̄_PBC - C̄_SUBC over 2K, not negative.
        ``n_nodes``, ``n_triangles``: size of the mesh.
    """
    ones = np.array([1.0, 1.0, 0.0])
    found = {
        f"bulk_residual_{name}": float(np.abs(c @ ones / (2 * crystal.bulk) - ones).max())
        for name, c in raw.items()
    }
    if "pbc" in raw:
        smallest, largest = extreme_moduli(raw["pbc"])
        found["geometric_mean_defect"] = float(
            np.sqrt(smallest * largest) / crystal.geometric_mean - 1
        )
    ranked = [raw[name] for name in ("kubc", "pbc", "subc") if name in raw]
    if len(ranked) > 1:
        gaps = [np.linalg.eigvalsh(stiff - soft).min() for stiff, soft in pairwise(ranked)]
        found["order_residual"] = float(min(gaps) / (2 * crystal.bulk))
    return found | {"n_nodes": len(mesh.nodes_um), "n_triangles": len(mesh.triangles)}
