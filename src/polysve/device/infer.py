"""What measured devices say of their film and their etch: grain size, mean over-etch and its scatter.

Quantities of devices have a normal law in the logarithm, whose mean and variance an emulator gives. Measured values of
one width enter by their number, mean and variance. An ensemble of walkers samples the posterior by differential
evolution (ter Braak & Vrugt, Stat. Comput. 18 (2008) 435), in emcee.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.device.emulator import Emulator
from polysve.device.measured import Measured
from polysve.settings.device import PriorSettings, SpecSettings

NAMES = "grain_size_um", "width_offset_um", "width_offset_std_um"
WALKERS = 64
STEPS = 250
"""Between two looks at the chain; the first ones are thrown away."""
MOST_STEPS = 20_000
ENOUGH = 30
"""Steps over the autocorrelation time at which a chain is long enough; each walker draws as often."""
DRAWS = 4000
FARTHEST = 3.0
"""Factor by which no device may be off every draw of the prior."""
COVERAGE = 0.9


@dataclass(frozen=True)
class Posterior:
    """Draws of grain size, mean offset and its scatter."""

    draws: Array
    """Shape (draws, 3), in the order of `NAMES`."""
    prior: Array
    """The same of the prior."""
    autocorrelation: float
    """Time in steps."""
    acceptance: float
    effective: float
    """Number of independent draws that would say as much."""
    outside: int
    """Devices beyond every draw of the prior."""

    def summary(self) -> dict:
        """Mean, standard deviation, median and interval of each number, with those of the prior beside it."""
        return {
            name: _summary(after) | {"prior_interval_90": _summary(before)["interval_90"]}
            for name, after, before in zip(NAMES, self.draws.T, self.prior.T, strict=True)
        }


def _summary(draws: Array) -> dict:
    low, median, high = np.quantile(draws, [(1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2])
    return {
        "mean": float(draws.mean()),
        "std": float(draws.std()),
        "median": float(median),
        "interval_90": [float(low), float(high)],
    }


def infer(
    settings: SpecSettings, devices: Measured, emulators: Mapping[float, Emulator]
) -> Posterior:
    """Sample the posterior.

    Parameters
    ----------
    settings : SpecSettings
        With the prior, and the seed.
    devices : Measured
    emulators : mapping
        By width as drawn.

    Raises
    ------
    InputError
        If a device is a factor off every draw of the prior, as values in kHz are; or if the sampler does not settle.
    """
    import emcee

    random = np.random.default_rng(settings.seed)
    start = draw_prior(settings.prior, random, DRAWS)
    outside = beyond_prior(settings.prior, devices, emulators, start, random)
    groups = [_Group(devices, width, emulator) for width, emulator in emulators.items()]

    def log_density(points: Array) -> Array:
        found = log_prior(settings.prior, points)
        inside = np.isfinite(found)
        for group in groups:
            found[inside] += group.log_likelihood(settings.prior, points[inside])
        return found

    best = np.argsort(log_density(start))[-4 * WALKERS :]
    moves = [(emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)]
    dimensions = start.shape[1]
    sampler = emcee.EnsembleSampler(WALKERS, dimensions, log_density, moves=moves, vectorize=True)
    state = np.random.RandomState(settings.seed % 2**32).get_state()
    sampler.random_state = state
    last = sampler.run_mcmc(start[random.choice(best, WALKERS, replace=False)], STEPS)
    sampler.reset()
    while sampler.iteration < MOST_STEPS:
        last = sampler.run_mcmc(last, STEPS)
        time = float(sampler.get_autocorr_time(tol=0).max())
        if sampler.iteration > ENOUGH * time:
            break
    else:
        raise InputError(
            f"prior: the posterior is not sampled after {MOST_STEPS} steps, autocorrelation time {time:.0f}; allowed "
            "is a narrower prior"
        )
    return Posterior(
        _numbers(sampler.get_chain(flat=True)),
        _numbers(start),
        time,
        float(sampler.acceptance_fraction.mean()),
        sampler.iteration * WALKERS / time,
        outside,
    )


def draw_prior(prior: PriorSettings, random: np.random.Generator, count: int) -> Array:
    """Points of the sampler, shape (count, 4).

    Logarithm of the grain size, mean offset, logarithm of the offsets' scatter, and the error of the scatter by grains
    in standard errors.
    """
    low, high = prior.offsets_um
    return np.stack(
        [
            random.uniform(*_log_range(prior.grain_size_um), count),
            np.clip(
                random.normal(prior.width_offset_um.mean, prior.width_offset_um.std, count),
                low,
                high,
            ),
            random.uniform(*_log_range(prior.width_offset_std_um), count),
            random.normal(size=count),
        ],
        1,
    )


def log_prior(prior: PriorSettings, points: Array) -> Array:
    """Logarithm of the prior density at points, shape (n,)."""
    ranges = [
        _log_range(prior.grain_size_um),
        prior.offsets_um,
        _log_range(prior.width_offset_std_um),
    ]
    low, high = np.transpose(ranges)
    inside = ((points[:, :3] >= low) & (points[:, :3] <= high)).all(1)
    off = (points[:, 1] - prior.width_offset_um.mean) / prior.width_offset_um.std
    return np.where(inside, -(off**2 + points[:, 3] ** 2) / 2, -np.inf)


def _log_range(known) -> tuple[float, float]:
    return np.log(known.low), np.log(known.high)


def _numbers(points: Array) -> Array:
    """Grain size, mean offset and scatter of offsets at points."""
    return np.stack([np.exp(points[:, 0]), points[:, 1], np.exp(points[:, 2])], 1)


class _Group:
    """Devices of one width."""

    def __init__(self, devices: Measured, width_um: float, emulator: Emulator):
        logs = np.log(devices.values[devices.widths_um == width_um])
        self.emulator, self.count = emulator, len(logs)
        self.mean, self.square = (logs.mean(), logs.var()) if len(logs) else (0.0, 0.0)

    def log_likelihood(self, prior: PriorSettings, points: Array) -> Array:
        mean, variance = law(self.emulator, prior, points)
        return (
            -self.count
            / 2
            * (np.log(variance) + (self.square + (self.mean - mean) ** 2) / variance)
        )


def law(emulator: Emulator, prior: PriorSettings, points: Array) -> tuple[Array, Array]:
    """Mean and variance of the logarithm of the quantity at points."""
    size, offset, spread = _numbers(points).T
    variance = emulator.variance(size, offset, spread, points[:, 3])
    return emulator.mean(size, offset, spread), variance + (prior.measurement_percent / 100) ** 2


def beyond_prior(
    prior, devices: Measured, emulators: Mapping[float, Emulator], points: Array, random
) -> int:
    """Number of devices beyond every one of some draws of the prior.

    Raises
    ------
    InputError
        If one is a factor off them.
    """
    count = 0
    for width, emulator in emulators.items():
        mean, variance = law(emulator, prior, points)
        drawn = np.exp(mean + np.sqrt(variance) * random.normal(size=len(mean)))
        low, high = drawn.min(), drawn.max()
        values = devices.values[devices.widths_um == width]
        off = np.maximum(low / values, values / high)
        if (off > FARTHEST).any():
            worst = int(off.argmax())
            unit = {"frequency_hz": "Hz", "stiffness_n_per_m": "N/m"}[devices.quantity]
            raise InputError(
                f"{devices.quantity} = {values[worst]:g}: a factor {off[worst]:.3g} off every draw of the prior, "
                f"{low:.4g} to {high:.4g} for {width:g} µm; allowed are {unit}, and a prior that holds them"
            )
        count += int((off > 1).sum())
    return count
