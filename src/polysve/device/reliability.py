"""Failure probability and reliability index of a sample of beams."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from polysve.settings.device import LimitSettings

CONFIDENCE = 0.95


def reliability(values: ArrayLike, limit: LimitSettings) -> dict:
    """Failure probability and reliability index β of a sample.

    The probability is the share that fails, with the exact interval of Clopper & Pearson (Biometrika 26 (1934) 404);
    β = −Φ⁻¹(p). Where none or all fail, β is known only from one side. Beside it stands Cornell's index, the mean
    margin over its standard deviation (J. Am. Concr. Inst. 66 (1969) 974), the same for a normal margin.

    Examples
    --------
    >>> sample = np.random.default_rng(1).normal(10, 1, 100_000)
    >>> found = reliability(sample, LimitSettings(at_least=8))
    >>> round(found["cornell_index"], 1), round(found["reliability_index"], 1)
    (2.0, 2.0)
    """
    values = np.asarray(values, float)
    margin = values - limit.at_least if limit.at_least is not None else limit.at_most - values
    failed = int((margin < 0).sum())
    interval = stats.binomtest(failed, len(values)).proportion_ci(CONFIDENCE, "exact")
    bounds = [-stats.norm.ppf(p) for p in (interval.high, interval.low)]
    return {
        "limit": limit.model_dump(exclude_none=True),
        "failed": failed,
        "beams": len(values),
        "failure_probability": failed / len(values),
        "failure_probability_interval": [float(interval.low), float(interval.high)],
        "reliability_index": _finite(-stats.norm.ppf(failed / len(values))),
        "reliability_index_interval": [_finite(bound) for bound in bounds],
        "cornell_index": float(margin.mean() / margin.std(ddof=1)),
        "confidence": CONFIDENCE,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
