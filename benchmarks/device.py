"""Whole beams against the chain of their sections: mean, scatter and correlation beam by beam."""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import cpu_count, get_context

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
SHARE = 50


def compare(task: tuple[str, float, int]) -> tuple[list, list]:
    """Stiffness and squared frequency of one beam, whole and by its sections."""
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


def measure(film: str, ratio: float, count: int, pool: ProcessPoolExecutor) -> dict:
    results = list(pool.map(compare, [(film, ratio, number) for number in range(count)]))
    solved, chained, seconds = (np.array(each) for each in zip(*results, strict=True))
    row = {"film": film, "ratio": ratio, "beams": count}
    for number, support in enumerate(SUPPORTS):
        row[support] = {
            "stiffness": judge(1e3 * solved[:, number, 0], 1e3 * chained[:, number, 0]),
            "frequency": judge(np.sqrt(solved[:, number, 1]), np.sqrt(chained[:, number, 1])),
        }
    whole_s, chain_s = seconds.mean(0)
    return row | {"whole_seconds": float(whole_s), "chain_seconds": float(chain_s)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="beams of each kind")
    parser.add_argument("--workers", type=int, default=cpu_count())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.workers, get_context("spawn")) as pool:
        rows = [measure(film, ratio, arguments.count, pool) for film in FILMS for ratio in RATIOS]
    if arguments.json:
        print(
            json.dumps({"width_um": WIDTH_UM, "slenderness": SLENDERNESS, "rows": rows}, indent=1)
        )
        return
    for row in rows:
        for support in SUPPORTS:
            for quantity, found in row[support].items():
                print(
                    f"{row['film']}, W/s {row['ratio']}, {support}, {quantity}: whole {found['whole_mean']:.5g} ± "
                    f"{found['whole_scatter_percent']:.3f} %; chain: mean {found['mean_ratio']:.5f}, scatter "
                    f"{found['scatter_ratio']:.3f}, correlation {found['correlation']:.5f}"
                )


if __name__ == "__main__":
    main()
