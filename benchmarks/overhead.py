"""What a run costs beside its computations, and how fast the workflow plans millions of SVEs.

Of the processor time of a run, the starts of interpreters (the same commands for a single grain) and Snakemake itself
(what a second run takes, which does nothing else) are overhead. Cores that wait are told apart: wall time times cores,
less all processor time. On a machine that does other things at the same time only the processor times mean something.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from polysve.settings.labels import (
    AssembleSettings,
    HomogenizeSettings,
    MeshSettings,
    TessellateSettings,
)

ROOT = Path(__file__).resolve().parents[1]
ENSEMBLE = "results/ensembles/ratio4.h5"
STAGES = ("tessellate", "mesh", "homogenize", "assemble")
PARTS = ("tessellations", "meshes", "stiffness")


def main() -> None:
    """Print the tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="*", default=[2_000, 20_000])
    parser.add_argument("--planned", type=int, default=1_000_000, help="SVEs of the dry run")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = {
        "cores": arguments.cores,
        "start_seconds": start_seconds(),
        "runs": [],
    }
    for count in arguments.counts:
        result["runs"].append(measure_run(count, arguments.cores, result["start_seconds"]))
    result["dry_run"] = measure_dry_run(arguments.planned)
    print(json.dumps(result, indent=1) if arguments.json else as_text(result))


def processor_seconds() -> float:
    """User and system time of all processes that have been waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def start_seconds() -> dict[str, float]:
    """Processor seconds of each command for a single grain, next to all of it its start; the least of three."""
    settings = {
        "tessellate": TessellateSettings(window_um=0.5, grain_size_um=0.5),
        "mesh": MeshSettings(),
        "homogenize": HomogenizeSettings(),
        "assemble": AssembleSettings(ensemble="one", count=1, shard_size=1),
    }
    least = dict.fromkeys(STAGES, float("inf"))
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            shards = [f"{folder}/{part}/000000-000001.h5" for part in PARTS]
            files = {
                "tessellate": [shards[0], "--ensemble", "one", "--start", "0", "--stop", "1"],
                "mesh": shards[:2],
                "homogenize": shards,
                "assemble": [folder, f"{folder}/one.h5"],
            }
            for stage in STAGES:
                command = [sys.executable, "-m", "polysve", stage, *files[stage]]
                command += ["--settings", settings[stage].canonical_json()]
                start = processor_seconds()
                subprocess.run(command, check=True)
                least[stage] = min(least[stage], processor_seconds() - start)
    return least


def study(count: int, folder: Path) -> Path:
    """Configuration of one ensemble at ratio 4 and no experiment."""
    file = folder / "config.yaml"
    ensemble = {"window_um": 2.0, "grain_size_um": 0.5, "count": count}
    file.write_text(yaml.safe_dump({"ensembles": {"ratio4": ensemble}}))
    return file


def snakemake(folder: Path, config: Path, cores: int, *more: str) -> tuple[float, str]:
    """Seconds and output of one call."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--configfile", str(config), "--cores", str(cores), *more]
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        sys.exit(done.stdout)
    return time.perf_counter() - start, done.stdout


def measure_run(count: int, cores: int, start: dict[str, float]) -> dict:
    """Core time of making one ensemble, its share that is no computation, and of a second run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = study(count, folder)
        before = processor_seconds()
        wall, _ = snakemake(folder, config, cores, ENSEMBLE)
        total = processor_seconds() - before
        jobs = {stage: job_seconds(folder, stage) for stage in STAGES}
        size = {each.name: disk_bytes(each) for each in (folder / "results/ensembles").iterdir()}
        before = processor_seconds()
        again, output = snakemake(folder, config, cores, ENSEMBLE)
        snakemake_seconds = processor_seconds() - before
        assert "Nothing to be done" in output
    starts = sum(len(times) * start[stage] for stage, times in jobs.items())
    return {
        "count": count,
        "wall_seconds": wall,
        "processor_seconds": total,
        "jobs": {stage: len(times) for stage, times in jobs.items()},
        "stage_seconds": {stage: sum(times) for stage, times in jobs.items()},
        "starting_percent": 100 * starts / total,
        "snakemake_percent": 100 * snakemake_seconds / total,
        "overhead_percent": 100 * (starts + snakemake_seconds) / total,
        "waiting_percent_of_core_time": 100 * (1 - total / (wall * cores)),
        "second_run_seconds": again,
        "second_run_processor_seconds": snakemake_seconds,
        "bytes_per_sve": {name: bytes_ / count for name, bytes_ in size.items()},
    }


def disk_bytes(place: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    files = [place] if place.is_file() else place.rglob("*.h5")
    return sum(file.stat().st_size for file in files)


def job_seconds(folder: Path, stage: str) -> list[float]:
    """Processor seconds of the jobs of a stage, as Snakemake counted them."""
    seconds = []
    for file in (folder / "results/benchmarks" / stage).rglob("*.tsv"):
        with file.open() as opened:
            seconds += [float(row["cpu_time"]) for row in csv.DictReader(opened, delimiter="\t")]
    return seconds


def measure_dry_run(count: int) -> dict:
    """Time and memory of planning many SVEs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = processor_seconds()
        seconds, _ = snakemake(folder, study(count, folder), 2, "--dry-run", "--quiet", "all")
        processor = processor_seconds() - before
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {
        "count": count,
        "seconds": seconds,
        "processor_seconds": processor,
        "peak_gib": memory,
    }


def as_text(result: dict) -> str:
    """The same as tables."""
    starts = ", ".join(f"{stage} {value:.2f}" for stage, value in result["start_seconds"].items())
    lines = [f"{result['cores']} cores; processor seconds to start a stage: {starts}"]
    lines.append("   SVEs  wall s  processor s  jobs  starting  Snakemake  waiting  second run s")
    for run in result["runs"]:
        lines.append(
            f"{run['count']:>7} {run['wall_seconds']:>7.1f} {run['processor_seconds']:>12.1f}"
            f" {sum(run['jobs'].values()):>5} {run['starting_percent']:>7.1f} %"
            f" {run['snakemake_percent']:>8.1f} % {run['waiting_percent_of_core_time']:>6.1f} %"
            f" {run['second_run_seconds']:>13.1f}"
        )
    dry = result["dry_run"]
    lines.append(
        f"dry run for {dry['count']} SVEs: {dry['seconds']:.1f} s"
        f" ({dry['processor_seconds']:.1f} s of processor), {dry['peak_gib']:.2f} GiB"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
