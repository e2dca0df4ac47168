"""Dense symmetric matrices over nodes with two displacements each; upper triangles, row by row."""

import numpy as np

from polysve.base.compiled import compiled


@compiled("void(f8[:, ::1], i8[::1], f8[:, ::1])")
def _add(total, where, matrix):
    """Add the upper triangle of a matrix at ascending nodes."""
    for i in range(len(where)):
        for a in range(2):
            row = 2 * where[i] + a
            if a == 0:
                total[row, row] += matrix[2 * i, 2 * i]
            total[row, 2 * where[i] + 1] += matrix[2 * i + a, 2 * i + 1]
            for j in range(i + 1, len(where)):
                total[row, 2 * where[j]] += matrix[2 * i + a, 2 * j]
                total[row, 2 * where[j] + 1] += matrix[2 * i + a, 2 * j + 1]


@compiled("Tuple((i8[::1], f8[:, ::1]))(i8[::1], f8[:, ::1], i8[::1], f8[:, ::1])")
def merge(nodes, matrix, others, other):
    """Add two groups' stiffnesses, upper triangles, nodes ascending."""
    both = np.empty(len(nodes) + len(others), np.int64)
    where, where_other = np.empty(len(nodes), np.int64), np.empty(len(others), np.int64)
    count, i, j = 0, 0, 0
    while i < len(nodes) or j < len(others):
        here = i < len(nodes) and (j == len(others) or nodes[i] <= others[j])
        there = j < len(others) and (i == len(nodes) or others[j] <= nodes[i])
        both[count] = nodes[i] if here else others[j]
        if here:
            where[i] = count
            i += 1
        if there:
            where_other[j] = count
            j += 1
        count += 1
    total = np.zeros((2 * count, 2 * count))
    _add(total, where, matrix)
    _add(total, where_other, other)
    return both[:count].copy(), total


@compiled("f8[:, ::1](f8[:, ::1], i8[::1], i8)")
def fold(matrix, number, count):
    """Let displacements follow unknowns.

    Parameters
    ----------
    matrix : array, shape (n, n)
        Upper triangle.
    number : int array, shape (n,)
        Unknown that each displacement follows, -1 where it is held at zero.
    count : int
        Number of unknowns.

    Returns
    -------
    array, shape (count, count)
        Upper triangle.
    """
    folded = np.zeros((count, count))
    for i in range(len(number)):
        row = number[i]
        if row < 0:
            continue
        folded[row, row] += matrix[i, i]
        for j in range(i + 1, len(number)):
            column = number[j]
            if column > row:
                folded[row, column] += matrix[i, j]
            elif column == row:
                # stands for its mirror image, too
                folded[row, row] += 2 * matrix[i, j]
            elif column >= 0:
                folded[column, row] += matrix[i, j]
    return folded
