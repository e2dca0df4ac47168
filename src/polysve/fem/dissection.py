"""Nested dissection of a fan mesh: the order in which what lies between grains is eliminated.

Grains are halved into groups again and again; a node is eliminated as soon as all grains that meet in it are in one
group (George, SIAM J. Numer. Anal. 10 (1973) 345). Nodes are numbered in that order, those on the window's edge last.
"""

from typing import NamedTuple

import numpy as np

from polysve.base.compiled import compiled
from polysve.base.types import Array, Integers

# grains of the smallest groups: fewer steps for a little more arithmetic
LEAF_GRAINS = 6


class Rim(NamedTuple):
    """Nodes on the grain boundaries."""

    points_um: Array
    """Shape (n, 2)."""
    nodes: Integers
    """Those along the outer side of each triangle, shape (t, order + 1)."""
    twin: Integers
    """Triangle on the other side of each triangle's outer side, -1 on the window's edge, shape (t,)."""


@compiled("Tuple((f8[:, ::1], i8[:, ::1], i8[::1]))(f8[:, ::1], i8[:, ::1], i8)")
def number_rim(nodes, triangles, order):
    """Number the nodes on the grain boundaries; returns what `Rim` holds."""
    count = len(triangles)
    begin = np.zeros(len(nodes) + 1, np.int64)
    for t in range(count):
        begin[triangles[t, 0] + 1] += 1
    vertex, vertices = np.full(len(nodes), -1), 0
    for k in range(len(nodes)):
        if begin[k + 1]:
            vertex[k] = vertices
            vertices += 1
        begin[k + 1] += begin[k]
    leaving, filled = np.empty(count, np.int64), begin.copy()
    for t in range(count):
        leaving[filled[triangles[t, 0]]] = t
        filled[triangles[t, 0]] += 1
    rim, twin = np.empty((count, order + 1), np.int64), np.full(count, -1)
    points = np.empty((vertices + count * (order - 1), 2))
    used = vertices
    for t in range(count):
        start, stop = triangles[t, 0], triangles[t, 1]
        rim[t, 0], rim[t, order] = vertex[start], vertex[stop]
        points[vertex[start], 0], points[vertex[start], 1] = nodes[start, 0], nodes[start, 1]
        for k in range(begin[stop], begin[stop + 1]):
            if triangles[leaving[k], 1] == start:
                twin[t] = leaving[k]
        if 0 <= twin[t] < t:
            for step in range(1, order):
                rim[t, step] = rim[twin[t], order - step]
            continue
        low, high = min(start, stop), max(start, stop)
        for step in range(1, order):
            rim[t, step] = used
            weight = (step if start == low else order - step) / order
            for axis in range(2):
                points[used, axis] = nodes[low, axis] * (1 - weight) + nodes[high, axis] * weight
            used += 1
    return points[:used].copy(), rim, twin


def bisect(centres_um: Array) -> tuple[Integers, int]:
    """Halve the set of grains again and again across its longer side.

    Returns
    -------
    paths : int array, shape (f,)
        Which of the smallest groups a grain is in; the leading bits tell the larger groups.
    depth : int
        Number of halvings.
    """
    depth = max(0, round(np.log2(len(centres_um) / LEAF_GRAINS)))
    groups = [np.arange(len(centres_um))]
    for _ in range(depth):
        halves = []
        for group in groups:
            axis = np.ptp(centres_um[group], axis=0).argmax()
            order = group[np.argsort(centres_um[group, axis], kind="stable")]
            halves += [order[: len(order) // 2], order[len(order) // 2 :]]
        groups = halves
    paths = np.empty(len(centres_um), int)
    for path, group in enumerate(groups):
        paths[group] = path
    return paths, depth


@compiled("Tuple((i8[::1], i8[::1]))(i8[:, ::1], i8[::1], i8[::1], i8, b1[::1])")
def elimination_order(rim, fans, paths, depth, on_edge):
    """Number nodes in the order of elimination.

    Parameters
    ----------
    rim : int array, shape (t, order + 1)
    fans : int array, shape (f + 1,)
        Where the triangles of each grain begin.
    paths, depth
        From `bisect`.
    on_edge : bool array, shape (n,)

    Returns
    -------
    rank : int array, shape (n,)
    end : int array
        Rank from which on nodes outlive a group: leaves first, then the groups of each larger height, the window's edge.
    """
    count = len(on_edge)
    first, last = np.full(count, 2**depth), np.full(count, -1)
    for grain in range(len(paths)):
        for t in range(fans[grain], fans[grain + 1]):
            for node in rim[t]:
                first[node] = min(first[node], paths[grain])
                last[node] = max(last[node], paths[grain])
    # groups of height h begin at number 2^(d+1) - 2^(d+1-h)
    group, end = np.empty(count, np.int64), np.zeros(2 ** (depth + 1), np.int64)
    for node in range(count):
        height, apart = 0, first[node] ^ last[node]
        while apart >> height:
            height += 1
        group[node] = 2 ** (depth + 1) - 2 ** (depth + 1 - height) + (first[node] >> height)
        if on_edge[node]:
            group[node] = 2 ** (depth + 1) - 1
        end[group[node]] += 1
    end = np.cumsum(end)
    rank, filled = np.empty(count, np.int64), np.zeros(len(end), np.int64)
    filled[1:] = end[:-1]
    for node in range(count):
        rank[node] = filled[group[node]]
        filled[group[node]] += 1
    return rank, end


@compiled(
    "Tuple((i8[::1], f8[:, ::1]))(i8[::1], f8[::1], i8[::1], i8[::1], i8[:, ::1])"
)
def add_grains(grains, values, begin, fans, rim):
    """Stiffness of a group of grains.

    Parameters
    ----------
    grains : int array
    values, begin
        From `fan.condense`.
    fans : int array, shape (f + 1,)
        Where the triangles of each grain begin.
    rim : int array, shape (t, order + 1)
        Rank of the nodes along the outer side of each triangle.

    Returns
    -------
    ranks : int array
        Nodes of the grains' rims, ascending.
    matrix : array
        Upper triangle of the stiffness.
    """
    order = rim.shape[1] - 1
    most, count = 0, 0
    for grain in grains:
        most = max(most, fans[grain + 1] - fans[grain])
        count += (fans[grain + 1] - fans[grain]) * order
    ranks, place = np.empty(count, np.int64), 0
    for grain in grains:
        for t in range(fans[grain], fans[grain + 1]):
            for step in range(order):
                ranks[place] = rim[t, step]
                place += 1
    ranks = np.unique(ranks)
    total, where = np.zeros((2 * len(ranks), 2 * len(ranks))), np.empty(most * order, np.int64)
    for grain in grains:
        around = (fans[grain + 1] - fans[grain]) * order
        for k in range(around):
            # the rim of a fan begins with its last side
            t = fans[grain] + k // order - 1 if k >= order else fans[grain + 1] - 1
            where[k] = np.searchsorted(ranks, rim[t, k % order])
        own = values[begin[grain] : begin[grain + 1]].reshape(2 * around, 2 * around)
        for i in range(around):
            for j in range(i, around):
                row, column = 2 * where[i], 2 * where[j]
                first, second = own[2 * i, 2 * j + 1], own[2 * i + 1, 2 * j]
                if i == j:
                    second = 0.0
                if row > column:
                    row, column, first, second = column, row, second, first
                total[row, column] += own[2 * i, 2 * j]
                total[row, column + 1] += first
                total[row + 1, column] += second
                total[row + 1, column + 1] += own[2 * i + 1, 2 * j + 1]
    return ranks, total
