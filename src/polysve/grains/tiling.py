"""Convex polygons that fill a window."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.base.types import Array


def next_corner(offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of the corner that follows each corner of polygons stored one after the other.

    Parameters
    ----------
    offsets : int array, shape (p + 1,)
        Where each polygon's corners begin.

    Examples
    --------
    >>> next_corner(np.array([0, 3, 7])).tolist()
    [1, 2, 0, 4, 5, 6, 3]
    """
    following = np.arange(1, offsets[-1] + 1)
    following[offsets[1:] - 1] = offsets[:-1]
    return following


def centroids(offsets: NDArray[np.int64], corners: Array) -> tuple[Array, Array]:
    """Area, shape (p,), and centroid, shape (p, 2), of polygons stored one after the other.

    Parameters
    ----------
    offsets : int array, shape (p + 1,)
        Where each polygon's corners begin.
    corners : array, shape (v, 2)
        Counter-clockwise.

    Examples
    --------
    >>> centroids(np.array([0, 3]), np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]]))
    (array([4.5]), array([[1., 1.]]))
    """
    following = corners[next_corner(offsets)]
    cross = corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]
    area = np.add.reduceat(cross, offsets[:-1]) / 2
    moment = np.add.reduceat((corners + following) * cross[:, None], offsets[:-1]) / 6
    return area, moment / area[:, None]


class Tiling(NamedTuple):
    """Convex polygons that tile the window without gap or overlap.

    A clipped grain is one polygon; a periodic grain that crosses the window's edge is several.
    """

    grain: NDArray[np.int64]
    """Grain number of each polygon, shape (p,)."""
    offsets: NDArray[np.int64]
    """Where each polygon's vertices begin, shape (p + 1,)."""
    vertices_um: Array
    """Vertices counter-clockwise, shape (v, 2); equal corners of neighbours are equal to the last bit."""

    def areas_um2(self) -> Array:
        """Area of each polygon (shoelace formula), shape (p,)."""
        following = next_corner(self.offsets)
        x, y = self.vertices_um.T
        return np.add.reduceat(x * y[following] - x[following] * y, self.offsets[:-1]) / 2
