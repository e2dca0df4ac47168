"""Nested dissection of a fan mesh: the order in which what lies between grains is eliminated.

Grains are halved into groups again and again; a node is eliminated as soon as all grains that meet in it are in one
group (George, SIAM J. Numer. Anal. 10 (1973) 345). Nodes are numbered in that order, those on the window's edge last.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg.blas import dsyrk, dtrsm
from scipy.linalg.lapack import dpotrf

from polysve.base.compiled import compiled, inner
from polysve.base.types import Array, Integers

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
    grains, groups = np.arange(len(centres)), np.array([0, len(centres)])
    for _ in range(max(0, round(np.log2(len(centres) / LEAF_GRAINS)))):
        halves = np.empty(2 * len(groups) - 1, np.int64)
        halves[::2] = groups
        for k in range(len(groups) - 1):
            own = grains[groups[k] : groups[k + 1]]
            x, y = centres[own, 0], centres[own, 1]
            tall = y.max() - y.min() > x.max() - x.min()
            own[:] = own[np.argsort(y if tall else x)]
            halves[2 * k + 1] = groups[k] + len(own) // 2
        groups = halves
    for k in range(len(groups) - 1):
        grains[groups[k] : groups[k + 1]].sort()
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
    count, smallest = sides.max() + 1, len(groups) - 1
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


@inner()
def _room(ranks, end):
    """What `Front` holds besides the ranks, empty."""
    inner = 2 * np.searchsorted(ranks, end)
    outer = 2 * len(ranks) - inner
    return np.zeros((inner, inner)), np.zeros((inner, outer)), np.zeros((outer, outer))


@inner(counted=False)
def _add_rows(block, row, shift, where, pick, start, matrix, source):
    """Add the two rows of a node, from a column on."""
    for k in range(start, len(where)):
        column, own = where[k] - shift, 2 * pick[k]
        block[row, column] += matrix[source, own]
        block[row, column + 1] += matrix[source, own + 1]
        block[row + 1, column] += matrix[source + 1, own]
        block[row + 1, column + 1] += matrix[source + 1, own + 1]


@inner()
def _add(pivots, coupling, rest, ranks, nodes, matrix):
    """Add a stiffness of nodes, given by their ranks, to a `Front`; its upper triangle will do if they ascend."""
    inner, order = len(pivots), np.argsort(nodes)
    where = 2 * np.searchsorted(ranks, nodes[order])
    split = np.searchsorted(where, inner)
    for i in range(split):
        _add_rows(pivots, where[i], 0, where[:split], order, i, matrix, 2 * order[i])
        _add_rows(coupling, where[i], inner, where, order, split, matrix, 2 * order[i])
    for i in range(split, len(order)):
        _add_rows(rest, where[i] - inner, inner, where, order, i, matrix, 2 * order[i])


@compiled(
    "Tuple((i8[::1], f8[:, ::1], f8[:, ::1], f8[:, ::1]))"
    "(i8[::1], f8[::1], i8[::1], i8[::1], i8[:, ::1], i8)"
)
def add_grains(grains, values, begin, fans, rim, end):
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
    end : int
        Rank from which on nodes outlive the group.

    Returns
    -------
    ranks, pivots, coupling, rest
        What `Front` holds.
    """
    order, used = rim.shape[1] - 1, 0
    around = np.empty(len(rim) * order, np.int64)
    first = np.zeros(len(grains) + 1, np.int64)
    for k in range(len(grains)):
        start, stop = fans[grains[k]], fans[grains[k] + 1]
        for side in range(stop - start):
            # the rim of a fan begins with its last side
            t = start + side - 1 if side else stop - 1
            around[used : used + order] = rim[t, :order]
            used += order
        first[k + 1] = used
    ranks = np.unique(around[:used])
    pivots, coupling, rest = _room(ranks, end)
    for k in range(len(grains)):
        nodes = around[first[k] : first[k + 1]]
        own = values[begin[grains[k]] : begin[grains[k] + 1]].reshape(2 * len(nodes), -1)
        _add(pivots, coupling, rest, ranks, nodes, own)
    return ranks, pivots, coupling, rest


@compiled(
    "Tuple((i8[::1], f8[:, ::1], f8[:, ::1], f8[:, ::1]))"
    "(i8[::1], f8[:, ::1], i8[::1], f8[:, ::1], i8)"
)
def merge(nodes, matrix, others, other, end):
    """Add the stiffnesses that are left of two groups; arguments and result as those of `add_grains`."""
    ranks = np.unique(np.concatenate((nodes, others)))
    pivots, coupling, rest = _room(ranks, end)
    _add(pivots, coupling, rest, ranks, nodes, matrix)
    _add(pivots, coupling, rest, ranks, others, other)
    return ranks, pivots, coupling, rest


class Front(NamedTuple):
    """A group of grains as one element, before what lies inside is eliminated; upper triangles."""

    nodes: Integers
    """Ranks of the nodes it is seen by, ascending; those inside come first."""
    pivots: Array
    """Stiffness of the nodes inside, shape (i, i)."""
    coupling: Array
    """Between those and the others, shape (i, o)."""
    rest: Array
    """Of the others, shape (o, o)."""

    def eliminate(self) -> tuple[Integers, Array]:
        """The other nodes and their stiffness.

        Raises
        ------
        ArithmeticError
            If it is not positive definite.
        """
        inner = len(self.pivots)
        if inner == 0:
            return self.nodes, self.rest
        # upper triangles row by row are lower triangles column by column, as LAPACK wants them
        factor, failed = dpotrf(self.pivots.T, lower=1, clean=0, overwrite_a=1)
        if failed:
            raise ArithmeticError("the stiffness is not positive definite")
        coupling = dtrsm(1.0, factor, self.coupling.T, side=1, lower=1, trans_a=1, overwrite_b=1)
        rest = dsyrk(-1.0, coupling, beta=1.0, c=self.rest.T, lower=1, overwrite_c=1)
        return self.nodes[inner // 2 :], rest.T
