"""The training-free series as a surrogate: films in, C̄ with an interval out."""

from collections.abc import Callable, Iterable
from functools import partial
from statistics import NormalDist

import numpy as np

from polysve.base.errors import InputError
from polysve.crystals.crystal import Crystal
from polysve.crystals.stiffness import directional, log_stiffness
from polysve.grains.film import Film
from polysve.surrogate import born
from polysve.surrogate.prediction import Prediction
from polysve.surrogate.series import NUMBER

CALIBRATED = 0.9
"""Coverage of the intervals that `born` gives; other coverages take them as normal."""


class Series:
    """The training-free series.

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
    def work(self) -> Callable[[Film], born.Solved]:
        """What is done with each film; it can be done by other processes."""
        return partial(_solve, boundary_condition=self.boundary_condition)

    def warm_up(self, window_um: float) -> None:
        """Nothing to be made ready."""

    def takes(self, film: Film) -> bool:
        """Whether a film can be predicted as a whole: any can."""
        return True

    def window_for(self, film: Film) -> None:
        """No film needs to be cut."""

    def pixel_um(self, film: Film, window_um: float) -> float:
        """Pixel of the images of a film's windows."""
        return film.grain_size_um / born.PIXELS_PER_GRAIN

    def predict(self, films: Iterable[Film], coverage: float = CALIBRATED) -> Prediction:
        """Predict films.

        Raises
        ------
        InputError
            For a coverage that is no probability, and films that the series promises nothing for.
        """
        return self.predict_inputs(map(self.work, films), coverage)

    def predict_inputs(
        self, solved: Iterable[born.Solved], coverage: float = CALIBRATED
    ) -> Prediction:
        """Predict films whose series are summed."""
        if not 0 < coverage < 1:
            raise InputError(f"coverage = {coverage}: allowed is more than 0 and less than 1")
        found = born.estimates(list(solved), self.boundary_condition)
        normal = NormalDist()
        wider = normal.inv_cdf((1 + coverage) / 2) / normal.inv_cdf((1 + CALIBRATED) / 2)
        stiffness = np.array([each.stiffness_gpa for each in found])
        half_width = wider * np.array([each.young_half_width_gpa for each in found])
        beyond = np.array([each.warning is not None for each in found])
        moduli = np.array([each.young_modulus_gpa for each in found])
        # in the stiffest direction the same share of a larger modulus
        stiffest = directional(stiffness).max(1)
        return Prediction(
            young_modulus_gpa=moduli,
            half_width_gpa=half_width,
            coverage=coverage,
            stiffness_gpa=stiffness,
            direction_half_width_gpa=half_width * stiffest / moduli,
            boundary_condition=self.boundary_condition,
            outside={"contrast": beyond},
            known={"contrast": next((each.warning for each in found if each.warning), "")},
        )


def _solve(film: Film, boundary_condition: str) -> born.Solved:
    return born.solve(born.draw_grids(film), log_stiffness(film.stiffness_gpa), boundary_condition)
