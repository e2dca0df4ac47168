"""Calibrates extrapolation and interval of the training-free series: src/polysve/surrogate/calibration.json.

The truth is the series itself on pixels three to four times finer, extrapolated: its error is ten times smaller, and
smaller than that of finite elements at any price. Coverage is counted on films that made no part of the calibration.
"""

import argparse
import itertools
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))
for name in ("OMP", "OPENBLAS", "NUMBA"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402
from sklearn.linear_model import QuantileRegressor  # noqa: E402

from polysve.crystals.catalogue import find  # noqa: E402
from polysve.crystals.stiffness import log_stiffness, young_modulus  # noqa: E402
from polysve.grains.tessellation import draw_film  # noqa: E402
from polysve.settings.labels import TessellateSettings  # noqa: E402
from polysve.surrogate import born, interval  # noqa: E402
from polysve.surrogate.pixels import pixel_stiffness  # noqa: E402
from polysve.surrogate.series import Relaxed, relax_grids  # noqa: E402

FILMS = [
    ("silicon", "<100>"),
    ("silicon", "<110>"),
    ("silicon", "random"),
    ("copper", "random"),
    ("copper", "<110>"),
    ("nickel", "random"),
    ("titanium", "random"),
    ("zinc", "random"),
]
# ratio: films of each kind, how much finer the truth is
RATIOS = {4: (120, 4), 6: (80, 4), 10: (48, 4), 20: (24, 3)}
CONDITIONS = ("kubc", "subc", "pbc")
NOMINAL = 0.90
OUTPUT = ROOT / "src/polysve/surrogate/calibration.json"
UPPER = np.triu_indices(3)
NONE = interval.Factors(0, 0, 0, 0, 0, 0, 1, 0)
THIRD = NONE._replace(step=1 / 3)
"""Errors that quarter with the pixel."""


def draw(seed: int, crystal: str, texture: str, ratio: int, index: int):
    """A film, every third one periodic."""
    settings = TessellateSettings(
        seed=seed,
        window_um=float(ratio),
        grain_size_um=1.0,
        periodic=index % 3 == 2,
        phases={"film": {"texture": texture}},
    )
    return draw_film(settings, f"calibrate{ratio}", index).made_of(find(crystal))


def sample(task: tuple) -> dict[str, np.ndarray]:
    """Both grids and the truth of one film under each boundary condition."""
    seed, (crystal, texture), ratio, index, conditions = task
    film = draw(seed, crystal, texture, ratio, index)
    log_q = log_stiffness(film.stiffness_gpa)
    grids = [
        [pixel_stiffness(level, log_q) for level in born.draw_grids(film, fineness).levels]
        for fineness in (born.PIXELS_PER_GRAIN, RATIOS[ratio][1] * born.PIXELS_PER_GRAIN)
    ]
    found = {"contrast": np.array(interval.contrast(log_q))}
    for name in conditions:
        *_, coarse, fine = relax_grids(grids[0], 1.0, name, born.TOLERANCE[name])
        *_, near, nearest = relax_grids(grids[1], 1.0, name, 1e-6)
        truth = interval.extrapolate(nearest, near, THIRD)
        rest = np.full((3, 3), 0.0)
        rest[0] = fine.remainder, film.n_grains, grids[0][-1][0].size
        found[name] = np.array(
            [fine.stiffness_gpa, coarse.stiffness_gpa, fine.voigt_gpa, truth, rest]
        )
    return found


def samples(counts: dict[int, int], workers: int, conditions: tuple) -> dict[str, np.ndarray]:
    """Samples of both seeds, as arrays (films, 5, 3, 3) by "seed condition film ratio"."""
    tasks = [
        # the largest films are dear: half of them under one condition only
        (seed, film, ratio, index, conditions if ratio < 10 or index % 2 == 0 else ("pbc",))
        for ratio, count in sorted(counts.items(), reverse=True)
        for seed, film, index in itertools.product((1, 2), FILMS, range(count))
    ]
    sample(tasks[-1])  # compiles what the processes then find compiled
    found, contrast, start = {}, 0.0, time.time()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        chunk = max(1, len(tasks) // (workers * 40))
        for task, made in zip(tasks, pool.map(sample, tasks, chunksize=chunk), strict=True):
            seed, (crystal, texture), ratio, *_ = task
            if seed == 1:
                contrast = max(contrast, float(made["contrast"]))
            for name in CONDITIONS:
                if name in made:
                    key = f"{seed} {name} {crystal} {texture} {ratio}"
                    found.setdefault(key, []).append(made[name])
    print(f"{len(tasks)} films in {time.time() - start:.0f} s", file=sys.stderr)
    arrays = {key: np.array(each) for key, each in found.items()}
    return arrays | {"contrast": np.array(contrast)}


class Cell:
    """Films of one kind and ratio under one boundary condition."""

    def __init__(self, name: str, arrays: np.ndarray):
        fine, coarse, voigt, self.truth, rest = np.moveaxis(arrays, 1, 0)
        self.grids = (
            Relaxed(fine, voigt, rest[:, 0, 0], 0),
            Relaxed(coarse, voigt, rest[:, 0, 0], 0),
        )
        tolerance = born.TOLERANCE[name]
        self.clues = interval.clues(*self.grids, rest[:, 0, 1], rest[:, 0, 2], tolerance)
        self.weight = np.full(len(arrays), 1 / len(arrays))

    def error(self, known: interval.Factors) -> np.ndarray:
        """Errors of the components."""
        return np.abs(interval.extrapolate(*self.grids, known) - self.truth)

    def young_over_interval(self, known: interval.Factors) -> np.ndarray:
        """Errors of Ē over its half-width."""
        stiffness = interval.extrapolate(*self.grids, known)
        half = interval.error_scale(self.clues, known)
        error = np.abs(young_modulus(stiffness) - young_modulus(self.truth))
        return error / interval.young_half_width(stiffness, half, self.clues, known)

    def told(self, known: interval.Factors) -> str:
        """Share of components, and of films whose Ē is, inside their interval; largest error over C̄11."""
        error = self.error(known)
        inside = (error <= interval.error_scale(self.clues, known))[:, *UPPER]
        young = self.young_over_interval(known) <= 1
        largest = (error.max((1, 2)) / self.truth[:, 0, 0]).max()
        return f"{inside.mean():.3f} {young.mean():.3f} of {len(error)}, {largest:.1e}"


def fit(cells: list[Cell]) -> interval.Factors:
    """Steps with which extrapolation leaves least, then factors with which nine tenths of the errors are inside."""
    known = _fit_steps(cells)
    terms = [interval.terms(cell.clues)[:, *UPPER].reshape(-1, 3) for cell in cells]
    errors = [
        np.log(cell.error(known)[:, *UPPER] / cell.clues.chance_gpa[:, *UPPER]).ravel()
        for cell in cells
    ]
    # each kind of film and ratio counts alike, whatever its number
    weights = np.concatenate([np.repeat(cell.weight, len(UPPER[0])) for cell in cells])
    law = _nine_tenths_below(np.concatenate(terms), np.concatenate(errors), weights)
    grains, bulk, grid = map(float, law.coef_)
    known = known._replace(noise=float(np.exp(law.intercept_)), grains=grains, bulk=bulk, grid=grid)
    ratios = np.concatenate([np.log(cell.young_over_interval(known)) for cell in cells])
    terms = np.concatenate([interval.bulk_term(cell.clues) for cell in cells])
    weights = np.concatenate([cell.weight for cell in cells])
    young = _nine_tenths_below(terms[:, None], ratios, weights)
    return known._replace(young=float(np.exp(young.intercept_)), young_bulk=float(young.coef_[0]))


def _nine_tenths_below(terms: np.ndarray, values: np.ndarray, weights: np.ndarray):
    """Linear function of the terms that nine tenths of the values stay below."""
    law = QuantileRegressor(quantile=NOMINAL, alpha=0)
    return law.fit(terms, values, weights / weights.mean())


def _fit_steps(cells: list[Cell]) -> interval.Factors:
    """Least squares over all kinds of film, each in units of its own errors."""
    columns, left = [], []
    for cell in cells:
        fine = interval.extrapolate(*cell.grids, NONE)
        size = np.sqrt(np.mean((interval.extrapolate(*cell.grids, THIRD) - cell.truth) ** 2))
        scale = np.sqrt(cell.weight)[:, None, None] / size
        parts = (NONE._replace(step=1), NONE._replace(grid_step=1))
        changes = [interval.extrapolate(*cell.grids, each) - fine for each in parts]
        columns.append(np.stack([(each * scale).ravel() for each in changes], 1))
        left.append(((cell.truth - fine) * scale).ravel())
    found = np.linalg.lstsq(np.concatenate(columns), np.concatenate(left))[0]
    return NONE._replace(step=float(found[0]), grid_step=float(found[1]))


def table(arrays: dict, known: dict, seed: int) -> dict:
    """Coverage of components and of Ē, and largest error, at each ratio, by boundary condition and film."""
    found = {}
    for key, each in arrays.items():
        if key.startswith(f"{seed} "):
            _, name, *film, ratio = key.split()
            row = found.setdefault(name, {}).setdefault(" ".join(film), {})
            row[int(ratio)] = Cell(name, each).told(known[name])
    return {
        name: {
            film: "; ".join(f"L/s {ratio}: {row[ratio]}" for ratio in sorted(row))
            for film, row in rows.items()
        }
        for name, rows in found.items()
    }


def main() -> None:
    """Calibrate, count the coverage on other films, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fewer", type=float, default=1, help="a share of the films, for a try")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--conditions", nargs="+", default=CONDITIONS, choices=CONDITIONS)
    parser.add_argument("--samples", type=Path, help="samples (.npz): read if there, else written")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    counts = {ratio: max(2, int(n / options.fewer)) for ratio, (n, _) in RATIOS.items()}
    if options.samples and options.samples.exists():
        arrays = dict(np.load(options.samples))
    else:
        arrays = samples(counts, options.workers, tuple(options.conditions))
        if options.samples:
            np.savez_compressed(options.samples, **arrays)
    contrast = float(arrays.pop("contrast"))
    document = json.loads(OUTPUT.read_text())
    for name in options.conditions:
        cells = [Cell(name, each) for key, each in arrays.items() if key.startswith(f"1 {name} ")]
        found = fit(cells)._asdict()
        document["factors"][name] = {key: round(value, 3) for key, value in found.items()}
    known = {name: interval.Factors(**each) for name, each in document["factors"].items()}
    document["largest_contrast"] = round(contrast, 2)
    document["record"] = {
        "made": date.today().isoformat(),
        "by": "benchmarks/calibrate_series.py",
        "nominal": NOMINAL,
        "pixels_per_grain": born.PIXELS_PER_GRAIN,
        "tolerance": born.TOLERANCE,
        "coverage_of_components_and_of_young_then_largest_error": {
            "calibration": table(arrays, known, 1),
            "other films": table(arrays, known, 2),
        },
    }
    options.output.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
