"""What a run costs beside its computations, and how fast the workflow plans millions of SVEs.

Core time is wall time times cores. Of each job, the start of its interpreter and imports is overhead: it is timed
apart, as the same command that stops where its stage would begin. So do Snakemake and cores that wait.
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

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("tessellate", "mesh", "homogenize", "assemble")


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
        "start_seconds": {stage: start_seconds(stage) for stage in STAGES},
        "runs": [],
    }
    for count in arguments.counts:
        result["runs"].append(measure_run(count, arguments.cores, result["start_seconds"]))
    result["dry_run"] = measure_dry_run(arguments.planned)
    print(json.dumps(result, indent=1) if arguments.json else as_text(result))


def start_seconds(stage: str) -> float:
    """Seconds from the start of a command to the first line of its stage, the best of three."""
    code = f"import polysve.cli, polysve.provenance, polysve.settings, polysve.stages.{stage}"
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


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
        wall, _ = snakemake(folder, config, cores)
        jobs = {stage: job_seconds(folder, stage) for stage in STAGES}
        again, output = snakemake(folder, config, cores)
        assert "Nothing to be done" in output
    computed = sum(sum(times) - len(times) * start[stage] for stage, times in jobs.items())
    starts = sum(len(times) * start[stage] for stage, times in jobs.items())
    total = wall * cores
    return {
        "count": count,
        "wall_seconds": wall,
        "jobs": {stage: len(times) for stage, times in jobs.items()},
        "core_seconds": total,
        "computing_percent": 100 * computed / total,
        "starting_percent": 100 * starts / total,
        "snakemake_and_waiting_percent": 100 * (1 - (computed + starts) / total),
        "overhead_percent": 100 * (1 - computed / total),
        "second_run_seconds": again,
    }


def job_seconds(folder: Path, stage: str) -> list[float]:
    """Wall seconds of the jobs of a stage, as Snakemake timed them."""
    seconds = []
    for file in (folder / "results/benchmarks" / stage).rglob("*.tsv"):
        with file.open() as opened:
            seconds += [float(row["s"]) for row in csv.DictReader(opened, delimiter="\t")]
    return seconds


def measure_dry_run(count: int) -> dict:
    """Time and memory of planning many SVEs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds, _ = snakemake(folder, study(count, folder), 2, "--dry-run", "--quiet", "all")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"count": count, "seconds": seconds, "peak_gib": memory}


def as_text(result: dict) -> str:
    """The same as tables."""
    lines = [f"{result['cores']} cores; seconds to start a stage: "]
    lines[0] += ", ".join(f"{k} {v:.2f}" for k, v in result["start_seconds"].items())
    lines.append("   SVEs    wall s  jobs  computing  starting  waiting  second run s")
    for run in result["runs"]:
        lines.append(
            f"{run['count']:>7} {run['wall_seconds']:>9.1f} {sum(run['jobs'].values()):>5}"
            f" {run['computing_percent']:>8.1f} % {run['starting_percent']:>7.1f} %"
            f" {run['snakemake_and_waiting_percent']:>6.1f} % {run['second_run_seconds']:>12.1f}"
        )
    dry = result["dry_run"]
    lines.append(
        f"dry run for {dry['count']} SVEs: {dry['seconds']:.1f} s, {dry['peak_gib']:.2f} GiB"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
