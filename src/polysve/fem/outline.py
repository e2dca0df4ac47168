"""Planar graph of a tiling, without edges too short to mesh."""

from typing import NamedTuple

import numpy as np

from polysve.base.compiled import compiled
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
        first = np.diff(along[order], prepend=-np.inf) > merge_um
        value = along[order][first]
        value[-1] = window_um
        points[on_edge[order], 1 - axis] = value[np.cumsum(first) - 1]
    return points


def _merge(points: Array, window_um: float, merge_um: float) -> tuple[Array, Integers]:
    """Number the points, giving those closer than `merge_um` one number and the place of the one nearest a corner."""
    order = np.lexsort((points[:, 1], points[:, 0]))
    ordered = points[order]
    new = np.append(True, (ordered[1:] != ordered[:-1]).any(1))
    unique, number = ordered[new], np.empty(len(points), int)
    number[order] = np.cumsum(new) - 1
    cluster = _clusters(unique, merge_um)
    if cluster.max() == len(unique) - 1:
        return unique, number
    held = ((unique == 0) | (unique == window_um)).sum(1)
    order = np.lexsort((-held, cluster))
    _, first = np.unique(cluster[order], return_index=True)
    return unique[order[first]], cluster[number]


@compiled("i8[::1](f8[:, ::1], f8)")
def _clusters(points, distance):
    """Number points, ascending along x: those not further apart than a distance, and what they reach, as one."""
    count = len(points)
    root = np.arange(count)
    for k in range(count):
        for other in range(k + 1, count):
            dx, dy = points[other, 0] - points[k, 0], points[other, 1] - points[k, 1]
            if dx > distance:
                break
            if dx * dx + dy * dy <= distance * distance:
                one, two = k, other
                while root[one] != one:
                    one = root[one]
                while root[two] != two:
                    two = root[two]
                root[max(one, two)] = min(one, two)
    cluster, used = np.empty(count, np.int64), 0
    for k in range(count):
        # roots come before what they reach
        cluster[k] = used if root[k] == k else cluster[root[k]]
        used += root[k] == k
    return cluster


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
            wanted = _missing(nodes[sides[1 - side], 1 - axis], nodes[sides[side], 1 - axis])
            if len(wanted) == 0:
                continue
            added = np.empty((len(wanted), 2))
            added[:, axis], added[:, 1 - axis] = place, wanted
            number = len(nodes) + np.arange(len(wanted))
            nodes = np.vstack([nodes, added])
            polygon, loops = _insert_on_side(nodes, polygon, loops, number, axis, place)
    return nodes, polygon, loops


def _missing(wanted: Array, present: Array) -> Array:
    """Which of some numbers are not among others, ascending; each stands once in either."""
    both = np.sort(np.concatenate([wanted, present, present]))
    alone = np.append(True, both[1:] != both[:-1])
    return both[alone & np.append(alone[1:], True)]


@compiled("Tuple((i8[::1], i8[::1]))(f8[:, ::1], i8[::1], i8[::1], i8[::1], i8, f8)")
def _insert_on_side(nodes, polygon, loops, number, axis, place):
    """Insert nodes `number`, ascending along the side, into the polygon edges they lie on."""
    count, more = len(loops), len(number)
    # edges of slivers may lie on each other
    room = count + more * (nodes[loops, axis] == place).sum()
    longer, of = np.empty(room, np.int64), np.empty(room, np.int64)
    used, start = 0, 0
    for k in range(count):
        if polygon[k] != polygon[start]:
            start = k
        follows = k + 1 < count and polygon[k + 1] == polygon[k]
        one, two = loops[k], loops[k + 1 if follows else start]
        longer[used], of[used] = one, polygon[k]
        used += 1
        if nodes[one, axis] != place or nodes[two, axis] != place:
            continue
        begin, end = nodes[one, 1 - axis], nodes[two, 1 - axis]
        for which in range(more):
            # counter-clockwise polygons run upwards on one side and downwards on the other
            node = number[which if end > begin else more - 1 - which]
            if min(begin, end) < nodes[node, 1 - axis] < max(begin, end):
                longer[used], of[used] = node, polygon[k]
                used += 1
    return of[:used].copy(), longer[:used].copy()
