"""Judging a network: the study's measures, baselines, bootstrap intervals and the diagnosis of a training."""

from collections.abc import Callable

import numpy as np
from scipy.stats import bootstrap


def r2(true: np.ndarray, predicted: np.ndarray) -> float:
    """Coefficient of determination, 1 − mean squared error over variance.

    Examples
    --------
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))
    0.0
    """
    true, predicted = np.asarray(true, float), np.asarray(predicted, float)
    return float(1 - np.mean((predicted - true) ** 2) / np.var(true))


def rmse(true: np.ndarray, predicted: np.ndarray) -> float:
    """Root mean square error, in the unit of the arguments."""
    return float(np.sqrt(np.mean((np.asarray(predicted, float) - np.asarray(true, float)) ** 2)))


def standard_errors(sample: np.ndarray, ddof: int = 0) -> tuple[float, float]:
    """Standard errors of mean and standard deviation, whatever the law of a large sample (delta method).

    Parameters
    ----------
    sample : array, shape (n,)
    ddof : int
        The variance is the sum of squares over n − ddof.

    Examples
    --------
    >>> mean, std = standard_errors(np.random.default_rng(1).normal(0, 1, 100_000))
    >>> round(mean * 100_000**0.5, 2), round(std * 200_000**0.5, 2)
    (1.0, 1.0)
    """
    if not np.ptp(sample):
        return 0.0, 0.0
    variance, count = sample.var(ddof=ddof), len(sample)
    fourth = np.mean((sample - sample.mean()) ** 4)
    of_variance = max(fourth - variance**2, 0)
    return float(np.sqrt(variance / count)), float(np.sqrt(of_variance / (4 * count * variance)))


def mape_percent(true: np.ndarray, predicted: np.ndarray) -> float:
    """Mean absolute error in percent of the true value."""
    true, predicted = np.asarray(true, float), np.asarray(predicted, float)
    return float(100 * np.mean(np.abs(predicted / true - 1)))


def bias_percent(true: np.ndarray, predicted: np.ndarray) -> float:
    """Error of the mean in percent, with its sign.

    Examples
    --------
    >>> round(bias_percent(np.array([99.0, 101.0]), np.array([100.0, 102.0])), 9)
    1.0
    """
    return float(100 * (np.mean(predicted) / np.mean(true) - 1))


def sdape_percent(true: np.ndarray, predicted: np.ndarray) -> float:
    """Absolute error of the standard deviation in percent, 100·|std_pred/std_true − 1|: the published measure.

    Examples
    --------
    >>> round(sdape_percent(np.array([1.0, 3.0]), np.array([1.5, 2.5])), 9)
    50.0
    """
    return float(100 * abs(np.std(predicted) / np.std(true) - 1))


def summary(true_gpa: np.ndarray, predicted_gpa: np.ndarray, ratio: float) -> dict:
    """One ensemble's entry in metrics.json.

    Parameters
    ----------
    true_gpa, predicted_gpa : (n,) array
        Ē from finite elements and from the network, GPa.
    ratio : float
        Window over grain size.

    Returns
    -------
    dict
        n, ratio, r2, mape_percent, bias_percent, std_true_gpa, std_pred_gpa, sdape_percent.
    """
    return {
        "n": len(true_gpa),
        "ratio": float(ratio),
        "r2": r2(true_gpa, predicted_gpa),
        "mape_percent": mape_percent(true_gpa, predicted_gpa),
        "bias_percent": bias_percent(true_gpa, predicted_gpa),
        "std_true_gpa": float(np.std(true_gpa)),
        "std_pred_gpa": float(np.std(predicted_gpa)),
        "sdape_percent": sdape_percent(true_gpa, predicted_gpa),
    }


def bootstrap_interval(
    statistic: Callable[..., float],
    *columns: np.ndarray,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic of paired columns, SVEs drawn with replacement.

    Parameters
    ----------
    statistic : callable
        Takes as many arrays as there are columns.
    *columns : (n, ...) arrays
        Rows belong together.

    Raises
    ------
    ValueError
        If `samples` is not positive.

    Notes
    -----
    Efron & Tibshirani, *An Introduction to the Bootstrap*, chapter 13.

    Examples
    --------
    >>> low, high = bootstrap_interval(np.mean, np.arange(100.0))
    >>> bool(low < 49.5 < high)
    True
    """
    found = bootstrap(
        columns,
        statistic,
        n_resamples=samples,
        paired=True,
        vectorized=False,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = found.confidence_interval
    return float(low), float(high)


def diagnose(history: dict[str, np.ndarray]) -> dict:
    """Read a training's curves as the study does: underfitting, just right or overfitting.

    Parameters
    ----------
    history : dict of arrays
        `loss` and `val_loss` by epoch, as shares of the training targets' variance.

    Returns
    -------
    dict
        `verdict`, `symptoms` and `remedies` (lists of sentences), `best_epoch` (from 1).

    Notes
    -----
    With the best epoch's losses: overfitting where validation is more than 1.5 times training or where the end of the
    curve has risen to 1.3 times its minimum while training went on falling; underfitting where 5 % of the variance is
    left in training, or the best epoch is the last one and the last tenth of the epochs gained more than 10 %.

    Examples
    --------
    >>> diagnose({"loss": [0.9, 0.8, 0.7], "val_loss": [0.9, 0.8, 0.7]})["verdict"]
    'underfitting'
    >>> diagnose({"loss": [0.5, 0.01, 1e-3], "val_loss": [0.6, 0.1, 0.3]})["verdict"]
    'overfitting'
    >>> diagnose({"loss": [0.5, 1e-2, 0.9e-2], "val_loss": [0.6, 1e-2, 1e-2]})["verdict"]
    'just right'
    """
    loss, validation = (
        np.asarray(history["loss"], float),
        np.asarray(history["val_loss"], float),
    )
    best = int(np.argmin(validation))
    gap = validation[best] / loss[best]
    rise = validation[-1] / validation[best]
    tail = max(1, len(validation) // 10)
    over, under = [], []
    if gap > 1.5:
        over.append(f"the validation loss is {gap:.1f} times the training loss at the best epoch")
    if rise > 1.3 and loss[-1] < loss[best]:
        over.append(f"the validation loss rose to {rise:.1f} times its minimum while training fell")
    if loss[best] > 0.05:
        under.append(f"{100 * loss[best]:.0f} % of the variance is left on the training data")
    if best == len(validation) - 1 and len(validation) > tail:
        gain = 1 - validation[-1] / validation[-1 - tail]
        if gain > 0.1:
            under.append(f"the curve was still falling: {100 * gain:.0f} % in the last tenth")
    if over:
        verdict, symptoms = "overfitting", over
        remedies = [
            "more originals: new SVEs, not copies of the old ones",
            "dropout, L1 or L2; fewer filters or nodes",
            "an architecture with the physics built in (spectral, born)",
        ]
    elif under:
        verdict, symptoms = "underfitting", under
        remedies = [
            "more epochs, or a larger learning rate that decays later",
            "more filters, layers or nodes; less dropout, L1 and L2",
            "harmonic encoding, which has no jump between 0° and 90°",
        ]
    else:
        verdict, remedies = "just right", []
        symptoms = [f"training and validation loss agree within a factor {max(gap, 1 / gap):.2f}"]
    return {
        "verdict": verdict,
        "symptoms": symptoms,
        "remedies": remedies,
        "best_epoch": best + 1,
    }
