"""What several test files share: runs of the workflow in folders of their own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
NAMED = ("ensemble", "experiment", "search")
JOB = re.compile(r"^ *(?:local)?rule (\w+):$|^ +wildcards: (.+)$", re.MULTILINE)


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

    def __init__(self, folder: Path, config: Path, source: Path = ROOT):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.config, self.source = folder, config, source

    def command(self, *arguments, profile="local"):
        return [
            *(sys.executable, "-m", "snakemake", "--snakefile", self.source / "Snakefile"),
            *("--configfile", self.config),
            *("--workflow-profile", self.source / f"workflow/profiles/{profile}"),
            *arguments,
        ]

    @property
    def environment(self):
        return {**os.environ, "PYTHONPATH": str(self.source / "src")}

    def snakemake(self, *arguments, check=True, **options):
        """Run Snakemake; stdout and stderr come together as text."""
        answer = subprocess.run(
            self.command(*arguments, **options),
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=self.environment,
        )
        assert not check or answer.returncode == 0, answer.stdout
        return answer

    def planned(self, *arguments):
        """Jobs that a run would execute: ``tessellate ratio4 000000-000030``, ``trial tuned 0003``, ``report``."""
        return planned_jobs(self.snakemake("--dry-run", *arguments).stdout)

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


@pytest.fixture(scope="session")
def smoke_config():
    return ROOT / "config/smoke.yaml"


@pytest.fixture
def study(tmp_path, smoke_config):
    """A smoke study that has not run yet, with a configuration of its own."""
    return Study(tmp_path / "study", smoke_config).with_config(tmp_path / "config.yaml")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, smoke_config):
    """A finished smoke study. Tests only read it; those that change something copy it."""
    study = Study(tmp_path_factory.mktemp("finished"), smoke_config)
    study.snakemake()
    return study


@pytest.fixture(scope="session")
def ensembles(tmp_path_factory):
    """Two small ensembles under all boundary conditions: ``{"ratio4": file, "ratio6": file}``."""
    from studies import RATIO4, make_ensemble

    folder = tmp_path_factory.mktemp("ensembles")
    drawn = {"ratio4": (40, RATIO4), "ratio6": (12, RATIO4.model_copy(update={"window_um": 3.0}))}
    return {
        name: make_ensemble(folder, count, ensemble=name, drawn=settings)
        for name, (count, settings) in drawn.items()
    }


@pytest.fixture(scope="session")
def small_ensemble(tmp_path_factory):
    """Ensemble file of 140 SVEs at ratio 4."""
    from studies import PERIODIC_LABELS, make_ensemble

    return make_ensemble(tmp_path_factory.mktemp("ensemble"), 140, **PERIODIC_LABELS)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory, small_ensemble):
    """Spectral network trained on the small ensemble; its inputs and history lie beside it."""
    from studies import make_model

    return make_model(tmp_path_factory.mktemp("model"), small_ensemble)
