"""Accuracy, coverage and speed of the training-free series, beside labels of the same films in the same run."""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from polysve.crystals.catalogue import find
from polysve.crystals.stiffness import log_stiffness, young_modulus
from polysve.fem.label import label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.grains.tessellation import draw_film
from polysve.settings.labels import HomogenizeSettings, MeshSettings, TessellateSettings
from polysve.surrogate import born

FILMS = [
    ("silicon", "<100>"),
    ("silicon", "random"),
    ("silicon", "<110>"),
    ("copper", "random"),
    ("copper", "<110>"),
    ("nickel", "random"),
    ("titanium", "random"),
    ("zinc", "random"),
]
CONDITIONS = ("kubc", "subc", "pbc")
# 32 pixels a side at ratio 4
ROUGH_PIXELS, ROUGH_TOLERANCE = 8, 3e-3
REFERENCE, USUAL = HomogenizeSettings(tolerance=1e-5), HomogenizeSettings()


def draw(crystal: str, texture: str, ratio: int, index: int):
    """A film that no calibration has seen."""
    settings = TessellateSettings(
        seed=3, window_um=float(ratio), grain_size_um=1.0, phases={"film": {"texture": texture}}
    )
    return draw_film(settings, f"benchmark{ratio}", index).made_of(find(crystal))


def label(film, settings) -> dict:
    """Stiffness by finite elements under each boundary condition."""
    mesh = mesh_tiling(film.shape, film.size_um[0], 1.0, MeshSettings())
    return label_mesh(mesh, film.stiffness_gpa, settings).stiffness_gpa


def series(films: list, boundary_condition: str, pixels: float, tolerance: float | None) -> list:
    """Estimates of films, drawing of their images and intervals included."""
    solved = [
        born.solve(
            born.draw_grids(film, pixels),
            log_stiffness(film.stiffness_gpa),
            boundary_condition,
            tolerance,
        )
        for film in films
    ]
    return born.estimates(solved, boundary_condition)


def timed(work: Callable) -> tuple[list, float]:
    """Result, and milliseconds of one core."""
    start = time.process_time()
    found = work()
    return found, 1e3 * (time.process_time() - start)


def measure(crystal: str, texture: str, ratio: int, count: int) -> dict:
    """One row of the table for each boundary condition."""
    films = [draw(crystal, texture, ratio, index) for index in range(count)]
    exact = [label(film, REFERENCE) for film in films]
    _, label_ms = timed(lambda: [label(film, USUAL) for film in films])
    tasks = {name: (name, born.PIXELS_PER_GRAIN, None) for name in CONDITIONS}
    tasks["pbc, rough"] = ("pbc", ROUGH_PIXELS, ROUGH_TOLERANCE)
    rows = {}
    for name, (condition, pixels, tolerance) in tasks.items():
        found, ms = timed(partial(series, films, condition, pixels, tolerance))
        rows[name] = judge(found, np.array([each[condition] for each in exact])) | {
            "milliseconds": ms / count,
            "label_milliseconds_all_conditions": label_ms / count,
        }
    return rows


def judge(found: list[born.Estimate], exact: np.ndarray) -> dict:
    """Errors and coverage of estimates against stiffnesses of shape (n, 3, 3)."""
    error = np.abs(np.array([each.stiffness_gpa for each in found]) - exact)
    inside = error <= [each.half_width_gpa for each in found]
    largest = (error / exact[:, :1, :1]).max((1, 2))
    mine, half = np.array([(e.young_modulus_gpa, e.young_half_width_gpa) for e in found]).T
    true = young_modulus(exact)
    rest, spread = ((mine - true) ** 2).sum(), ((true - true.mean()) ** 2).sum()
    return {
        "largest_error_99_percent": float(np.quantile(largest, 0.99)),
        "largest_error": float(largest.max()),
        "young_r2": float(1 - rest / spread) if len(true) > 1 else None,
        "coverage": float(inside[:, *np.triu_indices(3)].mean()),
        "young_coverage": float((np.abs(mine - true) <= half).mean()),
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="films of each kind")
    parser.add_argument("--ratios", type=int, nargs="+", default=[4, 10, 20])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--materials", nargs="+", help="of these alone")
    options = parser.parse_args()
    films = [film for film in FILMS if film[0] in (options.materials or film[0])]
    measure("silicon", "random", 4, 1)  # compiles
    tables = {}
    for ratio, (crystal, texture) in itertools.product(options.ratios, films):
        rows = measure(crystal, texture, ratio, options.count)
        tables[f"{crystal} {texture}, L/s {ratio}"] = rows
        if not options.json:
            for name, row in rows.items():
                print(f"{crystal} {texture} L/s {ratio} {name}:", row, flush=True)
    if options.json:
        json.dump({"count": options.count, "tables": tables}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
