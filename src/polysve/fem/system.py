"""Stiffness matrix of an SVE before any boundary condition, and its solution."""

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.sparse import coo_array, csc_array

from polysve.base.types import Array, Integers
from polysve.fem.elements import UNIT_STRAINS, Space, element_matrices, element_normals

# a node this close to the window's edge, in units of the window, is on it
EDGE = 1e-9
# share of entries from which on a matrix is treated as full
DENSE_SHARE = 0.3


class System(NamedTuple):
    """Stiffness matrix of an SVE and the three unit strains, before any boundary condition."""

    points_um: Array
    """Nodes, shape (n, 2)."""
    matrix: csc_array
    """Lower triangle, shape (2n, 2n); unknown 2i + a is displacement a of node i."""
    strain: Array
    """Displacements ε·x of the unit strains, shape (2n, 3)."""
    force: Array
    """Matrix times `strain`, shape (2n, 3)."""
    traction: Array
    """Work-equivalent nodal forces t = σ·n on the edge of the three unit stresses, shape (2n, 3)."""
    where: Array
    """Nodes in the window's own axes, 0 to 1, shape (n, 2); they tell what lies on its edge."""
    area_um2: float

    def boundary(self) -> Integers:
        """Nodes on the window's edge."""
        return np.flatnonzero(((self.where < EDGE) | (self.where > 1 - EDGE)).any(1))


def assemble(space: Space, element_stiffness_gpa: Array) -> System:
    """Assemble the stiffness matrix, all elements at once.

    Parameters
    ----------
    element_stiffness_gpa : array, shape (t, 3, 3)
        Plane stiffness of each triangle, Voigt 11, 22, 12; the matrix is per unit thickness.
    """
    corners = space.points_um[space.elements[:, :3]]
    blocks = element_matrices(corners, element_stiffness_gpa, space.order).transpose(2, 0, 3, 1, 4)
    dofs = 2 * space.elements[:, :, None] + np.arange(2)
    row = np.broadcast_to(dofs[:, :, :, None, None], blocks.shape)
    column = np.broadcast_to(dofs[:, None, None, :, :], blocks.shape)
    lower = row >= column
    size = 2 * len(space.points_um)
    matrix = coo_array((blocks[lower], (row[lower], column[lower])), shape=(size, size)).tocsc()
    flat, normals = space.elements.ravel(), element_normals(corners, space.order)
    normal = [np.bincount(flat, normals[..., a].ravel(), len(space.points_um)) for a in (0, 1)]
    normal = np.stack(normal, 1)
    low, high = space.points_um.min(0), space.points_um.max(0)
    strain = np.einsum("sab,nb->nas", UNIT_STRAINS, space.points_um - low).reshape(-1, 3)
    traction = np.einsum("sab,nb->nas", UNIT_STRAINS * [[[1]], [[1]], [[2]]], normal).reshape(-1, 3)
    return System(
        space.points_um,
        matrix,
        strain,
        matrix @ strain + matrix.T @ strain - matrix.diagonal()[:, None] * strain,
        traction,
        (space.points_um - low) / (high - low),
        float(space.points_um[:, 0] @ normal[:, 0]),
    )


def solve(system: System, number: Integers, load: Array) -> Array:
    """Solve for the unknowns that a boundary condition leaves.

    Parameters
    ----------
    number : int array, shape (2n,)
        Unknown that each displacement follows, -1 where it is held at zero.
    load : array, shape (2n, 3)
        Nodal forces; those of displacements that follow one unknown add up.

    Returns
    -------
    array, shape (2n, 3)
        Displacements.

    Raises
    ------
    ArithmeticError
        If the matrix is not positive definite.
    """
    count = int(number.max()) + 1
    if count == 0:
        return np.zeros_like(load)
    held = number < 0
    right = np.stack([np.bincount(number[~held], part[~held], count) for part in load.T])
    solution = _solve_sparse(system.matrix, number, right)
    return np.where(held[:, None], 0.0, solution.T[number])


def _solve_sparse(lower: csc_array, number: Integers, right: Array) -> Array:
    """Solve for the unknowns that displacements follow; right-hand sides and result of shape (m, n)."""
    count = right.shape[1]
    entries = lower.tocoo()
    row, column = number[entries.row], number[entries.col]
    free = (row >= 0) & (column >= 0)
    row, column = row[free], column[free]
    # an entry off the diagonal stands for its mirror image too, which matters when both fall on the diagonal
    twice = (row == column) & (entries.row != entries.col)[free]
    value = np.where(twice, 2 * entries.data[free], entries.data[free])
    row, column = np.maximum(row, column), np.minimum(row, column)
    if len(value) > DENSE_SHARE * count**2 / 2:
        dense = np.bincount(row * count + column, value, count**2).reshape(count, count)
        return _solve_dense(dense, right)
    from cvxopt import cholmod, matrix, spmatrix

    unknowns = matrix(right.T)
    cholmod.linsolve(spmatrix(value, row, column, (count, count)), unknowns)
    return np.array(unknowns).T


def _solve_dense(lower: Array, right: Array) -> Array:
    """Solve a positive definite system for right-hand sides of shape (m, n)."""
    factor, failed = dpotrf(lower, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise ArithmeticError("the stiffness is not positive definite")
    return dpotrs(factor, right.T, lower=1)[0].T
