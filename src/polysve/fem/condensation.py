"""Static condensation of fan meshes: inside every grain, then grain by grain, until only the window's edge is left.

In a fan all triangles of a grain meet in one inner node. Each grain is condensed to its rim (`fan`), grains are merged
and what lies between them is eliminated (`dissection`). What remains is a small dense matrix that serves all boundary
conditions.
"""

from functools import cache

import numpy as np

from polysve.base.types import Array, Integers
from polysve.fem import dissection
from polysve.fem.fan import condense, element
from polysve.fem.system import EDGE, System, build_system
from polysve.grains.mesh import Mesh


def find_fans(mesh: Mesh) -> Integers | None:
    """Where each fan of triangles begins, shape (f + 1,), or None if the mesh is not made of fans.

    A fan is a run of triangles whose last node is its own inner node and whose first two nodes go once around it.
    """
    start, stop, centre = mesh.triangles.T
    first = np.flatnonzero(np.concatenate([[True], centre[1:] != centre[:-1]]))
    following = np.arange(1, len(centre) + 1)
    following[np.append(first[1:], len(centre)) - 1] = first
    closed = np.array_equal(start[following], stop) and np.array_equal(
        mesh.grain[following], mesh.grain
    )
    inner = np.unique(centre)
    if not closed or len(inner) != len(first) or np.isin(inner, start).any():
        return None
    return np.append(first, len(centre))


def assemble_fans(mesh: Mesh, fans: Integers, element_stiffness_gpa: Array, order: int) -> System:
    """Condense a fan mesh to the nodes on the window's edge.

    Parameters
    ----------
    mesh : Mesh
    fans : int array
        From `find_fans`.
    element_stiffness_gpa : array, shape (t, 3, 3)
    order : int
        Polynomial order of the triangles.

    Raises
    ------
    ArithmeticError
        If a stiffness is not positive definite.
    """
    # the kernels take writable arrays without gaps
    nodes, stiffness = (
        np.require(each, float, "CW") for each in (mesh.nodes_um, element_stiffness_gpa)
    )
    triangles = np.require(mesh.triangles, np.int64, "CW")
    rim = dissection.Rim(*dissection.number_rim(nodes, triangles, order))
    low, high = rim.points_um.min(0), rim.points_um.max(0)
    where = (rim.points_um - low) / (high - low)
    on_edge = ((where < EDGE) | (where > 1 - EDGE)).any(1)
    paths, depth = dissection.bisect(nodes[triangles[fans[:-1], 2]])
    rank, end = dissection.elimination_order(rim.nodes, fans, paths, depth, on_edge)
    ranks = rank[rim.nodes]
    values, begin, good = condense(nodes, triangles, stiffness, fans, *element(order))
    if not good:
        raise ArithmeticError("the stiffness is not positive definite")
    members = [np.flatnonzero(paths == path) for path in range(2**depth)]

    def relax(height: int, group: int) -> tuple[Integers, Array]:
        """Stiffness of a group of grains without the nodes inside it, smaller groups first."""
        last = end[2 ** (depth + 1) - 2 ** (depth + 1 - height) + group]
        if height == 0:
            front = dissection.add_grains(members[group], values, begin, fans, ranks, last)
        else:
            parts = relax(height - 1, 2 * group) + relax(height - 1, 2 * group + 1)
            front = dissection.merge(*parts, last)
        return dissection.Front(*front).eliminate()

    _, matrix = relax(depth, 0)
    edge = np.empty(int(on_edge.sum()), int)
    first = len(rank) - len(edge)
    edge[rank[on_edge] - first] = np.flatnonzero(on_edge)
    normal = _edge_normals(rim, order)[edge]
    return build_system(rim.points_um[edge], matrix.T, normal)


def _edge_normals(rim: dissection.Rim, order: int) -> Array:
    """∮ φ n ds over the outer sides, shape (n, 2)."""
    outer = rim.nodes[rim.twin < 0]
    along = rim.points_um[outer[:, -1]] - rim.points_um[outer[:, 0]]
    normal = along[:, None, ::-1] * [1, -1] * _side_weights(order)[:, None]
    return np.stack(
        [
            np.bincount(outer.ravel(), normal[..., axis].ravel(), len(rim.points_um))
            for axis in (0, 1)
        ],
        1,
    )


@cache
def _side_weights(order: int) -> Array:
    """∫ φ ds over a side of length 1 of the shape functions along it (Newton & Cotes), shape (order + 1,)."""
    powers = np.vander(np.linspace(0, 1, order + 1), increasing=True)
    return np.linalg.solve(powers.T, 1 / np.arange(1, order + 2))
