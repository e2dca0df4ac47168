"""What a network reads of one film: its image, exactly averaged, and what tells whether it knows such films."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from polysve import images
from polysve.errors import InputError
from polysve.model_card import ModelCard
from polysve.structures import CellMap, GrainMap
from polysve.tessellation import Tiling, next_corner


class NetworkInput(NamedTuple):
    """One SVE as a network reads it."""

    image: NDArray[np.float32]
    """Shape (p, p, channels), row 0 at the bottom."""
    window_um: float
    source_pixel_um: float
    """Pixel of the picture it was made from, 0 for polygons."""
    effective_grains: float
    """1/Σa² of the grains' area fractions a."""
    texture: float
    """|z|²/Σa² with the window mean z of exp(4iθ)."""


def network_input(film: CellMap | GrainMap, card: ModelCard) -> NetworkInput:
    """Image of a square film as the network's training images were made.

    Parameters
    ----------
    film : CellMap or GrainMap
        Polygons are averaged over each pixel exactly; the grains of a picture are as sharp as its pixels.
    card : ModelCard

    Raises
    ------
    InputError
        If the film is not square.
    """
    width_um, height_um = film.size_um
    if width_um != height_um:
        raise InputError(f"film of {width_um:g} × {height_um:g} µm: an SVE is square")
    recipe = card.preprocess
    values = (
        images.harmonics(film.theta_rad)
        if recipe.encoding == "harmonic"
        else images.grey_levels(film.theta_rad)
    )
    pixels = card.pixels(width_um)
    if isinstance(film, CellMap):
        area = np.bincount(film.tiling.grain, film.tiling.areas_um2(), len(values)) / width_um**2
        image, source_pixel_um = area_average(film.tiling, width_um, values, pixels), 0.0
    else:
        area = np.bincount(film.labels.ravel(), minlength=len(values)) / film.labels.size
        finer = -(-pixels // len(film.labels))  # a picture is only ever shrunk: repeat its pixels
        labels = film.labels.repeat(finer, 0).repeat(finer, 1)
        image, source_pixel_um = images.resize(images.paint(labels, values), pixels), film.pixel_um
    if recipe.median_passes:
        image = images.median_filter(image, recipe.median_passes)
    mean = area @ np.exp(4j * film.theta_rad)
    squared_areas = area @ area
    return NetworkInput(
        image,
        width_um,
        source_pixel_um,
        1 / squared_areas,
        abs(mean) ** 2 / squared_areas,
    )


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
    >>> from polysve.tessellation import voronoi
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


def cut(film: GrainMap, sve_um: float, step_um: float) -> Iterator[tuple[float, float, GrainMap]]:
    """Square windows that move over a film row by row, from its lower left corner.

    Yields
    ------
    x_um, y_um : float
        Centre of the window.
    window : GrainMap

    Raises
    ------
    InputError
        If the window does not fit into the film or is finer than its pixels.
    """
    rows, columns = film.labels.shape
    side, step = round(sve_um / film.pixel_um), max(1, round(step_um / film.pixel_um))
    if not 2 <= side <= min(rows, columns):
        raise InputError(
            f"window of {sve_um:g} µm: the film has {columns} × {rows} pixels of {film.pixel_um:g} µm; "
            f"allowed is {2 * film.pixel_um:g} to {min(film.size_um):g} µm"
        )
    for bottom in range(0, rows - side + 1, step):
        for left in range(0, columns - side + 1, step):
            labels = film.labels[bottom : bottom + side, left : left + side]
            yield (
                (left + side / 2) * film.pixel_um,
                (bottom + side / 2) * film.pixel_um,
                film._replace(labels=labels),
            )
