"""Whole beams against the chain of their sections: mean, scatter and correlation beam by beam.

A table of 400 beams a row takes about an hour of one core. It can be made in pieces:

    python benchmarks/device.py --row "random copper,4" --first 100 --count 100 --beams part7.json
    python benchmarks/device.py --merge part*.json --json
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import cpu_count, get_context
from pathlib import Path

import numpy as np

from polysve.crystals import catalogue
from polysve.device import chain, whole
from polysve.device.sample import ACROSS, whole_strip
from polysve.device.strip import FilmLaw
from polysve.settings.texture import texture_settings

FILMS = {"silicon <100>": ("silicon", "<100>"), "random copper": ("copper", "random")}
RATIOS = 2, 4, 10
SUPPORTS = "cantilever", "clamped"
WIDTH_UM, SLENDERNESS = 2.0, 30


def compare(task: tuple[str, float, int]) -> tuple[list, list, tuple[float, float]]:
    """Stiffness and squared frequency of one beam, whole and by its sections, and the seconds of both."""
    from threadpoolctl import threadpool_limits

    film, ratio, number = task
    material, texture = FILMS[film]
    law = FilmLaw(catalogue.find(material), texture_settings(texture), WIDTH_UM / ratio, 0.5)
    random = np.random.default_rng([17, number])
    size = SLENDERNESS * WIDTH_UM, WIDTH_UM
    with threadpool_limits(1):
        log_q = law.strip(random, size, (SLENDERNESS * ACROSS, ACROSS))
        start = time.perf_counter()
        solved = [whole.solve(log_q, WIDTH_UM / ACROSS, support) for support in SUPPORTS]
        middle = time.perf_counter()
        beams = whole_strip(log_q, WIDTH_UM / ACROSS)
        chained = [by_sections(beams, support) for support in SUPPORTS]
        stop = time.perf_counter()
    return solved, chained, (middle - start, stop - middle)


def by_sections(beams, support: str) -> whole.Answer:
    one = np.ones(1)
    found = chain.solve(
        chain.Beams(
            beams.stiffness,
            beams.shear,
            beams.ends_um,
            WIDTH_UM,
            WIDTH_UM * one,
            WIDTH_UM**2 / 12 * one,
            0 * one,
            beams.root,
            beams.middle,
            support,
        )
    )
    eigenvalue = (2 * np.pi * found.frequency_hz[0]) ** 2 / 1e21
    return whole.Answer(found.stiffness_n_per_m[0] / 1e3, eigenvalue)


def judge(solved: np.ndarray, chained: np.ndarray) -> dict:
    """Mean and scatter of the chain over those of whole beams, with 95 % half widths."""
    mean, scatter = chained.mean() / solved.mean(), chained.std() / solved.std()
    random = np.random.default_rng(1)
    again = np.array(
        [
            (chained[pick].mean() / solved[pick].mean(), chained[pick].std() / solved[pick].std())
            for pick in random.integers(len(solved), size=(500, len(solved)))
        ]
    )
    return {
        "whole_mean": float(solved.mean()),
        "whole_scatter_percent": float(100 * solved.std(ddof=1) / solved.mean()),
        "mean_ratio": float(mean),
        "mean_ratio_half_width": float(1.96 * again[:, 0].std()),
        "scatter_ratio": float(scatter),
        "scatter_ratio_half_width": float(1.96 * again[:, 1].std()),
        "correlation": float(np.corrcoef(chained, solved)[0, 1]),
    }


def summarize(row: str, results: list) -> dict:
    """The table's row of beams, each as `compare` has it."""
    film, ratio = row.split(",")
    solved, chained, seconds = (np.array(each) for each in zip(*results, strict=True))
    found = {"film": film, "ratio": float(ratio), "beams": len(results)}
    for number, support in enumerate(SUPPORTS):
        found[support] = {
            "stiffness": judge(1e3 * solved[:, number, 0], 1e3 * chained[:, number, 0]),
            "frequency": judge(np.sqrt(solved[:, number, 1]), np.sqrt(chained[:, number, 1])),
        }
    whole_s, chain_s = seconds.mean(0)
    return found | {"whole_seconds": float(whole_s), "chain_seconds": float(chain_s)}


def merge(paths: list[Path]) -> dict[str, list]:
    """Beams of all pieces by row of the table."""
    beams = {}
    for path in paths:
        for row, results in json.loads(path.read_text()).items():
            beams.setdefault(row, []).extend(results)
    return beams


def print_table(rows: list[dict]) -> None:
    print("film | W/s | support | quantity | whole | mean − 1, % | scatter | correlation")
    for row in rows:
        for support in SUPPORTS:
            for quantity, found in row[support].items():
                print(
                    f"{row['film']} | {row['ratio']:g} | {support} | {quantity} | {found['whole_mean']:.5g} ± "
                    f"{found['whole_scatter_percent']:.3f} % | {100 * (found['mean_ratio'] - 1):+.4f} ± "
                    f"{100 * found['mean_ratio_half_width']:.4f} | {found['scatter_ratio']:.4f} ± "
                    f"{found['scatter_ratio_half_width']:.4f} | {found['correlation']:.5f}"
                )


def main() -> None:
    rows = [f"{film},{ratio}" for film in FILMS for ratio in RATIOS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--row", choices=rows, help="one row of the table; all if not given")
    parser.add_argument("--first", type=int, default=0, help="number of the first beam")
    parser.add_argument("--count", type=int, default=400, help="beams of each row")
    parser.add_argument("--workers", type=int, default=cpu_count())
    parser.add_argument("--beams", type=Path, help="file for this piece, one beam after the other")
    parser.add_argument("--merge", type=Path, nargs="+", help="pieces to summarize")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.merge:
        beams = merge(arguments.merge)
    else:
        numbers = range(arguments.first, arguments.first + arguments.count)
        tasks = {
            row: [(film, float(ratio), number) for number in numbers]
            for row in ([arguments.row] if arguments.row else rows)
            for film, ratio in [row.split(",")]
        }
        with ProcessPoolExecutor(arguments.workers, get_context("spawn")) as pool:
            beams = {row: list(pool.map(compare, those)) for row, those in tasks.items()}
    if arguments.beams:
        arguments.beams.write_text(json.dumps(beams))
        return
    table = [summarize(row, results) for row, results in beams.items()]
    if arguments.json:
        print(
            json.dumps({"width_um": WIDTH_UM, "slenderness": SLENDERNESS, "rows": table}, indent=1)
        )
    else:
        print_table(table)


if __name__ == "__main__":
    main()
