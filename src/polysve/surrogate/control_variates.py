"""Control variates: few exact values, many cheap ones, and the mean of both."""

import numpy as np

from polysve.base.types import Array


def controlled(solved: Array, predicted: Array) -> tuple[float, float, float]:
    """Mean, its standard error, and the share of the plain mean's variance that the control variate removed."""
    count, total = len(solved), len(predicted)
    first = predicted[:count]
    covariance = np.cov(solved, first)
    slope = covariance[0, 1] / covariance[1, 1]
    explained = slope * covariance[0, 1]
    mean = solved.mean() + slope * (predicted.mean() - first.mean())
    variance = max(covariance[0, 0] - explained, 0) / count + explained / total
    return float(mean), float(np.sqrt(variance)), float(1 - variance * count / covariance[0, 0])
