"""Static condensation of fan meshes: inside every grain, then grain by grain, until only the window's edge is left.

In a fan all triangles of a grain meet in one inner node. Each grain is condensed to its rim (`fan`), grains are merged
and what lies between them is eliminated (`dissection`). What remains is a small dense matrix that serves all boundary
conditions.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array, Integers
from polysve.fem import dissection
from polysve.fem.fan import condense, element
from polysve.fem.system import EDGE, System, build_system
from polysve.grains.mesh import Mesh


class Fans(NamedTuple):
    """A mesh made of fans, and the groups in which they are merged, whatever the order of the elements."""

    nodes_um: Array
    triangles: Integers
    begin: Integers
    """Where the triangles of each fan begin, shape (f + 1,)."""
    paths: Integers
    depth: int
    """Smallest group of each fan and number of halvings, from `dissection.bisect`."""


def find_fans(mesh: Mesh) -> Fans | None:
    """The fans of a mesh, or None if it is not made of them.

    A fan is a run of triangles whose last node is its own inner node and whose first two nodes go once around it.
    """
    start, stop, centre = mesh.triangles.T
    first = np.flatnonzero(np.concatenate([[True], centre[1:] != centre[:-1]]))
    following = np.arange(1, len(centre) + 1)
    following[np.append(first[1:], len(centre)) - 1] = first
    closed = np.array_equal(start[following], stop) and np.array_equal(
        mesh.grain[following], mesh.grain
    )
    inner = np.zeros(len(mesh.nodes_um), bool)
    inner[centre] = True
    if not closed or inner.sum() != len(first) or inner[start].any():
        return None
    # the kernels take writable arrays without gaps
    nodes = np.require(mesh.nodes_um, float, "CW")
    triangles = np.require(mesh.triangles, np.int64, "CW")
    paths, depth = dissection.bisect(nodes[centre[first]])
    return Fans(nodes, triangles, np.append(first, len(centre)), paths, depth)


def assemble_fans(fans: Fans, element_stiffness_gpa: Array, order: int) -> System:
    """Condense a fan mesh to the nodes on the window's edge.

    Parameters
    ----------
    fans : Fans
    element_stiffness_gpa : array, shape (t, 3, 3)
    order : int
        Polynomial order of the triangles.

    Raises
    ------
    ArithmeticError
        If a stiffness is not positive definite.
    """
    nodes, triangles, fan_begin, paths, depth = fans
    stiffness = np.require(element_stiffness_gpa, float, "CW")
    rim = dissection.Rim(*dissection.number_rim(nodes, triangles, order))
    low, high = rim.points_um.min(0), rim.points_um.max(0)
    where = (rim.points_um - low) / (high - low)
    on_edge = ((where < EDGE) | (where > 1 - EDGE)).any(1)
    rank, end = dissection.elimination_order(rim.nodes, fan_begin, paths, depth, on_edge)
    ranks = rank[rim.nodes]
    values, begin, good = condense(nodes, triangles, stiffness, fan_begin, *element(order))
    if not good:
        raise ArithmeticError("the stiffness is not positive definite")
    members = [np.flatnonzero(paths == path) for path in range(2**depth)]

    def relax(height: int, group: int) -> tuple[Integers, Array]:
        """Stiffness of a group of grains without the nodes inside it, smaller groups first."""
        last = end[2 ** (depth + 1) - 2 ** (depth + 1 - height) + group]
        if height == 0:
            front = dissection.add_grains(members[group], values, begin, fan_begin, ranks, last)
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
