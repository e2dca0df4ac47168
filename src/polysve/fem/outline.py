"""Planar graph of a tiling, without edges too short to mesh."""

from typing import NamedTuple

import numpy as np

from polysve.base.types import Array, Integers
from polysve.grains.tiling import Tiling, next_corner


class Outline(NamedTuple):
    """Planar graph of a tiling: what a mesher is given."""

    nodes_um: Array
    """Shape (n, 2)."""
    loops: Integers
    """Node numbers of all polygons in a row, counter-clockwise."""
    offsets: Integers
    """Where each polygon's nodes begin, shape (p + 1,)."""
    grain: Integers
    """Grain number of each polygon, shape (p,)."""

    def tiling(self) -> Tiling:
        """The polygons as a tiling."""
        return Tiling(self.grain, self.offsets, self.nodes_um[self.loops])

    def edges(self) -> tuple[Integers, Integers]:
        """Edges of all polygons as sorted node pairs.

        Returns
        -------
        pairs : shape (e, 2)
            Each edge once.
        number : shape (len(loops),)
            Edge from each loop node to the next of its polygon.
        """
        following = next_corner(self.offsets)
        ends = np.sort(np.stack([self.loops, self.loops[following]], 1), axis=1)
        key, number = np.unique(ends[:, 0] * len(self.nodes_um) + ends[:, 1], return_inverse=True)
        return np.stack(np.divmod(key, len(self.nodes_um)), 1), number


def clean_outline(tiling: Tiling, window_um: float, merge_um: float) -> Outline:
    """Join vertices closer than `merge_um` and let nodes on opposite edges of the window face each other.

    A vertex moves by at most a few `merge_um`; corners stay, and nodes on the window's edge stay on it.
    """
    points = _face_opposite_edges(tiling.vertices_um, window_um, merge_um)
    nodes, loops = _merge(points, window_um, merge_um)
    polygon = np.repeat(np.arange(len(tiling.grain)), np.diff(tiling.offsets))
    polygon, loops = _drop_repeats(polygon, loops)
    nodes, polygon, loops = _insert_facing_nodes(nodes, polygon, loops, window_um)
    polygons, size = np.unique(polygon, return_counts=True)
    real = size >= 3
    return Outline(
        nodes,
        loops[np.repeat(real, size)],
        np.concatenate([[0], np.cumsum(size[real])]),
        tiling.grain[polygons[real]],
    )


def _face_opposite_edges(points: Array, window_um: float, merge_um: float) -> Array:
    """Give facing nodes on opposite edges one coordinate where they differ by less than `merge_um`."""
    points = points.copy()
    for axis in (0, 1):
        on_edge = np.flatnonzero((points[:, axis] == 0) | (points[:, axis] == window_um))
        along = points[on_edge, 1 - axis]
        order = np.argsort(along, kind="stable")
        cluster = np.concatenate([[0], np.cumsum(np.diff(along[order]) > merge_um)])
        _, first = np.unique(cluster, return_index=True)
        value = along[order][first]
        value[-1] = window_um
        points[on_edge[order], 1 - axis] = value[cluster]
    return points


def _merge(points: Array, window_um: float, merge_um: float) -> tuple[Array, Integers]:
    """Number the points, giving those closer than `merge_um` one number and the place of the one nearest a corner."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    unique, number = np.unique(points, axis=0, return_inverse=True)
    pairs = cKDTree(unique).query_pairs(merge_um, output_type="ndarray")
    if len(pairs) == 0:
        return unique, number.ravel()
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(unique),) * 2)
    _, cluster = connected_components(links, directed=False)
    held = ((unique == 0) | (unique == window_um)).sum(1)
    order = np.lexsort((-held, cluster))
    _, first = np.unique(cluster[order], return_index=True)
    return unique[order[first]], cluster[number.ravel()]


def _drop_repeats(polygon: Integers, loops: Integers) -> tuple[Integers, Integers]:
    """Leave out a node that follows itself in its polygon."""
    previous = np.arange(-1, len(loops) - 1)
    starts = np.flatnonzero(np.concatenate([[True], polygon[1:] != polygon[:-1]]))
    previous[starts] = np.append(starts[1:], len(loops)) - 1
    alone = previous == np.arange(len(loops))
    keep = (loops != loops[previous]) | alone
    return polygon[keep], loops[keep]


def _insert_facing_nodes(
    nodes: Array, polygon: Integers, loops: Integers, window_um: float
) -> tuple[Array, Integers, Integers]:
    """Add, on each edge of the window, the nodes that the opposite edge has."""
    for axis in (0, 1):
        sides = [np.flatnonzero(nodes[:, axis] == place) for place in (0.0, window_um)]
        for side, place in enumerate((0.0, window_um)):
            wanted = np.setdiff1d(nodes[sides[1 - side], 1 - axis], nodes[sides[side], 1 - axis])
            if len(wanted) == 0:
                continue
            added = np.empty((len(wanted), 2))
            added[:, axis], added[:, 1 - axis] = place, wanted
            number = len(nodes) + np.arange(len(wanted))
            nodes = np.vstack([nodes, added])
            polygon, loops = _insert_on_side(nodes, polygon, loops, number, axis, place)
    return nodes, polygon, loops


def _insert_on_side(
    nodes: Array, polygon: Integers, loops: Integers, number: Integers, axis: int, place: float
) -> tuple[Integers, Integers]:
    """Insert nodes `number`, sorted along the side, into the polygon edges they lie on."""
    following = np.arange(1, len(loops) + 1)
    starts = np.flatnonzero(np.concatenate([[True], polygon[1:] != polygon[:-1]]))
    following[np.append(starts[1:], len(loops)) - 1] = starts
    begin, end = nodes[loops], nodes[loops[following]]
    edges = np.flatnonzero((begin[:, axis] == place) & (end[:, axis] == place))
    begin, end = begin[edges, 1 - axis], end[edges, 1 - axis]
    along = nodes[number, 1 - axis]
    inside = (np.minimum(begin, end)[:, None] < along) & (along < np.maximum(begin, end)[:, None])
    edge, which = np.nonzero(inside)
    # counter-clockwise polygons run upwards on one side and downwards on the other
    rank = np.where(end[edge] > begin[edge], which, -which)
    key = np.concatenate([np.arange(len(loops)), edges[edge]])
    order = np.lexsort((np.concatenate([np.full(len(loops), -len(number) - 1), rank]), key))
    return np.concatenate([polygon, polygon[edges[edge]]])[order], np.concatenate(
        [loops, number[which]]
    )[order]
