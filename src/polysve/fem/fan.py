"""Stiffness of one grain at its rim: triangles around an inner node, added up and condensed one after the other.

All displacements off the rim are eliminated (Guyan, AIAA J. 3 (1965) 380), a triangle's own first, then spoke by spoke
around the grain, so that each meets only those parts of the rim that came before, and the centre last.
"""

from functools import cache

import numpy as np

from polysve.base.compiled import compiled, inner
from polysve.base.types import Array, Integers
from polysve.fem.elements import reference_element


@cache
def element(order: int) -> tuple[Integers, Array]:
    """Lagrange triangle as `condense` takes it, nodes inside first.

    Returns
    -------
    places : int array, shape (k, 3)
        Barycentric coordinates times the order: weight of the start and the end of the outer side, and of the centre.
    products : array, shape (k, k, 2, 2)
        ∫ ∂p φi ∂q φj over the reference triangle, indices i, j, p, q.

    Examples
    --------
    >>> places, products = element(1)
    >>> places.tolist(), products[0, 0].tolist()
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0.5, 0.5], [0.5, 0.5]])
    """
    reference = reference_element(order)
    inside_first = np.argsort(reference.place.min(1) == 0, kind="stable")
    count = len(inside_first)
    products = reference.products.reshape(2, 2, count, count)
    products = products[:, :, inside_first[:, None], inside_first].transpose(2, 3, 0, 1).copy()
    # rounding would strain a body that only moves
    products[np.diag_indices(count)] -= products.sum(1)
    return reference.place[inside_first].copy(), products


@inner(contract=True, counted=False)
def _eliminate(matrix, inner, size, end):
    """Eliminate the first unknowns of a symmetric matrix by Cholesky's method.

    Parameters
    ----------
    matrix : array, at least (size, size)
        Upper triangle, changed in place: what is left stands behind row and column `inner`.
    inner, size : int
        Even, since nodes have two displacements.
    end : int array, shape (inner,)
        Column from which on a row stays zero, the same for the two rows of a node.

    Returns
    -------
    bool
        False if the matrix is not positive definite.
    """
    # slices, since an index that might be negative keeps loops from being vectorized
    for r in range(0, size, 2):
        for k in range(0, min(r, inner), 2):
            a, b, c, d = matrix[k, r], matrix[k, r + 1], matrix[k + 1, r], matrix[k + 1, r + 1]
            if a == 0 and b == 0 and c == 0 and d == 0:
                continue
            x, y = matrix[k, r : end[k]], matrix[k + 1, r : end[k]]
            upper, lower = matrix[r, r : end[k]], matrix[r + 1, r : end[k]]
            for j in range(len(x)):
                upper[j] -= a * x[j] + c * y[j]
                lower[j] -= b * x[j] + d * y[j]
        if r < inner:
            upper, lower = matrix[r, r : end[r]], matrix[r + 1, r : end[r]]
            if not upper[0] > 0:
                return False
            scale = 1 / np.sqrt(upper[0])
            for j in range(len(upper)):
                upper[j] *= scale
            factor = upper[1]
            for j in range(len(upper)):
                lower[j] -= factor * upper[j]
            if not lower[1] > 0:
                return False
            scale = 1 / np.sqrt(lower[1])
            for j in range(len(lower)):
                lower[j] *= scale
    return True


@inner(contract=True, counted=False)
def _element(matrix, moduli, nodes, corners, stiffness, products):
    """Stiffness matrix of a triangle, upper triangle (Zienkiewicz & Taylor, The Finite Element Method, vol. 1)."""
    x, y = nodes[corners[0], 0], nodes[corners[0], 1]
    fx, fy = nodes[corners[1], 0] - x, nodes[corners[1], 1] - y
    sx, sy = nodes[corners[2], 0] - x, nodes[corners[2], 1] - y
    scale = 1 / abs(fx * sy - fy * sx)
    # gradients of the reference coordinates times the determinant
    gradient = ((sy, -sx), (-fy, fx))
    for p in range(2):
        for q in range(2):
            px, py = gradient[p]
            qx, qy = gradient[q]
            for b in range(2):
                # stress of displacement b along reference direction q
                u, v, w = (qx, 0.0, qy) if b == 0 else (0.0, qy, qx)
                s0 = (stiffness[0, 0] * u + stiffness[0, 1] * v + stiffness[0, 2] * w) * scale
                s1 = (stiffness[1, 0] * u + stiffness[1, 1] * v + stiffness[1, 2] * w) * scale
                s2 = (stiffness[2, 0] * u + stiffness[2, 1] * v + stiffness[2, 2] * w) * scale
                moduli[p, q, 0, b] = px * s0 + py * s2
                moduli[p, q, 1, b] = py * s1 + px * s2
    for i in range(len(products)):
        for j in range(i, len(products)):
            for a in range(2):
                for b in range(2):
                    total = 0.0
                    for p in range(2):
                        for q in range(2):
                            total += products[i, j, p, q] * moduli[p, q, a, b]
                    matrix[2 * i + a, 2 * j + b] = total


@inner(counted=False)
def _position(start, end, centre, side, sides, order):
    """Number of a triangle's node in its grain: spokes, the centre, then the rim from the last side on."""
    spokes = sides * (order - 1)
    if centre == 0:
        return spokes + 1 + ((side + 1) * order + end) % (sides * order)
    if centre == order:
        return spokes
    spoke = side if end == 0 else (side + 1) % sides
    return spoke * (order - 1) + centre - 1


@inner()
def _condense(matrix, element, nodes, triangles, stiffness, begin, stop, places, products):
    """Stiffness of one fan at its rim.

    Parameters
    ----------
    matrix : array, at least (2·s·(2p − 1) + 2) on both sides for s triangles of order p
        Is overwritten; the upper triangle of the stiffness is left behind the first 2·s·(p − 1) + 2 rows and columns,
        nodes of the rim in order, beginning at the start of the last side.
    element : array, shape (2k, 2k)
        Room to work in.
    nodes, triangles : arrays, shapes (n, 2), (t, 3)
    stiffness : array, shape (t, 3, 3)
    begin, stop : int
        Triangles of the fan.
    places, products : arrays
        From `element`.

    Returns
    -------
    bool
        False if the stiffness is not positive definite.
    """
    order, sides = places[0].sum(), stop - begin
    own = 0
    while own < len(places) and places[own].min() > 0:
        own += 1
    inner = 2 * sides * (order - 1) + 2
    size = inner + 2 * sides * order
    for row in range(size):
        matrix[row, row:size] = 0.0
    whole, moduli = np.full(2 * own, 2 * len(places)), np.empty((2, 2, 2, 2))
    position = np.empty(len(places), np.int64)
    for side in range(sides):
        t = begin + side
        _element(element, moduli, nodes, triangles[t], stiffness[t], products)
        if own and not _eliminate(element, 2 * own, 2 * len(places), whole):
            return False
        for i in range(own, len(places)):
            start, end, centre = places[i]
            position[i] = 2 * _position(start, end, centre, side, sides, order)
        for i in range(own, len(places)):
            for j in range(i, len(places)):
                row, column = position[i], position[j]
                first, second = element[2 * i, 2 * j + 1], element[2 * i + 1, 2 * j]
                if i == j:
                    second = 0.0
                if row > column:
                    row, column, first, second = column, row, second, first
                matrix[row, column] += element[2 * i, 2 * j]
                matrix[row, column + 1] += first
                matrix[row + 1, column] += second
                matrix[row + 1, column + 1] += element[2 * i + 1, 2 * j + 1]
    reach = np.empty(inner, np.int64)
    for row in range(inner):
        # a spoke has met the rim from the last side to the side that follows it
        spoke = row // (2 * (order - 1)) if order > 1 else sides
        reach[row] = min(size, inner + 2 * ((spoke + 2) * order + 1))
    return _eliminate(matrix, inner, size, reach)


@inner()
def _ascending(numbers):
    """Sort a few numbers in place; returns where each stood."""
    order = np.arange(len(numbers))
    for i in range(1, len(numbers)):
        number, k = numbers[i], i
        while k > 0 and numbers[k - 1] > number:
            numbers[k], order[k] = numbers[k - 1], order[k - 1]
            k -= 1
        numbers[k], order[k] = number, i
    return order


@inner()
def _copy_rim(values, matrix, inner, order):
    """Copy the upper triangle of a fan's stiffness, which stands behind row and column `inner`, nodes in `order`."""
    size, begin = 2 * len(order), 0
    for i in range(len(order)):
        for j in range(i, len(order)):
            row, column = inner + 2 * order[i], inner + 2 * order[j]
            turned = row > column
            if turned:
                row, column = column, row
            first, second = matrix[row, column + 1], matrix[row + 1, column]
            if i == j:
                second = first
            elif turned:
                first, second = second, first
            values[begin + 2 * j] = matrix[row, column]
            values[begin + 2 * j + 1] = first
            values[begin + size + 2 * j] = second
            values[begin + size + 2 * j + 1] = matrix[row + 1, column + 1]
        begin += 2 * size


@compiled(
    "Tuple((f8[::1], i8[::1], i8[::1], b1))(f8[:, ::1], i8[:, ::1], f8[:, :, ::1], i8[::1],"
    " i8[:, ::1], i8[:, ::1], f8[:, :, :, ::1])"
)
def condense(nodes, triangles, stiffness, fans, ranks, places, products):
    """Stiffness of all fans of a mesh at their rims.

    Parameters
    ----------
    nodes, triangles : arrays, shapes (n, 2), (t, 3)
    stiffness : array, shape (t, 3, 3)
    fans : int array, shape (f + 1,)
        Where the triangles of each fan begin.
    ranks : int array, shape (t, order + 1)
        Numbers of the nodes along the outer side of each triangle.
    places, products : arrays
        From `element`.

    Returns
    -------
    values : array
        Upper triangle of one matrix after the other, (2·s·p, 2·s·p) for s triangles of order p.
    begin : int array, shape (f + 1,)
        Where each begins.
    rims : int array, shape (t·p,)
        Nodes of each, ascending, one fan after the other.
    good : bool
        False if a stiffness is not positive definite.
    """
    order, most = places[0].sum(), 0
    begin, rims = np.zeros(len(fans), np.int64), np.empty(len(ranks) * order, np.int64)
    for fan in range(len(fans) - 1):
        sides = fans[fan + 1] - fans[fan]
        most = max(most, sides)
        begin[fan + 1] = begin[fan] + (2 * sides * order) ** 2
    values = np.empty(begin[-1])
    room = 2 * most * (2 * order - 1) + 2
    matrix, element = np.empty((room, room)), np.empty((2 * len(places), 2 * len(places)))
    for fan in range(len(fans) - 1):
        start, stop = fans[fan], fans[fan + 1]
        if not _condense(
            matrix, element, nodes, triangles, stiffness, start, stop, places, products
        ):
            return values, begin, rims, False
        # the rim begins with the last side
        around = rims[start * order : stop * order]
        for side in range(stop - start):
            t = start + side - 1 if side else stop - 1
            around[side * order : (side + 1) * order] = ranks[t, :order]
        inner = 2 * (stop - start) * (order - 1) + 2
        _copy_rim(values[begin[fan] :], matrix, inner, _ascending(around))
    return values, begin, rims, True
