"""Groups of grains as one element each, added up and eliminated, smallest first.

This is the multifrontal method (Duff & Reid, ACM Trans. Math. Softw. 9 (1983) 302) in one compiled function; the
arithmetic is done by the BLAS and LAPACK that SciPy brings. Upper triangles row by row are lower triangles column by
column, as those want them.
"""

import llvmlite.binding
import numpy as np
from numba import types
from numba.extending import get_cython_function_address

from polysve.base.compiled import compiled, inner


def _fortran(module: str, name: str, arguments: int) -> types.ExternalFunction:
    """A function of SciPy's BLAS or LAPACK that compiled functions can call, by pointers."""
    address = get_cython_function_address(f"scipy.linalg.cython_{module}", name)
    llvmlite.binding.add_symbol(f"polysve_{name}", address)
    return types.ExternalFunction(f"polysve_{name}", types.void(*[types.voidptr] * arguments))


_dpotrf = _fortran("lapack", "dpotrf", 5)
_dtrsm = _fortran("blas", "dtrsm", 11)
_dsyrk = _fortran("blas", "dsyrk", 10)


@inner()
def _eliminate(top, rest):
    """Eliminate the first unknowns of a front; returns whether they are positive definite.

    Parameters
    ----------
    top : array, shape (i, i + o)
        Rows of the unknowns to eliminate.
    rest : array, shape (o, o)
        Of the others.
    """
    if len(top) == 0:
        return True
    letters = np.array([ord("L"), ord("R"), ord("T"), ord("N")], np.uint8)
    lower, right = letters[0:].ctypes, letters[1:].ctypes
    transposed, plain = letters[2:].ctypes, letters[3:].ctypes
    sizes = np.array([len(top), len(rest), top.shape[1], 0], np.intc)
    inner, outer, row, failed = (
        sizes[0:].ctypes,
        sizes[1:].ctypes,
        sizes[2:].ctypes,
        sizes[3:].ctypes,
    )
    signs = np.array([1.0, -1.0])
    plus, minus = signs[0:].ctypes, signs[1:].ctypes
    pivots = top.ctypes
    _dpotrf(lower, inner, pivots, row, failed)
    if sizes[3] != 0:
        return False
    if len(rest):
        coupling = top[0, len(top) :].ctypes
        _dtrsm(right, lower, transposed, plain, outer, inner, plus, pivots, row, coupling, row)
        _dsyrk(lower, plain, outer, inner, minus, coupling, row, plus, rest.ctypes, outer)
    return True


@inner(counted=False)
def _add_grain(top, rest, where, order, matrix):
    """Add the stiffness of a grain whose nodes stand at `where` in a front; `order` sorts them."""
    inner = len(top)
    for i in range(len(order)):
        own = where[order[i]]
        for half in range(2):
            source = matrix[2 * order[i] + half]
            target = top[own + half] if own < inner else rest[own + half - inner]
            shift = 0 if own < inner else inner
            for k in range(i, len(order)):
                column = where[order[k]] - shift
                target[column] += source[2 * order[k]]
                target[column + 1] += source[2 * order[k] + 1]


@inner()
def _add_grains(grains, values, begin, fans, ranks, end):
    """Front of a group of grains; arguments of `eliminate_groups`, result of `_merge`."""
    position = np.full(ranks.max() + 1, -1)
    for grain in grains:
        for t in range(fans[grain], fans[grain + 1]):
            for rank in ranks[t]:
                position[rank] = 0
    nodes, inner = np.flatnonzero(position == 0), 0
    for k in range(len(nodes)):
        position[nodes[k]] = 2 * k
        inner += 2 * (nodes[k] < end)
    size = 2 * len(nodes)
    top, rest = np.zeros((inner, size)), np.zeros((size - inner, size - inner))
    order = ranks.shape[1] - 1
    for grain in grains:
        start, stop = fans[grain], fans[grain + 1]
        where = np.empty((stop - start) * order, np.int64)
        for side in range(stop - start):
            # the rim of a fan begins with its last side
            t = start + side - 1 if side else stop - 1
            for k in range(order):
                where[side * order + k] = position[ranks[t, k]]
        matrix = values[begin[grain] : begin[grain + 1]].reshape(2 * len(where), -1)
        _add_grain(top, rest, where, np.argsort(where), matrix)
    return nodes, top, rest


@inner(counted=False)
def _add_row(target, shift, where, start, source):
    """Add a row of a symmetric matrix from its diagonal on."""
    for k in range(start, len(where)):
        column = where[k] - shift
        target[column] += source[2 * k]
        target[column + 1] += source[2 * k + 1]


@inner()
def _merge(one_nodes, one, two_nodes, two, end):
    """Front of two groups, whose stiffnesses are added.

    Returns
    -------
    nodes : int array
        Ranks, ascending.
    top, rest : arrays
        Rows of what is to be eliminated, and the others, as `_eliminate` takes them.
    """
    nodes = np.empty(len(one_nodes) + len(two_nodes), np.int64)
    one_where, two_where = np.empty_like(one_nodes), np.empty_like(two_nodes)
    i, j, count, inner = 0, 0, 0, 0
    while i < len(one_nodes) or j < len(two_nodes):
        if j == len(two_nodes) or (i < len(one_nodes) and one_nodes[i] <= two_nodes[j]):
            rank = one_nodes[i]
        else:
            rank = two_nodes[j]
        if i < len(one_nodes) and one_nodes[i] == rank:
            one_where[i] = 2 * count
            i += 1
        if j < len(two_nodes) and two_nodes[j] == rank:
            two_where[j] = 2 * count
            j += 1
        nodes[count] = rank
        inner += 2 * (rank < end)
        count += 1
    top, rest = np.empty((inner, 2 * count)), np.empty((2 * count - inner, 2 * count - inner))
    i, j = 0, 0
    # row by row, so that each is in the cache while it is added up
    for own in range(0, 2 * count, 2):
        in_one = i < len(one_where) and one_where[i] == own
        in_two = j < len(two_where) and two_where[j] == own
        shift = 0 if own < inner else inner
        for half in range(2):
            target = top[own + half] if own < inner else rest[own + half - inner]
            target[own - shift :] = 0.0
            if in_one:
                _add_row(target, shift, one_where, i, one[2 * i + half])
            if in_two:
                _add_row(target, shift, two_where, j, two[2 * j + half])
        i += in_one
        j += in_two
    return nodes[:count].copy(), top, rest


@compiled(
    "Tuple((f8[:, ::1], b1))(i8[::1], i8[::1], f8[::1], i8[::1], i8[::1], i8[:, ::1], i8[::1])"
)
def eliminate_groups(grains, groups, values, begin, fans, ranks, end):
    """Stiffness of the nodes on the window's edge when all others are eliminated.

    Parameters
    ----------
    grains, groups
        From `dissection.bisect`.
    values, begin
        From `fan.condense`.
    fans : int array, shape (f + 1,)
        Where the triangles of each grain begin.
    ranks, end
        From `dissection.elimination_order`.

    Returns
    -------
    matrix : array
        Upper triangle.
    good : bool
        False if a stiffness is not positive definite.
    """
    smallest = len(groups) - 1
    left = [(np.empty(0, np.int64), np.empty((0, 0)))]
    for number in range(smallest):
        own, group, height = grains[groups[number] : groups[number + 1]], number, 0
        nodes, top, rest = _add_grains(own, values, begin, fans, ranks, end[number])
        while True:
            if not _eliminate(top, rest):
                return rest, False
            nodes = nodes[len(top) // 2 :]
            if group % 2 == 0:
                break
            # the other half of the next larger group has waited for this one
            group, height = group // 2, height + 1
            last = end[2 * smallest - (2 * smallest >> height) + group]
            others, other = left.pop()
            nodes, top, rest = _merge(others, other, nodes, rest, last)
        left.append((nodes, rest))
    return left[-1][1], True
