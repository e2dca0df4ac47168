"""Map of Ē over a film larger than an SVE: a window that moves over it, predicted at every place."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.grains.film import Film, LabelImage
from polysve.grains.raster import pixelated
from polysve.surrogate.prediction import Prediction

PIXELS_PER_PIXEL = 4
"""Pixels of a picture made from polygons, a side of one image pixel."""
MOST_WINDOWS = 100_000
MOST_PIXELS = 8192


class Field(NamedTuple):
    """Ē of windows side by side or overlapping."""

    x_um: Array
    """Centres of the windows, shape (columns,)."""
    y_um: Array
    """Shape (rows,), from the bottom."""
    young_modulus_gpa: Array
    """Shape (rows, columns)."""
    half_width_gpa: Array
    """Of the intervals, shape (rows, columns)."""
    sve_um: float
    """Side of a window."""
    prediction: Prediction
    """Of all windows, row by row."""


def predict_field(
    surrogate,
    film: Film,
    sve_um: float,
    step_um: float,
    coverage: float = 0.9,
) -> Field:
    """Predict a window that moves over a film.

    The windows overlap where the step is less than their side: then their Ē are correlated, up to that distance.

    Parameters
    ----------
    surrogate : Surrogate or Series
    film : Film
    sve_um : float
        Side of the window.
    step_um : float
        From one window to the next.
    coverage : float
        Of the intervals.

    Raises
    ------
    InputError
        If the window does not fit into the film.
    """
    if not isinstance(film.shape, LabelImage):
        pixels = max(film.size_um) / surrogate.pixel_um(film, sve_um)
        if not PIXELS_PER_PIXEL * pixels <= MOST_PIXELS:
            raise InputError(
                f"window of {sve_um:g} µm: makes a picture of the film of {PIXELS_PER_PIXEL * pixels:.3g} pixels; "
                f"allowed are {MOST_PIXELS}"
            )
        film = pixelated(film, PIXELS_PER_PIXEL * round(pixels))
    places = []

    def inputs():
        for x_um, y_um, window in cut(film, sve_um, step_um):
            places.append((x_um, y_um))
            yield surrogate.work(window)

    prediction = surrogate.predict_inputs(inputs(), coverage)
    x_um, y_um = (np.unique(each) for each in np.array(places).T)
    moduli = prediction.young_modulus_gpa.reshape(len(y_um), len(x_um))
    half_width = prediction.half_width_gpa.reshape(moduli.shape)
    return Field(x_um, y_um, moduli, half_width, sve_um, prediction)


def cut(film: Film, sve_um: float, step_um: float) -> Iterator[tuple[float, float, Film]]:
    """Square windows that move over a film row by row, from its lower left corner.

    Yields
    ------
    x_um, y_um : float
        Centre of the window.
    window : Film

    Raises
    ------
    InputError
        If the window does not fit into the film or is finer than its pixels, and for too many windows.
    """
    labels, pixel_um = film.shape
    rows, columns = labels.shape
    side, step = round(sve_um / pixel_um), round(step_um / pixel_um)
    if not 2 <= side <= min(rows, columns):
        raise InputError(
            f"window of {sve_um:g} µm: the film has {columns} × {rows} pixels of {pixel_um:g} µm; "
            f"allowed is {2 * pixel_um:g} to {min(film.size_um):g} µm"
        )
    if step < 1:
        raise InputError(
            f"step of {step_um:g} µm: is less than a pixel of the film, {pixel_um:g} µm; allowed is that, or more"
        )
    count = ((rows - side) // step + 1) * ((columns - side) // step + 1)
    if count > MOST_WINDOWS:
        raise InputError(
            f"step of {step_um:g} µm: makes {count} windows; {MOST_WINDOWS} are the most that are allowed"
        )
    for bottom in range(0, rows - side + 1, step):
        for left in range(0, columns - side + 1, step):
            part = labels[bottom : bottom + side, left : left + side]
            yield (
                (left + side / 2) * pixel_um,
                (bottom + side / 2) * pixel_um,
                replace(
                    film,
                    shape=LabelImage(part, pixel_um),
                    size_um=(side * pixel_um, side * pixel_um),
                    periodic=False,
                ),
            )
