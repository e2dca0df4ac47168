"""Triangles that fill a window."""

from typing import NamedTuple

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
        x, y = self.nodes_um.T
        x, y = x[self.triangles.T], y[self.triangles.T]
        return ((x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])) / 2
