"""Which grains share which pixel of a film: exact areas, and how the boundary between them runs.

Most pixels lie inside one grain; only the others are listed.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.grains.tiling import Tiling

# a grain with less of a pixel is not there
LEAST = 1e-9


class Shares(NamedTuple):
    """Pixels of a film, row 0 at the bottom."""

    labels: NDArray[np.int32]
    """Grain of each pixel that lies in one grain, -1 for pixels that grains share, shape (rows, columns)."""
    pixel: NDArray[np.int64]
    """Numbers row·columns + column of the m shared pixels, ascending."""
    first: NDArray[np.int64]
    """Where the grains of each shared pixel begin, shape (m + 1,)."""
    grain: NDArray[np.int32]
    """Grains of the shared pixels, one after the other, shape (e,)."""
    share: Array
    """Share of the pixel's area, shape (e,)."""
    normal: Array
    """Sum of length times outward normal of the grain's boundary inside the pixel, in pixels, shape (e, 2)."""

    def average(self, values: np.ndarray) -> Array:
        """Mean of the grains' values over the area of each pixel.

        Parameters
        ----------
        values : array, shape (grains, channels)

        Returns
        -------
        array, shape (rows, columns, channels)

        Examples
        --------
        >>> from polysve.grains.tessellation import voronoi
        >>> tiling = voronoi(np.array([[0.3, 0.5], [0.7, 0.5]]), 1.0)
        >>> shares_of_tiling(tiling, (1.0, 1.0), (2, 3)).average(np.array([[1.0], [3.0]]))[0, :, 0]
        array([1., 2., 3.])
        """
        values = np.asarray(values, float)
        picture = values[self.labels]
        if len(self.pixel):
            shared = np.add.reduceat(self.share[:, None] * values[self.grain], self.first[:-1])
            picture.reshape(-1, values.shape[1])[self.pixel] = shared
        return picture


def shares_of_tiling(
    tiling: Tiling, size_um: tuple[float, float], pixels: tuple[int, int]
) -> Shares:
    """Cut polygons at the pixels' sides.

    By Green's theorem each piece of a polygon's edge inside one pixel adds the area between it and the pixel's right
    side to that pixel, and its height to all pixels on the right; a running sum along the rows gives the polygon's
    share of each pixel.

    Parameters
    ----------
    tiling : Tiling
    size_um : (float, float)
        Width and height of the window.
    pixels : (int, int)
        Rows and columns.

    Raises
    ------
    InputError
        If the polygons do not fill the window once.
    """
    rows, columns = pixels
    corners = tiling.vertices_um * np.array([columns / size_um[0], rows / size_um[1]])
    # what lies on the window's edge lies on the edge of the pixels, to the last bit
    np.copyto(corners[:, 0], columns, where=tiling.vertices_um[:, 0] == size_um[0])
    np.copyto(corners[:, 1], rows, where=tiling.vertices_um[:, 1] == size_um[1])
    if corners.min() < 0 or corners[:, 0].max() > columns or corners[:, 1].max() > rows:
        raise InputError(
            f"polygons leave the window of {size_um[0]:g} × {size_um[1]:g} µm; allowed are corners inside"
        )
    labels, *entries = _cut(corners, tiling.offsets, tiling.grain, rows, columns)
    return Shares(labels, *_by_pixel(labels, *entries))


@njit(cache=True)
def _cut(corners, offsets, grains, rows, columns):
    """Labels of the pixels inside one polygon; pixel, grain, share and normal of the others."""
    following = np.arange(1, len(corners) + 1)
    following[offsets[1:] - 1] = offsets[:-1]
    pieces = 0
    for corner in range(len(corners)):
        step = np.abs(corners[following[corner]] - corners[corner])
        pieces += int(step[0]) + int(step[1]) + 3
    pixel, grain = np.empty(pieces, np.int64), np.empty(pieces, np.int32)
    share, normal = np.empty(pieces), np.empty((pieces, 2))
    labels = np.full((rows, columns), -1, np.int32)
    # one column more takes what lies on the right edge of the window
    cover, turned = np.zeros((rows, columns + 1)), np.zeros((rows, columns, 2))
    count = 0
    for polygon in range(len(grains)):
        begin, end = offsets[polygon], offsets[polygon + 1]
        for corner in range(begin, end):
            _walk(corners[corner], corners[following[corner]], cover, turned)
        own = corners[begin:end]
        bottom, left = int(own[:, 1].min()), int(own[:, 0].min())
        top = min(rows, int(np.ceil(own[:, 1].max())))
        right = min(columns, int(np.ceil(own[:, 0].max())))
        for row in range(bottom, top):
            total = 0.0
            for column in range(left, right):
                total += cover[row, column]
                if total > 1 - LEAST:
                    labels[row, column] = grains[polygon]
                elif total > LEAST:
                    pixel[count], grain[count] = row * columns + column, grains[polygon]
                    share[count], normal[count] = total, turned[row, column]
                    count += 1
                turned[row, column] = 0.0
            cover[row, left : right + 1] = 0.0
    return labels, pixel[:count], grain[:count], share[:count], normal[:count]


@njit(cache=True)
def _walk(start, stop, cover, turned):
    """Add to cover and turned what one edge of a polygon does, piece by piece between the pixels' sides."""
    rows, columns = turned.shape[:2]
    dx, dy = stop[0] - start[0], stop[1] - start[1]
    x, y = start
    column, row = int(x), int(y)
    # an edge that starts on a side and goes down or left begins in the pixel before it
    if dx < 0 and column == x:
        column -= 1
    if dy < 0 and row == y:
        row -= 1
    column, row = min(column, columns - 1), min(row, rows - 1)
    on_side = (dx == 0 and x == int(x)) or (dy == 0 and y == int(y))
    last = False
    while not last:
        side_x = column + 1.0 if dx > 0 else float(column)
        side_y = row + 1.0 if dy > 0 else float(row)
        at_x = (side_x - start[0]) / dx if dx != 0 else np.inf
        at_y = (side_y - start[1]) / dy if dy != 0 else np.inf
        at = min(at_x, at_y)
        last = at >= 1
        next_x, next_y = (stop[0], stop[1]) if last else (start[0] + at * dx, start[1] + at * dy)
        if not last and at_x <= at_y:
            next_x = side_x
        if not last and at_y <= at_x:
            next_y = side_y
        # counter-clockwise: an edge that runs down opens its grain, one that runs up closes it
        height = y - next_y
        beyond = height * ((x + next_x) / 2 - column)
        cover[row, column] += height - beyond
        cover[row, column + 1] += beyond
        if not on_side:
            turned[row, column, 0] += next_y - y
            turned[row, column, 1] += x - next_x
        if not last:
            column += (1 if dx > 0 else -1) if at_x <= at_y else 0
            row += (1 if dy > 0 else -1) if at_y <= at_x else 0
        x, y = next_x, next_y


@njit(cache=True)
def _by_pixel(labels, pixel, grain, share, normal):
    """Order entries by pixel."""
    count = np.zeros(labels.size, np.int32)
    for entry in range(len(pixel)):
        count[pixel[entry]] += 1
    shared = 0
    for number in range(labels.size):
        shared += count[number] > 0
    pixels, first = np.empty(shared, np.int64), np.zeros(shared + 1, np.int64)
    place, at = np.empty(labels.size, np.int64), 0
    for number in range(labels.size):
        if count[number] > 0:
            place[number] = first[at]
            pixels[at], first[at + 1] = number, first[at] + count[number]
            at += 1
    own, part, turned = np.empty_like(grain), np.empty_like(share), np.empty_like(normal)
    for entry in range(len(pixel)):
        to = place[pixel[entry]]
        own[to], part[to], turned[to] = grain[entry], share[entry], normal[entry]
        place[pixel[entry]] += 1
    return pixels, first, own, part, turned


def shares_of_labels(labels: np.ndarray, pixels: tuple[int, int]) -> Shares:
    """Shares of the grains of a picture in the pixels of another one of the same film.

    Parameters
    ----------
    labels : int array, shape (r, c)
        Grain numbers, as sharp as the picture's pixels.
    pixels : (int, int)
        Rows and columns wanted, more or fewer.

    Examples
    --------
    >>> shares = shares_of_labels(np.array([[0, 0, 1]]), (1, 2))
    >>> shares.labels.tolist(), shares.grain.tolist(), shares.share.tolist()
    ([[0, -1]], [0, 1], [0.3333, 0.6667])
    """
    labels = np.ascontiguousarray(labels, np.int32)
    if labels.shape == tuple(pixels):
        none = np.empty(0)
        return Shares(
            labels,
            none.astype(np.int64),
            np.zeros(1, np.int64),
            none.astype(np.int32),
            none,
            none.reshape(0, 2),
        )
    found, *entries = _overlay(labels, *pixels)
    return Shares(found, *_by_pixel(found, *entries))


@njit(cache=True)
def _overlay(labels, rows, columns):
    """As `_cut`, for the square grains of a picture."""
    tall, wide = labels.shape[0] / rows, labels.shape[1] / columns
    most = rows * columns * int(np.ceil(tall) + 1) * int(np.ceil(wide) + 1)
    pixel, grain = np.empty(most, np.int64), np.empty(most, np.int32)
    share, normal = np.empty(most), np.empty((most, 2))
    found = np.full((rows, columns), -1, np.int32)
    count = 0
    for row in range(rows):
        bottom, top = row * tall, (row + 1) * tall
        for column in range(columns):
            left, right = column * wide, (column + 1) * wide
            begin = count
            for i in range(int(bottom + LEAST), int(np.ceil(top - LEAST))):
                high = (min(i + 1.0, top) - max(float(i), bottom)) / tall
                for j in range(int(left + LEAST), int(np.ceil(right - LEAST))):
                    broad = (min(j + 1.0, right) - max(float(j), left)) / wide
                    at = begin
                    while at < count and grain[at] != labels[i, j]:
                        at += 1
                    if at == count:
                        pixel[at], grain[at] = row * columns + column, labels[i, j]
                        share[at], normal[at] = 0.0, 0.0
                        count += 1
                    share[at] += high * broad
                    # sides towards equal neighbours cancel in the sum
                    if j + 1.0 < right - LEAST:
                        normal[at, 0] += high
                    if j > left + LEAST:
                        normal[at, 0] -= high
                    if i + 1.0 < top - LEAST:
                        normal[at, 1] += broad
                    if i > bottom + LEAST:
                        normal[at, 1] -= broad
            if count == begin + 1:
                found[row, column], count = grain[begin], begin
    return found, pixel[:count], grain[:count], share[:count], normal[:count]
