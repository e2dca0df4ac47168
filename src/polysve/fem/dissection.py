"""Nested dissection of a fan mesh: the order in which what lies between grains is eliminated.

Grains are halved into groups again and again; a node is eliminated as soon as all grains that meet in it are in one
group (George, SIAM J. Numer. Anal. 10 (1973) 345). Nodes are numbered in that order, those on the window's edge last.
"""

import numpy as np

from polysve.base.compiled import compiled

# grains of the smallest groups: fewer steps for a little more arithmetic
LEAF_GRAINS = 6


@compiled("Tuple((f8[:, ::1], i8[:, ::1], i8[::1]))(f8[:, ::1], i8[:, ::1], i8)")
def number_rim(nodes, triangles, order):
    """Number the nodes on the grain boundaries.

    Returns
    -------
    points : array, shape (n, 2)
    sides : int array, shape (t, order + 1)
        Nodes along the outer side of each triangle.
    twin : int array, shape (t,)
        Triangle on the other side of each triangle's outer side, -1 on the window's edge.
    """
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


@compiled("Tuple((i8[::1], i8[::1]))(f8[:, ::1])")
def bisect(centres):
    """Halve the set of grains again and again across its longer side.

    Parameters
    ----------
    centres : array, shape (f, 2)
        Of the grains.

    Returns
    -------
    grains : int array, shape (f,)
        Those of the smallest groups, one group after the other; neighbouring groups were halved last.
    groups : int array
        Where the grains of each group begin, and the end; the number of groups is a power of two.
    """
    count = len(centres)
    grains, groups = np.arange(count), np.zeros(2, np.int64)
    groups[1] = count
    # as many halvings as bring groups closest to the wanted size, by ratio
    while count > (len(groups) - 1) * LEAF_GRAINS * 2**0.5:
        halves = np.empty(2 * len(groups) - 1, np.int64)
        halves[-1] = count
        for k in range(len(groups) - 1):
            start, stop = groups[k], groups[k + 1]
            own = grains[start:stop].copy()
            low, high = centres[own[0]].copy(), centres[own[0]].copy()
            for grain in own:
                for axis in range(2):
                    low[axis] = min(low[axis], centres[grain, axis])
                    high[axis] = max(high[axis], centres[grain, axis])
            longer = 1 if high[1] - low[1] > high[0] - low[0] else 0
            along = np.empty(len(own))
            for i in range(len(own)):
                along[i] = centres[own[i], longer]
            order = np.argsort(along)
            for i in range(len(own)):
                grains[start + i] = own[order[i]]
            halves[2 * k], halves[2 * k + 1] = start, start + len(own) // 2
        groups = halves
    return grains, groups


@compiled("Tuple((i8[:, ::1], i8[::1]))(i8[:, ::1], i8[::1], i8[::1], i8[::1], i8[::1])")
def elimination_order(sides, fans, grains, groups, edge):
    """Number nodes in the order of elimination.

    Parameters
    ----------
    sides : int array, shape (t, order + 1)
        From `number_rim`.
    fans : int array, shape (f + 1,)
        Where the triangles of each grain begin.
    grains, groups : int arrays
        From `bisect`; the leading bits of a smallest group's number tell the larger groups that it is in.
    edge : int array
        Nodes on the window's edge, which come last, in this order.

    Returns
    -------
    ranks : int array, shape (t, order + 1)
        Of the nodes in `sides`.
    end : int array
        Rank from which on nodes outlive a group: the smallest groups, then those of each height, then the edge.
    """
    count, smallest = 0, len(groups) - 1
    for side in sides:
        for node in side:
            count = max(count, node + 1)
    first, last = np.full(count, smallest), np.full(count, -1)
    for which in range(smallest):
        for grain in grains[groups[which] : groups[which + 1]]:
            for t in range(fans[grain], fans[grain + 1]):
                for node in sides[t]:
                    first[node] = min(first[node], which)
                    last[node] = which
    # groups of height h begin at number 2g - 2g/2^h
    group, end = np.empty(count, np.int64), np.zeros(2 * smallest, np.int64)
    for node in range(count):
        height, apart = 0, first[node] ^ last[node]
        while apart >> height:
            height += 1
        group[node] = 2 * smallest - (2 * smallest >> height) + (first[node] >> height)
    for node in edge:
        group[node] = 2 * smallest - 1
    for node in range(count):
        end[group[node]] += 1
    end = np.cumsum(end)
    rank, filled = np.empty(count, np.int64), np.zeros(len(end), np.int64)
    filled[1:] = end[:-1]
    for node in range(count):
        rank[node] = filled[group[node]]
        filled[group[node]] += 1
    for k in range(len(edge)):
        rank[edge[k]] = count - len(edge) + k
    ranks = np.empty_like(sides)
    for t in range(len(sides)):
        for k in range(sides.shape[1]):
            ranks[t, k] = rank[sides[t, k]]
    return ranks, end
