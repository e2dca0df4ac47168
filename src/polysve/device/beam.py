"""Beams of a random film: scatter of stiffness, resonance and deflection, and where it comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.crystals.crystal import Crystal
from polysve.device import scatter
from polysve.device.check import corrected, solve_whole
from polysve.device.failure import Model
from polysve.device.reliability import reliability
from polysve.device.sample import STRIP_WIDTHS, GrainBeams, Strips, draw_strips, put_together
from polysve.device.scatter import Sources
from polysve.device.section import Sections
from polysve.device.strip import FilmLaw
from polysve.grains.texture import Measured
from polysve.settings.device import (
    LEAST_CHECK,
    ZERO,
    BeamSettings,
    LawSettings,
    LimitSettings,
)

QUANTILES = ("0.1", "1", "5", "50", "95", "99", "99.9")
"""In percent."""
MODEL_BEAMS = 5000
"""Beams that the law of the grains is fitted to, at most."""


@dataclass(frozen=True)
class BeamSample:
    """Beams of one width."""

    width_um: float
    """As drawn."""
    strips: Strips
    """What they are put together from."""
    values: dict[str, Array]
    """Quantities of the beams, see `scatter.evaluate`."""
    nominal: dict[str, float]
    """The same of a beam of the mean film and of all other means."""
    shares: dict
    """Share of the variance by quantity and source, see `scatter.variance_shares`."""
    check: dict
    """Corrected by beams solved whole, by quantity; grains alone scatter there."""
    limits: tuple[LimitSettings, ...]
    """In the units of their quantities."""
    reliability: dict
    """See `reliability.reliability`; nothing without a limit."""


def draw_beams(
    settings: BeamSettings,
    crystal: Crystal,
    measured: Mapping[str, Measured] | None = None,
    check: int = 0,
    workers: int | None = None,
) -> list[BeamSample]:
    """Draw beams of each width and compute them.

    Parameters
    ----------
    settings : BeamSettings
    crystal : Crystal
    measured : mapping, optional
        Orientations by file, for textures that sample them.
    check : int
        Beams of each width to solve whole besides.
    workers : int, optional
        Processes; one a core.

    Raises
    ------
    InputError
        See `scatter.evaluate`; and for a check that says nothing.
    """
    if check and (check < LEAST_CHECK or settings.bending == "out_of_plane"):
        raise InputError(
            f"--check = {check}: allowed is 0, or {LEAST_CHECK} and more beams that bend in the plane"
        )
    law = FilmLaw.of(settings, crystal, measured)
    return [_one_width(settings, law, width, check, workers) for width in settings.widths_um]


def _one_width(
    settings: BeamSettings, law: FilmLaw, width_um: float, check: int, workers: int | None
) -> BeamSample:
    of = scatter.laws(settings, width_um, law.crystal.density_kg_m3)
    made_um = of["width_um"].mean
    strips = draw_strips(
        law, made_um, -(-settings.structures // STRIP_WIDTHS), settings.seed, workers
    )
    random = np.random.default_rng([settings.seed, round(1e6 * width_um)])
    grains = put_together(strips, random, settings.beams, settings.length_um, settings.support)
    sources = scatter.draw_sources(of, random, settings.beams)

    def compute(numbers, sources):
        return scatter.evaluate(grains.pick(numbers), sources, made_um, settings)

    values = scatter.evaluate(grains, sources, made_um, settings)
    nominal = _nominal(strips, of, settings)
    limits = tuple(_in_units(limit, nominal, settings) for limit in settings.limit)
    judged = {}
    if limits:
        model = film_model(strips, grains, of, settings)
        judged = reliability(values, limits, grains.strips, model, settings.seed)
    found = {}
    if check:
        found = _check(settings, law, strips, compute, of, check, workers)
    return BeamSample(
        width_um,
        strips,
        {name: each for name, each in values.items() if np.any(each)},
        nominal,
        scatter.variance_shares(compute, of, settings.beams, settings.seed),
        found,
        limits,
        judged,
    )


def _in_units(
    limit: LimitSettings, nominal: dict[str, float], settings: BeamSettings
) -> LimitSettings:
    """The limit in the unit of its quantity."""
    if limit.quantity not in nominal:
        raise InputError(
            f"limit.quantity = {limit.quantity}: a beam with support = {settings.support} has none; "
            f"allowed are {', '.join(nominal)}"
        )
    value = nominal[limit.quantity]
    if limit.of_nominal and value <= 0:
        raise InputError(
            f"limit.of_nominal: the {limit.quantity} of a mean beam is {value:.3g}; allowed is a limit in its unit"
        )
    return limit.times(value)


def film_model(
    strips: Strips, grains: GrainBeams, of: dict[str, LawSettings], settings: BeamSettings
) -> Model:
    """Model of beams: what grains do where nothing else scatters, as a factor, times a beam of the mean film."""
    alone = scatter.means(of, min(settings.beams, MODEL_BEAMS))
    if not of["gradient_mpa_per_um"].mean:  # a curl is proportional to it
        alone = alone._replace(gradient_mpa_per_um=np.ones_like(alone.width_um))
    uniform = mean_beam(strips, settings)

    def film(sources: Sources) -> dict[str, Array]:
        same = uniform.pick(np.zeros(len(sources.width_um), int))
        return scatter.respond(same, sources, strips.width_um, settings, buckling=True)

    some = grains.pick(np.arange(len(alone.width_um)))
    sampled = scatter.evaluate(some, alone, strips.width_um, settings)
    nominal = film(Sources(*(each[:1] for each in alone)))
    logs = {name: np.log(each / nominal[name]) for name, each in sampled.items()}
    return Model(film, of, logs, some.strips)


def _nominal(
    strips: Strips, of: dict[str, LawSettings], settings: BeamSettings
) -> dict[str, float]:
    """Quantities of a beam of the mean film."""
    found = scatter.evaluate(
        mean_beam(strips, settings), scatter.means(of, 1), strips.width_um, settings
    )
    return {name: float(each[0]) for name, each in found.items()}


def mean_beam(strips: Strips, settings: BeamSettings) -> GrainBeams:
    """One beam of the mean film."""
    stiffness, shear, film = (each.mean((0, 1)) for each in strips.sections)
    count = strips.sections.shear.shape[1]
    uniform = Sections(
        *(np.repeat(each[None, None], count, 1) for each in (stiffness, shear, film))
    )
    root, middle = (each.mean(0)[None] for each in (strips.root, strips.middle))
    one = strips._replace(sections=uniform, root=root, middle=middle)
    random = np.random.default_rng(0)
    return put_together(one, random, 1, settings.length_um, settings.support)


def _check(
    settings: BeamSettings,
    law: FilmLaw,
    strips: Strips,
    compute: Callable,
    of: dict[str, LawSettings],
    count: int,
    workers: int | None,
) -> dict[str, dict[str, float]]:
    """Corrected mean and scatter by quantity, where grains alone scatter and nothing is stressed."""
    of = of | {"stress_mpa": ZERO}
    width_um, thickness_um = of["width_um"].mean, of["thickness_um"].mean
    density = of["density_kg_m3"].mean
    checked = solve_whole(
        law, width_um, settings.length_um, settings.support, density, count, settings.seed, workers
    )
    solved = {
        "stiffness_n_per_m": thickness_um * checked.stiffness_n_per_m,
        "frequency_hz": checked.frequency_hz,
    }
    # whole beams are a whole number of slices long
    as_long = settings.model_copy(update={"length_um": float(checked.grains.ends_um[-1])})
    chained = scatter.evaluate(checked.grains, scatter.means(of, count), width_um, as_long)
    sample = compute(np.arange(settings.beams), scatter.means(of, settings.beams))
    asked, done = (_nominal(strips, of, each) for each in (settings, as_long))
    return {
        name: corrected(
            each * asked[name] / done[name], chained[name] * asked[name] / done[name], sample[name]
        )
        for name, each in solved.items()
    }


def summarize(settings: BeamSettings, samples: list[BeamSample], crystal: str) -> dict:
    """All numbers, for JSON: what is asked and, by width, what was found."""
    return {
        "crystal": crystal,
        "beam": settings.model_dump(mode="json"),
        "widths": [_summary(sample) for sample in samples],
    }


def _summary(sample: BeamSample) -> dict:
    modulus = sample.strips.modulus_gpa
    found = {
        "width_um": sample.width_um,
        "windows": {
            "side_um": sample.strips.width_um,
            "count": len(modulus),
            "mean_gpa": float(modulus.mean()),
            "std_gpa": float(modulus.std(ddof=1)),
        },
    }
    for name, values in sample.values.items():
        quantiles = np.quantile(values, [float(percent) / 100 for percent in QUANTILES])
        found[name] = {
            "mean": float(values.mean()),
            "std": float(values.std(ddof=1)),
            "nominal": sample.nominal[name],
            "quantiles": dict(zip(QUANTILES, quantiles.tolist(), strict=True)),
        }
    for name in ("reliability", "shares", "check"):
        if getattr(sample, name):
            found[name] = getattr(sample, name)
    return found
