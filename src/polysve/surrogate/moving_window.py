"""Map of Ē over a film larger than an SVE: a window that moves over it, predicted at every place."""

from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.grains.film import Film, LabelImage
from polysve.grains.raster import pixelated
from polysve.surrogate.network import Surrogate
from polysve.surrogate.network_input import cut, network_input
from polysve.surrogate.prediction import Prediction

PIXELS_PER_PIXEL = 4
"""Pixels of a picture made from polygons, a side of one image pixel."""


class Field(NamedTuple):
    """Ē of windows side by side or overlapping."""

    x_um: Array
    """Centres of the windows, shape (columns,)."""
    y_um: Array
    """Shape (rows,), from the bottom."""
    young_modulus_gpa: Array
    """Shape (rows, columns)."""
    prediction: Prediction
    """Of all windows, row by row."""


def predict_field(
    surrogate: Surrogate,
    film: Film,
    sve_um: float,
    step_um: float,
    coverage: float = 0.9,
) -> Field:
    """Predict a window that moves over a film.

    The windows overlap where the step is less than their side: then their Ē are correlated, up to that distance.

    Parameters
    ----------
    surrogate : Surrogate
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
        pitch_um = surrogate.card.pitch_um(sve_um)
        film = pixelated(film, PIXELS_PER_PIXEL * round(max(film.size_um) / pitch_um))
    places = []

    def inputs():
        for x_um, y_um, window in cut(film, sve_um, step_um):
            places.append((x_um, y_um))
            yield network_input(window, surrogate.card)

    prediction = surrogate.predict_inputs(inputs(), coverage)
    x_um, y_um = (np.unique(each) for each in np.array(places).T)
    moduli = prediction.young_modulus_gpa.reshape(len(y_um), len(x_um))
    return Field(x_um, y_um, moduli, prediction)
