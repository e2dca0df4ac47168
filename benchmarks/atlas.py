"""Runs the films of a configuration on all cores without Snakemake, where only NumPy, SciPy, numba and pydantic are.

It leaves the files that the rule `characterize` would, with their records, in the same places: a study that is run
afterwards finds them done. What is there is left as it is, so that it can be stopped and started again.
"""

import argparse
import os
import sys
import time
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "workflow")]
for name in ("OMP", "OPENBLAS", "NUMBA"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

from paths import Paths, shards  # noqa: E402

from polysve.settings.families import shard_films  # noqa: E402
from polysve.settings.model import parse  # noqa: E402
from polysve.settings.study import Settings  # noqa: E402
from polysve.stages import characterize  # noqa: E402


def jobs(study: Settings, paths: Paths) -> list[tuple]:
    """Output, range and settings of each shard, the dearest first."""
    found = []
    for name, family in study.films.items():
        for ratio, count in family.counts.items():
            settings = study.characterize_slice(name, ratio)
            for shard in shards(count, shard_films(family, ratio, study.shard_grains)):
                start, stop = map(int, shard.split("-"))
                output = ROOT / paths.films(name, f"{ratio:g}", shard)
                if not output.exists():
                    cost = (stop - start) * max(ratio**2, 40) * len(settings.materials)
                    found.append((cost, (output, start, stop, settings)))
    return [job for _, job in sorted(found, key=lambda each: -each[0])]


def work(job: tuple) -> tuple[Path, float]:
    """Do one job."""
    begin = time.process_time()
    characterize.run(*job)
    return job[0], time.process_time() - begin


def main() -> None:
    """Do all jobs that are not done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configuration", type=Path, help="YAML, or JSON where there is no PyYAML")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no job after this")
    parser.add_argument(
        "--table",
        type=Path,
        help="folder for the table of all of them, which needs finite elements",
    )
    options = parser.parse_args()
    begin = time.time()
    if options.configuration.suffix == ".json":
        values = options.configuration.read_text()
    else:
        import yaml

        values = yaml.safe_load(options.configuration.read_text())
    study = parse(Settings, values, str(options.configuration))
    paths = Paths(study.results)
    waiting = jobs(study, paths)
    print(f"{len(waiting)} jobs", flush=True)
    if waiting:
        run(waiting, options.workers, begin + options.seconds)
    if options.table and not jobs(study, paths):
        from polysve.stages import tabulate

        files = (options.table / name for name in ("atlas.csv", "atlas_checks.csv"))
        tabulate.run(ROOT / paths.films_folder, *files, study.tabulate_slice())


def run(waiting: list[tuple], workers: int, end: float) -> None:
    """Do jobs, beginning none after the end."""
    begin = time.time()
    # compiles what the processes then find compiled
    characterize.families.solve(waiting[-1][3], 1, 2)
    spent, running = 0.0, set()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        while waiting or running:
            while waiting and len(running) < workers:
                if time.time() > end:
                    print(f"{len(waiting)} jobs left", flush=True)
                    waiting.clear()
                    break
                running.add(pool.submit(work, waiting.pop(0)))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for done in finished:
                output, seconds = done.result()
                spent += seconds
                print(
                    f"{time.time() - begin:.0f} s: {output.name} of {output.parent.name}",
                    flush=True,
                )
    print(f"{spent / 3600:.3f} core hours in {time.time() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
