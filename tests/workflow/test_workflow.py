"""The workflow: its rules, its refusals, and a real run from end to end."""

import csv
import json
import os
import re
import shutil
from pathlib import Path

import h5py
import pytest
import yaml
from runs import planned_jobs

from polysve.data.checking import faults_in

pytestmark = pytest.mark.workflow

ROOT = Path(__file__).parents[2]

RULES = {
    *("tessellate", "mesh", "homogenize", "assemble", "preprocess", "train", "evaluate"),
    *("audit", "portray", "compare", "report", "all"),
}


def test_rules_of_every_stage_enter_the_graph(study):
    assert {job.split()[0] for job in study.planned()} == RULES


def test_jobs_are_shards_not_sves(study):
    planned = study.planned()
    assert {job for job in planned if job.startswith("tessellate ratio4")} == {
        "tessellate ratio4 000000-000030",
        "tessellate ratio4 000030-000060",
        "tessellate ratio4 000060-000080",
    }
    assert "tessellate ratio6 000000-000012" in planned


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": -1}, ["seed = -1", "greater than or equal to 0"]),
        ({"sed": 1}, ["sed", "unknown key", "allowed", "shard_grains"]),
        ({"ensembles": {"ratio4": {"count": 0}}}, ["ensembles.ratio4.count = 0"]),
        ({"ensembles": {"ratio4": {"window_um": -2.0}}}, ["ensembles.ratio4.window_um = -2.0"]),
        ({"ensembles": {"ratio4": {"spacing_fraction": 0.9}}}, ["spacing_fraction = 0.9", "0.75"]),
        ({"ensembles": {"Ratio 4": {"window_um": 2, "grain_size_um": 1, "count": 1}}}, ["Ratio 4"]),
        ({"homogenize": {"material": {"c12_gpa": 200.0}}}, ["c12_gpa = 200", "positive definite"]),
        ({"experiments": {"spectral": {"test_ensembles": ["ratio9"]}}}, ["ratio9", "ratio6"]),
        ({"experiments": {"spectral": {"train": {"batch_size": "half"}}}}, ["batch_size", "half"]),
        (
            {"searches": {"tuned": {"experiment": "spectral", "space": {"train.epochs": [0, 9]}}}},
            ["searches.tuned.space: train.epochs = 0", "greater than or equal to 1"],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_stops_before_any_job(study, changes, words):
    study.configure(changes)
    answer = study.snakemake(check=False)
    assert answer.returncode != 0
    lines = [line for line in answer.stdout.splitlines() if "workflow specific profile" not in line]
    assert len(lines) == 1, answer.stdout
    for word in words:
        assert word in lines[0]
    assert not (study.folder / "results").exists()


def test_users_configuration_stands_alone(study):
    """Snakemake would unite it with config/config.yaml, whose ratio10 it does not name."""
    assert not any("ratio10" in job for job in study.planned())


def test_single_keys_can_be_set_on_the_command_line(study):
    printed = study.dry_run("--printshellcmds", "--config", "seed=7")
    assert '"seed":7,"size_scatter"' in printed


def test_seeds_of_an_experiment_are_experiments(study):
    study.configure({"experiments": {"published": {"seeds": 3}}})
    printed = study.dry_run("--printshellcmds")
    trained = {job for job in planned_jobs(printed) if job.startswith("train")}
    names = ("published_1", "published_2", "published_3", "spectral")
    assert trained == {f"train {name}" for name in names}
    for seed in (1, 2, 3):
        assert f'"seed":{seed}' in line_with(printed, f"published_{seed}/model")
    study.configure({"experiments": {"published_2": {"train_ensembles": ["ratio4"]}}})
    assert "makes a second published_2" in study.dry_run(exit_code=2)


def line_with(text, word):
    (line,) = [line for line in text.splitlines() if "polysve train" in line and word in line]
    return line


def test_results_lie_in_the_folder_that_the_study_names(study):
    study.configure({"results": "elsewhere/mine"})
    printed = study.dry_run()
    assert "output: elsewhere/mine/report.html" in printed
    assert " results/" not in printed
    study.configure({"results": "two words"})
    assert "results = 'two words'" in study.dry_run(exit_code=2)


def test_run_makes_what_the_design_promises(finished):
    results = finished.folder / "results"
    config = yaml.safe_load(finished.config.read_text())
    for name, ensemble in config["ensembles"].items():
        file = results / f"ensembles/{name}.h5"
        assert faults_in(file) == []
        with h5py.File(file) as opened:
            assert list(opened["index"]) == list(range(ensemble["count"]))
    for name, experiment in config["experiments"].items():
        metrics = json.loads((results / f"experiments/{name}/metrics.json").read_text())
        assert metrics["experiment"] == name
        named = {*experiment["train_ensembles"], *experiment["test_ensembles"]}
        assert set(metrics["ensembles"]) == named
        for ensemble in named:
            assert (results / f"experiments/{name}/predictions/{ensemble}.csv").stat().st_size
    rows = list(csv.DictReader((results / "comparison.csv").open()))
    rows = [row for row in rows if row["method"] == "network"]
    assert {(row["experiment"], row["ensemble"]) for row in rows} == {
        (name, ensemble) for name in config["experiments"] for ensemble in config["ensembles"]
    }
    for row in rows:
        file = results / f"experiments/{row['experiment']}/metrics.json"
        told = json.loads(file.read_text())["ensembles"][row["ensemble"]]
        assert float(row["r2"]) == pytest.approx(told["r2"], rel=1e-4)


def test_second_run_executes_nothing(finished):
    before = {file: file.stat().st_mtime_ns for file in finished.results()}
    answer = finished.snakemake()
    assert "Nothing to be done" in answer.stdout
    assert {file: file.stat().st_mtime_ns for file in finished.results()} == before


def test_a_finished_run_can_be_moved(finished, tmp_path):
    """Paths are relative, so another working directory is the same run."""
    moved = finished.copy_to(tmp_path / "a folder with spaces")
    assert moved.planned() == set()


def test_runs_from_another_working_directory(finished, study, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    os.chdir(tmp_path / "elsewhere")
    study.snakemake("--directory", study.folder, "results/ensembles/ratio6.h5")
    made = study.folder / "results/ensembles/ratio6.h5"
    assert made.read_bytes() == (finished.folder / "results/ensembles/ratio6.h5").read_bytes()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_log_of_a_failing_stage_reaches_the_eyes(finished, tmp_path):
    study = finished.copy_to(tmp_path / "study")
    inputs = study.folder / "results/experiments/spectral/inputs.h5"
    shutil.copy(study.config, inputs)
    answer = study.snakemake("--rerun-triggers", "mtime", "--forcerun", "train", check=False)
    assert answer.returncode != 0
    assert f"polysve: {inputs.relative_to(study.folder)}" in answer.stdout


@pytest.mark.parametrize(
    "file", sorted((ROOT / "workflow/rules").glob("*.smk")), ids=lambda file: file.stem
)
def test_rules_say_what_they_need(file):
    """Docstring, log, benchmark, threads, memory and time; the stages of a study also their environment."""
    for rule in re.split(r"^rule ", file.read_text(), flags=re.MULTILINE)[1:]:
        for word in (
            '    """',
            "    log:",
            "    benchmark:",
            "    threads:",
            "mem_mb=",
            "runtime=",
        ):
            assert word in rule
        if "polysve " in rule:
            assert '    conda:\n        "../../envs/environment.yaml"' in rule
