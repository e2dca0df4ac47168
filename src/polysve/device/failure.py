"""A model of beams that says how often one fails, down to a millionth and less.

The sources of scatter have the laws that the user states, grains one that is fitted to the sampled beams, and between
them stands the chain of a beam of the mean film: what grains do is a factor of its own. Where the beams that fail lie
beyond the sampled ones the answer rests on the fitted law, so that its interval holds another law as well.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array, Integers
from polysve.device import grain_law
from polysve.device.counting import jackknife_covariance
from polysve.device.grain_law import GrainLaw
from polysve.device.scatter import Sources, at_scores
from polysve.device.tail import STEP, Tail, tail
from polysve.settings.device import LawSettings, LimitSettings

DOUBTFUL = 0.01
"""Probability of a worse fit below which the law of the grains is not believed."""
WORST = -10.0
"""No margin is worse: beams that buckle have none."""


class Model(NamedTuple):
    """Quantities of beams as functions of standard normal numbers."""

    film: Callable[[Sources], dict[str, Array]]
    """Quantities of beams of the mean film."""
    laws: Mapping[str, LawSettings]
    """Of the sources."""
    logs: Mapping[str, Array]
    """Logarithms of quantities of sampled beams over those of the mean film, where the grains alone scatter."""
    strips: Integers
    """What these beams are made of, shape (beams, pieces)."""

    @property
    def spread(self) -> list[str]:
        """Sources that scatter."""
        return [name for name, law in self.laws.items() if law.std]


class Side(NamedTuple):
    """One side of a limit."""

    limit: int
    quantity: int
    sign: int
    """+1 if the quantity must stay below, −1 if above."""
    value: float
    """Of the quantity times the sign that must not be passed."""


def sides(limits: Sequence[LimitSettings], names: Sequence[str]) -> list[Side]:
    """Sides of limits; a curl must not pass its limit either way.

    Examples
    --------
    >>> sides([LimitSettings(quantity="frequency_hz", at_least=2.0)], ["frequency_hz"])
    [Side(limit=0, quantity=0, sign=-1, value=-2.0)]
    """
    found = []
    for number, limit in enumerate(limits):
        place = names.index(limit.quantity)
        if limit.at_least is not None:
            found.append(Side(number, place, -1, -limit.at_least))
            continue
        found.append(Side(number, place, 1, limit.at_most))
        if limit.quantity == "curl_um":
            found.append(Side(number, place, -1, limit.at_most))
    return found


def margins_of(model: Model, names: Sequence[str], law: GrainLaw, parts: Sequence[Side]):
    """Margins over their limits as a function of standard normal numbers: first the grains', then the sources'."""

    def margins(scores: Array) -> Array:
        grains = np.exp(law.at(scores[:, : len(names)]))
        film = model.film(at_scores(model.laws, scores[:, len(names) :]))
        values = [film[name] * factor for name, factor in zip(names, grains.T, strict=True)]
        found = [(p.value - p.sign * values[p.quantity]) / abs(p.value) for p in parts]
        return np.maximum(np.stack(found, 1), WORST)

    return margins


def modelled(
    model: Model, limits: Sequence[LimitSettings], confidence: float, seed: int
) -> dict | None:
    """Failure probability of the model; none where it knows of no failure.

    Returns
    -------
    dict
        The interval holds the errors of the sampling and of the fit, for the fitted law of the grains and for the
        normal one. ``beyond_sample``: in the likeliest failure grains do what in no sampled beam they do;
        ``law_in_doubt``: and the fit is bad.
    """
    names = list(dict.fromkeys(limit.quantity for limit in limits))
    logs = np.stack([model.logs[name] for name in names], 1)
    parts = sides(limits, names)
    law = grain_law.fit(logs)
    answers = {}
    laws = {"skewed": law, "normal": law.normal}
    for name, each in laws.items():
        margins = margins_of(model, names, each, parts)
        answers[name] = tail(margins, len(names) + len(model.spread), len(parts), seed)
    name = (
        "skewed" if answers["skewed"] else "normal"
    )  # one that is skewed may end before a failure
    answer, law = answers[name], laws[name]
    if answer is None:
        return None
    worst = int(np.nanargmax(answer.form))
    likely, part = answer.design[worst], parts[worst]
    others = grain_law.without_groups(logs, model.strips)
    fit_error = _fit_error(
        [margins_of(model, names, each, [part]) for each in (law, *others)], likely
    )
    grains = law.at(likely[None, : len(names)])[0]
    beyond = bool(((grains < logs.min(0)) | (grains > logs.max(0))).any())
    fit = grain_law.goodness(law, logs, model.strips)
    return {
        "failure_probability": answer.probability,
        "failure_probability_interval": _interval(answers.values(), fit_error, confidence),
        "coefficient_of_variation": answer.coefficient_of_variation,
        "evaluations": answer.evaluations,
        "by_limit": _by_limit(answer, parts, len(limits)),
        "of_grain_laws": {name: each and each.probability for name, each in answers.items()},
        "skewness_of_grains": dict(zip(names, law.skewness.tolist(), strict=True)),
        "fit_probability": fit,
        "beyond_sample": beyond,
        "law_in_doubt": beyond and fit < DOUBTFUL,
        "importance": _importance(likely, names, model.spread),
    }


def _fit_error(margins: Sequence[Callable], likely: Array) -> float:
    """Standard error of β by that of the grains' law: the first margin is that of all beams, the others are those of
    beams without some strips.

    A margin at the design point over its slope there is the distance to the failing side.
    """  # noqa: D205
    if len(margins) < 2:
        return 0.0
    beta = np.sqrt((likely**2).sum())
    near, far = margins[0](likely * np.array([[1 - STEP], [1 + STEP]]))[:, 0]
    slope = abs(far - near) / (2 * STEP * beta)
    moved = np.array([each(likely[None])[0] for each in margins[1:]]) / slope
    return float(np.sqrt(jackknife_covariance(moved)[0, 0]))


def _interval(answers: Collection[Tail | None], fit_error: float, confidence: float) -> list[float]:
    from scipy import stats

    ends = []
    for each in filter(None, answers):
        beta = stats.norm.isf(each.probability)
        sampling = each.probability * each.coefficient_of_variation / stats.norm.pdf(beta)
        half = stats.norm.isf((1 - confidence) / 2) * np.hypot(sampling, fit_error)
        ends += [beta - half, beta + half]
    low = float(stats.norm.sf(max(ends))) if all(answers) else 0.0
    return [low, float(stats.norm.sf(min(ends)))]


def _by_limit(answer: Tail, parts: Sequence[Side], count: int) -> list[dict[str, float]]:
    """What FORM and SORM say of each limit alone; zero where no failure was found."""
    owner = np.array([part.limit for part in parts])
    forms, sorms = np.nan_to_num(answer.form), np.nan_to_num(answer.sorm)
    return [
        {"form": float(forms[owner == number].sum()), "sorm": float(sorms[owner == number].sum())}
        for number in range(count)
    ]


def _importance(likely: Array, names: Sequence[str], spread: Sequence[str]) -> dict[str, float]:
    """Share of grains and sources in the square of the distance to the likeliest failure."""
    square = likely**2 / (likely**2).sum()
    sources = dict(zip(spread, square[len(names) :].tolist(), strict=True))
    return {"grains": float(square[: len(names)].sum()), **sources}
