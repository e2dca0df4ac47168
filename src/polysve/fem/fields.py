"""Displacement, strain and stress fields of one SVE, for pictures and for ParaView."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from polysve.base.files import atomic_path
from polysve.base.types import Array
from polysve.crystals.square import plane_stress
from polysve.fem.boundary import SOLVERS
from polysve.fem.elements import Space, element_normals, lagrange_space
from polysve.fem.system import assemble
from polysve.grains.mesh import Mesh

LOADS = ("11", "22", "12")
ELEMENT_ORDER = 2


class Fields(NamedTuple):
    """Solution of one SVE under a mean strain."""

    mesh: Mesh
    theta_rad: Array
    """Angle of each grain, shape (grains,)."""
    displacement_um: Array
    """At the corners of the triangles, shape (n, 2)."""
    fluctuation_um: Array
    """What is left of the displacement without the mean strain, shape (n, 2)."""
    strain: Array
    """Mean over each triangle, shape (t, 3), Voigt 11, 22, 12 with engineering shear."""
    stress_gpa: Array
    """Mean over each triangle, shape (t, 3), Voigt 11, 22, 12."""


def solve(
    mesh: Mesh,
    theta_rad: Array,
    material: dict,
    boundary_condition: str = "pbc",
    load: str = "11",
    mean_strain: float = 1e-3,
) -> Fields:
    """Solve one SVE with quadratic triangles.

    Parameters
    ----------
    mesh : Mesh
    theta_rad : array, shape (grains,)
    material : dict
        ``c11_gpa``, ``c12_gpa``, ``c44_gpa``.
    boundary_condition : {"kubc", "subc", "pbc"}
    load : {"11", "22", "12"}
        The component of the mean strain that is not zero.
    mean_strain : float
        Its size (engineering shear for 12).

    Examples
    --------
    The mean stress is the apparent stiffness times the mean strain:

    >>> square = Mesh(
    ...     np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]),
    ...     np.array([[0, 1, 2], [0, 2, 3]]),
    ...     np.zeros(2, int),
    ... )
    >>> silicon = {"c11_gpa": 165.64, "c12_gpa": 63.94, "c44_gpa": 79.51}
    >>> solve(square, np.zeros(1), silicon).stress_gpa.mean(0).round(5) + 0.0
    array([0.14096, 0.03926, 0.     ])
    """
    space = lagrange_space(mesh, ELEMENT_ORDER)
    grain = plane_stress(**material).stiffness(theta_rad)
    system = assemble(space, grain[mesh.grain])
    case = LOADS.index(load)
    displacement = mean_strain * SOLVERS[boundary_condition](system)[1][:, case]
    nodes = displacement.reshape(-1, 2)
    fluctuation = nodes - mean_strain * system.strain[:, case].reshape(-1, 2)
    strain = mean_strains(space, nodes)
    stress = np.einsum("tij,tj->ti", grain[mesh.grain], strain)
    corners = len(mesh.nodes_um)
    return Fields(mesh, theta_rad, nodes[:corners], fluctuation[:corners], strain, stress)


def mean_strains(space: Space, displacement_um: Array) -> Array:
    """Mean strain of each triangle, shape (t, 3), from displacements of all nodes, shape (n, 2)."""
    corners = space.points_um[space.elements[:, :3]]
    area = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 2
    normals = element_normals(corners, space.order)
    gradient = np.einsum("tka,tkb->tab", displacement_um[space.elements], normals)
    gradient /= area[:, None, None]
    shear = gradient[:, 0, 1] + gradient[:, 1, 0]
    return np.stack([gradient[:, 0, 0], gradient[:, 1, 1], shear], 1)


def write_vtu(path: Path, fields: Fields) -> None:
    """Write mesh and fields for ParaView; lengths in µm, stresses in GPa, θ in degrees."""
    import meshio

    def flat(vectors: Array) -> Array:
        return np.column_stack([vectors, np.zeros(len(vectors))])

    grain = fields.mesh.grain
    mesh = meshio.Mesh(
        flat(fields.mesh.nodes_um),
        [("triangle", fields.mesh.triangles)],
        point_data={
            "displacement_um": flat(fields.displacement_um),
            "fluctuation_um": flat(fields.fluctuation_um),
        },
        cell_data={
            "grain": [grain],
            "theta_deg": [np.degrees(fields.theta_rad)[grain]],
            "strain_11_22_12": [fields.strain],
            "stress_11_22_12_gpa": [fields.stress_gpa],
        },
    )
    with atomic_path(path) as temporary:
        mesh.write(temporary, file_format="vtu")
