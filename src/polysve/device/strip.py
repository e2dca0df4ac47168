"""Strips of film: random grains in a long rectangle, and the picture of their stiffness that sections are made from."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.crystal import Crystal
from polysve.crystals.stiffness import log_stiffness, plane_stress
from polysve.grains.shares import shares_of_tiling
from polysve.grains.tessellation import draw_grains
from polysve.grains.texture import Measured, draw
from polysve.settings.device import BeamSettings
from polysve.settings.texture import TextureSettings


class FilmLaw(NamedTuple):
    """What a random film is drawn by."""

    crystal: Crystal
    texture: TextureSettings
    grain_size_um: float
    spacing_fraction: float
    measured: Mapping[str, Measured] | None = None
    """Orientations by file, for textures that sample them."""
    size_scatter: float | None = None
    """Standard deviation of the logarithm of equivalent diameters; None for Voronoi grains."""
    aspect_ratio: float = 1.0
    """Extent of grains along the strip over that across."""

    @classmethod
    def of(
        cls,
        settings: BeamSettings,
        crystal: Crystal,
        measured: Mapping[str, Measured] | None = None,
        grain_size_um: float | None = None,
    ) -> "FilmLaw":
        """Law of a beam's film, or of one with other grains."""
        return cls(
            crystal,
            settings.texture,
            settings.grain_size_um if grain_size_um is None else grain_size_um,
            settings.spacing_fraction,
            measured,
            settings.size_scatter,
            settings.aspect_ratio,
        )

    def strip(
        self,
        random: np.random.Generator,
        size_um: tuple[float, float],
        pixels: tuple[int, int],
    ) -> Array:
        """Area averages of log Q in a strip of grains that is cut at its edges.

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

        Raises
        ------
        InputError
            If the grains are too far apart to be drawn, see `draw_generators`.
        """
        count = max(1, round(size_um[0] * size_um[1] / self.grain_size_um**2))
        spacing_um = self.spacing_fraction * self.grain_size_um
        shape = self.size_scatter, self.aspect_ratio
        grains = draw_grains(random, count, size_um, spacing_um, *shape)
        turns = draw(self.texture, random, count, self.crystal.symmetry, self.measured).quaternions
        log_q = log_stiffness(plane_stress(self.crystal.stiffness_gpa, turns))
        shares = shares_of_tiling(grains.tiling, size_um, pixels[::-1])
        return shares.average(log_q).transpose(1, 0, 2)
