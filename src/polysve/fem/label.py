"""From a mesh to a label: apparent stiffness, its correction by an exact identity, and its error."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.square import (
    PlaneStress,
    extreme_moduli,
    plane_stress,
    restore_geometric_mean,
    young_modulus,
)
from polysve.fem.apparent import apparent_stiffness
from polysve.grains.mesh import Mesh
from polysve.settings.labels import HomogenizeSettings


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
    elements = crystal.stiffness(theta_rad)[mesh.grain]
    order = settings.element_order
    raw, label = _solve(mesh, elements, crystal, settings, order)
    indicator = {}
    if settings.indicator and order > 1:
        _, cheaper = _solve(mesh, elements, crystal, settings, order - 1)
        indicator = {
            f"indicator_{name}": float(
                young_modulus(cheaper[name]) / young_modulus(label[name]) - 1
            )
            for name in label
        }
    return Label(
        label, {name: raw[name] for name in label}, quality(raw, crystal, mesh) | indicator
    )


def label_general(mesh: Mesh, grain_stiffness_gpa: Array, settings: HomogenizeSettings) -> Label:
    """Homogenize one SVE of any crystals: what the finite elements give, since no identity holds.

    Parameters
    ----------
    grain_stiffness_gpa : array, shape (grains, 3, 3)
        Plane-stress stiffness of each grain.
    """
    elements = grain_stiffness_gpa[mesh.grain]
    order = settings.element_order
    raw = apparent_stiffness(mesh, elements, settings.boundary_conditions, order)
    found = order_residual(raw) | {
        "n_nodes": len(mesh.nodes_um),
        "n_triangles": len(mesh.triangles),
    }
    if settings.indicator and order > 1:
        cheaper = apparent_stiffness(mesh, elements, settings.boundary_conditions, order - 1)
        for name in raw:
            found[f"indicator_{name}"] = float(
                young_modulus(cheaper[name]) / young_modulus(raw[name]) - 1
            )
    return Label(raw, raw, found)


def _solve(
    mesh: Mesh, elements: Array, crystal: PlaneStress, settings: HomogenizeSettings, order: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Stiffness by boundary condition, raw and as a label; the correction needs PBC whether asked for or not."""
    wanted = settings.boundary_conditions
    if not settings.correct:
        raw = apparent_stiffness(mesh, elements, wanted, order)
        return raw, raw
    raw = apparent_stiffness(mesh, elements, tuple(dict.fromkeys([*wanted, "pbc"])), order)
    smallest, largest = extreme_moduli(raw["pbc"])
    factor = crystal.geometric_mean / np.sqrt(smallest * largest)
    return raw, {name: restore_geometric_mean(raw[name], factor, crystal.bulk) for name in wanted}


def quality(raw: dict[str, Array], crystal: PlaneStress, mesh: Mesh) -> dict[str, float]:
    """Residuals of what must hold exactly, and the size of the problem.

    Returns
    -------
    dict
        ``bulk_residual_BC``: largest entry of C̄·(1,1,0) - 2K·(1,1,0) over 2K, zero up to rounding on any mesh.
        ``geometric_mean_defect`` (PBC): √(E_min E_max)/√(E<100> E<110>) - 1, the label's discretization error.
        ``indicator_BC``: change of the label's Ē when the elements are of one order less.
        ``order_residual``: smallest eigenvalue of C̄_KUBC - C̄_PBC and C̄_PBC - C̄_SUBC over C̄11, not negative.
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
    size = {"n_nodes": len(mesh.nodes_um), "n_triangles": len(mesh.triangles)}
    return found | order_residual(raw) | size


def order_residual(raw: dict[str, Array]) -> dict[str, float]:
    """Smallest eigenvalue of C̄_KUBC - C̄_PBC and C̄_PBC - C̄_SUBC over C̄11, as an entry of `quality`."""
    ranked = [raw[name] for name in ("kubc", "pbc", "subc") if name in raw]
    gaps = [np.linalg.eigvalsh(stiff - soft).min() for stiff, soft in pairwise(ranked)]
    return {"order_residual": float(min(gaps) / ranked[0][0, 0])} if gaps else {}
