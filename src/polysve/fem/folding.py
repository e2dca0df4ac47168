"""Unknowns that displacements follow: a dense stiffness matrix under a boundary condition."""

import numpy as np

from polysve.base.compiled import compiled


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
