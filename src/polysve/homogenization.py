"""Apparent stiffness of one meshed SVE under kinematic, static and periodic boundary conditions.

The stiffness matrix is assembled once, for all elements together. Each boundary condition numbers its own unknowns,
factorizes once and solves the three load cases (Zohdi & Wriggers, An Introduction to Computational Micromechanics).
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from polysve.meshing import Mesh

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# displacement gradients of the unit strains 11, 22 and 12 (engineering shear)
UNIT_STRAINS = np.array([[[1.0, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0.5], [0.5, 0]]])
# Voigt number of a pair of plane indices
VOIGT = np.array([[0, 2], [2, 1]])
# a node this close to the window's edge, in units of the window, is on it
EDGE = 1e-9
# share of entries from which on a matrix is treated as full
FULL = 0.3


class Space(NamedTuple):
    """Nodes of a Lagrange element on a mesh."""

    points_um: Array
    """Shape (n, 2)."""
    elements: Integers
    """Node numbers of each triangle, shape (t, k)."""
    order: int


@cache
def reference_element(order: int) -> tuple[object, Array]:
    """scikit-fem's Lagrange triangle and its gradient products.

    Returns
    -------
    element
        `skfem.ElementTriP1`, `P2` or `P3`.
    products : array, shape (4, k²)
        ∫ ∂p φi ∂q φj over the reference triangle, pairs (p, q) by pairs (i, j).
    """
    import skfem

    element = {1: skfem.ElementTriP1, 2: skfem.ElementTriP2, 3: skfem.ElementTriP3}[order]()
    points, weights = skfem.quadrature.get_quadrature(element, 2 * order - 2)
    gradient = np.stack(
        [element.lbasis(points, i)[1] * np.ones_like(weights) for i in range(len(element.doflocs))]
    )
    return element, np.einsum("ipx,jqx,x->pqij", gradient, gradient, weights).reshape(4, -1)


def lagrange_space(mesh: Mesh, order: int) -> Space:
    """Number the nodes of a Lagrange element of the given order with scikit-fem."""
    import skfem

    element, _ = reference_element(order)
    skmesh = skfem.MeshTri1(
        np.ascontiguousarray(mesh.nodes_um.T),
        np.ascontiguousarray(mesh.triangles.T),
        sort_t=True,
        validate=False,
    )
    elements = skfem.Dofs(skmesh, element).element_dofs.T
    corners = skmesh.p.T[skmesh.t.T]
    points = np.empty((elements.max() + 1, 2))
    reference = element.doflocs
    jacobian = corners[:, 1:] - corners[:, :1]
    points[elements] = corners[:, :1] + np.einsum("kp,tpd->tkd", reference, jacobian)
    return Space(points, elements, order)


class System(NamedTuple):
    """Stiffness matrix of an SVE and the three unit strains, before any boundary condition."""

    points_um: Array
    """Nodes, shape (n, 2)."""
    row: Integers
    column: Integers
    value: Array
    """Lower triangle of the matrix; unknown 2i + a is displacement a of node i."""
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
    return build_system(
        space.points_um, row, column, blocks, space.elements, element_normals(corners, space.order)
    )


def element_matrices(corners_um: Array, element_stiffness_gpa: Array, order: int) -> Array:
    """Stiffness matrices of straight-sided triangles, all at once.

    The gradients of their shape functions are constant combinations of reference gradients, so one small matrix
    product gives every element matrix (Zienkiewicz & Taylor, The Finite Element Method, vol. 1).

    Parameters
    ----------
    corners_um : array, shape (t, 3, 2)
    element_stiffness_gpa : array, shape (t, 3, 3)

    Returns
    -------
    array, shape (k, k, t, 2, 2)
        Node by node, displacement by displacement.
    """
    gradient, determinant = reference_gradients(corners_um)
    tensor = (
        element_stiffness_gpa[:, VOIGT[:, :, None, None], VOIGT]
        / np.abs(determinant)[:, None, None, None, None]
    )
    # (t, a, c, b, d) contracted with ∂ξp/∂xc and ∂ξq/∂xd
    moduli = tensor @ gradient.transpose(0, 2, 1)[:, None, None]
    moduli = gradient[:, None, None] @ moduli.transpose(0, 1, 3, 2, 4)
    products = reference_element(order)[1]
    count = round(products.shape[1] ** 0.5)
    return (products.T @ moduli.transpose(3, 4, 0, 1, 2).reshape(4, -1)).reshape(
        count, count, -1, 2, 2
    )


def reference_gradients(corners_um: Array) -> tuple[Array, Array]:
    """Gradients of the two reference coordinates times the determinant, (t, 2, 2), and the determinant, (t,)."""
    first, second = corners_um[:, 1] - corners_um[:, 0], corners_um[:, 2] - corners_um[:, 0]
    determinant = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    gradient = np.stack([second[:, 1], -second[:, 0], -first[:, 1], first[:, 0]], 1).reshape(
        -1, 2, 2
    )
    return gradient, determinant


def element_normals(corners_um: Array, order: int) -> Array:
    """∫ ∇φ dA of each triangle's shape functions, shape (t, k, 2).

    Summed over triangles this is ∮ φ n ds by the divergence theorem: nothing inside, the edge's normal on the edge.
    """
    gradient, determinant = reference_gradients(corners_um)
    return np.einsum("t,tpa,pk->tka", np.sign(determinant), gradient, _reference_integrals(order))


@cache
def _reference_integrals(order: int) -> Array:
    """∫ ∂p φi over the reference triangle, shape (2, k)."""
    import skfem

    element, _ = reference_element(order)
    points, weights = skfem.quadrature.get_quadrature(element, max(1, order - 1))
    gradient = [
        element.lbasis(points, i)[1] * np.ones_like(weights) for i in range(len(element.doflocs))
    ]
    return np.einsum("ipx,x->pi", gradient, weights)


def build_system(
    points_um: Array,
    row: Integers,
    column: Integers,
    value: Array,
    elements: Integers,
    normals: Array,
) -> System:
    """Sum up element contributions.

    Parameters
    ----------
    points_um : array, shape (n, 2)
    row, column, value : arrays of one shape
        Entries of the element matrices; only the lower triangle is taken.
    elements, normals : arrays, shapes (t, k) and (t, k, 2)
        ∫ ∇φ dA of the nodes named.
    """
    size = 2 * len(points_um)
    lower = row >= column
    matrix = coo_array((value[lower], (row[lower], column[lower])), shape=(size, size)).tocsc()
    low, high = points_um.min(0), points_um.max(0)
    strain = np.einsum("sab,nb->nas", UNIT_STRAINS, points_um - low).reshape(-1, 3)
    force = matrix @ strain + matrix.T @ strain - matrix.diagonal()[:, None] * strain
    column = np.repeat(np.arange(size), np.diff(matrix.indptr))
    flat = elements.ravel()
    normal = np.stack(
        [np.bincount(flat, normals[..., a].ravel(), len(points_um)) for a in (0, 1)], 1
    )
    traction = np.einsum("sab,nb->nas", UNIT_STRAINS * [[[1]], [[1]], [[2]]], normal).reshape(-1, 3)
    return System(
        points_um,
        matrix.indices,
        column,
        matrix.data,
        strain,
        force,
        traction,
        (points_um - low) / (high - low),
        float(points_um[:, 0] @ normal[:, 0]),
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
    row, column = number[system.row], number[system.column]
    free = (row >= 0) & (column >= 0)
    row, column = row[free], column[free]
    # an entry off the diagonal stands for its mirror image too, which matters when both fall on the diagonal
    twice = (row == column) & (system.row != system.column)[free]
    value = np.where(twice, 2 * system.value[free], system.value[free])
    held = number >= 0
    right = np.stack([np.bincount(number[held], part[held], count) for part in load.T])
    solution = _cholesky_solve(np.maximum(row, column), np.minimum(row, column), value, right)
    return np.where(held[:, None], solution.T[number], 0.0)


def _cholesky_solve(row: Integers, column: Integers, value: Array, right: Array) -> Array:
    """Solve a symmetric positive definite system, lower triangle given, for right-hand sides of shape (m, n)."""
    count = right.shape[1]
    if len(value) > FULL * count**2 / 2:
        dense = np.bincount(row * count + column, value, count**2).reshape(count, count)
        factor, failed = dpotrf(dense, lower=1)
        if failed:
            raise ArithmeticError("the stiffness is not positive definite")
        return dpotrs(factor, right.T, lower=1)[0].T
    try:
        from cvxopt import cholmod, matrix, spmatrix
    except ImportError:
        lower = csc_array((value, (row, column)), shape=(count, count))
        diagonal = csc_array((lower.diagonal(), (np.arange(count),) * 2))
        return splu(csc_array(lower + lower.T - diagonal)).solve(right.T.copy()).T
    unknowns = matrix(right.T)
    cholmod.linsolve(spmatrix(value, row, column, (count, count)), unknowns)
    return np.array(unknowns).T


def kubc(system: System) -> tuple[Array, Array]:
    """Solve with u = ε·x on the edge.

    Returns
    -------
    stiffness_gpa : array, shape (3, 3)
    displacement : array, shape (2n, 3)
        For the three unit strains.
    """
    free = np.ones(len(system.strain), bool)
    free[_dofs(system.boundary())] = False
    number = np.where(free, np.cumsum(free) - 1, -1)
    return _relax(system, number)


def pbc(system: System) -> tuple[Array, Array]:
    """Solve with u = ε·x + fluctuation equal on opposite edges; returns as `kubc`.

    Raises
    ------
    ValueError
        If nodes on opposite edges do not face each other.
    """
    boundary = system.boundary()
    master = np.arange(len(system.points_um))
    master[boundary] = boundary[periodic_masters(system.where[boundary])]
    held = master == master[boundary[0]]
    own = (master == np.arange(len(master))) & ~held
    node = np.where(held, -1, (np.cumsum(own) - 1)[master])
    number = np.where(node[:, None] < 0, -1, 2 * node[:, None] + np.arange(2)).ravel()
    return _relax(system, number)


def _relax(system: System, number: Integers) -> tuple[Array, Array]:
    """Add to the unit strains the fluctuation that a boundary condition admits; C̄ is the energy left."""
    fluctuation = solve(system, number, -system.force)
    displacement = system.strain + fluctuation
    stiffness = system.strain.T @ system.force + fluctuation.T @ system.force
    return (stiffness + stiffness.T) / (2 * system.area_um2), displacement


def subc(system: System) -> tuple[Array, Array]:
    """Solve with t = σ·n on the edge; returns as `kubc`, displacements for the three unit mean strains."""
    corner = (system.where**2).sum(1).argmin()
    other = ((system.where - [1, 0]) ** 2).sum(1).argmin()
    free = np.ones(len(system.strain), bool)
    free[[2 * corner, 2 * corner + 1, 2 * other + 1]] = False
    displacement = solve(system, np.where(free, np.cumsum(free) - 1, -1), system.traction)
    stiffness = np.linalg.inv(system.traction.T @ displacement / system.area_um2)
    return (stiffness + stiffness.T) / 2, displacement @ stiffness


SOLVERS = {"kubc": kubc, "subc": subc, "pbc": pbc}


def _dofs(nodes: Integers) -> Integers:
    """Both displacements of each node."""
    return (2 * nodes[:, None] + np.arange(2)).ravel()


def periodic_masters(where: Array) -> Integers:
    """Row of the node on the left or lower edge that each boundary node repeats periodically.

    Parameters
    ----------
    where : array, shape (b, 2)
        Boundary nodes in the window's own axes, 0 to 1.

    Raises
    ------
    ValueError
        If a node has no partner within 1e-6 of the window.
    """
    own = np.flatnonzero((where < 1 - EDGE).all(1))
    distance, nearest = cKDTree(where[own]).query(np.where(where < 1 - EDGE, where, where - 1))
    if distance.max() > 1e-6 or np.bincount(nearest, minlength=len(own)).min() < 2:
        raise ValueError(
            f"boundary nodes do not face each other: they are {distance.max():.2g} of the window apart"
        )
    return own[nearest]


def apparent_stiffness(
    mesh: Mesh,
    element_stiffness_gpa: Array,
    boundary_conditions: tuple[str, ...] = ("kubc", "subc", "pbc"),
    order: int = 2,
) -> dict[str, Array]:
    """Homogenize one SVE.

    Parameters
    ----------
    mesh : Mesh
    element_stiffness_gpa : array, shape (t, 3, 3)
        Plane stiffness of each triangle.
    boundary_conditions : tuple of str
        Any of "kubc", "subc", "pbc".
    order : int
        Polynomial order of the triangles, 1 to 3.

    Returns
    -------
    dict
        Apparent stiffness (3, 3) in GPa by boundary condition, as the finite elements give it.
    """
    from polysve.condensation import assemble_fans, find_fans

    fans = find_fans(mesh)
    if fans is None:
        system = assemble(lagrange_space(mesh, order), element_stiffness_gpa)
    else:
        system = assemble_fans(mesh, fans, element_stiffness_gpa, order)
    return {name: SOLVERS[name](system)[0] for name in boundary_conditions}
