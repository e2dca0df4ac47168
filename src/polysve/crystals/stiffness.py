"""Stiffness of crystals and films: turning, plane stress, logarithm, directional moduli, bounds.

Stiffnesses are in GPa, with engineering shear. In space Voigt order is 11, 22, 33, 23, 13, 12; in the plane 11, 22, 12.
"""

import numpy as np
from numpy.typing import ArrayLike

from polysve.base.types import Array

VOIGT = np.array([0, 1, 2, 1, 0, 0]), np.array([0, 1, 2, 2, 2, 1])
"""First and second index of each component of a 6×6 stiffness."""
PACKED = np.array([0, 1, 2, 0, 0, 1]), np.array([0, 1, 2, 1, 2, 2])
"""Row and column of each component of a packed plane stiffness: 11, 22, 66, 12, 16, 26."""
UNPACKED = np.array([[0, 3, 4], [3, 1, 5], [4, 5, 2]])
MANDEL = np.sqrt(np.array([[1.0, 1.0, 2.0], [1.0, 1.0, 2.0], [2.0, 2.0, 4.0]]))
"""Factor from Voigt to Mandel components, which change as a tensor's do."""
DIRECTIONS_RAD = np.linspace(0, np.pi, 90, endpoint=False)
"""Where directional moduli are compared; they repeat after half a turn."""
WINDOW_AXES = (
    np.array(
        [
            [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 0], [0, 0, 0, -1]],  # w² + x² - y² - z²
            [[0, 0, 0, -2], [0, 0, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]],  # 2 (xy - wz)
            [[0, 0, 2, 0], [0, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0]],  # 2 (xz + wy)
            [[0, 0, 0, 2], [0, 0, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]],  # 2 (xy + wz)
            [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0], [0, 0, 0, -1]],  # w² - x² + y² - z²
            [[0, -2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2], [0, 0, 0, 0]],  # 2 (yz - wx)
        ],
        float,
    )
    .reshape(6, 16)
    .T
)
"""x1, then x2 in crystal coordinates from the products of a quaternion's components: rows of the rotation matrix.

SciPy's Rotation gives the same, but takes as long as all the rest of `plane_stress` for the few grains of an SVE.
"""


def plane_stress(stiffness_gpa: ArrayLike, quaternions: ArrayLike) -> Array:
    """Plane-stress stiffness of turned crystals.

    Three unit stresses in the film's plane are written in crystal axes; their work on each other through the crystal's
    compliance is the compliance in the plane. Its inverse equals Q = C_ii - C_io C_oo⁻¹ C_oi.

    Parameters
    ----------
    stiffness_gpa : array_like, shape (6, 6)
        In crystal axes.
    quaternions : array_like, shape (..., 4)
        Unit quaternions w, x, y, z that turn crystal axes into window axes.

    Returns
    -------
    array, shape (..., 3, 3)
        GPa, window axes.

    Examples
    --------
    >>> cubic = np.full((3, 3), 63.94) + np.diag([101.7] * 3)
    >>> silicon = np.block([[cubic, np.zeros((3, 3))], [np.zeros((3, 3)), 79.51 * np.eye(3)]])
    >>> plane_stress(silicon, [1, 0, 0, 0]).round(3)
    array([[140.958,  39.258,   0.   ],
           [ 39.258, 140.958,   0.   ],
           [  0.   ,   0.   ,  79.51 ]])
    """
    quaternion = np.asarray(quaternions, float)
    shape = quaternion.shape[:-1]
    products = quaternion[..., :, None] * quaternion[..., None, :]
    axes = products.reshape(*shape, 16) @ WINDOW_AXES
    first, second = VOIGT
    one_first, one_second = axes.take(first, -1), axes.take(second, -1)
    two_first, two_second = axes.take(first + 3, -1), axes.take(second + 3, -1)
    stress = np.empty((*shape, 3, 6))
    stress[..., 0, :] = one_first * one_second
    stress[..., 1, :] = two_first * two_second
    stress[..., 2, :] = one_first * two_second + one_second * two_first
    compliance = np.linalg.inv(np.asarray(stiffness_gpa, float))
    matrix = np.linalg.inv(stress @ compliance @ stress.swapaxes(-1, -2))
    return (matrix + matrix.swapaxes(-1, -2)) / 2


def pack(stiffness: ArrayLike) -> Array:
    """Six components of symmetric 3×3 matrices, in the order 11, 22, 66, 12, 16, 26.

    Parameters
    ----------
    stiffness : array_like, shape (..., 3, 3)

    Returns
    -------
    array, shape (..., 6)
    """
    return np.asarray(stiffness, float)[..., PACKED[0], PACKED[1]]


def unpack(components: ArrayLike) -> Array:
    """Symmetric matrices, shape (..., 3, 3), from their six components, shape (..., 6).

    Examples
    --------
    >>> unpack([11, 22, 66, 12, 16, 26])
    array([[11., 12., 16.],
           [12., 22., 26.],
           [16., 26., 66.]])
    """
    return np.asarray(components, float)[..., UNPACKED]


def log_stiffness(stiffness_gpa: ArrayLike) -> Array:
    """Components of the logarithm of plane stiffnesses, in Mandel form.

    Parameters
    ----------
    stiffness_gpa : array_like, shape (..., 3, 3)
        Positive definite.

    Returns
    -------
    array, shape (..., 6)
        Of the logarithm of the Mandel matrix (√2 on shear), in the order 11, 22, 66, 12, 16, 26. Their area averages
        are the natural averages of a film: the logarithm of Q⁻¹ has the opposite sign.

    Examples
    --------
    >>> isotropic = [[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.5]]
    >>> log_stiffness(isotropic).round(4)
    array([0.5493, 0.5493, 0.    , 0.5493, 0.    , 0.    ])
    """
    values, vectors = np.linalg.eigh(np.asarray(stiffness_gpa, float) * MANDEL)
    return pack((vectors * np.log(values)[..., None, :]) @ vectors.swapaxes(-1, -2))


def exp_stiffness(log: ArrayLike) -> Array:
    """Plane stiffnesses, shape (..., 3, 3), GPa, whose `log_stiffness` has the given components, shape (..., 6)."""
    values, vectors = np.linalg.eigh(unpack(log))
    return ((vectors * np.exp(values)[..., None, :]) @ vectors.swapaxes(-1, -2)) / MANDEL


def young_modulus(stiffness_gpa: ArrayLike, phi_rad: ArrayLike = 0.0) -> Array:
    """Young's modulus of a plane stiffness in a direction.

    Parameters
    ----------
    stiffness_gpa : array_like, shape (..., 3, 3)
    phi_rad : array_like
        Direction from x1, broadcast against the leading shape.

    Returns
    -------
    array
        1/E(φ) = S11 c⁴ + S22 s⁴ + (2 S12 + S66) c² s² + 2 S16 c³ s + 2 S26 c s³ (Ting, Anisotropic Elasticity, 1996).
    """
    compliance = np.linalg.inv(np.asarray(stiffness_gpa, float))
    cos, sin = np.cos(phi_rad), np.sin(phi_rad)
    return 1 / (
        compliance[..., 0, 0] * cos**4
        + compliance[..., 1, 1] * sin**4
        + (2 * compliance[..., 0, 1] + compliance[..., 2, 2]) * cos**2 * sin**2
        + 2 * compliance[..., 0, 2] * cos**3 * sin
        + 2 * compliance[..., 1, 2] * cos * sin**3
    )


def directional(stiffness_gpa: ArrayLike, phi_rad: ArrayLike = DIRECTIONS_RAD) -> Array:
    """Young's modulus (n, m) of stiffnesses (n, 3, 3) in m directions from x1, GPa."""
    return young_modulus(np.asarray(stiffness_gpa)[:, None], np.atleast_1d(phi_rad))


def shear_modulus(stiffness_gpa: ArrayLike) -> Array:
    """Shear modulus G12 = 1/S66 of plane stiffnesses of shape (..., 3, 3), GPa."""
    return 1 / np.linalg.inv(np.asarray(stiffness_gpa, float))[..., 2, 2]


def poisson_ratio(stiffness_gpa: ArrayLike) -> Array:
    """Poisson's ratio ν12 = -S12/S11, of contraction along x2 under tension along x1, of plane stiffnesses."""
    compliance = np.linalg.inv(np.asarray(stiffness_gpa, float))
    return -compliance[..., 0, 1] / compliance[..., 0, 0]


def voigt_reuss(stiffness_gpa: ArrayLike, area: ArrayLike) -> tuple[Array, Array]:
    """Voigt (upper) and Reuss (lower) bound from grain stiffnesses (n, 3, 3) and grain areas (n,)."""
    stiffness = np.asarray(stiffness_gpa, float)
    weight = np.asarray(area, float) / np.sum(area)
    both = np.array([stiffness, np.linalg.inv(stiffness)]).reshape(2, -1, 9)
    voigt, compliance = (weight @ both).reshape(2, 3, 3)
    return voigt, np.linalg.inv(compliance)
