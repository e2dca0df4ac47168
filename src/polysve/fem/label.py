"""From a mesh to a label: apparent stiffness, its correction by an exact identity, and its error."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.square import (
    SquareSymmetry,
    extreme_moduli,
    restore_geometric_mean,
    square_symmetry,
)
from polysve.crystals.stiffness import young_modulus
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
    """Relative residuals and sizes: `order_residual`, `identity_residuals`; ``indicator_BC``, the change of Ē when
    the elements are of one order less; ``n_nodes``, ``n_triangles``."""


def label_mesh(mesh: Mesh, grain_stiffness_gpa: Array, settings: HomogenizeSettings) -> Label:
    """Homogenize one SVE.

    Where the grains have square symmetry its identities check the result; where they are turns of one crystal they
    correct it, too.

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
    """
    symmetry = square_symmetry(grain_stiffness_gpa)
    elements = grain_stiffness_gpa[mesh.grain]
    order = settings.element_order
    raw, label = _solve(mesh, elements, symmetry, settings, order)
    indicator = {}
    if settings.indicator and order > 1:
        _, cheaper = _solve(mesh, elements, symmetry, settings, order - 1)
        indicator = {
            f"indicator_{name}": float(
                young_modulus(cheaper[name]) / young_modulus(label[name]) - 1
            )
            for name in label
        }
    found = order_residual(raw) | {
        "n_nodes": len(mesh.nodes_um),
        "n_triangles": len(mesh.triangles),
    }
    if symmetry:
        found |= identity_residuals(raw, symmetry)
    return Label(label, {name: raw[name] for name in label}, found | indicator)


def _solve(
    mesh: Mesh,
    elements: Array,
    symmetry: SquareSymmetry | None,
    settings: HomogenizeSettings,
    order: int,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Stiffness by boundary condition, raw and as a label; the correction needs PBC whether asked for or not."""
    wanted = settings.boundary_conditions
    if not (settings.correct and symmetry and symmetry.geometric_mean):
        raw = apparent_stiffness(mesh, elements, wanted, order)
        return raw, raw
    raw = apparent_stiffness(mesh, elements, tuple(dict.fromkeys([*wanted, "pbc"])), order)
    smallest, largest = extreme_moduli(raw["pbc"])
    factor = symmetry.geometric_mean / np.sqrt(smallest * largest)
    corrected = {
        name: restore_geometric_mean(raw[name], factor, symmetry.bulk_gpa) for name in wanted
    }
    return raw, corrected


def identity_residuals(raw: dict[str, Array], symmetry: SquareSymmetry) -> dict[str, float]:
    """What is missing of the identities of square symmetry.

    Returns
    -------
    dict
        ``bulk_residual_BC``: largest entry of C̄·(1,1,0) - 2K·(1,1,0) over 2K, zero up to rounding on any mesh.
        ``geometric_mean_defect`` (PBC, one crystal): √(E_min E_max)/√(E<100> E<110>) - 1, the discretization error.
    """
    ones = np.array([1.0, 1.0, 0.0])
    found = {
        f"bulk_residual_{name}": float(np.abs(c @ ones / (2 * symmetry.bulk_gpa) - ones).max())
        for name, c in raw.items()
    }
    if "pbc" in raw and symmetry.geometric_mean:
        smallest, largest = extreme_moduli(raw["pbc"])
        found["geometric_mean_defect"] = float(
            np.sqrt(smallest * largest) / symmetry.geometric_mean - 1
        )
    return found


def order_residual(raw: dict[str, Array]) -> dict[str, float]:
    """Smallest eigenvalue of C̄_KUBC - C̄_PBC and C̄_PBC - C̄_SUBC over C̄11, not negative."""
    ranked = [raw[name] for name in ("kubc", "pbc", "subc") if name in raw]
    gaps = [np.linalg.eigvalsh(stiff - soft).min() for stiff, soft in pairwise(ranked)]
    return {"order_residual": float(min(gaps) / ranked[0][0, 0])} if gaps else {}
