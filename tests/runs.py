"""Runs of the workflow in folders of their own."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import served
import yaml

ROOT = Path(__file__).parents[1]
NAMED = ("ensemble", "experiment", "search", "device", "films")
JOB = re.compile(r"^ *(?:local)?rule (\w+):$|^ +wildcards: (.+)$", re.MULTILINE)

SHARDS = {
    "ratio4": ["000000-000030", "000030-000060", "000060-000080"],
    "ratio6": ["000000-000012"],
}
EXPERIMENTS = ("published", "spectral")
LABEL_STAGES = ("tessellate", "mesh", "homogenize")
ENSEMBLE_STAGES = ("assemble", "audit", "portray")
EXPERIMENT_STAGES = ("preprocess", "train", "evaluate")
STAGES = (*LABEL_STAGES, *ENSEMBLE_STAGES, *EXPERIMENT_STAGES, "compare", "report")
JOINED = {"compare", "report", "all"}


def onward(stage, ensembles=tuple(SHARDS), experiments=EXPERIMENTS, shards=None):
    """A stage and all that follows, for some ensembles, shards and experiments."""
    later = STAGES[STAGES.index(stage) :]
    jobs = {"all"} | (JOINED & set(later))
    for name in ensembles:
        for shard in (shards or SHARDS)[name]:
            jobs |= {f"{each} {name} {shard}" for each in later if each in LABEL_STAGES}
        jobs |= {f"{each} {name}" for each in later if each in ENSEMBLE_STAGES}
    for name in experiments:
        jobs |= {f"{each} {name}" for each in later if each in EXPERIMENT_STAGES}
    return jobs


class Study:
    """A folder in which the workflow runs.

    Parameters
    ----------
    folder : Path
        Working directory: results and Snakemake's records go there.
    config : Path
        Configuration file.
    source : Path
        Repository whose Snakefile, rules and package are used: this one or a copy.
    """

    served: Path | None = None
    """Folder of `served.start`; its programs stand for the real ones, for the package of this repository."""
    real_jobs = False
    """Whether jobs are programs of their own nevertheless."""

    def __init__(self, folder: Path, config: Path, source: Path = ROOT):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.config, self.source = folder, config, source
        self.programs = folder.with_name(f"{folder.name} programs")

    def arguments(self, *more, profile="local"):
        return [
            *("--snakefile", self.source / "Snakefile", "--configfile", self.config),
            *("--workflow-profile", self.source / f"workflow/profiles/{profile}"),
            *more,
        ]

    def command(self, *arguments, **options):
        return [sys.executable, "-m", "snakemake", *self.arguments(*arguments, **options)]

    @property
    def served_jobs(self):
        return self.served and self.source == ROOT and not self.real_jobs

    @property
    def environment(self):
        served = [self.served / "bin"] if self.served_jobs else []
        path = ":".join(map(str, [self.programs, *served, os.environ["PATH"]]))
        return {**os.environ, "PYTHONPATH": str(self.source / "src"), "PATH": path}

    def before(self, stage, script):
        """Run a shell script before each job of a stage."""
        self.programs.mkdir(exist_ok=True)
        program = self.programs / "polysve"
        then = self.served / "bin/polysve" if self.served_jobs else f"{sys.executable} -m polysve"
        program.write_text(
            f'#!/bin/sh\nif [ "$1" = {stage} ]; then\n{script}\nfi\nexec {then} "$@"\n'
        )
        program.chmod(0o755)

    def snakemake(self, *arguments, check=True, **options):
        """Run Snakemake; stdout and stderr come together as text."""
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "output"
            run = self.start(*arguments, output=output, **options)
            run.join()
            text = output.read_text()
        assert not check or run.exitcode == 0, text
        return subprocess.CompletedProcess(arguments, run.exitcode, text)

    def start(self, *arguments, output, profile="local"):
        """Start Snakemake; what it prints goes to a file."""
        arguments, environment = self.arguments(*arguments, profile=profile), self.environment
        if self.served_jobs and profile == "slurm":
            environment[served.PYTHON] = str(self.served / "python")
        return served.Run(self.served, arguments, self.folder, environment, output)

    def planned(self, *arguments):
        """Jobs that a run would execute: ``tessellate ratio4 000000-000030``, ``trial tuned 0003``, ``report``."""
        return planned_jobs(self.dry_run(*arguments))

    def dry_run(self, *arguments, exit_code=0):
        """What a dry run prints."""
        answer = self.snakemake(*arguments, "--dry-run", check=False)
        assert answer.returncode == exit_code, answer.stdout
        return answer.stdout

    def configure(self, changes):
        """Change some keys of the configuration; None takes a key away."""
        config = merged(yaml.safe_load(self.config.read_text()), changes)
        self.config.write_text(yaml.safe_dump(config, sort_keys=False))

    def with_config(self, file):
        """The same folder with a copy of its configuration that may be changed."""
        shutil.copy(self.config, file)
        return Study(self.folder, file, self.source)

    def with_source(self, source):
        """The same folder with the sources of another repository."""
        return Study(self.folder, self.config, source)

    def copy_to(self, folder):
        """Copy the study with all results, their times and Snakemake's records."""
        shutil.copytree(self.folder, folder)
        return Study(folder, self.config, self.source)

    def results(self):
        return sorted(file for file in (self.folder / "results").rglob("*") if file.is_file())


def merged(values, changes):
    values = dict(values)
    for key, change in changes.items():
        if change is None:
            del values[key]
        elif isinstance(change, dict):
            values[key] = merged(values.get(key, {}), change)
        else:
            values[key] = change
    return values


def planned_jobs(dry_run):
    """Jobs that Snakemake's text names."""
    jobs = []
    for rule, wildcards in JOB.findall(dry_run):
        if rule:
            jobs.append(rule)
            continue
        values = dict(pair.split("=") for pair in wildcards.split(", "))
        jobs[-1] += f" {next(values[key] for key in NAMED if key in values)}"
        if "trial" in values:
            jobs[-1] += f" {values['trial']}"
        if "start" in values:
            jobs[-1] += f" {values['start']}-{values['stop']}"
    assert len(jobs) == len(set(jobs))
    return set(jobs)
