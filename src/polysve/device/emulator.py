"""What beams of any grain size and over-etch do, from chains of a few."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.crystal import Crystal
from polysve.device import scatter
from polysve.device.beam import mean_beam
from polysve.device.counting import jackknife_covariance, without_strips
from polysve.device.sample import STRIP_WIDTHS, Strips, draw_strips, put_together
from polysve.device.strip import FilmLaw
from polysve.grains.texture import Measured
from polysve.settings.device import LawSettings, SpecSettings

SIZES = 3
"""Grain sizes that are sampled, from the least to the largest, evenly in the logarithm."""
BEAMS = 1000
OFFSETS, DEGREE = 9, 4


class Emulator(NamedTuple):
    """Logarithm of a quantity of beams of one width, which has a normal law: polynomials, highest order first."""

    film: Array
    """Of the width offset (µm): a beam of the mean film."""
    grains: Array
    """Of the grain size (µm): what the mean of beams is above that."""
    log_std: Array
    """Logarithm of the scatter by grains, of the logarithm of the grain size."""
    log_std_error: float
    """Standard error of that, by the number of strips."""
    rest: float
    """Scatter by all other sources."""

    def mean(self, size_um: Array, offset_um: Array, spread_um: Array) -> Array:
        """Mean logarithm where offsets scatter by `spread_um`."""
        bend = np.polyval(np.polyder(self.film, 2), offset_um)
        film = np.polyval(self.film, offset_um) + bend * spread_um**2 / 2
        return film + np.polyval(self.grains, size_um)

    def variance(self, size_um: Array, offset_um: Array, spread_um: Array, error: Array) -> Array:
        """Variance of the logarithm; `error` is that of the scatter by grains in standard errors."""
        log_std = np.polyval(self.log_std, np.log(size_um)) + self.log_std_error * error
        slope = np.polyval(np.polyder(self.film), offset_um)
        return np.exp(2 * log_std) + (slope * spread_um) ** 2 + self.rest**2


def emulate(
    settings: SpecSettings,
    crystal: Crystal,
    quantity: str,
    width_um: float,
    measured: Mapping[str, Measured] | None = None,
    workers: int | None = None,
) -> Emulator:
    """Sample beams of some grain sizes and fit what an emulator needs.

    Parameters
    ----------
    settings : SpecSettings
        Whose prior says which grain sizes and offsets there may be.
    crystal : Crystal
    quantity : str
        ``"frequency_hz"`` or ``"stiffness_n_per_m"``.
    width_um : float
        As drawn.
    measured : mapping, optional
        Orientations by file, for textures that sample them.
    workers : int, optional
        Processes; one a core.
    """
    of = scatter.laws(settings, width_um, crystal.density_kg_m3)
    made_um = width_um + settings.prior.width_offset_um.mean
    of["width_um"] = LawSettings(mean=made_um)
    prior = settings.prior.grain_size_um
    sizes = np.geomspace(prior.low, prior.high, SIZES)
    rows = []
    for size in sizes:
        law = FilmLaw.of(settings, crystal, measured, size)
        seed, count = settings.seed + round(1e6 * size), -(-settings.structures // STRIP_WIDTHS)
        strips = draw_strips(law, made_um, count, seed, workers)
        rows.append(_sample(strips, of, settings, quantity))
    uniform = mean_beam(strips, settings)

    def film(count: int, **changes: Array) -> Array:
        """Logarithm of the quantity of beams of the mean film of the largest grains."""
        sources = scatter.means(of, count)._replace(**changes)
        same = uniform.pick(np.zeros(count, int))
        return np.log(scatter.respond(same, sources, made_um, settings)[quantity])

    means, log_stds, errors = np.array(rows).T
    return Emulator(
        _curve(film, width_um, settings),
        np.polyfit(sizes, means - film(1), 1),
        np.polyfit(np.log(sizes), log_stds, 1),
        float(np.sqrt((errors**2).mean() / SIZES)),
        _rest(film, of),
    )


def _sample(
    strips: Strips, of: dict[str, LawSettings], settings: SpecSettings, quantity: str
) -> tuple[float, float, float]:
    """Mean of the logarithm, logarithm of its scatter, and standard error of this, of beams of some strips."""
    random = np.random.default_rng(settings.seed)
    grains = put_together(strips, random, BEAMS, settings.length_um, settings.support)
    sources = scatter.means(of, BEAMS)
    logs = np.log(scatter.evaluate(grains, sources, strips.width_um, settings)[quantity])
    left = np.array([np.log(logs[kept].std()) for kept in without_strips(grains.strips)])
    error = np.sqrt(jackknife_covariance(left[:, None])[0, 0])
    return logs.mean(), np.log(logs.std()), error


def _curve(film: Callable, width_um: float, settings: SpecSettings) -> Array:
    """Logarithm of a quantity against the width offset."""
    low, high = settings.prior.offsets_um
    nodes = np.cos(np.pi * (np.arange(OFFSETS) + 0.5) / OFFSETS)
    offsets = (low + high) / 2 + (high - low) / 2 * nodes
    return np.polyfit(offsets, film(OFFSETS, width_um=width_um + offsets), DEGREE)


def _rest(film: Callable, of: dict[str, LawSettings]) -> float:
    """Scatter of the logarithm by what scatters besides grains and widths, to first order."""
    square = 0.0
    for name, law in of.items():
        if law.std:
            low, high = film(2, **{name: law.mean + law.std * np.array([-1, 1])})
            square += ((high - low) / 2) ** 2
    return float(np.sqrt(square))
