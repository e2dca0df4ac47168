"""Beams solved whole: the truth that the chain of sections is checked against.

Plane stress, bilinear elements on square pixels, one banded Cholesky factorization along the axis. Lengths in µm,
moduli in GPa; stiffnesses are those of a film 1 µm thick.
"""

from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.stiffness import unpack
from polysve.device.chain import flexibility
from polysve.device.section import Sections
from polysve.surrogate.pixels import exponential

ITERATIONS = 4
"""Of the inverse iteration, which starts from the static deflection: the frequency is then exact to 10⁻⁸."""

STIFF = 1e9
"""Of springs that hold nodes, over the stiffness of an element."""


class Answer(NamedTuple):
    """What one beam does; for unit force and thickness."""

    stiffness: float
    """Force over deflection, GPa·µm: at the tip of a cantilever, in the middle of a clamped beam."""
    eigenvalue: float
    """(2π f)² ρ of the first mode, GPa/µm²."""


def element_stiffness(q_gpa: Array) -> Array:
    """Stiffness of square bilinear elements, exactly integrated.

    With ξ, η from −1/2 to 1/2 the strain is a mean plus η·(twist of u, 0, twist of v) plus ξ·(0, twist of v, twist of
    u), and the mean of ξ² is 1/12 (Flanagan & Belytschko, Int. J. Numer. Methods Eng. 17 (1981) 679).

    Parameters
    ----------
    q_gpa : array, shape (..., 3, 3)

    Returns
    -------
    array, shape (..., 8, 8)
        GPa, for any element size; nodes (0, 0), (0, 1), (1, 0), (1, 1) of (x, y), u before v.
    """
    mean, along, across = _strain_modes()
    return sum(
        weight * (mode.T @ q_gpa @ mode)
        for weight, mode in ((1, mean), (1 / 12, along), (1 / 12, across))
    )


def _strain_modes() -> tuple[Array, Array, Array]:
    """Strain of the eight unknowns: mean, growth with η, growth with ξ."""
    dx = np.array([-0.5, -0.5, 0.5, 0.5])
    dy = np.array([-0.5, 0.5, -0.5, 0.5])
    twist = np.array([1.0, -1, -1, 1])
    mean, along, across = np.zeros((3, 3, 4, 2))
    mean[0, :, 0], mean[1, :, 1], mean[2, :, 0], mean[2, :, 1] = dx, dy, dy, dx
    along[0, :, 0] = along[2, :, 1] = twist
    across[1, :, 1] = across[2, :, 0] = twist
    return mean.reshape(3, 8), along.reshape(3, 8), across.reshape(3, 8)


def banded_stiffness(q_gpa: Array) -> Array:
    """Stiffness matrix of a strip in the lower form of `scipy.linalg.cholesky_banded`.

    Unknowns run across the strip first, u before v.

    Parameters
    ----------
    q_gpa : array, shape (along, across, 3, 3)

    Returns
    -------
    array, shape (2 across + 6, 2 (along + 1) (across + 1))
    """
    along, across = q_gpa.shape[:2]
    one = element_stiffness(q_gpa).reshape(along, across, 2, 2, 2, 2, 2, 2)
    band = np.zeros((2 * across + 6, along + 1, across + 1, 2))
    places = list(np.ndindex(2, 2, 2))
    for row in places:
        for column in places:
            below = (
                ((row[0] - column[0]) * (across + 1) + row[1] - column[1]) * 2 + row[2] - column[2]
            )
            if below >= 0:
                x, y, component = column
                band[below, x : x + along, y : y + across, component] += one[:, :, *row, *column]
    return band.reshape(len(band), -1)


def lumped_mass(along: int, across: int, pixel_um: float) -> Array:
    """Mass of each unknown for unit density and thickness, µm², shape ((along + 1)·(across + 1)·2,)."""
    line = np.ones(along + 1), np.ones(across + 1)
    for each in line:
        each[[0, -1]] = 0.5
    return np.repeat(np.outer(*line).ravel(), 2) * pixel_um**2


def solve(log_q: Array, pixel_um: float, support: str = "cantilever") -> Answer:
    """Stiffness and first frequency of one beam.

    Parameters
    ----------
    log_q : array, shape (along, across, 6)
        Area averages of log Q on square pixels, see `section.sections`.
    pixel_um : float
    support : {"cantilever", "clamped"}
        The clamped ends have no displacement at all. The force spreads evenly over the tip, or over the middle section
        of a beam clamped at both ends, as does the deflection.
    """
    from scipy.linalg import cho_solve_banded

    along, across = log_q.shape[:2]
    factor, free = _factor(log_q, support)
    mass = lumped_mass(along, across, pixel_um)[free]

    load = _load(along, across, support)[free]
    shape = cho_solve_banded(factor, load, check_finite=False)
    stiffness = 1 / (load @ shape)
    shape[0::2] = 0  # the static deflection, transverse
    for _ in range(ITERATIONS):
        force = mass * shape
        shape = cho_solve_banded(factor, force, check_finite=False)
        eigenvalue = (shape @ force) / (shape @ (mass * shape))
        shape /= np.abs(shape).max()
    return Answer(float(stiffness), float(eigenvalue))


def _factor(log_q: Array, support: str) -> tuple[tuple[Array, bool], slice]:
    """Cholesky factor of a held beam, and which unknowns are free."""
    from scipy.linalg import cholesky_banded

    section = 2 * (log_q.shape[1] + 1)
    free = slice(section, None if support == "cantilever" else -section)
    band = banded_stiffness(_q(log_q))[:, free]
    return (cholesky_banded(band, lower=True, check_finite=False), True), free


def deflect(log_q: Array, support: str = "cantilever") -> tuple[Array, Array]:
    """Displacements of the nodes and mean stress of the pixels of one beam under a unit force; see `solve`.

    Returns
    -------
    displacement : array, shape (along + 1, across + 1, 2)
        1/(GPa·µm).
    stress : array, shape (along, across, 3)
        11, 22 and 12 for pixels of side 1.
    """
    from scipy.linalg import cho_solve_banded

    along, across = log_q.shape[:2]
    factor, free = _factor(log_q, support)
    load = _load(along, across, support)
    shape = np.zeros_like(load)
    shape[free] = cho_solve_banded(factor, load[free], check_finite=False)
    nodes = shape.reshape(along + 1, across + 1, 2)
    corners = [nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1], nodes[1:, 1:]]
    strain = np.stack(corners, 2).reshape(along, across, 8) @ _strain_modes()[0].T
    return nodes, np.einsum("xyij,xyj->xyi", _q(log_q), strain)


def root(log_q: Array, pixel_um: float, slices: Sections, slice_um: float, guided=False) -> Array:
    """What a held end takes from the flexibility of a beam, because it cannot narrow or warp there.

    Parameters
    ----------
    log_q : array, shape (along, across, 6)
        The beam near its held end, some widths of it.
    pixel_um : float
    slices : Sections
        Of this piece, shape (n,).
    slice_um : float
        Length of a slice.
    guided : bool
        The end has no displacement along the axis only, and an evenly spread force across it holds it: the middle of a
        beam under a force there, and by symmetry.

    Returns
    -------
    array, shape (3, 3)
        Displacement u, v and slope of the end of the axis under N, V and M for a thickness of 1 µm: what the piece has
        more than its slices in series. It decays within a width (Gregory & Wan, J. Elast. 14 (1984) 27), and so does
        what the loaded far end has; displacements are those of a section a width before it.
    """
    from scipy.linalg import cho_solve_banded, cholesky_banded

    along, across = log_q.shape[:2]
    section = 2 * (across + 1)
    band = banded_stiffness(_q(log_q))
    load = np.zeros((band.shape[1], 6))
    load[-section:, :3] = _end_loads(across, pixel_um)
    inner = (along - across) * section
    load[inner : inner + section, 3:] = _end_loads(across, pixel_um)
    if guided:
        load[1:section:2, [1, 4]] -= _spread(across)[:, None]
        # stiff springs hold u of the end, and v of one node; they take no force across
        band[0, [*range(0, section, 2), 1]] *= STIFF
    else:
        band, load = band[:, section:], load[section:]
    moved = cho_solve_banded((cholesky_banded(band, lower=True), True), load[:, :3])
    length = pixel_um * (along - across)
    forces = np.eye(3)  # at the inner section, of those at the far end
    forces[2, 1] = pixel_um * across
    found = load[:, 3:].T @ moved @ np.linalg.inv(forces)
    ends = np.minimum(slice_um * np.arange(1, len(slices.shear) + 1), length)
    found -= flexibility(slices.stiffness[None], slices.shear[None], ends, np.array([0, length]))[
        0, 0
    ]
    back = np.eye(3)
    back[1, 2] = -length
    found = back @ found @ back.T
    return (found + found.T) / 2


def _end_loads(across: int, pixel_um: float) -> Array:
    """Nodal forces of N, V and M, spread over the end as beam theory has it, shape (2 (across + 1), 3)."""
    load = np.zeros((across + 1, 2, 3))
    for point in (-1, 1) / np.sqrt(3) / 2:  # Gauss
        y = (np.arange(across) + 0.5 + point) / across - 0.5
        share = np.array([0.5 - point, 0.5 + point]) / across / 2
        width = across * pixel_um
        for side in (0, 1):
            rows = slice(side, side + across)
            load[rows, 0, 0] += share[side]
            load[rows, 1, 1] += share[side] * 1.5 * (1 - 4 * y * y)
            load[rows, 0, 2] -= share[side] * 12 * y / width
    return load.reshape(-1, 3)


def _q(log_q: Array) -> Array:
    """Stiffness of pixels, shape (along, across, 3, 3), from its mean logarithm."""
    return unpack(np.moveaxis(exponential(log_q), 0, -1))


def _load(along: int, across: int, support: str) -> Array:
    """Unit transverse force, spread over a section."""
    load = np.zeros((along + 1, across + 1, 2))
    sections = _loaded(along, support)
    for place in sections:
        load[place, :, 1] = _spread(across) / len(sections)
    return load.ravel()


def _spread(across: int) -> Array:
    """Unit force, evenly spread over the nodes of a section."""
    share = np.ones(across + 1)
    share[[0, -1]] = 0.5
    return share / across


def _loaded(along: int, support: str) -> tuple[int, ...]:
    if support == "cantilever":
        return (along,)
    return (along // 2,) if along % 2 == 0 else (along // 2, along // 2 + 1)
