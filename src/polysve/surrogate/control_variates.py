"""Control variates: few exact values, many cheap ones, and the mean of both."""

import numpy as np

from polysve.base.types import Array


def controlled(solved: Array, predicted: Array) -> tuple[float, float, float]:
    """Mean, its standard error, and the share of the plain mean's variance that the control variate removed.

    Examples
    --------
    >>> controlled(np.array([1.0, 3.0]), np.array([2.0, 4.0, 6.0, 8.0]))[0]
    4.0
    >>> controlled(np.array([5.0, 5.0]), np.array([6.0, 6.0, 6.0]))
    (5.0, 0.0, 0.0)
    """
    count, total = len(solved), len(predicted)
    first = predicted[:count]
    covariance = np.cov(solved, first)
    slope = covariance[0, 1] / (covariance[1, 1] or 1)
    explained = slope * covariance[0, 1]
    mean = solved.mean() + slope * (predicted.mean() - first.mean())
    variance = max(covariance[0, 0] - explained, 0) / count + explained / total
    removed = 1 - variance * count / covariance[0, 0] if covariance[0, 0] else 0.0
    return float(mean), float(np.sqrt(variance)), float(removed)
