"""Static condensation of fan meshes: inside every grain, then grain by grain, until only the window's edge is left.

In a fan all triangles of a grain meet in one inner node. Grains with equally many triangles have the same local
numbering, so their inner unknowns are eliminated together (Guyan, AIAA J. 3 (1965) 380). Neighbouring grains are then
merged and what lies between them is eliminated, by nested dissection (George, SIAM J. Numer. Anal. 10 (1973) 345).
What remains is a small dense matrix that serves all boundary conditions.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk, dtrsm
from scipy.linalg.lapack import dpotrf

from polysve.base.types import Array, Integers
from polysve.fem.elements import element_matrices, element_normals, reference_element
from polysve.fem.system import EDGE, System, build_system
from polysve.grains.mesh import Mesh

# grains merged at once where the tree ends: fewer steps for a little more arithmetic
LEAF_GRAINS = 6


class Front(NamedTuple):
    """Some grains as one element; only the lower triangle of the matrix is right."""

    dofs: Integers
    """Displacements it is seen by, in the order of elimination, ascending, shape (m,)."""
    matrix: Array
    """Its stiffness, shape (m, m)."""


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
    points, rim = _rim_nodes(mesh, order)
    corners = mesh.nodes_um[mesh.triangles]
    low, high = points.min(0), points.max(0)
    where = (points - low) / (high - low)
    on_edge = ((where < EDGE) | (where > 1 - EDGE)).any(1)
    grain = np.repeat(np.arange(len(fans) - 1), np.diff(fans))
    paths, depth = _bisect(mesh.nodes_um[mesh.triangles[fans[:-1], 2]])
    rank, bounds = _elimination_order(rim[:, :-1], paths[grain], depth, on_edge)
    blocks = element_matrices(corners, element_stiffness_gpa, order)
    fronts = [[] for _ in range(2**depth)]
    for member, front in _grain_fronts(blocks, rank[rim[:, :-1]], fans, order):
        fronts[paths[member]].append(front)
    for height in range(depth + 1):
        fronts = [_eliminate(fronts[i], bounds[height, i]) for i in range(2 ** (depth - height))]
        fronts = [fronts[i : i + 2] for i in range(0, len(fronts), 2)]
    edge = fronts[0][0]

    nodes = np.empty(int(on_edge.sum()), int)
    nodes[rank[on_edge] - (len(points) - len(nodes))] = np.flatnonzero(on_edge)
    normals = element_normals(corners, order)[:, _numbering(order)[1]]
    outer = on_edge[rim]
    lower = np.tril_indices(len(edge.dofs))
    return build_system(
        points[nodes],
        *lower,
        edge.matrix[lower],
        rank[rim[outer]] - (len(points) - len(nodes)),
        normals[outer],
    )


def _bisect(centres: Array) -> tuple[Integers, int]:
    """Halve the set of grains again and again across its longer side.

    Returns
    -------
    paths : int array, shape (f,)
        Which leaf a grain is in; the leading bits tell the larger groups.
    depth : int
        Number of halvings.
    """
    depth = max(0, round(np.log2(len(centres) / LEAF_GRAINS)))
    groups = [np.arange(len(centres))]
    for _ in range(depth):
        halves = []
        for group in groups:
            axis = np.ptp(centres[group], axis=0).argmax()
            order = group[np.argsort(centres[group, axis], kind="stable")]
            halves += [order[: len(order) // 2], order[len(order) // 2 :]]
        groups = halves
    paths = np.empty(len(centres), int)
    for path, group in enumerate(groups):
        paths[group] = path
    return paths, depth


def _elimination_order(
    nodes: Integers, paths: Integers, depth: int, on_edge: NDArray[np.bool_]
) -> tuple[Integers, dict[tuple[int, int], int]]:
    """Number the nodes in the order in which they are eliminated, those on the window's edge last.

    Parameters
    ----------
    nodes : int array, shape (t, order)
        Nodes of each triangle on its grain's rim.
    paths : int array, shape (t,)
    depth : int
    on_edge : bool array, shape (n,)

    Returns
    -------
    rank : int array, shape (n,)
    bounds : dict
        Rank from which on nodes outlive group `i` of grains at a height of the tree.
    """
    count = len(on_edge)
    first, last = np.full(count, 2**depth), np.full(count, -1)
    np.minimum.at(first, nodes, paths[:, None])
    np.maximum.at(last, nodes, paths[:, None])
    # the smallest group of grains that holds all that meet in a node
    height = np.frexp((first ^ last).astype(float))[1]
    height[on_edge] = depth + 1
    group = first >> height
    order = np.lexsort((group, height))
    rank = np.empty(count, int)
    rank[order] = np.arange(count)
    key = (height * 2**depth + group)[order]
    tree = [(h, i) for h in range(depth + 1) for i in range(2 ** (depth - h))]
    ends = np.searchsorted(key, [h * 2**depth + i for h, i in tree], side="right")
    return rank, dict(zip(tree, ends.tolist(), strict=True))


def _eliminate(parts: list[Front], end: int) -> Front:
    """Add up fronts and eliminate the nodes that lie inside them, those numbered below `end`."""
    dofs = np.unique(np.concatenate([part.dofs for part in parts]))
    size = len(dofs)
    matrix = np.zeros(size * size)
    for part in parts:
        rows = np.searchsorted(dofs, part.dofs)
        matrix[(rows * size)[:, None] + rows] += part.matrix.T
    matrix = matrix.reshape(size, size).T
    inner = int(np.searchsorted(dofs, 2 * end))
    if inner == 0:
        return Front(dofs, matrix)
    factor, failed = dpotrf(matrix[:inner, :inner], lower=1, clean=0)
    if failed:
        raise ArithmeticError("the stiffness is not positive definite")
    coupling = dtrsm(1.0, factor, matrix[inner:, :inner], side=1, lower=1, trans_a=1)
    relaxed = dsyrk(-1.0, coupling, beta=1.0, c=matrix[inner:, inner:], lower=1)
    return Front(dofs[inner:], relaxed)


def _grain_fronts(
    blocks: Array, rank: Integers, fans: Integers, order: int
) -> Iterator[tuple[int, Front]]:
    """Stiffness of every grain at its rim.

    Parameters
    ----------
    blocks : array, shape (k, k, t, 2, 2)
        Element matrices.
    rank : int array, shape (t, order)
        Numbers of the nodes along the outer side of each triangle but the last.
    """
    sizes = np.diff(fans)
    for sides in np.unique(sizes):
        members = np.flatnonzero(sizes == sides)
        triangles = fans[members][:, None] + np.arange(sides)
        matrices = _condense(blocks, triangles, order)
        nodes = rank[triangles].reshape(len(members), -1)
        dofs = (2 * nodes[:, :, None] + np.arange(2)).reshape(len(members), -1)
        ascending = np.argsort(dofs, axis=1)
        dofs = np.take_along_axis(dofs, ascending, 1)
        several = np.arange(len(members))[:, None, None]
        matrices = matrices[several, ascending[:, :, None], ascending[:, None, :]]
        for member, *front in zip(members, dofs, matrices, strict=True):
            yield member, Front(*front)


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
    place = reference_element(order).place
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
    entry, size = _entries(sides, order)
    where = np.arange(count)[:, None, None, None, None, None] * size**2 + entry
    values = blocks[:, :, triangles].transpose(2, 3, 0, 4, 1, 5)
    matrix = np.bincount(where.ravel(), values.ravel(), count * size**2).reshape(count, size, size)
    rim = 2 * sides * order
    coupling = matrix[:, rim:, :rim]
    relaxed = matrix[:, :rim, rim:] @ np.linalg.solve(matrix[:, rim:, rim:], coupling)
    return matrix[:, :rim, :rim] - relaxed


@cache
def _entries(sides: int, order: int) -> tuple[Integers, int]:
    """Where the entries of the element matrices go in the flat matrix of a fan, and the size of that.

    Returns
    -------
    entry : array, shape (sides, k, 2, k, 2)
    size : int
    """
    local, count = _local_nodes(sides, order)
    dofs = 2 * local[:, :, None] + np.arange(2)
    return dofs[:, :, :, None, None] * 2 * count + dofs[:, None, None, :, :], 2 * count
