"""Static condensation of fan meshes: inside every grain, then grain by grain, until only the window's edge is left.

In a fan all triangles of a grain meet in one inner node. Each grain is condensed to its rim (`fan`), grains are merged
and what lies between them is eliminated (`dissection`). What remains is a small dense matrix that serves all boundary
conditions.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from polysve.base.compiled import compiled
from polysve.base.types import Array, Integers
from polysve.fem import dissection
from polysve.fem.boundary import periodic_masters
from polysve.fem.edge import edge_stiffnesses, order_edge
from polysve.fem.fan import condense, element
from polysve.fem.fronts import eliminate_groups
from polysve.fem.system import EDGE
from polysve.grains.mesh import Mesh


class Fans(NamedTuple):
    """A mesh made of fans, and the groups in which they are merged, whatever the order of the elements."""

    nodes_um: Array
    triangles: Integers
    begin: Integers
    """Where the triangles of each fan begin, shape (f + 1,)."""
    grains: Integers
    """Fans of the smallest groups, one group after the other, from `dissection.bisect`."""
    groups: Integers
    """Where the fans of each group begin."""


def find_fans(mesh: Mesh) -> Fans | None:
    """The fans of a mesh, or None if it is not made of them, or its window is not a rectangle.

    A fan is a run of triangles whose last node is its own inner node and whose first two nodes go once around it.
    """
    # the kernels take writable arrays without gaps
    nodes = np.require(mesh.nodes_um, float, "CW")
    triangles = np.require(mesh.triangles, np.int64, "CW")
    begin = _begin_fans(nodes, triangles, np.require(mesh.grain, np.int64, "CW"))
    if len(begin) == 0:
        return None
    return Fans(nodes, triangles, begin, *dissection.bisect(nodes[triangles[begin[:-1], 2]]))


@compiled("i8[::1](f8[:, ::1], i8[:, ::1], i8[::1])")
def _begin_fans(nodes, triangles, grain):
    """Where fans begin, and the end; nothing if the mesh is not made of them, or its window is not a rectangle."""
    nothing, begin = np.empty(0, np.int64), np.empty(len(triangles) + 1, np.int64)
    inner, used = np.zeros(len(nodes), np.bool_), 0
    for t in range(len(triangles)):
        centre = triangles[t, 2]
        if t == 0 or centre != triangles[t - 1, 2]:
            if inner[centre]:
                return nothing
            inner[centre] = True
            begin[used] = t
            used += 1
    begin[used] = len(triangles)
    for fan in range(used):
        previous = begin[fan + 1] - 1
        for t in range(begin[fan], begin[fan + 1]):
            start = triangles[t, 0]
            if inner[start] or triangles[previous, 1] != start or grain[previous] != grain[t]:
                return nothing
            previous = t
    corners = 0
    left, right = nodes[:, 0].min(), nodes[:, 0].max()
    lower, upper = nodes[:, 1].min(), nodes[:, 1].max()
    for k in range(len(nodes)):
        from_side = min(nodes[k, 0] - left, right - nodes[k, 0]) / (right - left)
        from_end = min(nodes[k, 1] - lower, upper - nodes[k, 1]) / (upper - lower)
        corners += max(from_side, from_end) < EDGE
    return begin[: used + 1].copy() if corners == 4 else nothing


def fan_stiffnesses(
    fans: Fans, element_stiffness_gpa: Array, order: int, boundary_conditions: tuple[str, ...]
) -> dict[str, Array]:
    """Apparent stiffness of a fan mesh, condensed to the nodes on the window's edge, by boundary condition.

    Parameters
    ----------
    fans : Fans
    element_stiffness_gpa : array, shape (t, 3, 3)
    order : int
        Polynomial order of the triangles.
    boundary_conditions : tuple of str
        Any of "kubc", "subc", "pbc".

    Raises
    ------
    ArithmeticError
        If a stiffness is not positive definite.
    ValueError
        If nodes on opposite edges do not face each other, which "pbc" needs.
    """
    nodes, triangles, fan_begin, grains, groups = fans
    stiffness = np.require(element_stiffness_gpa, float, "CW")
    points, sides, twin = dissection.number_rim(nodes, triangles, order)
    edge, facing, loads = order_edge(points, sides, twin, _side_weights(order))
    if facing == 0 and "pbc" in boundary_conditions:
        # says which node faces none
        periodic_masters((points[edge] - points.min(0)) / np.ptp(points, axis=0))
    ranks, end = dissection.elimination_order(sides, fan_begin, grains, groups, edge)
    *condensed, good = condense(nodes, triangles, stiffness, fan_begin, ranks, *element(order))
    if good:
        matrix, good = eliminate_groups(grains, groups, fan_begin, *condensed, end)
    if not good:
        raise ArithmeticError("the stiffness is not positive definite")
    return edge_stiffnesses(matrix, facing, loads, boundary_conditions)


@cache
def _side_weights(order: int) -> Array:
    """∫ φ ds over a side of length 1 of the shape functions along it (Newton & Cotes), shape (order + 1,)."""
    powers = np.vander(np.linspace(0, 1, order + 1), increasing=True)
    return np.linalg.solve(powers.T, 1 / np.arange(1, order + 2))
