"""A film: which grain is where, and how each is turned."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.base.types import Array
from polysve.grains.raster import label_image
from polysve.grains.tiling import Tiling


class CellMap(NamedTuple):
    """Square film as polygons."""

    tiling: Tiling
    theta_rad: Array
    """Angle of each grain, shape (grains,)."""
    window_um: float

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height."""
        return self.window_um, self.window_um

    @property
    def n_grains(self) -> int:
        """Number of grains."""
        return len(self.theta_rad)

    def to_pixels(self, pixels: int) -> "GrainMap":
        """Picture with so many pixels a side."""
        labels = label_image(self.tiling, self.window_um, pixels)
        return GrainMap(labels, self.theta_rad, self.window_um / pixels)


class GrainMap(NamedTuple):
    """Picture of a film: a grain number at every pixel centre, row 0 at the bottom."""

    labels: NDArray[np.uint16]
    """Grain numbers, shape (rows, columns)."""
    theta_rad: Array
    """Angle of each grain, shape (grains,)."""
    pixel_um: float
    """Side of a pixel."""

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height."""
        rows, columns = self.labels.shape
        return columns * self.pixel_um, rows * self.pixel_um

    @property
    def n_grains(self) -> int:
        """Number of grains in the picture."""
        return len(np.unique(self.labels))
