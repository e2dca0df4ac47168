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


def clip_segments(start: Array, stop: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Cut segments at the unit square (Liang & Barsky, ACM Trans. Graph. 3 (1984) 1).

    Parameters
    ----------
    start, stop : array, shape (n, 2)

    Returns
    -------
    start, stop : array, shape (m, 2)
        Ends of the m segments that have a length inside; an end that was inside stays as it was.
    kept : bool array, shape (n,)
    """
    direction = stop - start
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = -start / direction, (1 - start) / direction
    parallel = direction == 0
    enter = np.where(parallel, -np.inf, np.fmin(low, high))
    leave = np.where(parallel, np.inf, np.fmax(low, high))
    outside = parallel & ((start < 0) | (start > 1))
    # column by column: NumPy is slow at reducing an axis of two
    enter = np.maximum(np.maximum(enter[:, 0], enter[:, 1]), 0)
    leave = np.minimum(np.minimum(leave[:, 0], leave[:, 1]), 1)
    kept = (enter < leave) & ~(outside[:, 0] | outside[:, 1])
    start, direction, stop, enter, leave = (
        start[kept],
        direction[kept],
        stop[kept],
        enter[kept, None],
        leave[kept, None],
    )
    new_start = np.where(enter > 0, start + enter * direction, start)
    new_stop = np.where(leave < 1, start + leave * direction, stop)
    return _on_edge(new_start), _on_edge(new_stop), kept


def _on_edge(points: Array) -> Array:
    """Move points within rounding of the unit square's edges onto them."""
    points = np.where(np.abs(points) < 1e-13, 0.0, points)
    return np.where(np.abs(points - 1) < 1e-13, 1.0, points)


def polygons(cell: NDArray[np.int64], points: Array, grains: int, window_um: float) -> Tiling:
    """Order the corners of each convex cell counter-clockwise and drop repeats and slivers without area."""
    order = np.lexsort((points[:, 1], points[:, 0], cell))
    cell, points = cell[order], points[order]
    new = np.ones(len(cell), bool)
    new[1:] = (cell[1:] != cell[:-1]) | (points[1:] != points[:-1]).any(1)
    cell, points = cell[new], points[new]
    cells, first, size = np.unique(cell, return_index=True, return_counts=True)
    centre = np.add.reduceat(points, first) / size[:, None]
    around = points - np.repeat(centre, size, axis=0)
    order = np.lexsort((np.arctan2(around[:, 1], around[:, 0]), cell))
    tiling = Tiling(cells % grains, np.append(first, len(cell)), points[order])
    real = (size >= 3) & (tiling.areas_um2() > 1e-14)
    return Tiling(
        tiling.grain[real],
        np.concatenate([[0], np.cumsum(size[real])]),
        tiling.vertices_um[np.repeat(real, size)] * window_um,
    )
