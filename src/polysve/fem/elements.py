"""Lagrange triangles of order 1 to 3: nodes, matrices, normals."""

from functools import cache
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array, Integers
from polysve.grains.mesh import Mesh

# displacement gradients of the unit strains 11, 22 and 12 (engineering shear)
UNIT_STRAINS = np.array([[[1.0, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0.5], [0.5, 0]]])
# Voigt number of a pair of plane indices
VOIGT = np.array([[0, 2], [2, 1]])


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
