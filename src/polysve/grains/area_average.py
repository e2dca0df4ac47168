"""Exact averages over pixels."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from polysve.grains.tiling import Tiling, next_corner


def area_average(
    tiling: Tiling, window_um: float, values: np.ndarray, pixels: int
) -> NDArray[np.float32]:
    """Exact mean of the grains' values over the area of each pixel: what finer and finer label images tend to.

    By Green's theorem each piece of a polygon's edge inside one pixel adds the area between it and the pixel's right
    side to that pixel, and its height to all pixels on the right; a running sum along the rows is the picture.

    Parameters
    ----------
    tiling : Tiling
    window_um : float
    values : array, shape (grains, channels)
    pixels : int

    Returns
    -------
    array of float32, shape (pixels, pixels, channels)
        Row 0 at the bottom.

    Examples
    --------
    >>> from polysve.grains.tessellation import voronoi
    >>> tiling = voronoi(np.array([[0.3, 0.5], [0.7, 0.5]]), 1.0)
    >>> area_average(tiling, 1.0, np.array([[1.0], [3.0]]), 3)[0, :, 0]
    array([1., 2., 3.], dtype=float32)
    """
    start = tiling.vertices_um * (pixels / window_um)
    following = next_corner(tiling.offsets)
    grain = np.repeat(tiling.grain, np.diff(tiling.offsets))
    return _picture(start, start[following], values.astype(float)[grain], pixels)


@njit(cache=True)
def _picture(start: np.ndarray, stop: np.ndarray, values: np.ndarray, pixels: int) -> np.ndarray:
    """Walk along edges (n, 2), in pixels, and sum up along the rows what each piece changes from pixel to pixel."""
    # one column more takes what lies on the right edge of the window, one what is right of that
    picture = np.zeros((pixels, pixels + 2, values.shape[1]))
    rows = pixels
    for edge in range(len(start)):
        if start[edge, 1] == stop[edge, 1]:
            continue
        # counter-clockwise: an edge that runs down opens its grain, one that runs up closes it
        down = start[edge, 1] > stop[edge, 1]
        low, high = (stop[edge], start[edge]) if down else (start[edge], stop[edge])
        slope = (high[0] - low[0]) / (high[1] - low[1])
        x, y = low
        while y < high[1]:
            row = min(int(y), rows - 1)
            y_next = min(row + 1.0, high[1])
            x_next = high[0] if y_next == high[1] else low[0] + (y_next - low[1]) * slope
            height = y_next - y if down else y - y_next
            left, right = min(x, x_next), max(x, x_next)
            column, at = int(left), left
            while True:
                following = min(column + 1.0, right)
                piece = height if right == left else height * (following - at) / (right - left)
                beyond = piece * ((at + following) / 2 - column)
                for channel in range(values.shape[1]):
                    value = values[edge, channel]
                    picture[row, column, channel] += (piece - beyond) * value
                    picture[row, column + 1, channel] += beyond * value
                if following >= right:
                    break
                column, at = column + 1, following
            x, y = x_next, y_next
    averaged = np.empty((rows, rows, values.shape[1]), np.float32)
    for row in range(rows):
        for channel in range(values.shape[1]):
            total = 0.0
            for column in range(rows):
                total += picture[row, column, channel]
                averaged[row, column, channel] = total
    return averaged
