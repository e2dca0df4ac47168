"""What the area average of log Q says of a film without any network: the scale that errors are measured in."""

from typing import NamedTuple

import numpy as np

from polysve.crystals.stiffness import exp_stiffness, log_stiffness, young_modulus
from polysve.grains.film import Film

TENSOR = np.array([1, 1, 1, 2, 2, 2])
"""How often the components 11, 22, 66, 12, 16, 26 stand in a symmetric matrix."""


class LogMean(NamedTuple):
    """Of one film."""

    young_modulus_gpa: float
    """Along x1, of the exponential of the average: right to first order in the contrast of the grains."""
    spread: float
    """Area average of |log Q less its average|²: what is missing is of this order."""


def log_mean(film: Film) -> LogMean:
    """Log-mean of a film of known crystals.

    Examples
    --------
    >>> from polysve import Crystal, draw
    >>> film = draw(window_um=2.0, grain_size_um=0.5, texture="<111>", material="silicon")
    >>> found = log_mean(film)
    >>> round(found.young_modulus_gpa, 3), found.spread < 1e-20
    (168.956, True)
    """
    log, area = log_stiffness(film.stiffness_gpa), film.area_fractions
    mean = area @ log
    spread = area @ ((log - mean) ** 2 @ TENSOR)
    return LogMean(float(young_modulus(exp_stiffness(mean))), float(spread))
