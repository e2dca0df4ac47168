"""Results that are not what is asked for are made anew, whatever Snakemake remembers: here it remembers nothing."""

import json
import shutil

import pytest
import yaml
from runs import onward

from polysve.data import origin

pytestmark = [pytest.mark.rerun, pytest.mark.faults]


@pytest.fixture
def forgotten(finished, tmp_path):
    """The results of a finished study, with their times, but without Snakemake's hidden folder."""
    study = finished.copy_to(tmp_path / "study").with_config(tmp_path / "config.yaml")
    shutil.rmtree(study.folder / ".snakemake")
    return study


COPPER = {"c11_gpa": 168.4, "c12_gpa": 121.4, "c44_gpa": 75.4}


@pytest.mark.parametrize(
    ("changes", "expected", "word"),
    [
        ({}, set(), ""),
        ({"seed": 2}, onward("tessellate"), "tessellate: seed = 1, asked for is 2"),
        (
            {"homogenize": {"material": COPPER}},
            onward("homogenize"),
            "homogenize: material.c11_gpa = 165.64, asked for is 168.4",
        ),
        (
            {"experiments": {"spectral": {"train": {"epochs": 3}}}},
            onward("train", [], ["spectral"]),
            "train: epochs = 2, asked for is 3",
        ),
        (
            {"experiments": {"published": None}},
            {"compare", "report", "all"},
            "made from a preprocess that is not asked for",
        ),
    ],
    ids=["nothing", "seed", "material", "epochs", "an experiment less"],
)
def test_settings(forgotten, changes, expected, word):
    forgotten.configure(changes)
    assert forgotten.planned() == expected
    assert word in forgotten.dry_run()


def test_code(forgotten, tmp_path, copy_of_the_repository):
    changed = forgotten.with_source(copy_of_the_repository)
    assert changed.planned() == set()
    with (copy_of_the_repository / "src/polysve/fem/label.py").open("a") as file:
        file.write("\nA_NEW_LINE = 1\n")
    assert changed.planned() == onward("homogenize")
    assert "made by another code of homogenize: " in changed.dry_run()


def test_what_holds_no_record_is_made_anew_alone_with_what_follows(forgotten):
    shard = forgotten.folder / "results/ensembles/ratio4/stiffness/000030-000060.h5"
    shutil.copy(forgotten.config, shard)
    one = {"ratio4": ["000030-000060"], "ratio6": []}
    expected = onward("homogenize", ["ratio4"], shards=one)
    assert forgotten.planned() == expected


def test_result_of_another_ensemble_is_made_anew(forgotten):
    """A copy under another name is whole, and as old, but it is not what its name says."""
    experiments = forgotten.folder / "results/experiments"
    for file in ("model.keras", "train.provenance.json"):
        shutil.copy2(experiments / "published" / file, experiments / "spectral" / file)
    assert forgotten.planned() == onward("train", [], ["spectral"])


def test_times_alone_count_where_the_user_says_so(forgotten):
    forgotten.configure({"seed": 2})
    assert forgotten.planned("--rerun-triggers", "mtime") == set()


def test_what_was_made_anew_is_not_made_again(forgotten):
    forgotten.configure({"ensembles": {"ratio4": None}, "experiments": None, "seed": 2})
    (
        forgotten.folder / "results/study.yaml"
    ).unlink()  # or it would refuse to drop parts of a report
    forgotten.snakemake()
    assert forgotten.planned() == set()
    shutil.rmtree(forgotten.folder / ".snakemake")
    assert forgotten.planned() == set()


def test_each_result_tells_all_steps_to_it(finished):
    """What the workflow asks for is what the stages write: an order that both could change is seen here."""
    steps = origin.read(finished.folder / "results/experiments/spectral/evaluate.provenance.json")
    stages = [step.stage for step in steps]
    shard = ["tessellate", "mesh", "homogenize", "assemble"]
    assert stages[:4] == shard and stages[-3:] == ["preprocess", "train", "evaluate"]
    windows = [
        json.loads(each.settings)["window_um"] for each in steps if "window_um" in each.settings
    ]
    config = yaml.safe_load(finished.config.read_text())
    assert windows == [config["ensembles"][name]["window_um"] for name in ("ratio4", "ratio6")]
