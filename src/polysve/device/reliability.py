"""Failure probability and reliability index of beams that must keep to one limit or to several.

Where enough sampled beams fail they are counted; where few or none do, a model of the beams is asked, see
`polysve.device.failure`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from polysve.base.types import Array, Integers
from polysve.device.counting import counted
from polysve.device.failure import Model, modelled
from polysve.settings.device import LimitSettings

CONFIDENCE = 0.95
COUNTS = 100
"""Failed beams that are enough to count."""


def reliability(
    values: Mapping[str, Array],
    limits: Sequence[LimitSettings],
    strips: Integers | None = None,
    model: Model | None = None,
    seed: int = 1,
) -> dict:
    """Failure probability and reliability index β of sampled beams, which fail beyond any of their limits.

    Parameters
    ----------
    values : mapping of str to array, shape (beams,)
        Quantities of the sampled beams.
    limits : sequence of LimitSettings
        In the units of their quantities.
    strips : array, shape (beams, pieces), optional
        What the beams are made of; they are independent if none.
    model : Model, optional
        Asked where fewer than `COUNTS` beams fail.
    seed : int

    Returns
    -------
    dict
        β = −Φ⁻¹(p) is none where no beam fails and no model can be asked. Beside it stands Cornell's index, the least
        mean margin over its standard deviation (J. Am. Concr. Inst. 66 (1969) 974), the same for one normal margin.
        ``counted`` and ``model`` are what the sampled beams and the model say.

    Examples
    --------
    >>> sample = {"frequency_hz": np.random.default_rng(1).normal(10, 1, 100_000)}
    >>> found = reliability(sample, [LimitSettings(at_least=8)])
    >>> round(found["cornell_index"], 1), round(found["reliability_index"], 1)
    (2.0, 2.0)
    """
    margins = np.stack([_margin(values[limit.quantity], limit) for limit in limits], 1)
    count = counted(margins.min(1), strips, CONFIDENCE)
    found, told = count, None
    if model is not None and count["failed"] < COUNTS:
        told = modelled(model, limits, CONFIDENCE, seed)
    if told is not None:
        if told["law_in_doubt"]:
            told["failure_probability_interval"] = _wider(told, count)
        found = count | _probability(told)
    return {
        "limits": [limit.model_dump(exclude_none=True) for limit in limits],
        "method": "counted" if told is None else "importance sampling",
        **found,
        "reliability_index": _beta(found["failure_probability"]),
        "reliability_index_interval": [
            _beta(p) for p in reversed(found["failure_probability_interval"])
        ],
        "cornell_index": min(_cornell(margin) for margin in margins.T),
        "confidence": CONFIDENCE,
        "counted": _probability(count),
        "model": told,
    }


def _probability(found: dict) -> dict:
    return {key: found[key] for key in ("failure_probability", "failure_probability_interval")}


def _wider(told: dict, count: dict) -> list[float]:
    """From nothing to what the sampled beams leave possible."""
    return [0.0, max(each["failure_probability_interval"][1] for each in (told, count))]


def _margin(values: Array, limit: LimitSettings) -> Array:
    """Distance from a limit, over the limit; a curl counts both ways."""
    if limit.at_least is not None:
        return values / limit.at_least - 1
    return 1 - np.abs(values) / limit.at_most


def _cornell(margin: Array) -> float | None:
    return float(margin.mean() / margin.std(ddof=1)) if np.ptp(margin) else None


def _beta(probability: float) -> float | None:
    beta = -stats.norm.ppf(probability)
    return float(beta) if np.isfinite(beta) else None
