"""Scatter of Ē: many random structures drawn and predicted, the law of their moduli, a check by finite elements."""

import time

import numpy as np
from scipy import stats

from polysve.base.errors import InputError
from polysve.base.progress import track
from polysve.base.types import Array
from polysve.settings.labels import TessellateSettings
from polysve.surrogate.control_variates import controlled
from polysve.surrogate.prediction import Prediction
from polysve.surrogate.workers import Workers

PERCENT = (0.1, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9)
CONFIDENCE = 0.95
RESAMPLES = 1000
SMALL_MISFIT = 0.02
"""Distance of distribution functions that is no fault of a law, however large the sample."""
ROUNDING = 1e-9
"""Scatter over mean that is none: films of <111> grains are all alike but for rounding."""


def characterize(
    surrogate,
    workers: Workers,
    settings: TessellateSettings,
    count: int,
    check: int = 0,
) -> dict:
    """Draw films, predict them and describe the scatter of Ē.

    Parameters
    ----------
    surrogate : Surrogate or Series
        A trained network, or the training-free series.
    workers : Workers
    settings : TessellateSettings
        Window, grain size, texture, spacing and seed.
    count : int
        Number of films.
    check : int
        Of them, to be solved by finite elements too.

    Returns
    -------
    dict
        For JSON, see `describe`, with the times; ``young_modulus_gpa`` holds all predictions.

    Raises
    ------
    InputError
        For counts too small to say anything.
    """
    if count < 100:
        raise InputError(f"--count = {count}: allowed is 100 or more")
    if check and not 10 <= check <= count:
        raise InputError(f"--check = {check}: allowed is 0, or 10 to --count = {count}")
    surrogate.warm_up(settings.window_um)
    workers.start()
    begin = time.perf_counter()
    made = workers.films(settings, surrogate.crystals, count, surrogate.work)
    prediction = surrogate.predict_inputs(track(made, f"L/s = {settings.ratio:g}", count))
    seconds = time.perf_counter() - begin
    result = {
        "window_um": settings.window_um,
        "grain_size_um": settings.grain_size_um,
        "ratio": settings.ratio,
        "crystals": [crystal.name for crystal in surrogate.crystals],
        "count": count,
        "seed": settings.seed,
        "boundary_condition": prediction.boundary_condition,
        **describe(prediction.young_modulus_gpa),
        "seconds": seconds,
        "rate_per_s": count / seconds,
        "outside": {n: float(f.mean()) for n, f in prediction.outside.items()},
        "warnings": prediction.warnings("film"),
        "young_modulus_gpa": prediction.young_modulus_gpa,
    }
    if check:
        solved = workers.solve(settings, surrogate.crystals, check, prediction.boundary_condition)
        result["check"] = control_variates(solved.young_modulus_gpa, prediction) | {
            "seconds": solved.seconds,
            "rate_per_s": check / solved.seconds,
            "times_as_fast": (count / seconds) / (check / solved.seconds),
        }
    return result


def describe(moduli_gpa: Array, seed: int = 0) -> dict:
    """Mean, standard deviation, quantiles, histogram and law of a sample.

    Intervals are percentile bootstrap intervals of 95 % (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13).

    Parameters
    ----------
    moduli_gpa : array, shape (n,)
    seed : int
        Of the bootstrap.
    """
    found = _statistics(moduli_gpa)
    resampled = stats.bootstrap(
        (moduli_gpa,),
        _statistics,
        n_resamples=RESAMPLES,
        batch=10,  # samples at a time: more need more memory
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    intervals = np.transpose(resampled.confidence_interval).tolist()
    names = [f"{percent:g}" for percent in PERCENT]
    scatters = found[1] > ROUNDING * found[0]
    counts, edges = np.histogram(moduli_gpa, bins="fd" if scatters else 1)
    return {
        "confidence": CONFIDENCE,
        "mean_gpa": float(found[0]),
        "mean_interval_gpa": intervals[0],
        "std_gpa": float(found[1]),
        "std_interval_gpa": intervals[1],
        "quantiles_gpa": dict(zip(names, found[2:].tolist(), strict=True)),
        "quantile_intervals_gpa": dict(zip(names, intervals[2:], strict=True)),
        "histogram": {"edges_gpa": edges.tolist(), "counts": counts.tolist()},
        "laws": fit_laws(moduli_gpa) if scatters else {"better": "no_scatter"},
    }


def _statistics(moduli_gpa: Array, axis: int = -1) -> Array:
    """Mean, standard deviation and quantiles of samples, shape (statistics, ...)."""
    first = [moduli_gpa.mean(axis), moduli_gpa.std(axis, ddof=1)]
    quantiles = np.quantile(moduli_gpa, np.array(PERCENT) / 100, axis=axis)
    return np.concatenate([first, quantiles])


def fit_laws(moduli_gpa: Array) -> dict:
    """Normal and log-normal law by maximum likelihood, and which of them the sample follows.

    A law fits if its distribution function is nowhere further from the sample's than chance makes it in 99 of 100
    samples, 1.035/√n (H. W. Lilliefors, J. Am. Stat. Assoc. 62 (1967) 399), or than `SMALL_MISFIT`. Of two that fit the
    better has the lower AIC (Akaike, IEEE Trans. Autom. Control 19 (1974) 716), if by more than 2 (Burnham &
    Anderson, Model Selection and Multimodel Inference, 2002, section 2.6).

    Returns
    -------
    dict
        Parameters, ``aic`` and ``misfit`` by law; ``better``: a law, ``either`` or ``neither``.

    Examples
    --------
    >>> fit_laws(np.exp(np.random.default_rng(1).normal(5, 0.3, 1000)))["better"]
    'log_normal'
    >>> fit_laws(np.random.default_rng(1).choice([130.0, 169.0], 1000))["better"]
    'neither'
    """
    mean, std = stats.norm.fit(moduli_gpa)
    log_std, _, median = stats.lognorm.fit(moduli_gpa, floc=0)
    laws = {
        "normal": {"mean_gpa": mean, "std_gpa": std} | _goodness(stats.norm(mean, std), moduli_gpa),
        "log_normal": {"median_gpa": median, "log_std": log_std}
        | _goodness(stats.lognorm(log_std, 0, median), moduli_gpa),
    }
    laws = {name: {key: float(v) for key, v in law.items()} for name, law in laws.items()}
    limit = max(SMALL_MISFIT, 1.035 / np.sqrt(len(moduli_gpa)))
    fitting = sorted((law["aic"], name) for name, law in laws.items() if law["misfit"] < limit)
    if not fitting:
        better = "neither"
    elif len(fitting) > 1 and fitting[1][0] - fitting[0][0] <= 2:
        better = "either"
    else:
        better = fitting[0][1]
    return laws | {"better": better}


def _goodness(law, sample: Array) -> dict[str, float]:
    """AIC of a law of two parameters, and its largest distance from the sample (Kolmogorov)."""
    return {
        "aic": 2 * 2 - 2 * law.logpdf(sample).sum(),
        "misfit": stats.kstest(sample, law.cdf).statistic,
    }


def control_variates(solved_gpa: Array, prediction: Prediction) -> dict:
    """Correct mean and standard deviation by finite-element solutions of the first structures.

    The predictions Ê of all N structures are the control variate of the solutions Ē of m of them: the mean of Ē is
    estimated by its mean over the m plus β times what the mean of Ê over the m lacks of that over all N, β being the
    regression of Ē on Ê. Its variance is σ²(1 − ρ²)/m + σ²ρ²/N (Glasserman, Monte Carlo Methods in Financial
    Engineering, 2003, section 4.1); the same is done with the squared deviations.

    Parameters
    ----------
    solved_gpa : array, shape (m,)
    prediction : Prediction
        Of N structures, the m first of them solved.

    Returns
    -------
    dict
    """
    count = len(solved_gpa)
    predicted = prediction.young_modulus_gpa
    mean, error, removed = controlled(solved_gpa, predicted)
    squares = (solved_gpa - mean) ** 2, (predicted - predicted.mean()) ** 2
    variance, variance_error, _ = controlled(*squares)
    difference = predicted[:count] - solved_gpa
    return {
        "count": count,
        "bias_gpa": float(difference.mean()),
        "rms_difference_gpa": float(np.sqrt(np.mean(difference**2))),
        "coverage": float(np.mean(np.abs(difference) <= prediction.half_width_gpa[:count])),
        "stated_coverage": prediction.coverage,
        "mean_gpa": mean,
        "mean_standard_error_gpa": error,
        "variance_removed": removed,
        "std_gpa": float(np.sqrt(variance)),
        "std_standard_error_gpa": float(variance_error / (2 * np.sqrt(variance) or 1)),
    }


def size_law(ratios: Array, relative_std: Array, counts: Array) -> dict:
    """Fit the law std/mean = a·(s/L)^p, and a with p = 1, by least squares of the logarithms.

    The standard deviation of a normal sample of n has a relative error of 1/√(2(n − 1)), which gives the intervals.

    Parameters
    ----------
    ratios, relative_std, counts : array, shape (k,)
        L/s, scatter over mean, and number of structures.

    Examples
    --------
    >>> law = size_law(np.array([2.0, 4, 8]), np.array([0.05, 0.025, 0.0125]), np.full(3, 1000))
    >>> round(law["exponent"], 6), round(law["factor"], 6)
    (1.0, 0.1)
    """
    weights = np.sqrt(2 * (np.asarray(counts) - 1))
    matrix = np.column_stack([np.ones(len(ratios)), -np.log(ratios)])
    target = np.log(relative_std)
    covariance = np.linalg.inv((matrix * weights[:, None] ** 2).T @ matrix)
    log_factor, exponent = covariance @ (matrix.T @ (weights**2 * target))
    fixed = np.average(target + np.log(ratios), weights=weights**2)
    half = stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(covariance[1, 1])
    return {
        "factor": float(np.exp(log_factor)),
        "exponent": float(exponent),
        "exponent_interval": [float(exponent - half), float(exponent + half)],
        "factor_of_s_over_L": float(np.exp(fixed)),
        "largest_misfit_of_s_over_L": float(
            np.abs(np.expm1(fixed - np.log(ratios) - target)).max()
        ),
    }
