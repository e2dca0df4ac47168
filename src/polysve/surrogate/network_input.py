"""What a network reads of one film: its image, exactly averaged, and what tells whether it knows such films."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.base.errors import InputError
from polysve.grains.area_average import area_average
from polysve.grains.film import CellMap, GrainMap
from polysve.learning import encoding
from polysve.learning.model_card import ModelCard


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
        encoding.harmonics(film.theta_rad)
        if recipe.encoding == "harmonic"
        else encoding.grey_levels(film.theta_rad)
    )
    pixels = card.pixels(width_um)
    if isinstance(film, CellMap):
        area = np.bincount(film.tiling.grain, film.tiling.areas_um2(), len(values)) / width_um**2
        image, source_pixel_um = area_average(film.tiling, width_um, values, pixels), 0.0
    else:
        area = np.bincount(film.labels.ravel(), minlength=len(values)) / film.labels.size
        finer = -(-pixels // len(film.labels))  # a picture is only ever shrunk: repeat its pixels
        labels = film.labels.repeat(finer, 0).repeat(finer, 1)
        image, source_pixel_um = (
            encoding.resize(encoding.paint(labels, values), pixels),
            film.pixel_um,
        )
    if recipe.median_passes:
        image = encoding.median_filter(image, recipe.median_passes)
    mean = area @ np.exp(4j * film.theta_rad)
    squared_areas = area @ area
    return NetworkInput(
        image,
        width_um,
        source_pixel_um,
        1 / squared_areas,
        abs(mean) ** 2 / squared_areas,
    )


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
