"""Films of grains of square symmetry: Q·(1,1,0) = 2K·(1,1,0) with one K, and the identities that follow.

Stiffnesses are in GPa, Voigt order 11, 22, 12 (in the plane) with engineering shear.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from polysve.base.types import Array

SYMMETRY_TOLERANCE = 1e-10
"""Relative; what turning a crystal leaves of rounding errors is a thousand times less."""
HARMONICS = (
    np.array(
        [
            [3, 1, 0, 1, 3, 0, 0, 0, 1],  # 8 times the mean: 3 (S11 + S22) + 2 S12 + S66
            [1, -1, 0, -1, 1, 0, 0, 0, -1],  # of cos 4φ: S11 + S22 - 2 S12 - S66
            [0, 0, 1, 0, 0, -1, 1, -1, 0],  # of sin 4φ: 2 (S16 - S26)
        ]
    ).T.copy()
    / 8
)
"""Mean and fourth harmonic of 1/E(φ) from the nine components of a compliance."""


class SquareSymmetry(NamedTuple):
    """What the grains of a film of square symmetry have in common."""

    bulk_gpa: float
    """Area modulus K of every grain: C̄·(1,1,0) = 2K·(1,1,0) for any mesh and boundary condition."""
    shear_gpa: tuple[float, float] | None
    """Smaller and larger shear modulus of the one Q that all grains are turns of; none if they are not."""

    @property
    def geometric_mean(self) -> float | None:
        """Geometric mean of the extreme Young's moduli of a periodic film, exact; none without one Q.

        Duality of plane elasticity, as for `PlaneStress.geometric_mean`.
        """
        if self.shear_gpa is None:
            return None
        return math.sqrt(
            math.prod(4 * self.bulk_gpa * g / (self.bulk_gpa + g) for g in self.shear_gpa)
        )

    @property
    def isotropic(self) -> bool:
        """Whether all grains are the same isotropic sheet: then every window has that stiffness."""
        return self.shear_gpa is not None and bool(
            np.isclose(*self.shear_gpa, rtol=SYMMETRY_TOLERANCE, atol=0)
        )


def square_symmetry(stiffness_gpa: ArrayLike) -> SquareSymmetry | None:
    """Test whether grains have square symmetry, on their stiffness and not on the names of crystals.

    Parameters
    ----------
    stiffness_gpa : array_like, shape (n, 3, 3)
        Q of the grains in window axes.

    Returns
    -------
    SquareSymmetry or None
        None where Q·(1,1,0) = 2K·(1,1,0) fails in a grain, or K differs, by more than 1e-10.

    Examples
    --------
    >>> silicon = plane_stress(165.64, 63.94, 79.51)
    >>> film = square_symmetry(silicon.stiffness([0.1, 0.7, 1.3]))
    >>> round(film.bulk_gpa, 3), round(film.geometric_mean, 4), film.isotropic
    (90.108, 148.2173, False)
    """
    q11, q12, q16, _, q22, q26, _, _, q66 = np.asarray(stiffness_gpa, float).reshape(-1, 9).T
    pressure = np.array([q11 + q12, q12 + q22])
    twice_bulk = float(pressure.sum() / pressure.size)
    tolerance = SYMMETRY_TOLERANCE * twice_bulk
    if max(np.abs(pressure - twice_bulk).max(), np.abs(q16 + q26).max()) > tolerance:
        return None
    # what is left of Q acts on the two shears at 45° to each other: a symmetric 2×2 matrix
    mean = (q11 + q22 - 2 * q12) / 4
    centre, amplitude = (mean + q66) / 2, np.hypot((mean - q66) / 2, (q16 - q26) / 2)
    small, large = centre - amplitude, centre + amplitude
    one = max(small.max() - small.min(), large.max() - large.min()) <= tolerance
    return SquareSymmetry(
        twice_bulk / 2, (float(small.mean()), float(large.mean())) if one else None
    )


class PlaneStress(NamedTuple):
    """Plane-stress stiffness of a cubic crystal with one <100> axis along the film normal, in crystal axes (GPa)."""

    q11: float
    q12: float
    q66: float

    @property
    def bulk(self) -> float:
        """Area modulus K = (Q11 + Q12)/2, the same in every grain."""
        return (self.q11 + self.q12) / 2

    @property
    def anisotropy(self) -> float:
        """H = (Q11 - Q12)/2 - Q66, zero for an isotropic film."""
        return (self.q11 - self.q12) / 2 - self.q66

    @property
    def young_modulus_100(self) -> float:
        """Young's modulus along the in-plane <100> axis."""
        return (self.q11**2 - self.q12**2) / self.q11

    @property
    def young_modulus_110(self) -> float:
        """Young's modulus along the in-plane <110> axis."""
        return 4 * self.bulk * self.q66 / (self.bulk + self.q66)

    @property
    def geometric_mean(self) -> float:
        """Exact geometric mean of the extreme directional moduli of any periodic medium of this crystal.

        Duality of plane elasticity: Avellaneda, Cherkaev, Gibiansky, Milton & Rudelson, J. Mech. Phys. Solids 44
        (1996) 1179; Milton, The Theory of Composites, ch. 4.
        """
        return float(np.sqrt(self.young_modulus_100 * self.young_modulus_110))

    def stiffness(self, theta_rad: ArrayLike) -> Array:
        """Stiffness in window axes of crystals turned by θ.

        Parameters
        ----------
        theta_rad : array_like, shape (...)
            Angle of a <100> axis from x1.

        Returns
        -------
        array, shape (..., 3, 3)
            GPa; linear in (cos 4θ, sin 4θ).
        """
        theta = np.asarray(theta_rad, float)
        return self.stiffness_from_harmonics(np.cos(4 * theta), np.sin(4 * theta))

    def stiffness_from_harmonics(self, cos4: ArrayLike, sin4: ArrayLike) -> Array:
        """Stiffness, shape (..., 3, 3), from cos 4θ and sin 4θ or their averages (Voigt average)."""
        cos4, sin4 = np.broadcast_arrays(np.asarray(cos4, float), np.asarray(sin4, float))
        half = self.anisotropy / 2
        matrix = np.empty((*cos4.shape, 3, 3))
        matrix[..., 0, 0] = matrix[..., 1, 1] = self.q11 - half * (1 - cos4)
        matrix[..., 0, 1] = matrix[..., 1, 0] = self.q12 + half * (1 - cos4)
        matrix[..., 2, 2] = self.q66 + half * (1 - cos4)
        matrix[..., 0, 2] = matrix[..., 2, 0] = half * sin4
        matrix[..., 1, 2] = matrix[..., 2, 1] = -half * sin4
        return matrix


def upright(stiffness_gpa: ArrayLike) -> PlaneStress:
    """Plane stress of a crystal whose fourfold axis is the film normal: cubic, or tetragonal of six constants.

    Parameters
    ----------
    stiffness_gpa : array_like, shape (6, 6)
        In crystal axes.

    Examples
    --------
    >>> rutile = np.diag([92.0, 92.0, 335.2, 124.4, 124.4, 194.8])
    >>> rutile[:3, :3] += [[179.4, 178.0, 149.6], [178.0, 179.4, 149.6], [149.6, 149.6, 148.8]]
    >>> round(upright(rutile).q11, 3)
    225.160
    """
    stiffness = np.asarray(stiffness_gpa, float)
    softening = stiffness[0, 2] ** 2 / stiffness[2, 2]
    return PlaneStress(
        float(stiffness[0, 0] - softening),
        float(stiffness[0, 1] - softening),
        float(stiffness[5, 5]),
    )


def plane_stress(c11_gpa: float, c12_gpa: float, c44_gpa: float) -> PlaneStress:
    """Reduce cubic constants to plane stress on a {100} film.

    Examples
    --------
    >>> silicon = plane_stress(165.64, 63.94, 79.51)
    >>> round(silicon.bulk, 3), round(silicon.geometric_mean, 4)
    (90.108, 148.2173)
    """
    softening = c12_gpa**2 / c11_gpa
    return PlaneStress(c11_gpa - softening, c12_gpa - softening, c44_gpa)


def extreme_moduli(stiffness_gpa: ArrayLike) -> tuple[Array, Array]:
    """Smallest and largest directional Young's modulus of stiffnesses that obey the bulk identity.

    Their directional compliance has no second harmonic, so the extremes are its mean plus or minus the amplitude of
    its fourth.

    Parameters
    ----------
    stiffness_gpa : array_like, shape (..., 3, 3)

    Returns
    -------
    smallest, largest : array, shape (...)
        GPa.
    """
    mean, cos4, sin4 = compliance_harmonics(np.linalg.inv(np.asarray(stiffness_gpa, float)))
    amplitude = np.hypot(cos4, sin4)
    return 1 / (mean + amplitude), 1 / (mean - amplitude)


def compliance_harmonics(compliance: Array) -> tuple[Array, Array, Array]:
    """Mean and fourth harmonic (cosine, sine) of 1/E(φ) from compliances of shape (..., 3, 3)."""
    parts = compliance.reshape(*compliance.shape[:-2], 9) @ HARMONICS
    return parts[..., 0], parts[..., 1], parts[..., 2]


def restore_geometric_mean(stiffness_gpa: ArrayLike, factor: ArrayLike, bulk_gpa: float) -> Array:
    """Multiply every directional modulus by one factor and keep the bulk identity.

    Parameters
    ----------
    stiffness_gpa : array_like, shape (..., 3, 3)
        Stiffness that obeys the bulk identity up to its discretization error.
    factor : array_like, shape (...)
        Under periodic boundary conditions √(E<100> E<110>)/√(E_min E_max) makes the geometric mean exact.
    bulk_gpa : float
        K of the crystal.

    Returns
    -------
    array, shape (..., 3, 3)
        GPa; C̄·(1,1,0) = 2K·(1,1,0) holds exactly.
    """
    mean, cos4, sin4 = (
        part / factor
        for part in compliance_harmonics(np.linalg.inv(np.asarray(stiffness_gpa, float)))
    )
    compliance = np.empty(np.shape(stiffness_gpa))
    compliance[..., 0, 0] = compliance[..., 1, 1] = mean + cos4
    compliance[..., 0, 1] = compliance[..., 1, 0] = 1 / (2 * bulk_gpa) - (mean + cos4)
    compliance[..., 2, 2] = 4 * (mean - cos4) - 1 / bulk_gpa
    compliance[..., 0, 2] = compliance[..., 2, 0] = 2 * sin4
    compliance[..., 1, 2] = compliance[..., 2, 1] = -2 * sin4
    return np.linalg.inv(compliance)
