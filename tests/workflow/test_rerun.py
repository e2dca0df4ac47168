"""Which jobs run again after which change: exactly those that depend on it."""

import json
import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from command import polysve
from runs import JOINED, onward
from threadpoolctl import threadpool_info, threadpool_limits

from polysve.data import records

pytestmark = pytest.mark.rerun

ROOT = Path(__file__).parents[2]


def spectral(**changes):
    return {"experiments": {"spectral": changes}}


def tuned(**changes):
    return {"searches": {"tuned": changes}}


NEW_SHARDS = {"ratio4": ["000060-000090", "000090-000110"]}
LARGER_SHARDS = {"ratio4": ["000000-000060"], "ratio6": []}
AUDITS = {"audit ratio4", "audit ratio6", "report", "all"}
COPY = {"train_ensembles": ["ratio6"], "train": {"network": {"architecture": "mlp"}, "epochs": 1}}

SETTINGS = {
    "nothing": ({}, set()),
    "keys in another order": ("reversed", set()),
    "a default spelled out": ({"homogenize": {"element_order": 3}}, set()),
    "meshes kept no more": ({"keep_meshes": False}, set()),
    "grains in a shard, same shards": ({"shard_grains": 490}, set()),
    "seed": ({"seed": 2}, onward("tessellate")),
    "spacing of generators": (
        {"ensembles": {"ratio4": {"spacing_fraction": 0.4}}},
        onward("tessellate", ["ratio4"]),
    ),
    "window": ({"ensembles": {"ratio6": {"window_um": 3.1}}}, onward("tessellate", ["ratio6"])),
    "periodic": ({"ensembles": {"ratio6": {"periodic": True}}}, onward("tessellate", ["ratio6"])),
    "element size": ({"mesh": {"element_size_fraction": 0.5}}, onward("mesh")),
    "mesh algorithm": ({"mesh": {"algorithm": "gmsh"}}, onward("mesh")),
    "boundary conditions": (
        {"homogenize": {"boundary_conditions": ["kubc", "pbc"]}},
        onward("homogenize"),
    ),
    "element order": ({"homogenize": {"element_order": 2}}, onward("homogenize")),
    "material": ({"homogenize": {"material": {"c44_gpa": 80.0}}}, onward("homogenize")),
    # the angles of two crystals in one experiment are refused, so both ensembles change
    "material of the ensembles": (
        {"ensembles": {name: {"material": {"c44_gpa": 80.0}} for name in ("ratio4", "ratio6")}},
        onward("homogenize"),
    ),
    "pixels of label images": ({"label_pixels": 64}, onward("assemble")),
    "failures allowed": ({"max_failed_fraction": 0.5}, onward("assemble")),
    "more SVEs": (
        {"ensembles": {"ratio4": {"count": 110}}},
        onward("tessellate", ["ratio4"], shards=NEW_SHARDS),
    ),
    "fewer SVEs": ({"ensembles": {"ratio4": {"count": 60}}}, onward("assemble", ["ratio4"])),
    # other shards are other files; those that both sizes have in common stay
    "grains in a shard": ({"shard_grains": 960}, onward("tessellate", shards=LARGER_SHARDS)),
    "size of the audit": ({"audit": {"count": 3}}, AUDITS),
    "tolerance of the audit": ({"audit": {"tolerance": 1e-3}}, AUDITS),
    "no audit": ({"audit": {"count": 0}}, {"report", "all"}),
    "median passes": (
        {"experiments": {"published": {"preprocess": {"median_passes": 4}}}},
        onward("preprocess", [], ["published"]),
    ),
    "pixels": (spectral(preprocess={"pixels": 16}), onward("preprocess", [], ["spectral"])),
    "augmentation": (
        spectral(preprocess={"augmentation": "consistent"}),
        onward("preprocess", [], ["spectral"]),
    ),
    "validation share": (
        spectral(preprocess={"validation_fraction": 0.2}),
        onward("preprocess", [], ["spectral"]),
    ),
    "size of the training set": (
        spectral(preprocess={"train_count": 20}),
        onward("preprocess", [], ["spectral"]),
    ),
    "label": (
        spectral(preprocess={"boundary_condition": "kubc"}),
        onward("preprocess", [], ["spectral"]),
    ),
    "test ensembles": (spectral(test_ensembles=[]), onward("preprocess", [], ["spectral"])),
    "learning rate": (
        spectral(train={"optimizer": {"learning_rate": 0.01}}),
        onward("train", [], ["spectral"]),
    ),
    "epochs": (spectral(train={"epochs": 3}), onward("train", [], ["spectral"])),
    "batch size": (spectral(train={"batch_size": 16}), onward("train", [], ["spectral"])),
    "seed of training": (spectral(train={"seed": 2}), onward("train", [], ["spectral"])),
    "filters": (
        {"experiments": {"published": {"train": {"network": {"filters": [4]}}}}},
        onward("train", [], ["published"]),
    ),
    "bootstrap samples": (
        spectral(evaluate={"bootstrap_samples": 30}),
        onward("evaluate", [], ["spectral"]),
    ),
    "a new experiment": (
        {"experiments": {"other": COPY}},
        onward("preprocess", [], ["other"]),
    ),
    "an experiment less": ({"experiments": {"published": None}}, JOINED),
    "a new ensemble": (
        {"ensembles": {"ratio2": {"window_um": 1.0, "grain_size_um": 0.5, "count": 20}}},
        onward("tessellate", ["ratio2"], [], {"ratio2": ["000000-000020"]}) - {"compare"},
    ),
}

PACKAGE = "src/polysve"
CODE_LINE = "\nA_NEW_LINE = 1\n"
SOURCE = {
    "a comment": (f"{PACKAGE}/fem/label.py", "\n# a comment\n", set()),
    "blank lines": (f"{PACKAGE}/grains/tessellation.py", "\n\n\n", set()),
    # the number of grains is computed there
    "tessellation": (
        f"{PACKAGE}/grains/tessellation.py",
        CODE_LINE,
        onward("tessellate"),
    ),
    "meshing": (f"{PACKAGE}/fem/fan_mesh.py", CODE_LINE, onward("mesh")),
    "elements": (f"{PACKAGE}/fem/elements.py", CODE_LINE, onward("homogenize")),
    "label": (f"{PACKAGE}/fem/label.py", CODE_LINE, onward("homogenize")),
    "audit": (f"{PACKAGE}/fem/audit.py", CODE_LINE, AUDITS),
    "assemble": (f"{PACKAGE}/stages/assemble.py", CODE_LINE, onward("assemble")),
    "preprocess": (f"{PACKAGE}/stages/preprocess.py", CODE_LINE, onward("preprocess", [])),
    # the size of the images is computed there
    "plan of an experiment": (
        f"{PACKAGE}/learning/plan.py",
        CODE_LINE,
        onward("preprocess", []),
    ),
    "networks": (f"{PACKAGE}/networks/architectures.py", CODE_LINE, onward("train", [])),
    "figures of experiments": (
        f"{PACKAGE}/figures/experiments.py",
        CODE_LINE,
        onward("evaluate", []),
    ),
    "style of figures": (
        f"{PACKAGE}/figures/style.py",
        CODE_LINE,
        onward("evaluate", []) | {"portray ratio4", "portray ratio6"},
    ),
    "compare": (f"{PACKAGE}/stages/compare.py", CODE_LINE, JOINED),
    "charts of the report": (f"{PACKAGE}/figures/charts.py", CODE_LINE, {"report", "all"}),
    "style of the report": (f"{PACKAGE}/figures/report/report.css", "\np {}\n", {"report", "all"}),
    "command line": (f"{PACKAGE}/cli.py", CODE_LINE, set()),
    "settings": (f"{PACKAGE}/settings/labels.py", CODE_LINE, set()),
    "study": (f"{PACKAGE}/settings/study.py", CODE_LINE, set()),
    "progress bars": (f"{PACKAGE}/base/progress.py", CODE_LINE, set()),
    "atomic files": (f"{PACKAGE}/base/files.py", CODE_LINE, set()),
    "records": (f"{PACKAGE}/data/records.py", CODE_LINE, set()),
    "readers of films": (f"{PACKAGE}/films/ebsd.py", CODE_LINE, set()),
    "beams": (f"{PACKAGE}/device/beam.py", CODE_LINE, set()),
    # versions are recorded in every result, but a new one makes nothing again: see docs/scaling.md
    "a version in the lock": ("requirements.lock", "\nnumpy==99.0\n", set()),
    "text of the documentation": ("docs/scaling.md", "\nMore.\n", set()),
    "a comment in a rule file": ("workflow/rules/mesh.smk", "\n# a comment\n", set()),
}


@pytest.mark.parametrize(("changes", "expected"), SETTINGS.values(), ids=SETTINGS)
def test_settings(finished, tmp_path, changes, expected):
    study = finished.with_config(tmp_path / "changed.yaml")
    if changes == "reversed":
        config = backwards(yaml.safe_load(finished.config.read_text()))
        study.config.write_text(yaml.safe_dump(config, sort_keys=False))
    else:
        study.configure(changes)
    assert study.planned() == expected


def backwards(values):
    if isinstance(values, dict):
        return {key: backwards(values[key]) for key in reversed(values)}
    return values


@pytest.fixture
def copied(finished, copy_of_the_repository):
    """The finished study with a copy of the repository's sources that a test may change."""
    return finished.with_source(copy_of_the_repository)


def test_a_copy_of_the_repository_runs_nothing(copied):
    assert copied.planned() == set()


@pytest.mark.parametrize(("file", "added", "expected"), SOURCE.values(), ids=SOURCE)
def test_source(copied, file, added, expected):
    with open(copied.source / file, "a") as opened:
        opened.write(added)
    assert copied.planned() == expected


SEARCH = {
    "experiment": "spectral",
    "trials": 2,
    "space": {"preprocess.pixels": [16, 32], "train.network.l2": {"low": 0.0, "high": 0.1}},
}
OUTCOME = {"search tuned", "report", "all"}
TRIALS = {"trial tuned 0000", "trial tuned 0001"} | OUTCOME
SEARCHES = {
    "nothing": ({}, set()),
    "space of the search": (tuned(space={"preprocess.pixels": [16, 24]}), TRIALS),
    "more trials": (tuned(trials=4), {"trial tuned 0002", "trial tuned 0003"} | OUTCOME),
    "fewer trials": (tuned(trials=1), OUTCOME),
    "experiment of the search": (tuned(experiment="published"), TRIALS),
    "recipe of its experiment": (
        spectral(train={"epochs": 3}),
        TRIALS | onward("train", [], ["spectral"]),
    ),
    "judgement of its experiment": (
        spectral(evaluate={"bootstrap_samples": 30}),
        OUTCOME | onward("evaluate", [], ["spectral"]),
    ),
    "another experiment": (
        {"experiments": {"published": {"train": {"epochs": 3}}}},
        onward("train", [], ["published"]),
    ),
    "training ensemble": (
        {"ensembles": {"ratio4": {"count": 60}}},
        TRIALS | onward("assemble", ["ratio4"]),
    ),
    "test ensemble": ({"ensembles": {"ratio6": {"count": 10}}}, None),
    "no search": ({"searches": None}, {"report", "all"}),
}


@pytest.fixture(scope="module")
def searched(finished, tmp_path_factory):
    """The finished study with a finished search."""
    folder = tmp_path_factory.mktemp("searched")
    study = finished.copy_to(folder / "study").with_config(folder / "config.yaml")
    study.configure({"searches": {"tuned": SEARCH}})
    assert study.planned() == TRIALS
    study.snakemake()
    return study


@pytest.mark.parametrize(("changes", "expected"), SEARCHES.values(), ids=SEARCHES)
def test_search(searched, tmp_path, changes, expected):
    study = searched.with_config(tmp_path / "changed.yaml")
    study.configure(changes)
    planned = study.planned()
    if expected is None:
        assert "assemble ratio6" in planned
        assert not {job for job in planned if job.split()[0] in ("trial", "search")}
    else:
        assert planned == expected


def test_search_is_in_the_report_and_its_best_trial_can_be_made_again(searched, tmp_path):
    searched = searched.copy_to(tmp_path / "study")
    page = (searched.folder / "results/report.html").read_text()
    for words in (
        "tuned: the best 2 of 2 trials",
        "<b>history</b>",
        "<b>importance</b>",
        "tuned_best:",
    ):
        assert words in page
    folder = searched.folder / "results/searches/tuned"
    rows = (folder / "trials.csv").read_text().splitlines()
    assert {row.split(",")[0] for row in rows} == {"trial", "0", "1"}
    record = records.read_record(folder / "best.yaml")
    best = record["made_from"][0]
    assert best["stage"] == "trial" and best["made_from"][0]["stage"] == "assemble"
    number = int(rows[1].split(",")[0])
    before = json.loads((folder / f"trials/{number:04d}.json").read_text())
    run(best["command"], searched.folder)
    after = json.loads((folder / f"trials/{number:04d}.json").read_text())
    assert after["order"] == 2
    assert {**after, "order": 0, "seconds": 0} == {**before, "order": 0, "seconds": 0}


def test_a_docstring_runs_nothing(copied):
    file = copied.source / "src/polysve/fem/label.py"
    text = file.read_text()
    assert text.startswith('"""')
    file.write_text(text.replace('"""', '"""Other words. ', 1))
    assert copied.planned() == set()


def test_the_command_of_a_rule_runs_it_again(copied):
    file = copied.source / "workflow/rules/train.smk"
    text = file.read_text()
    assert "polysve train " in text
    file.write_text(text.replace("polysve train ", "nice polysve train "))
    assert copied.planned() == onward("train", [])


def test_meshes_that_are_not_kept_leave_and_are_made_again_for_another_material(study):
    study.configure({"keep_meshes": False, "experiments": None})
    study.configure({"ensembles": {"ratio4": None}})
    study.snakemake()
    assert not (study.folder / "results/ensembles/ratio6/meshes").exists()
    assert study.planned() == set()
    study.configure({"mesh": {"element_size_fraction": 0.5}})
    wanted = {"mesh ratio6 000000-000012", "homogenize ratio6 000000-000012", "assemble ratio6"}
    assert study.planned() == wanted | {"audit ratio6", "portray ratio6", "report", "all"}
    study.configure({"mesh": None, "homogenize": {"material": {"c44_gpa": 80.0}}})
    assert study.planned() == wanted | {"audit ratio6", "portray ratio6", "report", "all"}


def test_shard_size_changes_no_number(finished, study):
    study.configure({"shard_grains": 160})
    study.snakemake("results/ensembles/ratio6.h5")
    assert len(list((study.folder / "results/ensembles/ratio6/stiffness").iterdir())) == 3
    files = [each.folder / "results/ensembles/ratio6.h5" for each in (finished, study)]
    with h5py.File(files[0]) as one, h5py.File(files[1]) as other:
        names = []
        one.visititems(lambda name, item: names.append(name) if hasattr(item, "dtype") else None)
        assert "stiffness/pbc" in names
        for name in names:
            assert np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f")


def test_a_result_made_again_by_its_record_is_the_same(finished, tmp_path):
    """The record of metrics.json alone holds all commands down to the grains; two threads compute the same as one."""
    file = "results/experiments/spectral/metrics.json"
    answer = polysve("provenance", file, cwd=finished.folder)
    assert answer.returncode == 0, answer.stderr
    with threadpool_limits(2):
        # some libraries stay at the one thread that they were loaded with
        assert 2 in {pool["num_threads"] for pool in threadpool_info()}
        repeat(json.loads(answer.stdout), tmp_path)
    for file in ("ensembles/ratio4.h5", "ensembles/ratio6.h5", "experiments/spectral/inputs.h5"):
        made = (tmp_path / "results" / file).read_bytes()
        assert made == (finished.folder / "results" / file).read_bytes()
    one, other = (
        json.loads((folder / "results/experiments/spectral/metrics.json").read_text())
        for folder in (finished.folder, tmp_path)
    )
    for name, values in one["ensembles"].items():
        assert other["ensembles"][name] == pytest.approx(values)


def repeat(record, folder):
    """Run the commands of a record in an empty folder, earliest first; a shard's stand for those of all shards."""
    for each in record["made_from"]:
        if record["stage"] == "assemble":
            for start, stop in ranges(record["settings"]):
                repeat_shard(each, folder, start, stop)
        else:
            repeat(each, folder)
    run(record["command"], folder)


def ranges(settings):
    count, size = settings["count"], settings["shard_size"]
    return [(f"{a:06d}", f"{min(a + size, count):06d}") for a in range(0, count, size)]


def repeat_shard(record, folder, start, stop):
    for each in record["made_from"]:
        repeat_shard(each, folder, start, stop)
    first = next(part for part in shlex.split(record["command"]) if part.endswith(".h5"))
    old_start, old_stop = first[: -len(".h5")].rsplit("/")[-1].split("-")
    command = record["command"].replace(f"{old_start}-{old_stop}", f"{start}-{stop}")
    command = command.replace(
        f"--start {old_start} --stop {old_stop}", f"--start {start} --stop {stop}"
    )
    run(command, folder)


def run(command, folder):
    name, *arguments = shlex.split(command)
    assert name == "polysve"
    answer = polysve(*arguments, cwd=folder)
    assert answer.returncode == 0, answer.stderr
