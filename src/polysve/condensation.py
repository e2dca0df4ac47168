"""Static condensation of fan meshes: each grain becomes one element with nodes on its boundary only.

In a fan all triangles of a grain meet in one inner node. Grains with equally many triangles have the same local
numbering, so their inner unknowns are eliminated together (Guyan, AIAA J. 3 (1965) 380); what the three boundary
conditions share is done once.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from polysve.homogenization import (
    System,
    build_system,
    element_matrices,
    element_normals,
    reference_element,
)
from polysve.meshing import Mesh

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


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
    """Assemble the stiffness matrix of a fan mesh on the nodes of the grain boundaries.

    Parameters
    ----------
    mesh : Mesh
    fans : int array
        From `find_fans`.
    element_stiffness_gpa : array, shape (t, 3, 3)
    order : int
        Polynomial order of the triangles.
    """
    points, rim = _rim_nodes(mesh, order)
    corners = mesh.nodes_um[mesh.triangles]
    blocks = element_matrices(corners, element_stiffness_gpa, order)
    sizes = np.diff(fans)
    rows, columns, values = [], [], []
    for sides in np.unique(sizes):
        members = fans[:-1][sizes == sides]
        triangles = members[:, None] + np.arange(sides)
        condensed = _condense(blocks, triangles, order)
        nodes = rim[triangles, :-1].reshape(len(members), -1)
        dofs = (2 * nodes[:, :, None] + np.arange(2)).reshape(len(members), -1)
        rows.append(np.broadcast_to(dofs[:, :, None], condensed.shape).ravel())
        columns.append(np.broadcast_to(dofs[:, None, :], condensed.shape).ravel())
        values.append(condensed.ravel())
    _, on_rim, _ = _numbering(order)
    normals = element_normals(corners, order)[:, on_rim]
    return build_system(
        points, *(np.concatenate(part) for part in (rows, columns, values)), rim, normals
    )


def _rim_nodes(mesh: Mesh, order: int) -> tuple[Array, Integers]:
    """Nodes on the grain boundaries, and for each triangle those along its outer side, shape (t, order + 1)."""
    outer = mesh.triangles[:, :2]
    vertices, outer = np.unique(outer, return_inverse=True)
    outer = outer.reshape(-1, 2)
    corner = mesh.nodes_um[vertices]
    low, high = outer.min(1), outer.max(1)
    key, edge = np.unique(low * len(vertices) + high, return_inverse=True)
    ends = np.stack(np.divmod(key, len(vertices)), 1)
    step = np.arange(1, order)
    inner = (
        corner[ends[:, :1]] * (1 - step / order)[:, None]
        + corner[ends[:, 1:]] * (step / order)[:, None]
    )
    along = np.where((outer[:, 0] < outer[:, 1])[:, None], step, order - step)
    between = len(vertices) + edge[:, None] * (order - 1) + along - 1
    return np.vstack([corner, inner.reshape(-1, 2)]), np.column_stack(
        [outer[:, 0], between, outer[:, 1]]
    )


@cache
def _numbering(order: int) -> tuple[Integers, Integers, Integers]:
    """Order of the element's nodes as seen from a fan.

    Returns
    -------
    place : array, shape (k, 3)
        Barycentric coordinates of the element's nodes times the order: weight of the side's start, its end, the centre.
    on_rim : array, shape (order + 1,)
        Element nodes along the outer side, from start to end.
    inside : array
        Element nodes that belong to no side.
    """
    element, _ = reference_element(order)
    x, y = np.asarray(element.doflocs).T
    place = np.rint(order * np.stack([1 - x - y, x, y], 1)).astype(int)
    rim = np.flatnonzero(place[:, 2] == 0)
    return place, rim[np.argsort(place[rim, 1])], np.flatnonzero((place > 0).all(1))


@cache
def _local_nodes(sides: int, order: int) -> tuple[Integers, int]:
    """Local number of every element node in a fan, shape (sides, k), and the number of all nodes.

    The rim comes first, side by side; then the centre, the spokes and what is inside the triangles.
    """
    place, _, inside = _numbering(order)
    side = np.arange(sides)[:, None]
    start, end, height = place.T
    rim_count, spoke_count = sides * order, sides * (order - 1)
    spoke = (
        rim_count + 1 + np.where(start == 0, (side + 1) % sides, side) * (order - 1) + height - 1
    )
    local = np.where(height == 0, (side * order + end) % rim_count, spoke)
    local = np.where(height == order, rim_count, local)
    local[:, inside] = rim_count + 1 + spoke_count + side * len(inside) + np.arange(len(inside))
    return local, rim_count + 1 + spoke_count + sides * len(inside)


def _condense(blocks: Array, triangles: Integers, order: int) -> Array:
    """Stiffness of fans of one number of sides, seen at their rims.

    Parameters
    ----------
    blocks : array, shape (k, k, t, 2, 2)
        Element matrices.
    triangles : int array, shape (f, sides)

    Returns
    -------
    array, shape (f, 2·sides·order, 2·sides·order)
    """
    count, sides = triangles.shape
    local, size = _local_nodes(sides, order)
    matrix = np.zeros((size, size, count, 2, 2))
    for side in range(sides):
        matrix[local[side][:, None], local[side]] += blocks[:, :, triangles[:, side]]
    matrix = matrix.transpose(2, 0, 3, 1, 4).reshape(count, 2 * size, 2 * size)
    rim = 2 * sides * order
    coupling = matrix[:, rim:, :rim]
    return matrix[:, :rim, :rim] - matrix[:, :rim, rim:] @ np.linalg.solve(
        matrix[:, rim:, rim:], coupling
    )
