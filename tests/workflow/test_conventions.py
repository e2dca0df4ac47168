"""What Snakemake's catalogue and its linter ask for, and the workflow as a module of another one."""

import os
import re
import subprocess
import sys

import pytest
import yaml
from runs import ROOT, Study

pytestmark = pytest.mark.workflow

RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
NAMED = re.compile(r"^        (\w+=|\*\*\{)", re.MULTILINE)


def test_every_lint_is_answered_where_the_rule_stands(tmp_path):
    """By a comment ``# lint: TITLE: reason`` in its file; an answer to nothing is none either."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--lint"]
    printed = subprocess.run(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False
    ).stderr
    found, file = set(), None
    for line in printed.splitlines():
        if match := re.match(r"Lints for .*?(/.*?)\)?:$", line):
            file = match[1]
        elif match := re.match(r"    \* (.*):$", line):
            found.add((file, match[1]))
    answered = {
        (str(each), answer)
        for each in RULES
        for answer in re.findall(r"# lint: (.*?): \S", each.read_text())
    }
    assert found == answered, printed


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_inputs_and_outputs_have_names(file):
    for section in re.findall(
        r"^    (?:input|output):\n((?:        .*\n)+)", file.read_text(), re.M
    ):
        entries = [line for line in section.splitlines() if re.match(r" {8}[\w*]", line)]
        assert entries
        for line in entries:
            assert NAMED.match(line), line


def test_catalogue_entry_and_configuration_page_name_what_is_there():
    entry = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())
    assert entry["usage"]["software-stack-deployment"]["conda"] is True
    page = (ROOT / "config/README.md").read_text()
    for file in (ROOT / "config").glob("*.yaml"):
        results = yaml.safe_load(file.read_text()).get("results", "results")
        assert re.search(rf"`{file.name}` \|.*\| `{results}/` \|", page)


def test_profiles_override_what_rules_ask_for(study):
    printed = study.dry_run("--set-resources", "tessellate:mem_mb=1234", "tessellate:runtime=77")
    (text,) = {
        line.strip()
        for block in printed.split("rule ")
        if block.startswith("tessellate")
        for line in block.splitlines()
        if "resources:" in line
    }
    assert "mem_mb=1234" in text and "runtime=77" in text


def test_a_look_at_a_finished_study_loads_no_pandas(finished):
    start = [sys.executable, "-X", "importtime", ROOT / "workflow/start.py"]
    answer = subprocess.run(
        [*start, *finished.arguments("--dry-run", "--nolock")],
        cwd=finished.folder,
        env=finished.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Nothing to be done" in answer.stdout + answer.stderr
    assert "snakemake_executor_plugin_slurm" in answer.stderr
    assert "pandas.core" not in answer.stderr


MODULE = """
module polysve:
    snakefile: "{clone}/Snakefile"
    config: {config}

use rule * from polysve exclude all as polysve_*

rule mine:
    input: "theirs/ensembles/ratio6.h5"
    output: "mine.txt"
    default_target: True
    shell: "polysve check {{input}} > {{output}}"
"""
ONE_ENSEMBLE = {
    "results": "theirs",
    "ensembles": {"ratio6": {"window_um": 3.0, "grain_size_um": 0.5, "count": 4}},
}


def test_another_workflow_uses_it_as_a_module(copy_of_the_repository, tmp_path):
    """From a clone in a path with a space, in a folder elsewhere, under names of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    text = MODULE.format(clone=copy_of_the_repository, config=ONE_ENSEMBLE)
    (folder / "Snakefile").write_text(text)
    other = Study(folder, None, copy_of_the_repository)
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    answer = subprocess.run(
        command, cwd=folder, env=other.environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "rule polysve_homogenize" in answer.stderr
    assert "whole and right" in (folder / "mine.txt").read_text()
    assert {each.name for each in folder.iterdir()} == {
        "Snakefile",
        "theirs",
        "mine.txt",
        ".snakemake",
    }


@pytest.mark.faults
def test_a_clone_in_a_path_with_a_space_runs(study, copy_of_the_repository):
    clone = study.with_source(copy_of_the_repository)
    target = "results/ensembles/ratio6/tessellations/000000-000012.h5"
    clone.snakemake(target)
    assert (clone.folder / target).exists()


APPTAINER = """#!/bin/bash
# stands for the program: sees whether the image is there, and runs nothing
if [[ $1 == --version ]]; then echo "apptainer version 1.3.0"; exit; fi
for word in "$@"; do if [[ $word == *.sif ]]; then [[ -f $word ]] && echo "$word" >> "$IMAGES"; fi; done
exit 3
"""


@pytest.mark.faults
def test_an_image_in_a_path_with_a_space_is_found_from_another_folder(
    study, copy_of_the_repository, tmp_path, monkeypatch
):
    clone = study.with_source(copy_of_the_repository)
    (copy_of_the_repository / "polysve.sif").touch()
    program = tmp_path / "bin/apptainer"
    program.parent.mkdir()
    program.write_text(APPTAINER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("IMAGES", str(tmp_path / "images"))
    target = "results/ensembles/ratio6/tessellations/000000-000012.h5"
    answer = clone.snakemake(target, "--sdm", "apptainer", "--retries", "0", check=False)
    assert "Error in rule tessellate" in answer.stdout
    assert (tmp_path / "images").read_text() == ".snakemake/polysve.sif\n"
