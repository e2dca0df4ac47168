"""Pictures of a film: grain numbers at pixel centres, and exact averages of the grains' values over pixels."""

from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from polysve.grains.film import Film, LabelImage
from polysve.grains.mesh import Mesh
from polysve.grains.tiling import Tiling, next_corner


def paint(film: Film, values: np.ndarray, pixels: int) -> NDArray[np.float32]:
    """Exact mean of the grains' values over the area of each pixel.

    Parameters
    ----------
    film : Film
        Square.
    values : array, shape (grains, channels)
    pixels : int
        A side.

    Returns
    -------
    array of float32, shape (pixels, pixels, channels)
        Row 0 at the bottom.
    """
    if isinstance(film.shape, LabelImage):
        return _shrink(film.shape.labels, values, pixels)
    tiling = polygons_of(film.shape) if isinstance(film.shape, Mesh) else film.shape
    return area_average(tiling, film.size_um[0], values, pixels)


def grain_numbers(film: Film, pixels: int) -> NDArray[np.uint16]:
    """Grain number at pixel centres, row 0 at the bottom: a picture's own, or so many pixels a side of polygons."""
    if isinstance(film.shape, LabelImage):
        return film.shape.labels
    tiling = polygons_of(film.shape) if isinstance(film.shape, Mesh) else film.shape
    return label_image(tiling, max(film.size_um), pixels)[
        : round(pixels * film.size_um[1] / max(film.size_um)),
        : round(pixels * film.size_um[0] / max(film.size_um)),
    ]


def pixelated(film: Film, pixels: int) -> Film:
    """The same film as a picture of so many pixels along its longer side."""
    return replace(film, shape=LabelImage(grain_numbers(film, pixels), max(film.size_um) / pixels))


def polygons_of(mesh: Mesh) -> Tiling:
    """Triangles as polygons."""
    offsets = 3 * np.arange(len(mesh.triangles) + 1)
    return Tiling(mesh.grain, offsets, mesh.nodes_um[mesh.triangles].reshape(-1, 2))


def _shrink(labels: NDArray[np.uint16], values: np.ndarray, pixels: int) -> NDArray[np.float32]:
    """Picture of the values, shrunk; where it has too few pixels each is first repeated."""
    import cv2

    finer = -(-pixels // len(labels))
    picture = np.ascontiguousarray(values, np.float32)[labels.repeat(finer, 0).repeat(finer, 1)]
    # OpenCV takes up to four channels at once
    parts = [
        cv2.resize(picture[..., first : first + 4], (pixels, pixels), interpolation=cv2.INTER_AREA)
        for first in range(0, values.shape[1], 4)
    ]
    return np.concatenate([part.reshape(pixels, pixels, -1) for part in parts], -1)


def label_image(tiling: Tiling, window_um: float, pixels: int) -> NDArray[np.uint16]:
    """Grain number at every pixel centre; row 0 at the bottom.

    Each polygon edge adds, in every row of pixel centres it passes, the jump of the grain number across it; the
    running sum along the rows is the image. A pixel centre on a boundary belongs to the grain right of or above it.

    Returns
    -------
    array of uint16, shape (pixels, pixels)

    Examples
    --------
    >>> from polysve.grains.tessellation import voronoi
    >>> label_image(voronoi(np.array([[0.25, 0.5], [0.75, 0.5]]), 1.0), 1.0, 4)[0].tolist()
    [0, 0, 1, 1]
    """
    start = tiling.vertices_um * (pixels / window_um) - 0.5
    following = next_corner(tiling.offsets)
    stop = start[following]
    grain = np.repeat(tiling.grain, np.diff(tiling.offsets))
    # counter-clockwise: an edge that runs down opens its grain, one that runs up closes it
    up = stop[:, 1] > start[:, 1]
    jump = np.where(up, -grain, grain)
    low, high = np.where(up[:, None], start, stop), np.where(up[:, None], stop, start)
    first = np.ceil(low[:, 1]).astype(int)
    count = np.ceil(high[:, 1]).astype(int) - first
    edge = np.repeat(np.arange(len(start)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count - first, count)
    slope = (high[:, 0] - low[:, 0])[edge] / (high[:, 1] - low[:, 1])[edge]
    column = np.ceil(low[edge, 0] + (row - low[edge, 1]) * slope).astype(int)
    inside = column < pixels
    image = np.zeros((pixels, pixels), np.uint16)
    np.add.at(image, (row[inside], column[inside]), jump[edge][inside].astype(np.uint16))
    return np.cumsum(image, axis=1, dtype=np.uint16)


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
