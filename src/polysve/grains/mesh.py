"""Triangles that fill a window."""

from typing import NamedTuple

import numpy as np

from polysve.base.types import Array, Integers


class Mesh(NamedTuple):
    """Straight-sided triangles of one SVE."""

    nodes_um: Array
    """Shape (n, 2)."""
    triangles: Integers
    """Node numbers, counter-clockwise, shape (t, 3)."""
    grain: Integers
    """Grain number of each triangle, shape (t,)."""

    def signed_areas_um2(self) -> Array:
        """Area of each triangle, positive when counter-clockwise, shape (t,)."""
        first, second, third = np.moveaxis(self.nodes_um[self.triangles], 1, 0)
        edge, other = second - first, third - first
        return (edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0]) / 2
