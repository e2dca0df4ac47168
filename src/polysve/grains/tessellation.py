"""Random grain structures: seeded generators and their Voronoi cells in a square window.

SciPy is imported where it is used: it takes a quarter of a second, and most readers of a `Tiling` do without.
"""

import math
from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array, Integers
from polysve.grains.cells import cells, stretched
from polysve.grains.film import Film
from polysve.grains.generators import draw_generators
from polysve.grains.sizes import rounded
from polysve.grains.texture import Measured, Orientations, draw
from polysve.grains.tiling import Tiling
from polysve.settings.labels import TessellateSettings


def random_stream(seed: int, ensemble: str, index: int) -> np.random.Generator:
    """Random numbers of one SVE: a function of (seed, ensemble, index) alone.

    Examples
    --------
    >>> random_stream(1, "ratio4", 7).random() == random_stream(1, "ratio4", 7).random()
    True
    """
    name = int.from_bytes(blake2b(ensemble.encode(), digest_size=8).digest(), "little")
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(name, index)))
    )


def grain_count(settings: TessellateSettings) -> int:
    """Number of grains in a window, the whole number nearest to (L/s)²."""
    return round(settings.ratio**2)


def draw_film(
    settings: TessellateSettings,
    ensemble: str,
    index: int,
    measured: Mapping[str, Measured] | None = None,
) -> Film:
    """Draw SVE number `index` of an ensemble: its grains and their orientations, not yet what they are made of.

    Parameters
    ----------
    settings : TessellateSettings
    ensemble : str
    index : int
    measured : mapping, optional
        Orientations by file, for textures that sample them.

    Raises
    ------
    InputError
        If the minimum spacing cannot be met.
    """
    random = random_stream(settings.seed, ensemble, index)
    spacing_um = settings.spacing_fraction * settings.grain_size_um
    window_um = settings.window_um
    grains = draw_grains(
        random,
        grain_count(settings),
        (window_um, window_um),
        spacing_um,
        settings.size_scatter,
        settings.aspect_ratio,
        settings.periodic,
    )
    phase, drawn = _draw_orientations(settings, random, len(grains.generators_um), measured)
    return Film(
        grains.tiling,
        (window_um, window_um),
        drawn.quaternions,
        phase,
        periodic=settings.periodic,
        generators_um=grains.generators_um,
        weights_um2=grains.weights_um2,
        theta_rad=drawn.theta_rad,
    )


class Grains(NamedTuple):
    """Cells of random generators."""

    tiling: Tiling
    generators_um: Array
    """Shape (grains, 2)."""
    weights_um2: Array | None
    """Shape (grains,); None for Voronoi cells."""


def draw_grains(
    random: np.random.Generator,
    count: int,
    size_um: tuple[float, float],
    spacing_um: float,
    size_scatter: float | None = None,
    aspect_ratio: float = 1.0,
    periodic: bool = False,
) -> Grains:
    """Draw cells: Voronoi cells, or power cells whose equivalent diameters √(4A/π) are log-normal.

    Diameters are drawn first, scaled so that the grains fill the window, and placed from the largest to the smallest,
    each apart from the others by the spacing in proportion to their diameters. Elongated grains are drawn in a window
    that is shorter along x1, and stretched with it.

    Parameters
    ----------
    random : numpy.random.Generator
    count : int
    size_um : (float, float)
        Width and height of the window.
    spacing_um : float
        Between two grains of the mean area.
    size_scatter : float, optional
        Standard deviation of the logarithm of the diameters, each grain counted once; its sample mean is left to the
        window's area.
    aspect_ratio : float
        Mean extent of the grains along x1 over that along x2.
    periodic : bool

    Raises
    ------
    InputError
        If the generators do not fit, see `draw_generators`, or no cells have the areas.

    Examples
    --------
    >>> grains = draw_grains(np.random.default_rng(1), 4, (1.0, 1.0), 0.2, size_scatter=0.0)
    >>> grains.tiling.areas_um2().round(6)
    array([0.25, 0.25, 0.25, 0.25])
    """
    stretch = math.sqrt(aspect_ratio)
    frame_um = (size_um[0] / stretch, size_um[1] * stretch)
    around = (periodic, periodic)
    if size_scatter is None:
        generators_um = draw_generators(random, count, frame_um, spacing_um, periodic)
        weights_um2 = None
    else:
        squares = np.sort(random.lognormal(0, size_scatter, count))[::-1] ** 2
        areas_um2 = squares * (size_um[0] * size_um[1] / squares.sum())
        spacings_um = spacing_um * np.sqrt(areas_um2 / areas_um2.mean())
        generators_um = draw_generators(random, count, frame_um, spacings_um, periodic)
        generators_um, weights_um2 = rounded(generators_um, frame_um, areas_um2, around)
    tiling = cells(generators_um, frame_um, weights_um2, around)
    if aspect_ratio != 1:
        tiling = stretched(tiling, frame_um, size_um)
        generators_um = generators_um * (stretch, 1 / stretch)
    return Grains(tiling, generators_um, weights_um2)


def _draw_orientations(
    settings: TessellateSettings,
    random: np.random.Generator,
    count: int,
    measured: Mapping[str, Measured] | None,
) -> tuple[Integers, Orientations]:
    """Phase of each grain, in the order of the phases' names, and its orientation."""
    names = sorted(settings.phases)
    if len(names) == 1:
        (only,) = settings.phases.values()
        drawn = draw(only.texture, random, count, only.symmetry, measured)
        return np.zeros(count, np.int64), drawn
    fractions = np.array([settings.phases[name].fraction for name in names])
    phase = random.choice(len(names), count, p=fractions / fractions.sum())
    quaternions, theta_rad = np.empty((count, 4)), np.empty(count)
    for number, name in enumerate(names):
        each, grains = settings.phases[name], phase == number
        drawn = draw(each.texture, random, int(grains.sum()), each.symmetry, measured)
        quaternions[grains] = drawn.quaternions
        theta_rad[grains] = np.nan if drawn.theta_rad is None else drawn.theta_rad
    upright = not np.isnan(theta_rad).any()
    return phase, Orientations(quaternions, theta_rad if upright else None)


def check_generators(points_um: Array, window_um: float, periodic: bool = False) -> None:
    """Refuse generators that have no Voronoi tessellation of their own.

    Raises
    ------
    InputError
        For no points, numbers that are not finite, points outside the window, and equal points.
    """
    if points_um.ndim != 2 or points_um.shape[1] != 2 or len(points_um) == 0:
        raise InputError(
            f"generators have the shape {points_um.shape}; allowed is (n, 2) with n at least 1"
        )
    bad = ~np.isfinite(points_um).all(1)
    if bad.any():
        raise InputError(
            f"generator {bad.argmax() + 1} is {points_um[bad.argmax()]}; allowed are finite numbers"
        )
    outside = ((points_um < 0) | (points_um > window_um)).any(1)
    if outside.any():
        raise InputError(
            f"generator {outside.argmax() + 1} at {points_um[outside.argmax()]} µm is outside the window; "
            f"allowed is 0 to {window_um:g} µm on both axes"
        )
    equal = _equal(points_um, window_um, periodic)
    if equal:
        first, second = min(equal)
        raise InputError(
            f"generators {first + 1} and {second + 1} are equal, at {points_um[first]} µm; allowed is each once"
        )


def _equal(points_um: Array, window_um: float, periodic: bool) -> set[tuple[int, int]]:
    """Pairs of points at one place, to a billionth of the window."""
    nearest_um = 1e-9 * window_um
    x_um = np.sort(points_um[:, 0])
    if periodic:
        x_um = np.append(x_um, x_um[0] + window_um)
    if np.diff(x_um, prepend=-np.inf).min() > nearest_um:
        return set()  # most films end here, and spare their start SciPy's trees
    from scipy.spatial import cKDTree

    folded_um = np.where(points_um == window_um, 0.0, points_um) if periodic else points_um
    return cKDTree(folded_um, boxsize=window_um if periodic else None).query_pairs(nearest_um)


def voronoi(points_um: Array, window_um: float, periodic: bool = False) -> Tiling:
    """Voronoi cells, cut at the window's edges.

    Parameters
    ----------
    points_um : array, shape (n, 2)
        Generators, from 0 to `window_um` on both axes.
    periodic : bool
        Let the cells continue on the opposite side.

    Raises
    ------
    InputError
        See `check_generators`.

    Examples
    --------
    >>> tiling = voronoi(np.array([[0.25, 0.5], [0.75, 0.5]]), 1.0)
    >>> tiling.areas_um2().tolist()
    [0.5, 0.5]
    """
    check_generators(points_um, window_um, periodic)
    return cells(points_um, (window_um, window_um), periodic=(periodic, periodic))
