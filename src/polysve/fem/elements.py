"""Lagrange triangles of any order: nodes, matrices, normals."""

import math
from functools import cache
from math import comb, factorial
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array, Integers
from polysve.grains.mesh import Mesh

# displacement gradients of the unit strains 11, 22 and 12 (engineering shear)
UNIT_STRAINS = np.array([[[1.0, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0.5], [0.5, 0]]])
# Voigt number of a pair of plane indices
VOIGT = np.array([[0, 2], [2, 1]])
# start and end of the sides of a triangle
SIDES = np.array([[0, 1], [1, 2], [0, 2]])


class Space(NamedTuple):
    """Nodes of a Lagrange element on a mesh."""

    points_um: Array
    """Shape (n, 2)."""
    elements: Integers
    """Node numbers of each triangle, shape (t, k)."""
    order: int


class Reference(NamedTuple):
    """Lagrange element on the triangle of corners (0, 0), (1, 0), (0, 1)."""

    place: Integers
    """Barycentric coordinates of the nodes times the order, shape (k, 3): corners, then sides, then inside."""
    products: Array
    """∫ ∂p φi ∂q φj, pairs (p, q) by pairs (i, j), shape (4, k²)."""
    integrals: Array
    """∫ ∂p φi, shape (2, k)."""


@cache
def reference_element(order: int) -> Reference:
    """Lagrange element of any order, nodes equally spaced.

    Its shape functions are combinations of Bernstein polynomials, whose integrals have closed forms (Farouki,
    Comput. Aided Geom. Des. 29 (2012) 379).

    Examples
    --------
    >>> reference_element(1).place.tolist(), reference_element(1).integrals.tolist()
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[-0.5, 0.5, 0.0], [-0.5, 0.0, 0.5]])
    """
    place = _places(order)
    low = [tuple(each) for each in _places(order - 1).tolist()]
    # ∂p of a Bernstein polynomial is a difference of two polynomials of one order less
    slope = np.zeros((2, len(place), len(low)))
    for i, each in enumerate(place.tolist()):
        for corner in range(3):
            less = tuple(n - (c == corner) for c, n in enumerate(each))
            if min(less) >= 0:
                slope[np.array([0, 1]) if corner == 0 else corner - 1, i, low.index(less)] = (
                    -order if corner == 0 else order
                )
    below = 2 * order - 2
    mass = [[math.prod(map(comb, np.add(a, b).tolist(), a)) for b in low] for a in low]
    mass = np.array(mass) / (comb(below, order - 1) * (below + 1) * (below + 2))
    power = np.prod((place / order)[:, None] ** place, axis=2)
    factor = [factorial(order) / math.prod(map(factorial, each)) for each in place.tolist()]
    lagrange = np.linalg.inv(power * factor)
    slope = np.einsum("ji,pjx->pix", lagrange, slope)
    products = np.einsum("pix,xy,qjy->pqij", slope, mass, slope)
    return Reference(place, products.reshape(4, -1), slope.sum(2) / (order * (order + 1)))


def _places(order: int) -> Integers:
    """Nodes of a triangle: corners, then the sides from corner to corner, then what is inside."""
    if order == 0:
        return np.zeros((1, 3), int)
    step = np.arange(1, order)
    sides = np.zeros((len(SIDES), order - 1, 3), int)
    for side, (start, end) in zip(sides, SIDES, strict=True):
        side[:, start], side[:, end] = order - step, step
    inside = [(order - i - j, i, j) for j in step for i in step if i + j < order]
    return np.vstack(
        [order * np.eye(3, dtype=int), *sides, np.reshape(inside, (-1, 3)).astype(int)]
    )


def lagrange_space(mesh: Mesh, order: int) -> Space:
    """Number the nodes of a Lagrange element on a mesh: corners, then edges, then what is inside the triangles."""
    place = reference_element(order).place
    triangles, count = mesh.triangles, len(mesh.nodes_um)
    ends = triangles[:, SIDES]
    key = ends.min(2) * count + ends.max(2)
    unique, edge = np.unique(key, return_inverse=True)
    edge = edge.reshape(key.shape)
    step = np.arange(order - 1)
    along = np.where((ends[..., 0] < ends[..., 1])[..., None], step, order - 2 - step)
    on_sides = count + edge[..., None] * (order - 1) + along
    inner = len(place) - 3 * order
    first = count + len(unique) * (order - 1)
    inside = first + np.arange(len(triangles) * inner).reshape(len(triangles), inner)
    elements = np.hstack([triangles, on_sides.reshape(len(triangles), -1), inside])
    points = np.empty((first + inside.size, 2))
    points[elements] = (place / order) @ mesh.nodes_um[triangles]
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
    products = reference_element(order).products
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
    return np.einsum(
        "t,tpa,pk->tka", np.sign(determinant), gradient, reference_element(order).integrals
    )
