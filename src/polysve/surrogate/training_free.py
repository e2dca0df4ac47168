"""The training-free surrogate: a film in, C̄ with an interval out, by the series on two grids."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.crystals.crystal import Crystal
from polysve.crystals.stiffness import log_stiffness, young_modulus
from polysve.grains.film import Film, LabelImage
from polysve.grains.mesh import Mesh
from polysve.grains.raster import polygons_of
from polysve.grains.shares import Shares, shares_of_labels, shares_of_tiling
from polysve.surrogate.pixels import pixel_stiffness
from polysve.surrogate.prediction import DIRECTIONS_RAD, Prediction
from polysve.surrogate.series import NUMBER, relax_grids

PIXELS_PER_GRAIN = 12
TOLERANCE = 2e-5
MOST_PIXELS = 2048
COARSEST = 16


class Answer(NamedTuple):
    """C̄ of one film and how sure it is."""

    stiffness_gpa: Array
    """Shape (3, 3)."""
    error: float
    """Largest change of a component over C̄11 from the coarser grid to the finer, and what the last steps left."""


def answer(film: Film, boundary_condition: str = "pbc") -> Answer:
    """Apparent stiffness of a film without training."""
    grids = [
        pixel_stiffness(shares(film, pixels), log_stiffness(film.stiffness_gpa))
        for pixels in _pixels(film)
    ]
    rows, columns = grids[-1].shape[1:]
    tall = (film.size_um[1] / rows) / (film.size_um[0] / columns)
    *_, coarse, fine = relax_grids(grids, tall, boundary_condition, TOLERANCE)
    change = np.abs(fine.stiffness_gpa - coarse.stiffness_gpa).max() / fine.stiffness_gpa[0, 0]
    return Answer(fine.stiffness_gpa, float(change / 3 + fine.remainder))


def shares(film: Film, pixels: tuple[int, int]) -> Shares:
    """Shares of a film's grains in so many rows and columns of pixels, whatever its shape is."""
    if isinstance(film.shape, LabelImage):
        return shares_of_labels(film.shape.labels, pixels)
    tiling = polygons_of(film.shape) if isinstance(film.shape, Mesh) else film.shape
    return shares_of_tiling(tiling, film.size_um, pixels)


def _pixels(film: Film) -> list[tuple[int, int]]:
    """Rows and columns of the grids, coarse to fine."""
    width_um, height_um = film.size_um
    pitch_um = film.grain_size_um / PIXELS_PER_GRAIN
    levels = 2 if min(width_um, height_um) < 4 * COARSEST * pitch_um else 3
    unit = 2 ** (levels - 1)
    rows, columns = (max(1, round(side / pitch_um / unit)) for side in (height_um, width_um))
    if max(rows, columns) * unit > MOST_PIXELS:
        raise InputError(
            f"film of {width_um:g} × {height_um:g} µm with grains of {film.grain_size_um:g} µm: needs "
            f"{columns * unit} × {rows * unit} pixels; allowed are {MOST_PIXELS} a side"
        )
    return [(rows * 2**level, columns * 2**level) for level in range(levels)]


class Series:
    """The training-free series as a surrogate.

    Parameters
    ----------
    crystals : tuple of Crystal
        Of the films that are drawn for it; films from files bring their own.
    boundary_condition : {"kubc", "subc", "pbc"}

    Examples
    --------
    >>> import polysve
    >>> film = polysve.draw(window_um=2.0, grain_size_um=0.5)
    >>> Series(film.crystals).predict([film]).young_modulus_gpa.shape
    (1,)
    """

    def __init__(self, crystals: tuple[Crystal, ...] = (), boundary_condition: str = "pbc"):
        if boundary_condition not in NUMBER:
            raise InputError(f"--bc = {boundary_condition}: allowed is one of {', '.join(NUMBER)}")
        self.crystals, self.boundary_condition = crystals, boundary_condition

    @property
    def work(self) -> Callable[[Film], Answer]:
        """What is done with each film; it can be done by other processes."""
        return partial(answer, boundary_condition=self.boundary_condition)

    def warm_up(self, window_um: float) -> None:
        """Nothing to be made ready."""

    def takes(self, film: Film) -> bool:
        """Whether a film can be predicted as a whole: any can."""
        return True

    def window_for(self, film: Film) -> None:
        """No film needs to be cut."""

    def pixel_um(self, film: Film, window_um: float) -> float:
        """Pixel of the images of a film's windows."""
        return film.grain_size_um / PIXELS_PER_GRAIN

    def predict(self, films: Iterable[Film], coverage: float = 0.9) -> Prediction:
        """Predict films."""
        return self.predict_inputs(map(self.work, films), coverage)

    def predict_inputs(self, answers: Iterable[Answer], coverage: float = 0.9) -> Prediction:
        """Gather answers.

        Raises
        ------
        InputError
            For a coverage that is no probability.
        """
        if not 0 < coverage < 1:
            raise InputError(f"coverage = {coverage}: allowed is more than 0 and less than 1")
        found = list(answers)
        stiffness = np.array([each.stiffness_gpa for each in found])
        error = np.array([each.error for each in found])
        moduli = young_modulus(stiffness)
        stiffest = young_modulus(stiffness[:, None], DIRECTIONS_RAD).max(1)
        return Prediction(
            young_modulus_gpa=moduli,
            half_width_gpa=error * moduli,
            coverage=coverage,
            stiffness_gpa=stiffness,
            direction_half_width_gpa=error * stiffest,
            boundary_condition=self.boundary_condition,
        )
