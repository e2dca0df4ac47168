"""Rows of the atlas: mean, scatter and quantiles of films of one crystal, texture and L/s, and the law of the scatter.

Half widths are those of 95 % intervals. What the coarse grid leaves is taken off by the films that were solved on a
finer one too (multilevel Monte Carlo: Giles, Acta Numer. 24 (2015) 259), whose scatter is part of the interval.
"""

from collections.abc import Mapping

import numpy as np

from polysve.base.types import Array
from polysve.crystals.stiffness import poisson_ratio, shear_modulus, unpack, young_modulus
from polysve.learning.metrics import standard_errors
from polysve.surrogate.atlas import PERCENT
from polysve.surrogate.families import Stiffness

QUANTITIES = {
    "young_modulus_gpa": young_modulus,
    "shear_modulus_gpa": shear_modulus,
    "poisson_ratio": poisson_ratio,
}
"""Along x1 and x2 of the window, by name."""
NORMAL = 1.96
NO_SCATTER = 1e-9
"""Over the mean, below which a film is the same in every window."""
SAME = 0.03
"""Misfit of the law of s/L that is no fault, however many films there are."""


def describe(values: Array, fine_index: Array, fine: Array) -> dict[str, float]:
    """Mean, standard deviation and quantiles with the half widths of their intervals.

    Parameters
    ----------
    values : array, shape (n,)
    fine_index : array, shape (m,)
        Films solved on a finer grid too.
    fine : array, shape (m,)
        What they gave there; errors quarter with the pixel.

    Examples
    --------
    >>> sample = np.random.default_rng(1).normal(100, 2, 4000)
    >>> row = describe(sample, np.array([0, 1]), sample[:2])
    >>> abs(row["std"] - 2) < row["std_half_width"] < 0.05
    True
    """
    difference = (fine - values[fine_index]) * 4 / 3 if len(fine) else np.zeros(1)
    values = values + difference.mean()
    if np.ptp(values) <= NO_SCATTER * np.abs(values).max():
        values, difference = np.full_like(values, values.mean()), np.zeros(1)
    grid = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else 0.0
    count, mean = len(values), values.mean()
    std = values.std(ddof=1) if np.ptp(values) else 0.0
    mean_error, std_error = standard_errors(values, ddof=1)
    row = {
        "mean": mean,
        "mean_half_width": NORMAL * np.hypot(mean_error, grid),
        "std": std,
        "std_half_width": NORMAL * std_error,
    }
    ordered = np.sort(values)
    for percent in PERCENT:
        # as many of the sample are below a quantile as a binomial law says (David & Nagaraja, Order Statistics, 7.1)
        share = percent / 100
        spread = NORMAL * np.sqrt(count * share * (1 - share))
        low, high = (
            ordered[np.clip(round(count * share + side * spread), 0, count - 1)] for side in (-1, 1)
        )
        row[f"p{percent}"] = np.quantile(ordered, share)
        row[f"p{percent}_half_width"] = np.hypot((high - low) / 2, NORMAL * grid)
    return {key: float(value) for key, value in row.items()}


def cell(stiffness: Stiffness, row: int, column: int) -> dict[str, dict[str, float]]:
    """What `describe` says of each quantity of one crystal and texture."""
    films = unpack(stiffness.stiffness_gpa[:, row, column])
    fine = unpack(stiffness.fine_gpa[:, row, column])
    return {
        name: describe(of(films), stiffness.fine_index, of(fine)) for name, of in QUANTITIES.items()
    }


def law(cells: Mapping[float, Mapping[str, float]]) -> dict[str, float]:
    """Law scatter = a·s/L of one quantity: a, and from which ratio on it holds.

    Fitted by least squares of the logarithms to the largest ratios of which each misses the law by no more than its
    interval and 3 %.

    Parameters
    ----------
    cells : mapping
        What `describe` says, by L/s.

    Returns
    -------
    dict
        ``law_factor``, ``law_factor_half_width``, ``law_from_ratio``; scatter is the standard deviation over the mean.

    Examples
    --------
    >>> of = lambda ratio, a: {
    ...     "mean": 100.0,
    ...     "std": 100 * a / ratio,
    ...     "std_half_width": 3 * a / ratio,
    ... }
    >>> found = law({2.0: of(2, 0.15), 4.0: of(4, 0.1), 8.0: of(8, 0.1)})
    >>> round(found["law_factor"], 4), found["law_from_ratio"]
    (0.1, 4.0)
    """
    ratios = np.array(sorted(cells))
    mean, std, half = (
        np.array([cells[r][key] for r in ratios]) for key in ("mean", "std", "std_half_width")
    )
    if not std.all():
        return {"law_factor": 0.0, "law_factor_half_width": 0.0, "law_from_ratio": ratios[0]}
    logs, errors = np.log(std / np.abs(mean) * ratios), half / std
    for first in range(len(ratios)):
        weights = errors[first:] ** -2.0
        factor = np.average(logs[first:], weights=weights)
        misfit = np.abs(logs[first:] - factor)
        if (misfit <= np.hypot(errors[first:], SAME)).all():
            break
    relative = np.hypot(1 / np.sqrt(weights.sum()), misfit.max() / 2)
    return {
        "law_factor": float(np.exp(factor)),
        "law_factor_half_width": float(np.exp(factor) * relative),
        "law_from_ratio": float(ratios[first]),
    }
