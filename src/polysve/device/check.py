"""Some beams solved whole, and the sample's mean and scatter corrected by them."""

from typing import NamedTuple

import numpy as np

from polysve.base.progress import track
from polysve.base.types import Array
from polysve.device import whole
from polysve.device.chain import frequency_hz
from polysve.device.sample import ACROSS, SLICE, GrainBeams, in_processes, whole_strip
from polysve.device.strip import FilmLaw
from polysve.surrogate.control_variates import controlled

SEED = 7
"""Tells the beams solved whole from the strips of the sample."""


class Checked(NamedTuple):
    """Beams of the same strips, whole and by their sections; for a thickness of 1 µm."""

    grains: GrainBeams
    stiffness_n_per_m: Array
    frequency_hz: Array


def solve_whole(
    law: FilmLaw,
    width_um: float,
    length_um: float,
    support: str,
    density_kg_m3: float,
    count: int,
    seed: int,
    workers: int | None = None,
) -> Checked:
    """Draw beams as strips of their own and solve them.

    Their length is the nearest whole number of slices, which `length_um` of the result's `grains` tells.
    """
    slice_um = width_um * SLICE / ACROSS
    slices = round(length_um / slice_um)
    tasks = [
        (law, width_um, slices, support, [SEED, seed, round(1e6 * width_um), number])
        for number in range(count)
    ]
    results = list(track(in_processes(_solve, tasks, workers), "whole beams", count))
    grains, answers = zip(*results, strict=True)
    joined = GrainBeams(
        *(np.concatenate(each) for each in zip(*(g[:-1] for g in grains), strict=True)),
        grains[0].ends_um,
    )
    stiffness, eigenvalue = np.array(answers).T
    return Checked(joined, 1e3 * stiffness, frequency_hz(eigenvalue / density_kg_m3))


def _solve(task: tuple) -> tuple[GrainBeams, whole.Answer]:
    law, width_um, slices, support, seed = task
    pixels = slices * SLICE, ACROSS
    size_um = width_um * pixels[0] / ACROSS, width_um
    log_q = law.strip(np.random.default_rng(seed), size_um, pixels)
    pixel_um = width_um / ACROSS
    return whole_strip(log_q, pixel_um), whole.solve(log_q, pixel_um, support)


def corrected(solved: Array, chained: Array, sample: Array) -> dict[str, float]:
    """Mean and standard deviation of a sample of the chain, corrected by beams solved whole.

    Parameters
    ----------
    solved, chained : array, shape (m,)
        Beams solved whole, and the same ones by their sections.
    sample : array, shape (n,)
        Other beams by their sections.

    Returns
    -------
    dict
        By control variates (`polysve.surrogate.control_variates`), with their standard errors; and the correlation of
        whole beams with their chains.
    """
    predicted = np.concatenate([chained, sample])
    mean, error, removed = controlled(solved, predicted)
    squares = (solved - mean) ** 2, (predicted - predicted.mean()) ** 2
    variance, variance_error, _ = controlled(*squares)
    return {
        "count": len(solved),
        "bias_percent": float(100 * (chained.mean() / solved.mean() - 1)),
        "correlation": float(np.corrcoef(solved, chained)[0, 1]),
        "mean": mean,
        "mean_standard_error": error,
        "variance_removed": removed,
        "std": float(np.sqrt(variance)),
        "std_standard_error": float(variance_error / (2 * np.sqrt(variance))),
    }
