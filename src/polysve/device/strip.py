"""Strips of film: random grains in a long rectangle, and the picture of their stiffness that sections are made from."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.crystals.crystal import Crystal
from polysve.crystals.stiffness import log_stiffness, plane_stress
from polysve.grains.texture import Measured, draw
from polysve.settings.texture import TextureSettings

FINER = 4
"""Points along the side of a pixel that tell the shares of its grains."""


class FilmLaw(NamedTuple):
    """What a random film is drawn by."""

    crystal: Crystal
    texture: TextureSettings
    grain_size_um: float
    spacing_fraction: float
    measured: Mapping[str, Measured] | None = None
    """Orientations by file, for textures that sample them."""

    def strip(
        self,
        random: np.random.Generator,
        size_um: tuple[float, float],
        pixels: tuple[int, int],
    ) -> Array:
        """Area averages of log Q in a strip of Voronoi grains that is cut at its edges.

        Parameters
        ----------
        random : Generator
        size_um : (float, float)
            Length and width.
        pixels : (int, int)
            Along and across.

        Returns
        -------
        array, shape (along, across, 6)
        """
        count = max(1, round(size_um[0] * size_um[1] / self.grain_size_um**2))
        spacing_um = self.spacing_fraction * self.grain_size_um
        generators = draw_points(random, count, size_um, spacing_um)
        turns = draw(self.texture, random, count, self.crystal.symmetry, self.measured).quaternions
        log_q = log_stiffness(plane_stress(self.crystal.stiffness_gpa, turns))
        return picture(generators, log_q, size_um, pixels)


def draw_points(
    random: np.random.Generator, count: int, size_um: tuple[float, float], spacing_um: float
) -> Array:
    """Points in a rectangle, drawn one after the other, each at least `spacing_um` from all before it.

    Returns
    -------
    array, shape (count, 2)

    Raises
    ------
    InputError
        If the spacing is close to the jamming limit (Feder, J. Theor. Biol. 87 (1980) 237).
    """
    from scipy.spatial import cKDTree

    points = np.empty((0, 2))
    for _ in range(1000):
        candidates = np.vstack([points, random.random((2 * count, 2)) * size_um])
        pairs = cKDTree(candidates).query_pairs(spacing_um, output_type="ndarray")
        earlier = {}
        for first, second in np.sort(pairs, axis=1).tolist():
            earlier.setdefault(second, []).append(first)
        taken = [True] * len(candidates)
        for number in sorted(earlier):
            taken[number] = not any(taken[other] for other in earlier[number])
        points = candidates[np.flatnonzero(taken)[:count]]
        if len(points) == count:
            return points
    raise InputError(
        f"spacing_um = {spacing_um:g}: only {len(points)} of {count} generators fit a strip of "
        f"{size_um[0]:g} × {size_um[1]:g} µm; allowed is less, about 0.75 of the grain size"
    )


def picture(
    generators_um: Array, log_q: Array, size_um: tuple[float, float], pixels: tuple[int, int]
) -> Array:
    """Area averages of the grains' log Q over pixels, shape (along, across, 6).

    Examples
    --------
    >>> two = np.array([[0.5, 0.5], [1.5, 0.5]]), np.array([[1.0] * 6, [3.0] * 6])
    >>> picture(*two, (2, 1), (3, 1))[:, 0, 0]
    array([1., 2., 3.])
    """
    from scipy.spatial import cKDTree

    along, across = pixels
    x, y = (
        (np.arange(count * FINER) + 0.5) * size / (count * FINER)
        for count, size in zip(pixels, size_um, strict=True)
    )
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), -1)
    _, grain = cKDTree(generators_um).query(grid)
    return log_q[grain].reshape(along, FINER, across, FINER, -1).mean((1, 3))
