"""Which grains share which pixel of a film: exact areas, and how the boundary between them runs.

Most pixels lie inside one grain; only the others are listed.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.grains.film import Film, LabelImage
from polysve.grains.mesh import Mesh
from polysve.grains.raster import polygons_of
from polysve.grains.tiling import Tiling

# a grain with less of a pixel is not there
LEAST = 1e-9
# what the areas of all polygons may miss of the window's
FILLED = 1e-6


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


def shares(film: Film, pixels: tuple[int, int]) -> Shares:
    """Shares of a film's grains in so many rows and columns of pixels, whatever its shape is."""
    if isinstance(film.shape, LabelImage):
        return shares_of_labels(film.shape.labels, pixels)
    tiling = polygons_of(film.shape) if isinstance(film.shape, Mesh) else film.shape
    return shares_of_tiling(tiling, film.size_um, pixels)


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
    corners = _in_pixels(tiling.vertices_um, *size_um, *pixels)
    labels, entries, area = _cut(corners, tiling.offsets, tiling.grain, *pixels)
    shares = Shares(labels, *entries)
    if abs(area / labels.size - 1) > FILLED:
        raise InputError(
            f"polygons fill {area / labels.size:.6g} of the window of {size_um[0]:g} × {size_um[1]:g} µm; "
            "allowed is a tiling of it"
        )
    return shares


@njit(cache=True)
def _in_pixels(corners_um, width_um, height_um, rows, columns):
    """Corners in units of the pixels; those on the window's edge are on the edge to the last bit, none is outside."""
    corners = np.empty_like(corners_um)
    for corner in range(len(corners)):
        x, y = corners_um[corner, 0] / width_um, corners_um[corner, 1] / height_um
        corners[corner, 0] = min(max(x, 0.0), 1.0) * columns
        corners[corner, 1] = min(max(y, 0.0), 1.0) * rows
    return corners


@njit(cache=True)
def _cut(corners, offsets, grains, rows, columns):
    """Fields of `Shares`, and the area of all polygons in pixels."""
    pieces = 0
    for polygon in range(len(grains)):
        x, y = corners[offsets[polygon + 1] - 1]
        for corner in range(offsets[polygon], offsets[polygon + 1]):
            pieces += int(abs(corners[corner, 0] - x)) + int(abs(corners[corner, 1] - y)) + 3
            x, y = corners[corner]
    # the grains of a pixel are a chain of entries
    latest, earlier = np.full(rows * columns, -1, np.int32), np.empty(pieces, np.int32)
    grain, share, normal = np.empty(pieces, np.int32), np.empty(pieces), np.empty((pieces, 2))
    labels = np.full((rows, columns), -1, np.int32)
    # one column more takes what lies on the right edge of the window
    cover, turned = np.zeros((rows, columns + 1)), np.zeros((rows, columns, 2))
    count, area = 0, 0.0
    for polygon in range(len(grains)):
        begin, end = offsets[polygon], offsets[polygon + 1]
        x, y = corners[end - 1]
        low_x, high_x, low_y, high_y = x, x, y, y
        for corner in range(begin, end):
            next_x, next_y = corners[corner]
            _walk(x, y, next_x, next_y, cover, turned)
            x, y = next_x, next_y
            low_x, high_x = min(low_x, x), max(high_x, x)
            low_y, high_y = min(low_y, y), max(high_y, y)
        left, right = int(low_x), min(columns, int(np.ceil(high_x)))
        for row in range(int(low_y), min(rows, int(np.ceil(high_y)))):
            total = 0.0
            for column in range(left, right):
                total += cover[row, column]
                if total > 1 - LEAST:
                    labels[row, column] = grains[polygon]
                    area += 1
                elif total > LEAST:
                    pixel = row * columns + column
                    at = latest[pixel]
                    while at >= 0 and grain[at] != grains[polygon]:
                        at = earlier[at]
                    if at < 0:
                        at, earlier[count], latest[pixel] = count, latest[pixel], count
                        grain[at], share[at] = grains[polygon], 0.0
                        normal[at, 0] = normal[at, 1] = 0.0
                        count += 1
                    share[at] += total
                    normal[at, 0] += turned[row, column, 0]
                    normal[at, 1] += turned[row, column, 1]
                    area += total
                cover[row, column] = 0.0
                turned[row, column, 0] = turned[row, column, 1] = 0.0
            cover[row, right] = 0.0
    return labels, _by_pixel(labels, latest, earlier, count, grain, share, normal), area


@njit(cache=True)
def _walk(start_x, start_y, stop_x, stop_y, cover, turned):
    """Add to cover and turned what one edge of a polygon does, piece by piece between the pixels' sides."""
    rows, columns = turned.shape[:2]
    dx, dy = stop_x - start_x, stop_y - start_y
    x, y = start_x, start_y
    column, row = int(x), int(y)
    # an edge that starts on a side and goes down or left begins in the pixel before it
    if dx < 0 and column == x:
        column -= 1
    if dy < 0 and row == y:
        row -= 1
    column, row = min(column, columns - 1), min(row, rows - 1)
    on_side = (dx == 0 and x == int(x)) or (dy == 0 and y == int(y))
    slope, rise = (dy / dx if dx != 0 else 0.0), (dx / dy if dy != 0 else 0.0)
    last = False
    while not last:
        side_x = column + 1.0 if dx > 0 else float(column)
        side_y = row + 1.0 if dy > 0 else float(row)
        # where the line leaves the pixel, by its upper or lower side or by its left or right one
        at_y = start_y + (side_x - start_x) * slope if dx != 0 else np.inf
        upright = dx == 0 or (dy != 0 and (at_y - side_y) * dy > 0)
        if upright:
            next_x, next_y = start_x + (side_y - start_y) * rise, side_y
            last = (stop_y - side_y) * dy <= 0
        else:
            next_x, next_y = side_x, at_y
            last = (stop_x - side_x) * dx <= 0
        if last:
            next_x, next_y = stop_x, stop_y
        # counter-clockwise: an edge that runs down opens its grain, one that runs up closes it
        height = y - next_y
        beyond = height * ((x + next_x) / 2 - column)
        cover[row, column] += height - beyond
        cover[row, column + 1] += beyond
        if not on_side:
            turned[row, column, 0] -= height
            turned[row, column, 1] += x - next_x
        if upright:
            row += 1 if dy > 0 else -1
        else:
            column += 1 if dx > 0 else -1
        x, y = next_x, next_y


@njit(cache=True)
def _by_pixel(labels, latest, earlier, count, grain, share, normal):
    """Fields of `Shares` from `pixel` on, out of chains of entries; pixels that one grain fills get its label."""
    pixels, first = np.empty(count, np.int64), np.empty(count + 1, np.int64)
    own, part, turned = np.empty(count, np.int32), np.empty(count), np.empty((count, 2))
    shared, to = 0, 0
    first[0] = 0
    for pixel in range(len(latest)):
        at = latest[pixel]
        if at < 0:
            continue
        if share[at] > 1 - FILLED:
            labels[pixel // labels.shape[1], pixel % labels.shape[1]] = grain[at]
            continue
        pixels[shared] = pixel
        while at >= 0:
            own[to], part[to] = grain[at], share[at]
            turned[to, 0], turned[to, 1] = normal[at, 0], normal[at, 1]
            to, at = to + 1, earlier[at]
        shared += 1
        first[shared] = to
    return pixels[:shared], first[: shared + 1], own[:to], part[:to], turned[:to]


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
    found, entries = _overlay(labels, *pixels)
    return Shares(found, *entries)


@njit(cache=True)
def _overlay(labels, rows, columns):
    """As `_cut`, for the square grains of a picture."""
    tall, wide = labels.shape[0] / rows, labels.shape[1] / columns
    most = rows * columns * int(np.ceil(tall) + 1) * int(np.ceil(wide) + 1)
    pixel, first = np.empty(rows * columns, np.int64), np.zeros(rows * columns + 1, np.int64)
    grain, share, normal = np.empty(most, np.int32), np.empty(most), np.empty((most, 2))
    found = np.full((rows, columns), -1, np.int32)
    shared = count = 0
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
                        grain[at], share[at] = labels[i, j], 0.0
                        normal[at, 0] = normal[at, 1] = 0.0
                        count += 1
                    share[at] += high * broad
                    # sides towards equal neighbours cancel in the sum
                    normal[at, 0] += high * ((j + 1 < right - LEAST) - (j > left + LEAST))
                    normal[at, 1] += broad * ((i + 1 < top - LEAST) - (i > bottom + LEAST))
            if count == begin + 1:
                found[row, column], count = grain[begin], begin
            else:
                pixel[shared], first[shared + 1] = row * columns + column, count
                shared += 1
    entries = (pixel[:shared], first[: shared + 1], grain[:count], share[:count], normal[:count])
    return found, entries
