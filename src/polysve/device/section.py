"""Apparent stiffness of slices of a beam, from strips that are periodic along the axis and free at their sides.

A strip follows a mean strain e of its axis and a mean curvature κ: u = e x − κ x y + ũ, v = κ x²/2 + ṽ with y from the
middle and ũ, ṽ periodic in x. Its section forces are (N, M) = S (e, κ), S = [[EA, ES], [ES, EI]]. The energy under
unit N and M, column by column, says how the compliance S⁻¹ is spread along the strip: that of each slice, in the
company of its neighbours. A moment that grows along the axis, and so a shear force, does a work besides, that of GA.

ũ and ṽ of bilinear elements on square pixels come from conjugate gradients, preconditioned by a uniform isotropic
strip, whose matrix falls into small blocks under the Fourier transform along the axis. After n steps the energy is
right to about 2n orders of the contrast, so that few steps do: a Born series of a strip (Zeman, Vondřejc, Novák &
Marek, J. Comput. Phys. 229 (2010) 8065).
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.stiffness import exp_stiffness
from polysve.surrogate.pixels import exponential

TOLERANCE = 1e-9
"""Share of the energy that the conjugate gradients may leave: three steps for silicon, six for copper."""
MOST_STEPS = 100
CHUNK = 4
"""Strips solved at a time: they stay in the cache."""


class Sections(NamedTuple):
    """Slices of a beam; stiffness for a thickness of 1 µm."""

    stiffness: Array
    """Of tension and bending in the plane, S, shape (..., 2, 2): GPa·µm, GPa·µm², GPa·µm³."""
    shear: Array
    """GA of the deflection by shear, GPa·µm, shape (...)."""
    film: Array
    """Plane stiffness of the film around a slice, the exponential of the mean log Q, GPa, shape (..., 3, 3)."""

    @property
    def axial(self) -> Array:
        """Stiffness of tension while the slice may bend, GPa·µm."""
        return 1 / np.linalg.inv(self.stiffness)[..., 0, 0]

    @property
    def bending(self) -> Array:
        """Stiffness of bending in the plane without axial force, EI − ES²/EA, GPa·µm³."""
        return 1 / np.linalg.inv(self.stiffness)[..., 1, 1]


def sections(log_q: Array, pixel_um: float, slice_pixels: int) -> Sections:
    """Stiffness of the slices of strips.

    Parameters
    ----------
    log_q : array, shape (strips, along, across, 6)
        Area averages of log Q on square pixels, Mandel form (`polysve.crystals.stiffness.log_stiffness`).
    pixel_um : float
    slice_pixels : int
        Length of a slice, of which `along` is a multiple.

    Returns
    -------
    Sections
        Of shape (strips, slices).

    Raises
    ------
    ArithmeticError
        If the solution does not converge, as with voids.

    Examples
    --------
    >>> from polysve.crystals.stiffness import log_stiffness
    >>> steel = 200 / 0.91 * np.array([[1, 0.3, 0], [0.3, 1, 0], [0, 0, 0.35]])
    >>> found = sections(np.tile(log_stiffness(steel), (1, 4, 32, 1)), 1 / 32, 4)  # 1 µm wide
    >>> found.stiffness[0, 0].round(1) + 0.0  # E w, 0, E w³/12
    array([[200. ,   0. ],
           [  0. ,  16.7]])
    """
    from scipy.ndimage import uniform_filter1d

    parts = [
        _stiffness(log_q[start : start + CHUNK], pixel_um, slice_pixels)
        for start in range(0, len(log_q), CHUNK)
    ]
    strips, along, across = log_q.shape[:3]
    mean = log_q.reshape(strips, along // slice_pixels, -1, 6).mean(2)
    # in less than a grain there would be no mean of grains
    widths = max(1, round(across / slice_pixels))
    film = exp_stiffness(uniform_filter1d(mean, widths, axis=1, mode="wrap"))
    stiffness, shear = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Sections(stiffness, shear, film)


def _stiffness(log_q: Array, pixel_um: float, slice_pixels: int) -> tuple[Array, Array]:
    """S of slices, shape (strips, slices, 2, 2), and GA, shape (strips, slices)."""
    # pixels first and strips last: the blocks of the preconditioner then meet all strips in one product
    planes = exponential(log_q.reshape(-1, *log_q.shape[2:])).reshape(6, *log_q.shape[:3])
    q = np.ascontiguousarray(np.moveaxis(planes, 1, -1), float)[:, :, :, None]
    mean = _mean_strain(*log_q.shape[1:3])
    moved = _displacement(q, mean, 0)
    strain = mean + _strain(moved)
    columns = np.einsum("ixyln,ixymn->nxlm", _stress(q, strain), strain)
    compliance = np.linalg.inv(columns.mean(1, keepdims=True))

    def of_slices(columns):
        return columns.reshape(len(columns), -1, slice_pixels, *columns.shape[2:]).mean(2)

    stiffness = np.linalg.inv(compliance @ of_slices(columns) @ compliance)
    # rows N and M of the compliance: the strip under unit forces
    moved, strain = (
        np.einsum("...ln,nlm->...mn", each, compliance[:, 0]) for each in (moved, strain)
    )
    sheared = of_slices(_shear_columns(q, mean, moved[..., 1:, :], strain))
    return stiffness * pixel_um ** np.array([[1, 2], [2, 3]]), pixel_um / sheared


def _shear_columns(q: Array, mean: Array, moved: Array, strain: Array) -> Array:
    """Compliance of the deflection by shear of columns of pixels, shape (strips, along).

    Under a moment that grows along the axis, M = x, the displacements are x times those under M = 1 plus periodic ones,
    the stresses x times those under M = 1 plus others, τ, that do work of their own: that of the shear force.

    Parameters
    ----------
    q, mean : array
        Stiffness of pixels, and `_mean_strain`.
    moved : array, shape (along, across + 1, 2, 1, strips)
        Periodic displacements under M = 1.
    strain : array, shape (5, along, across, 2, strips)
        Strains under N = 1 and M = 1.
    """
    grown = _strain_of_growth(moved)
    grown = grown + _strain(
        _displacement(q, grown, _forces_of_growth(_stress(q, strain[..., 1:, :])))
    )
    # without a mean axial force and moment
    forces = np.einsum("ixyln,ixymn->mn", _stress(q, grown), np.broadcast_to(mean, strain.shape))
    grown = grown - np.einsum("...mn,mn->...n", strain, forces / len(moved))[..., None, :]
    return np.einsum("ixyln,ixyln->nx", _stress(q, grown), grown)


def _mean_strain(along: int, across: int) -> Array:
    """Mean strain and twist of pixels of side 1 under e = 1 and κ = 1, shape (5, along, across, 2, 1)."""
    strain = np.zeros((5, along, across, 2, 1))
    strain[0, :, :, 0] = 1
    strain[0, :, :, 1, 0] = (across - 1) / 2 - np.arange(across)
    strain[3, :, :, 1] = -1
    return strain


def _strain(u: Array) -> Array:
    """Mean strain (3) and twist (2) of pixels from displacements (along, across + 1, 2, loads, slices)."""
    right = np.roll(u, -1, axis=0)
    return _strain_between(right - u, right + u)


def _strain_of_growth(u: Array) -> Array:
    """What the strain of x times displacements has more than x times their strain."""
    right = np.roll(u, -1, axis=0)
    return _strain_between((right + u) / 2, (right - u) / 2)


def _strain_between(jump: Array, total: Array) -> Array:
    """Strain from differences and sums of the displacements on either side of pixels."""
    gradient = (jump[:, 1:] + jump[:, :-1]) / 2
    slope = (total[:, 1:] - total[:, :-1]) / 2
    twist = jump[:, 1:] - jump[:, :-1]
    shear = slope[:, :, 0] + gradient[:, :, 1]
    return np.stack([gradient[:, :, 0], slope[:, :, 1], shear, twist[:, :, 0], twist[:, :, 1]])


def _stress(q: Array, strain: Array) -> Array:
    """What does work on mean strain and twist (see `whole.element_stiffness`), for each of `strain`."""
    q11, q22, q66, q12, q16, q26 = q
    e11, e22, e12, u, v = strain
    turn = q16 + q26
    return np.stack(
        [
            q11 * e11 + q12 * e22 + q16 * e12,
            q12 * e11 + q22 * e22 + q26 * e12,
            q16 * e11 + q26 * e22 + q66 * e12,
            ((q11 + q66) * u + turn * v) / 12,
            ((q22 + q66) * v + turn * u) / 12,
        ]
    )


def _forces(stress: Array) -> Array:
    """Adjoint of `_strain`."""
    jump, total = _forces_between(stress)
    return total - jump + np.roll(total + jump, 1, axis=0)


def _forces_of_growth(stress: Array) -> Array:
    """Adjoint of `_strain_of_growth`: what is missing to balance x times balanced stresses."""
    jump, total = _forces_between(stress)
    return (jump - total + np.roll(jump + total, 1, axis=0)) / 2


def _forces_between(stress: Array) -> tuple[Array, Array]:
    """Adjoint of `_strain_between`."""
    s11, s22, s12, u, v = stress
    gradient, slope = np.stack([s11, s12], 2) / 2, np.stack([s12, s22], 2) / 2
    twist = np.stack([u, v], 2)
    jump = np.zeros((len(s11), s11.shape[1] + 1, *gradient.shape[2:]))
    total = np.zeros_like(jump)
    jump[:, 1:] = gradient + twist
    jump[:, :-1] += gradient - twist
    total[:, 1:] = slope
    total[:, :-1] -= slope
    return jump, total


def _displacement(q: Array, strain: Array, force: Array | float) -> Array:
    """Periodic displacements under given strains and forces, by conjugate gradients for each load of each strip."""
    solve = _Strip(*q.shape[1:3], *_reference(q)).solve

    def product(a, b):
        return np.einsum("xyiln,xyiln->ln", a, b)

    stress = _stress(q, strain)
    residual = force - _forces(stress)
    residual -= residual.mean(
        (0, 1)
    )  # nothing but what the solution before left moves the whole strip
    solved = solve(residual)
    direction, energy = solved, product(residual, solved)
    allowed = TOLERANCE * (
        np.einsum("ixyln,ixyln->ln", stress, np.broadcast_to(strain, stress.shape)) + energy
    )
    displacement = np.zeros_like(residual)
    for _ in range(MOST_STEPS):
        going = energy > allowed
        if not going.any():
            return displacement
        applied = _forces(_stress(q, _strain(direction)))
        # steps along what rounding leaves would lead anywhere
        length = np.where(going, energy / np.where(going, product(direction, applied), 1), 0)
        displacement += length * direction
        residual = residual - length * applied
        solved = solve(residual)
        before, energy = energy, product(residual, solved)
        direction = solved + energy / np.where(going, before, np.inf) * direction
    raise ArithmeticError(f"sections did not converge in {MOST_STEPS} steps")


def _reference(q: Array) -> tuple[float, float]:
    """Bulk and shear modulus of an isotropic film like these, to two digits: few strips are then factorized."""
    q11, q22, q66, q12, _, _ = (component.mean() for component in q)
    bulk, shear = (q11 + q22 + 2 * q12) / 4, ((q11 + q22 - 2 * q12) / 4 + q66) / 2
    return float(f"{bulk:.1e}"), float(f"{shear:.1e}")


class _Strip:
    """Uniform isotropic strip, periodic along its axis, free at its sides."""

    def __init__(self, along: int, across: int, bulk: float, shear: float):
        self.inverse = _blocks(along, across, bulk, shear)

    def solve(self, force: Array) -> Array:
        """Displacements, without a mean, from forces (along, across + 1, 2, loads, slices) without a mean."""
        from scipy import fft

        amplitude = fft.rfft(force, axis=0)
        amplitude[:, :, 1] *= 1j
        blocks = amplitude.reshape(*self.inverse.shape[:2], -1).view(float)
        solved = (self.inverse @ blocks).view(complex).reshape(amplitude.shape)
        solved[:, :, 1] *= -1j
        return fft.irfft(solved, n=len(force), axis=0)


@cache
def _blocks(along: int, across: int, bulk: float, shear: float) -> Array:
    """Inverse of the strip's blocks, one a wave number; real, for v runs a quarter of a wave behind u.

    Returns
    -------
    array, shape (along // 2 + 1, 2 (across + 1), 2 (across + 1))
    """
    from polysve.device.whole import element_stiffness

    q = np.array([[bulk + shear, bulk - shear, 0], [bulk - shear, bulk + shear, 0], [0, 0, shear]])
    one = element_stiffness(q).reshape(2, 4, 2, 4)
    size = 2 * (across + 1)
    inverse = np.empty((along // 2 + 1, size, size))
    lag = np.tile([1, 1j], 2)
    for number in range(len(inverse)):
        phase = np.array([1, np.exp(2j * np.pi * number / along)])
        pixel = np.einsum("a,aibj,b->ij", phase.conj(), one, phase)
        pixel = (lag[:, None] * pixel * lag.conj()).real
        block = np.zeros((size, size))
        for row in range(0, size - 2, 2):
            block[row : row + 4, row : row + 4] += pixel
        if number == 0:  # the two translations cost nothing, and no force asks for them
            block[0::2, 0::2] += 1
            block[1::2, 1::2] += 1
        inverse[number] = np.linalg.inv(block)
    return inverse
