"""How many sampled beams fail, and how much that says when beams share strips of film."""

from collections.abc import Iterator

import numpy as np

from polysve.base.types import Array, Integers

GROUPS = 20
"""Groups of strips that are left out one at a time."""


def without_strips(strips: Integers) -> Iterator[Array]:
    """Which beams have no strip of a group, for one group after the other.

    Parameters
    ----------
    strips : array, shape (beams, pieces)
        Which strips a beam is made of.

    Returns
    -------
    iterator over array of bool, shape (beams,)
    """
    group = strips % GROUPS
    for left_out in range(min(GROUPS, strips.max() + 1)):
        kept = (group != left_out).all(1)
        if kept.any():
            yield kept


def jackknife_covariance(replicates: Array) -> Array:
    """Covariance of statistics from what they are without one group of strips each (Efron & Stein, Ann. Stat. 9 (1981)
    586), shape (statistics, statistics); replicates have shape (groups, statistics).
    """  # noqa: D205
    apart = replicates - replicates.mean(0)
    return (len(replicates) - 1) / len(replicates) * apart.T @ apart


def effective_count(margins: Array, strips: Integers | None) -> float:
    """Number of independent beams that would tell the mean margin as well as these do.

    Beams put together from the same strips are no independent ones (Korn & Graubard, Survey Methodology 24 (1998) 193).

    Parameters
    ----------
    margins : array, shape (beams,)
    strips : array, shape (beams, pieces), optional
        Beams are independent if none.
    """
    count = len(margins)
    if strips is None or strips.max() == 0 or margins.std() == 0:
        return float(count)
    means = np.array([margins[kept].mean() for kept in without_strips(strips)])
    variance = float(jackknife_covariance(means[:, None])[0, 0])
    return min(count, margins.var() / variance)


def counted(margins: Array, strips: Integers | None, confidence: float) -> dict:
    """Share of beams whose margin is negative, with the interval of Clopper & Pearson (Biometrika 26 (1934) 404) for
    as many independent beams.

    Examples
    --------
    >>> found = counted(np.array([-1.0, *range(1, 100)]), None, 0.95)
    >>> found["failed"], found["failure_probability_interval"]
    (1, [0.00025, 0.0545])
    """  # noqa: D205
    from scipy import stats

    count, failed = effective_count(margins, strips), int((margins < 0).sum())
    few = failed / len(margins) * count
    rest = (1 - confidence) / 2
    low = stats.beta.ppf(rest, few, count - few + 1) if few else 0.0
    high = stats.beta.isf(rest, few + 1, count - few) if few < count else 1.0
    return {
        "failed": failed,
        "beams": len(margins),
        "independent_beams": count,
        "failure_probability": failed / len(margins),
        "failure_probability_interval": [float(low), float(high)],
    }
