"""The law of what grains do to a beam, fitted to sampled beams."""

from dataclasses import dataclass, replace

import numpy as np

from polysve.base.types import Array, Integers
from polysve.device.counting import without_strips

LEAST_SKEW = 1e-4
"""Below, Pearson's law is the normal one."""


@dataclass(frozen=True)
class GrainLaw:
    """Logarithms of quantities of beams over those of a beam of the mean film.

    A beam adds up what many slices do, so that its first three cumulants tell its law: Pearson's type III, the normal
    law if there is no skewness (Abramowitz & Stegun, Handbook of Mathematical Functions, 26.1.31). Quantities depend on
    one another by a normal copula.
    """

    mean: Array
    """Shape (quantities,)."""
    std: Array
    skewness: Array
    mix: Array
    """Square root of the correlation of the normal scores, shape (quantities, quantities)."""

    def at(self, scores: Array) -> Array:
        """Logarithms at independent standard normal numbers, shape (points, quantities)."""
        own = scores @ self.mix.T
        columns = [_pearson(skew, z) for skew, z in zip(self.skewness, own.T, strict=True)]
        return self.mean + self.std * np.stack(columns, 1)

    @property
    def normal(self) -> "GrainLaw":
        """The same without skewness."""
        return replace(self, skewness=0 * self.skewness)


def _pearson(skewness: float, score: Array) -> Array:
    """Standardized number of Pearson's type III at a standard normal one."""
    from scipy import stats

    if abs(skewness) < LEAST_SKEW:
        return score
    law = stats.pearson3(skewness)
    # from the nearer end, where a probability has all its digits
    lower = law.ppf(stats.norm.cdf(np.minimum(score, 0)))
    return np.where(score < 0, lower, law.isf(stats.norm.sf(np.maximum(score, 0))))


def fit(logs: Array) -> GrainLaw:
    """Law of logarithms of shape (beams, quantities).

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> law = fit(random.gamma(16, size=(100_000, 1)))
    >>> law.std.round(), law.skewness.round(1)
    (array([4.]), array([0.5]))
    >>> law.at(np.array([[-2.0], [2.0]])).ravel().round()
    array([ 9., 25.])
    """
    from scipy import stats

    std = logs.std(0)
    scores = stats.norm.ppf((stats.rankdata(logs, axis=0) - 0.5) / len(logs))
    correlation = np.atleast_2d(np.corrcoef(scores, rowvar=False))
    value, vector = np.linalg.eigh(correlation)
    mix = vector * np.sqrt(np.maximum(value, 0)) @ vector.T
    return GrainLaw(logs.mean(0), std, stats.skew(logs), mix)


def without_groups(logs: Array, strips: Integers) -> list[GrainLaw]:
    """Laws of beams that have no strip of a group, one for each group; empty for beams of strips of their own."""
    if strips.max() == 0:
        return []
    return [fit(logs[kept]) for kept in without_strips(strips)]


def goodness(law: GrainLaw, logs: Array, strips: Integers) -> float:
    """Probability of a fit worse than this one (Kolmogorov & Smirnov), the least of the quantities.

    Beams that begin with different strips are tested: few others are independent. The law is fitted to them, so that
    the probability is too large, and only a small one says something.
    """
    from scipy import stats

    _, first = np.unique(strips[:, 0], return_index=True)
    chosen = first if len(first) > 1 else np.arange(len(logs))

    def tested(column: int) -> float:
        standard = (logs[chosen, column] - law.mean[column]) / law.std[column]
        return float(stats.kstest(standard, stats.pearson3(law.skewness[column]).cdf).pvalue)

    return min(tested(column) for column in range(logs.shape[1]))
