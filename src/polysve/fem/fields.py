"""Displacement, strain and stress fields of one SVE, for pictures and for ParaView."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from polysve.base.files import atomic_path
from polysve.base.types import Array
from polysve.crystals.orientation import to_euler
from polysve.fem.boundary import SOLVERS
from polysve.fem.elements import Space, element_normals, lagrange_space
from polysve.fem.system import assemble
from polysve.grains.film import Film
from polysve.grains.mesh import Mesh

LOADS = ("11", "22", "12")
ELEMENT_ORDER = 2


class Fields(NamedTuple):
    """Solution of one SVE under a mean strain."""

    mesh: Mesh
    film: Film
    displacement_um: Array
    """At the corners of the triangles, shape (n, 2)."""
    fluctuation_um: Array
    """What is left of the displacement without the mean strain, shape (n, 2)."""
    strain: Array
    """Mean over each triangle, shape (t, 3), Voigt 11, 22, 12 with engineering shear."""
    stress_gpa: Array
    """Mean over each triangle, shape (t, 3), Voigt 11, 22, 12."""


def solve_fields(
    film: Film,
    mesh: Mesh,
    boundary_condition: str = "pbc",
    load: str = "11",
    mean_strain: float = 1e-3,
) -> Fields:
    """Solve one SVE with quadratic triangles.

    Parameters
    ----------
    film : Film
        With its crystals.
    mesh : Mesh
        Of the film.
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
    >>> from polysve.crystals.catalogue import find
    >>> upright = np.array([[1.0, 0, 0, 0]])
    >>> film = Film(square, (1.0, 1.0), upright, np.zeros(1, int), (find("silicon"),))
    >>> solve_fields(film, square).stress_gpa.mean(0).round(5) + 0.0
    array([0.14096, 0.03926, 0.     ])
    """
    space = lagrange_space(mesh, ELEMENT_ORDER)
    elements = film.stiffness_gpa[mesh.grain]
    system = assemble(space, elements)
    case = LOADS.index(load)
    displacement = mean_strain * SOLVERS[boundary_condition](system)[1][:, case]
    nodes = displacement.reshape(-1, 2)
    fluctuation = nodes - mean_strain * system.strain[:, case].reshape(-1, 2)
    strain = mean_strains(space, nodes)
    stress = np.einsum("tij,tj->ti", elements, strain)
    corners = len(mesh.nodes_um)
    return Fields(mesh, film, nodes[:corners], fluctuation[:corners], strain, stress)


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
    """Write mesh and fields for ParaView; lengths in µm, stresses in GPa, Bunge angles in degrees."""
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
            "euler_deg": [to_euler(fields.film.quaternions)[grain]],
            "strain_11_22_12": [fields.strain],
            "stress_11_22_12_gpa": [fields.stress_gpa],
        },
    )
    with atomic_path(path) as temporary:
        mesh.write(temporary, file_format="vtu")
