"""A folder holds one study: another one does not replace its report without a word."""

import os
import re

import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.faults]


@pytest.fixture
def copied(finished, tmp_path):
    return finished.copy_to(tmp_path / "study")


def test_the_folder_keeps_the_study_that_its_report_shows(copied):
    kept = copied.folder / "results/study.yaml"
    assert "# Made by " in kept.read_text() and "smoke.yaml\n" in kept.read_text()
    copied.config = kept
    assert copied.planned() == set()


def test_study_that_would_drop_parts_of_the_report_is_refused(copied, tmp_path):
    other = copied.with_config(tmp_path / "other.yaml")
    other.configure({"experiments": {"published": None}, "seed": 2})
    before = {file: file.stat().st_mtime_ns for file in other.results()}
    answer = other.snakemake(check=False)
    assert answer.returncode == 2
    (line,) = [each for each in answer.stdout.splitlines() if "holds the study of" in each]
    for word in (
        "smoke.yaml",
        "its report would lose published",
        "results: results/",
        "other.yaml",
    ):
        assert word in line
    assert {file: file.stat().st_mtime_ns for file in other.results()} == before
    assert "its report would lose published" in other.dry_run()
    (other.folder / "results/study.yaml").unlink()
    assert "holds the study of" not in other.dry_run()


def test_another_file_with_the_same_parts_is_named_and_goes_on(copied, tmp_path):
    other = copied.with_config(tmp_path / "other.yaml")
    other.configure({"label_pixels": 64})
    (line,) = [each for each in other.dry_run().splitlines() if "holds the study of" in each]
    assert "smoke.yaml" in line and "what differs is made anew in its place" in line
    answer = other.snakemake("results/ensembles/ratio6.h5")
    assert "what differs is made anew in its place" in answer.stdout


def test_the_same_file_may_change_as_it_likes(copied, tmp_path):
    own = copied.with_config(tmp_path / "own.yaml")
    own.configure({"experiments": {"published": None}, "ensembles": {"ratio6": {"count": 10}}})
    kept = own.folder / "results/study.yaml"
    relative = os.path.relpath(own.config.resolve(), own.folder.resolve())
    kept.write_text(re.sub("# Made by .*", f"# Made by {relative}", kept.read_text()))
    assert "holds the study of" not in own.dry_run()
