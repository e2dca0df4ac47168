"""Accuracy, coverage and speed of the training-free series, beside labels of the same films in the same run."""

import argparse
import itertools
import json
import sys
import time

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
ROUGH_PIXELS, ROUGH_TOLERANCE = 8, 3e-4
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


def timed(work) -> tuple[object, float]:
    """Result, and milliseconds of one core."""
    start = time.process_time()
    found = work()
    return found, 1e3 * (time.process_time() - start)


def measure(crystal: str, texture: str, ratio: int, count: int) -> dict:
    """One row of the table for each boundary condition."""
    found, rows = {name: [] for name in (*CONDITIONS, "pbc, rough")}, {}
    for index in range(count):
        film = draw(crystal, texture, ratio, index)
        exact = label(film, REFERENCE)
        _, label_ms = timed(lambda film=film: label(film, USUAL))
        log_q = log_stiffness(film.stiffness_gpa)
        for name in CONDITIONS:
            estimate, ms = timed(
                lambda film=film, log_q=log_q, name=name: born.homogenize(
                    born.draw_grids(film), log_q, name
                )
            )
            found[name].append((estimate, exact[name], ms, label_ms))
        rough, ms = timed(
            lambda film=film, log_q=log_q: born.homogenize(
                born.draw_grids(film, ROUGH_PIXELS), log_q, "pbc", ROUGH_TOLERANCE
            )
        )
        found["pbc, rough"].append((rough, exact["pbc"], ms, label_ms))
    for name, results in found.items():
        error = np.array([np.abs(e.stiffness_gpa - c) / c[0, 0] for e, c, _, _ in results])
        inside = [np.abs(e.stiffness_gpa - c) <= e.half_width_gpa for e, c, _, _ in results]
        mine = np.array([e.young_modulus_gpa for e, _, _, _ in results])
        true = np.array([young_modulus(c) for _, c, _, _ in results])
        largest = error.max((1, 2))
        rows[name] = {
            "largest_error_99_percent": float(np.quantile(largest, 0.99)),
            "largest_error": float(largest.max()),
            "young_r2": float(1 - ((mine - true) ** 2).sum() / ((true - true.mean()) ** 2).sum())
            if count > 1
            else None,
            "coverage": float(np.mean(np.array(inside)[:, *np.triu_indices(3)])),
            "young_coverage": float(
                np.mean(
                    [
                        abs(e.young_modulus_gpa - t) <= e.young_half_width_gpa
                        for (e, *_), t in zip(results, true, strict=True)
                    ]
                )
            ),
            "milliseconds": float(np.median([ms for _, _, ms, _ in results])),
            "label_milliseconds_all_conditions": float(np.median([ms for *_, ms in results])),
        }
    return rows


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
