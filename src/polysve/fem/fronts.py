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
def _add_rows(top, rest, where, i, matrix):
    """Add the two rows of a stiffness's node `i`, from the diagonal on; its nodes stand at `where` in the front."""
    own, inner = where[i], len(top)
    shift = 0 if own < inner else inner
    # slices and unsigned numbers, since a negative index would count from the end
    columns = where[i:]
    for half in range(2):
        target = top[own + half] if own < inner else rest[own + half - inner]
        source = matrix[2 * i + half, 2 * i :]
        for k in range(len(columns)):
            column = np.uint64(columns[k] - shift)
            target[column] += source[2 * k]
            target[column + np.uint64(1)] += source[2 * k + 1]


@inner()
def _add_grains(grains, fans, values, begin, rims, order, end):
    """Front of a group of grains; arguments of `eliminate_groups`, result of `_merge`."""
    position = np.full(rims.max() + 1, -1)
    for grain in grains:
        for rank in rims[fans[grain] * order : fans[grain + 1] * order]:
            position[rank] = 0
    nodes = np.flatnonzero(position == 0)
    position[nodes] = 2 * np.arange(len(nodes))
    size, inner = 2 * len(nodes), 2 * np.searchsorted(nodes, end)
    top, rest = np.zeros((inner, size)), np.zeros((size - inner, size - inner))
    for grain in grains:
        where = position[rims[fans[grain] * order : fans[grain + 1] * order]]
        matrix = values[begin[grain] : begin[grain + 1]].reshape(2 * len(where), -1)
        for i in range(len(where)):
            _add_rows(top, rest, where, i, matrix)
    return nodes, top, rest


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
    i, j, count = 0, 0, 0
    while i < len(one_nodes) or j < len(two_nodes):
        if j == len(two_nodes) or (i < len(one_nodes) and one_nodes[i] <= two_nodes[j]):
            nodes[count] = one_nodes[i]
        else:
            nodes[count] = two_nodes[j]
        if i < len(one_nodes) and one_nodes[i] == nodes[count]:
            one_where[i] = 2 * count
            i += 1
        if j < len(two_nodes) and two_nodes[j] == nodes[count]:
            two_where[j] = 2 * count
            j += 1
        count += 1
    nodes = nodes[:count].copy()
    size, inner = 2 * count, 2 * np.searchsorted(nodes, end)
    top, rest = np.empty((inner, size)), np.empty((size - inner, size - inner))
    i, j = 0, 0
    # row by row, so that each is in the cache while it is added up
    for own in range(0, size, 2):
        if own < inner:
            top[own : own + 2, own:] = 0.0
        else:
            rest[own - inner : own - inner + 2, own - inner :] = 0.0
        if i < len(one_where) and one_where[i] == own:
            _add_rows(top, rest, one_where, i, one)
            i += 1
        if j < len(two_where) and two_where[j] == own:
            _add_rows(top, rest, two_where, j, two)
            j += 1
    return nodes, top, rest


@compiled("Tuple((f8[:, ::1], b1))(i8[::1], i8[::1], i8[::1], f8[::1], i8[::1], i8[::1], i8[::1])")
def eliminate_groups(grains, groups, fans, values, begin, rims, end):
    """Stiffness of the nodes on the window's edge when all others are eliminated.

    Parameters
    ----------
    grains, groups
        From `dissection.bisect`.
    fans : int array, shape (f + 1,)
        Where the triangles of each grain begin.
    values, begin, rims
        From `fan.condense`; nodes by their ranks.
    end
        From `dissection.elimination_order`.

    Returns
    -------
    matrix : array
        Upper triangle.
    good : bool
        False if a stiffness is not positive definite.
    """
    smallest, order = len(groups) - 1, len(rims) // fans[-1]
    left = [(np.empty(0, np.int64), np.empty((0, 0)))]
    for number in range(smallest):
        own, group, height = grains[groups[number] : groups[number + 1]], number, 0
        nodes, top, rest = _add_grains(own, fans, values, begin, rims, order, end[number])
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
