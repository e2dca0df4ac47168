"""Beams from their sections: slices in series, with shear, axial force and rotary inertia.

Timoshenko theory. Unknowns are u, v and slope at the ends of pieces; the stiffness of a piece is the inverse of its
flexibility, an integral over its slices and exact where each section stays the same (Przemieniecki, Theory of Matrix
Structural Analysis, 1968, chapter 5). Mass and axial force act through cubic deflections. Lengths in µm, moduli in GPa,
densities in kg/m³, forces in µN.
"""

from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array

PIECES = 24
"""Pieces along a beam, at least: the first frequency is then exact to 10⁻⁶."""
HELD_WIDTHS = 2
"""Least length over width of a piece at a clamped end, which takes some of its flexibility."""
MIRROR = np.array([-1, 1, -1])
"""Of u, v and slope along an axis the other way round."""
ITERATIONS = 5
"""Of the inverse iteration, which starts from the deflection under the beam's own weight."""


class Beams(NamedTuple):
    """Beams of one length and support; each array starts with the axis of the beams."""

    stiffness: Array
    """Of tension and bending of each slice, shape (beams, slices, 2, 2): GPa·µm², GPa·µm³, GPa·µm⁴."""
    shear: Array
    """GA of each slice, GPa·µm², shape (beams, slices)."""
    ends_um: Array
    """Where the slices end, from the root, shape (slices,); the last end is the beam's length."""
    width_um: float
    """Extent of the section in the direction of bending, as drawn."""
    mass: Array
    """Density times area, kg/m³·µm², shape (beams,)."""
    gyration_um2: Array
    """Square of the section's radius of gyration, shape (beams,)."""
    tension_un: Array
    """Axial force before loading, shape (beams,)."""
    root: Array
    """Flexibility (u, v, slope under N, V, M) that the two ends add where they are clamped, shape (beams, 2, 3, 3); see
    `whole.root`."""
    middle: Array
    """The same that the loaded middle of clamped beams adds on either side, shape (beams, 3, 3); nothing where they
    vibrate."""
    support: str = "cantilever"


class Answer(NamedTuple):
    """What beams do, shape (beams,)."""

    stiffness_n_per_m: Array
    """Force over deflection, at the tip of a cantilever or in the middle of a clamped beam."""
    frequency_hz: Array
    """Of the first mode."""


def solve(beams: Beams, buckling: bool = False) -> Answer:
    """Stiffness and first frequency.

    Parameters
    ----------
    beams : Beams
    buckling : bool
        Allow it: a beam that its axial force makes buckle has no stiffness and no frequency.

    Raises
    ------
    InputError
        If a beam buckles that must not.

    Examples
    --------
    >>> one = np.ones(1)  # 200 GPa, 60 × 2 × 1 µm
    >>> section, shear = np.diag([400.0, 400 / 3])[None, None], one[:, None] * 128
    >>> held = np.zeros((1, 2, 3, 3))
    >>> beams = Beams(section, shear, one * 60, 2, 4660 * one, one / 3, 0 * one, held, held[:, 0])
    >>> found = solve(beams)
    >>> float(found.stiffness_n_per_m[0].round(4)), float(found.frequency_hz[0].round())
    (1.8502, 830730.0)
    """
    from scipy.linalg import LinAlgError, cho_solve_banded, cholesky_banded

    edges = _edges(beams.ends_um[-1], beams.width_um)
    span, slope = _cubic(np.diff(edges))
    clamped = beams.support == "clamped"
    free = slice(3, -3 if clamped else None)
    stretched = beams.tension_un[:, None, None, None] * 1e-3 * slope
    moving, pushed = (
        _banded(_stiffness(beams, edges, push) + stretched)[:, :, free] for push in (False, clamped)
    )
    own_mass, turning = (_dense(each)[free, free] for each in (span, slope))
    loaded = 3 * (np.searchsorted(edges, edges[-1] / 2) if clamped else len(edges) - 1) - 2
    found = np.empty((2, len(moving)))
    weight = np.zeros(moving.shape[2])
    weight[1::3] = 1
    for number, bands in enumerate(zip(moving, pushed, strict=True)):
        try:
            factor, bent = (
                (cholesky_banded(each, lower=True, check_finite=False), True) for each in bands
            )
        except LinAlgError:
            if buckling:
                found[:, number] = 0
                continue
            raise InputError(
                f"tension of {beams.tension_un[number]:g} µN: a beam buckles; allowed is less compression"
            ) from None
        force = np.zeros(len(weight))
        force[loaded] = 1
        deflection = cho_solve_banded(bent, force, check_finite=False)[loaded]
        inertia = beams.mass[number] * (own_mass + beams.gyration_um2[number] * turning)
        shape = cho_solve_banded(factor, inertia @ weight, check_finite=False)
        for _ in range(ITERATIONS):
            force = inertia @ (shape / np.abs(shape).max())
            shape = cho_solve_banded(factor, force, check_finite=False)
        found[:, number] = 1 / deflection, (shape @ force) / (shape @ (inertia @ shape))
    return Answer(1e3 * found[0], frequency_hz(found[1]))  # GPa·µm is 10³ N/m


def frequency_hz(square: Array) -> Array:
    """Frequency from its square (2π f)² in GPa·µm over kg/m³·µm³, 10²¹/s²."""
    return np.sqrt(1e21 * square) / (2 * np.pi)


def _edges(length_um: float, width_um: float) -> Array:
    """Ends of the pieces, shape (pieces + 1,): equal ones, but for the first and the last."""
    edges = np.linspace(0, length_um, PIECES + 1)
    inner = (edges >= HELD_WIDTHS * width_um) & (edges <= length_um - HELD_WIDTHS * width_um)
    return np.concatenate([[0.0], edges[inner], [length_um]])


def flexibility(stiffness: Array, shear: Array, ends_um: Array, edges_um: Array) -> Array:
    """Displacements u, v and slope of the far end of pieces under forces N, V and M there, held at the near end.

    Parameters
    ----------
    stiffness, shear, ends_um : array
        See `Beams`.
    edges_um : array, shape (pieces + 1,)

    Returns
    -------
    array, shape (beams, pieces, 3, 3)
    """
    compliance = np.linalg.inv(stiffness)
    axial, mixed, bending = compliance[..., 0, 0], compliance[..., 0, 1], compliance[..., 1, 1]
    one, lever, square = _integrals(ends_um, edges_um)
    found = np.empty((*axial.shape[:-1], len(edges_um) - 1, 3, 3))
    found[..., 0, 0] = axial @ one
    found[..., 0, 1] = found[..., 1, 0] = mixed @ lever
    found[..., 0, 2] = found[..., 2, 0] = mixed @ one
    found[..., 1, 1] = bending @ square + (1 / shear) @ one
    found[..., 1, 2] = found[..., 2, 1] = bending @ lever
    found[..., 2, 2] = bending @ one
    return found


def _integrals(ends_um: Array, edges_um: Array) -> Array:
    """∫1, ∫z and ∫z² over what slices and pieces share, z from a piece's far end; shape (3, slices, pieces)."""
    starts = np.concatenate([[0.0], ends_um[:-1]])
    near, far = (np.clip(each[:, None], edges_um[:-1], edges_um[1:]) for each in (starts, ends_um))
    return np.stack(
        [((edges_um[1:] - near) ** n - (edges_um[1:] - far) ** n) / n for n in (1, 2, 3)]
    )


def _stiffness(beams: Beams, edges: Array, pushed: bool) -> Array:
    """Stiffness of pieces, shape (beams, pieces, 6, 6); those beside the middle are softer where it is pushed."""
    soft = flexibility(beams.stiffness, beams.shear, beams.ends_um, edges)
    move = np.tile(np.eye(3), (len(edges) - 1, 1, 1))
    move[:, 1, 2] = np.diff(edges)  # a turn of the near end moves the far one
    soft[:, 0] += move[0] @ beams.root[:, 0] @ move[0].T
    if beams.support == "clamped":
        soft[:, -1] += beams.root[:, 1]
    if pushed:
        right = np.searchsorted(edges, edges[-1] / 2)
        soft[:, right] += move[right] @ beams.middle @ move[right].T
        soft[:, right - 1] += beams.middle * np.outer(MIRROR, MIRROR)
    strain = np.concatenate([-move, np.broadcast_to(np.eye(3), move.shape)], -1)
    return strain.transpose(0, 2, 1) @ np.linalg.inv(soft) @ strain


def _cubic(size: Array) -> tuple[Array, Array]:
    """∫v² and ∫v'² of cubic deflections (and u², linear) as matrices of pieces, shape (pieces, 6, 6).

    Zienkiewicz & Taylor, The Finite Element Method, chapter 2.
    """
    h, one = size, np.ones_like(size)
    mass = np.array(
        [
            [156 * one, 22 * h, 54 * one, -13 * h],
            [22 * h, 4 * h * h, 13 * h, -3 * h * h],
            [54 * one, 13 * h, 156 * one, -22 * h],
            [-13 * h, -3 * h * h, -22 * h, 4 * h * h],
        ]
    )
    slope = np.array(
        [
            [36 * one, 3 * h, -36 * one, 3 * h],
            [3 * h, 4 * h * h, -3 * h, -h * h],
            [-36 * one, -3 * h, 36 * one, -3 * h],
            [3 * h, -h * h, -3 * h, 4 * h * h],
        ]
    )
    axial = np.array([[2 * one, one], [one, 2 * one]])
    found = np.zeros((2, len(size), 6, 6))
    bent, drawn = np.array([1, 2, 4, 5]), np.array([0, 3])
    found[0][:, bent[:, None], bent] = np.moveaxis(mass * h / 420, -1, 0)
    found[0][:, drawn[:, None], drawn] = np.moveaxis(axial * h / 6, -1, 0)
    found[1][:, bent[:, None], bent] = np.moveaxis(slope / (30 * h), -1, 0)
    return found[0], found[1]


def _banded(parts: Array) -> Array:
    """Lower bands, shape (beams, 6, unknowns), of matrices given by pieces (beams, pieces, 6, 6)."""
    beams, count = parts.shape[:2]
    band = np.zeros((beams, 6, count + 1, 3))
    for row in range(6):
        for column in range(row + 1):
            node, unknown = divmod(column, 3)
            band[:, row - column, node : node + count, unknown] += parts[:, :, row, column]
    return band.reshape(beams, 6, -1)


def _dense(parts: Array) -> Array:
    """One matrix from its pieces (pieces, 6, 6)."""
    whole = np.zeros((3 * len(parts) + 3,) * 2)
    for number, part in enumerate(parts):
        rows = slice(3 * number, 3 * number + 6)
        whole[rows, rows] += part
    return whole
