"""The window's edge, when all inside it is eliminated: one small matrix and one factorization for all conditions.

Unknowns are the displacements of the left and lower side and the jumps from there to the nodes that face them. Without
jumps this is periodic, with them the edge is free, so that the factor of one is a part of the other's.
"""

import numpy as np
from scipy.linalg.blas import dsymm, dtrsm
from scipy.linalg.lapack import dpotrf

from polysve.base.compiled import compiled
from polysve.base.types import Array
from polysve.fem.boundary import FACING
from polysve.fem.system import EDGE


@compiled("Tuple((i8[::1], i8, f8[:, ::1]))(f8[:, ::1], i8[:, ::1], i8[::1], f8[::1])")
def order_edge(points, sides, twin, weights):
    """Nodes on the window's edge and what loads them.

    Parameters
    ----------
    points, sides, twin : arrays
        From `dissection.number_rim`.
    weights : array, shape (order + 1,)
        ∫ φ ds over a side of length 1 of the shape functions along it.

    Returns
    -------
    nodes : int array, shape (b,)
        The corner at the origin, the left, the lower, the right and the upper side, each along its axis, and the other
        corners, that on the first axis last.
    facing : int
        Number of nodes on the left and lower side; none if one of them faces no node.
    loads : array, shape (2b, 6)
        Displacements ε·x of the three unit strains, then work-equivalent forces ∮ φ σ·n ds of the three unit stresses.
    """
    left, lower = points[:, 0].min(), points[:, 1].min()
    width, height = points[:, 0].max() - left, points[:, 1].max() - lower
    key, nodes, begin = (
        np.empty(len(points)),
        np.empty(len(points), np.int64),
        np.zeros(9, np.int64),
    )
    used = 0
    for node in range(len(points)):
        x, y = (points[node, 0] - left) / width, (points[node, 1] - lower) / height
        if x < EDGE:
            place = 0.0 if y < EDGE else 5.0 if y > 1 - EDGE else 1 + y / 2
        elif x > 1 - EDGE:
            place = 7.0 if y < EDGE else 6.0 if y > 1 - EDGE else 3 + y / 2
        elif y < EDGE or y > 1 - EDGE:
            place = (2 if y < EDGE else 4) + x / 2
        else:
            continue
        key[used], nodes[used] = place, node
        begin[int(place) + 1] += 1
        used += 1
    ascending = np.argsort(key[:used])
    key, nodes, begin = key[ascending], nodes[ascending], np.cumsum(begin)
    facing = begin[3] - begin[1] if begin[4] - begin[3] == begin[2] - begin[1] else 0
    facing = facing if begin[5] - begin[3] == facing else 0
    for k in range(begin[1], begin[1] + facing):
        if abs(key[k + facing] - key[k] - 2) > FACING / 2:
            facing = 0
            break
    where, loads = np.full(len(points), -1), np.zeros((2 * used, 6))
    for k in range(used):
        where[nodes[k]] = k
        x, y = points[nodes[k], 0] - left, points[nodes[k], 1] - lower
        loads[2 * k, 0], loads[2 * k, 2] = x, y / 2
        loads[2 * k + 1, 1], loads[2 * k + 1, 2] = y, x / 2
    for t in range(len(twin)):
        start, stop = points[sides[t, 0]], points[sides[t, -1]]
        for step in range(len(weights)):
            k = where[sides[t, step]]
            if twin[t] < 0 <= k:
                x, y = weights[step] * (stop[1] - start[1]), weights[step] * (start[0] - stop[0])
                loads[2 * k, 3] += x
                loads[2 * k, 5] += y
                loads[2 * k + 1, 4] += y
                loads[2 * k + 1, 5] += x
    return nodes, facing, loads


@compiled("f8[:, ::1](f8[:, ::1], i8)")
def _fold(matrix, own):
    """Stiffness of `own` displacements, as many jumps and what follows them, without the first two and the last.

    Upper triangles; `matrix` is that of displacements alone.
    """
    size = len(matrix) - 3
    folded = np.empty((size, size))
    for i in range(size):
        folded[i, i:] = matrix[i + 2, i + 2 : size + 2]
    jump = own + 2
    for i in range(own):
        for j in range(i, own):
            folded[i, j] += matrix[i + 2, jump + j] + matrix[j + 2, jump + i]
            folded[i, j] += matrix[jump + i, jump + j]
            folded[i, own + j] += matrix[jump + i, jump + j]
        for j in range(i):
            folded[i, own + j] += matrix[jump + j, jump + i]
        for j in range(2 * own, size):
            folded[i, j] += matrix[jump + i, j + 2]
    return folded


def edge_stiffnesses(
    matrix: Array, facing: int, loads: Array, boundary_conditions: tuple[str, ...]
) -> dict[str, Array]:
    """Apparent stiffness by boundary condition, as `boundary.SOLVERS` give it.

    With a factor L of the stiffness, the work of forces f on the displacements that they cause is |L⁻¹ f|².

    Parameters
    ----------
    matrix : array, shape (2b, 2b)
        Upper triangle of the stiffness of the nodes on the edge, in the order of `order_edge`.
    facing, loads
        From `order_edge`; some are facing if "pbc" is among the conditions.
    boundary_conditions : tuple of str
        Any of "kubc", "subc", "pbc".

    Raises
    ------
    ArithmeticError
        If the stiffness is not positive definite.
    """
    strain = loads[:, :3]
    right = loads.copy()
    right[:, :3] = dsymm(1.0, matrix.T, strain, lower=1)
    area = strain[:, 0] @ loads[:, 3]
    found = {"kubc": strain.T @ right[:, :3] / area}
    if any(name != "kubc" for name in boundary_conditions):
        own = 2 * facing
        right[2 : 2 + own] += right[2 + own : 2 + 2 * own]
        # a corner is held, and another one on the first axis cannot turn around it
        factor, failed = dpotrf(_fold(matrix, own).T, lower=1, clean=0, overwrite_a=1)
        if failed:
            raise ArithmeticError("the stiffness is not positive definite")
        solved = dtrsm(1.0, factor, right[2:-1], lower=1)
        periodic, free = solved[:own, :3], solved[:, 3:]
        found["pbc"] = found["kubc"] - periodic.T @ periodic / area
        found["subc"] = np.linalg.inv(free.T @ free / area)
    return {name: (found[name] + found[name].T) / 2 for name in boundary_conditions}
