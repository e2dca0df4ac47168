"""What a network reads of one film: its image, exactly averaged, and what tells whether it knows such films."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.base.errors import InputError
from polysve.grains.film import Film, LabelImage
from polysve.learning import encoding
from polysve.learning.log_mean import LogMean, log_mean
from polysve.learning.model_card import ModelCard

MOST_PIXELS = 2048


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
    log_mean: LogMean


def network_input(film: Film, card: ModelCard) -> NetworkInput:
    """Image of a square film as the network's training images were made.

    Parameters
    ----------
    film : Film
    card : ModelCard

    Raises
    ------
    InputError
        If the film is not square, of another crystal, or none that the network's encoding can show.
    """
    width_um, height_um = film.size_um
    if abs(width_um / height_um - 1) > 1e-9:
        raise InputError(
            f"film of {width_um:g} × {height_um:g} µm: a network takes squares; --sve cuts some from it"
        )
    recipe, pixels = card.preprocess, image_side(card, width_um)
    _check_crystals(film, card)
    image = encoding.encode(film, pixels, recipe.encoding, recipe.median_passes)
    area = film.area_fractions
    squared_areas = area @ area
    return NetworkInput(
        image,
        width_um,
        film.shape.pixel_um if isinstance(film.shape, LabelImage) else 0.0,
        1 / squared_areas,
        0.0
        if film.theta_rad is None or card.sees_stiffness
        else abs(area @ np.exp(4j * film.theta_rad)) ** 2 / squared_areas,
        log_mean(film if film.crystals else film.made_of(card.crystals[0])),
    )


def image_side(card: ModelCard, window_um: float) -> int:
    """Pixels a side of the image of a window.

    Raises
    ------
    InputError
        If they are too many.
    """
    pixels = card.pixels(window_um)
    if pixels > MOST_PIXELS:
        raise InputError(
            f"film of {window_um:g} µm: needs an image of {pixels} pixels a side; allowed are {MOST_PIXELS}, a window "
            f"of {MOST_PIXELS * card.pitch_um(card.windows_um[0]):g} µm"
        )
    return pixels


def _check_crystals(film: Film, card: ModelCard) -> None:
    """Refuse films of other crystals than a network knows that sees their angles alone."""
    if card.sees_stiffness:
        return
    (known, *_) = card.crystals
    for crystal in film.crystals:
        if not np.allclose(crystal.stiffness_gpa, known.stiffness_gpa, rtol=1e-9):
            raise InputError(
                f"film of {crystal.name}: the network sees angles alone and was trained on {known.name}; allowed is "
                "that, or no --model"
            )
