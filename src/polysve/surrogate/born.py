"""Apparent stiffness of any film without training: drawn on grids of pixels, extrapolated, with an interval."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.memory import keep_freed_memory
from polysve.base.types import Array
from polysve.crystals.stiffness import log_stiffness, young_modulus
from polysve.grains.film import Film
from polysve.grains.shares import Shares, shares
from polysve.surrogate import interval
from polysve.surrogate.pixels import exponential, pixel_stiffness
from polysve.surrogate.series import Relaxed, relax_grids

PIXELS_PER_GRAIN = 12
"""Along a grain's side, at which the interval was calibrated."""
TOLERANCE = {"pbc": 1e-5, "kubc": 5e-6, "subc": 5e-6}
"""What the steps of the series that are not taken may change, over C̄11, at which the interval was calibrated."""
FEWEST, MOST = 32, 4096
COARSEST = 16


class Estimate(NamedTuple):
    """Apparent stiffness of a film under one boundary condition."""

    stiffness_gpa: Array
    """Shape (3, 3)."""
    half_width_gpa: Array
    """Half of the 90 % interval of each component, shape (3, 3)."""
    young_modulus_gpa: float
    """Ē = 1/(C̄⁻¹)11."""
    young_half_width_gpa: float
    """Half of its 90 % interval."""
    warning: str | None
    """Why the interval is wider than it was calibrated to be, if so."""


class Solved(NamedTuple):
    """What the series says of a film on its last two grids, before it is extrapolated."""

    fine: Relaxed
    coarse: Relaxed
    grains: int
    """Number of grains."""
    pixels: int
    """Number of pixels of the finer grid."""
    contrast: float
    """Of `interval.contrast`."""


class Grids(NamedTuple):
    """A film on grids of pixels, each of half the pixel size of the one before, whatever its grains are made of."""

    levels: tuple[Shares, ...]
    tall: float
    """Height of a pixel over its width."""
    grains: int
    """Number of grains in the film."""


def draw_grids(film: Film, pixels_per_grain: float = PIXELS_PER_GRAIN) -> Grids:
    """Draw a film on grids of pixels.

    Parameters
    ----------
    film : Film
        Of any shape.
    pixels_per_grain : float
        Pixels of the finest grid along the side of a grain of mean size.

    Raises
    ------
    InputError
        If the finest grid had more than 4096 pixels a side.
    """
    width_um, height_um = film.size_um
    fineness = max(pixels_per_grain / film.grain_size_um, FEWEST / min(film.size_um))
    columns, rows = (_round_up(fineness * side_um) for side_um in film.size_um)
    if max(rows, columns) > MOST:
        raise InputError(
            f"film of {width_um:g} × {height_um:g} µm needs {columns} × {rows} pixels, {fineness:.3g} per µm; "
            f"allowed are {MOST} a side: cut it into windows"
        )
    sizes = [(rows, columns)]
    while min(sizes[0]) >= 2 * COARSEST and not (sizes[0][0] % 2 or sizes[0][1] % 2):
        sizes.insert(0, (sizes[0][0] // 2, sizes[0][1] // 2))
    tall = height_um * columns / (width_um * rows)
    return Grids(tuple(shares(film, size) for size in sizes), tall, film.n_grains)


def _round_up(pixels: float) -> int:
    """Next number of pixels that halves often and has fast transforms."""
    from ducc0.fft import good_size

    factor = 4 if pixels <= 64 else 8
    return factor * good_size(int(np.ceil(pixels / factor - 1e-9)), True)


def apparent(
    film: Film,
    boundary_conditions: Sequence[str] = ("pbc",),
    pixels_per_grain: float = PIXELS_PER_GRAIN,
) -> dict[str, Estimate]:
    """Apparent stiffness of a film.

    Parameters
    ----------
    film : Film
        With its crystals. Under PBC a window that was cut out is repeated as it is.
    boundary_conditions : sequence of {"kubc", "subc", "pbc"}
    pixels_per_grain : float
        As for `draw_grids`. The error falls with its square.

    Returns
    -------
    dict
        `Estimate` by boundary condition.

    Raises
    ------
    InputError
        If the grains differ so much that the series promises nothing, or the film needs too many pixels.
    """
    log_q = log_stiffness(film.stiffness_gpa)
    grids = draw_grids(film, pixels_per_grain)
    return {name: homogenize(grids, log_q, name) for name in boundary_conditions}


def homogenize(
    grids: Grids,
    log_q: Array,
    boundary_condition: str = "pbc",
    tolerance: float | None = None,
) -> Estimate:
    """Apparent stiffness of a drawn film; parameters and errors as of `solve`."""
    solved = solve(grids, log_q, boundary_condition, tolerance)
    return estimates([solved], boundary_condition)[0]


def solve(
    grids: Grids,
    log_q: Array,
    boundary_condition: str = "pbc",
    tolerance: float | None = None,
) -> Solved:
    """Sum the series of a drawn film on its grids.

    Parameters
    ----------
    grids : Grids
    log_q : array, shape (grains, 6)
        Logarithm of each grain's stiffness, as `log_stiffness` gives it.
    boundary_condition : {"kubc", "subc", "pbc"}
    tolerance : float, optional
        What the steps of the series that are not taken may change, over C̄11; `TOLERANCE` if not given.

    Raises
    ------
    InputError
        If the grains differ too much.
    """
    keep_freed_memory()
    contrast = interval.contrast(log_q)
    planes = [pixel_stiffness(level, log_q) for level in grids.levels]
    tolerance = TOLERANCE[boundary_condition] if tolerance is None else tolerance
    *_, coarse, fine = relax_grids(planes, grids.tall, boundary_condition, tolerance)
    return Solved(fine, coarse, grids.grains, planes[-1][0].size, contrast)


def estimates(solved: Sequence[Solved], boundary_condition: str) -> list[Estimate]:
    """Extrapolated stiffness of films and its interval, for all at once."""
    fine, coarse, grains, pixels, contrast = zip(*solved, strict=True)
    fine, coarse = (Relaxed(*map(np.array, zip(*each, strict=True))) for each in (fine, coarse))
    known = interval.factors(boundary_condition)
    stiffness = interval.extrapolate(fine, coarse, known)
    found = interval.clues(fine, coarse, grains, pixels, TOLERANCE[boundary_condition])
    half_width = interval.error_scale(found, known)
    checked = interval.calibration()["largest_contrast"]
    beyond = np.array(contrast) > checked
    difference = np.abs(fine.stiffness_gpa - coarse.stiffness_gpa).max((1, 2), keepdims=True)
    half_width = half_width + np.where(beyond[:, None, None], interval.CAUTION * difference, 0)
    young_half_width = interval.young_half_width(stiffness, half_width, found, known)
    warnings = [
        f"grains differ in stiffness by a factor of {each:.3g}, more than the {checked:.3g} that was checked: "
        "the interval is a guess"
        if each > checked
        else None
        for each in contrast
    ]
    columns = (
        stiffness,
        half_width,
        young_modulus(stiffness).tolist(),
        young_half_width.tolist(),
        warnings,
    )
    return list(map(Estimate, *columns))


def image_stiffness(
    log_image: Array,
    size_um: tuple[float, float] = (1.0, 1.0),
    boundary_condition: str = "pbc",
    tolerance: float | None = None,
) -> Array:
    """Apparent stiffness of a film of which only the area averages of log Q are known, as networks see it.

    Which grains share a pixel, and how their boundary runs, is not: a pixel has the exponential of its mean logarithm.
    The error is larger than that of `homogenize`, halves with the pixel, and has no interval.

    Parameters
    ----------
    log_image : array, shape (rows, columns, 6)
        Row 0 at the bottom; both numbers even.
    size_um : (float, float)
        Width and height; only their ratio matters.
    boundary_condition : {"kubc", "subc", "pbc"}
    tolerance : float, optional
        As for `homogenize`.

    Returns
    -------
    array, shape (3, 3)
        GPa.

    Raises
    ------
    InputError
        If a number of pixels is odd, or the pixels differ too much.
    """
    rows, columns = log_image.shape[:2]
    if rows % 2 or columns % 2 or min(rows, columns) < 4:
        raise InputError(f"image of {columns} × {rows} pixels; allowed are even numbers from 4 on")
    interval.contrast(log_image.reshape(-1, 6))
    halved = log_image.reshape(rows // 2, 2, columns // 2, 2, 6).mean((1, 3))
    tall = size_um[1] * columns / (size_um[0] * rows)
    tolerance = TOLERANCE[boundary_condition] if tolerance is None else tolerance
    planes = [exponential(halved), exponential(log_image)]
    coarse, fine = relax_grids(planes, tall, boundary_condition, tolerance)
    return 2 * fine.stiffness_gpa - coarse.stiffness_gpa
