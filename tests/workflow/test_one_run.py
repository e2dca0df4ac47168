"""One run at a time in a folder, from any machine that shares it."""

import json
import os
import socket
import subprocess
import sys

import pytest
from runs import ROOT

pytestmark = pytest.mark.faults

HOLD = """
import sys
sys.path.insert(0, sys.argv[1])
import one_run
from pathlib import Path
print(one_run.hold(Path("run.lock")), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path):
    """Start processes that take the folder and keep it until their input ends; return them with what each said."""
    started = []

    def start(count):
        command = [sys.executable, "-c", HOLD, str(ROOT / "workflow")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        new = [subprocess.Popen(command, cwd=tmp_path, **pipes) for _ in range(count)]
        started.extend(new)
        return [(process, process.stdout.readline().strip()) for process in new]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_second_is_told_who_is_at_work_and_gets_the_folder_when_the_first_ends(hold, tmp_path):
    [(first, answer)] = hold(1)
    assert answer == "None"
    [(_, refusal)] = hold(1)
    assert refusal.startswith(f"another run is at work in {tmp_path}: process {first.pid} on ")
    first.communicate()
    assert not (tmp_path / "run.lock").exists()
    assert hold(1)[0][1] == "None"


def test_folder_of_a_killed_run_is_taken_over(hold, tmp_path):
    [(first, _)] = hold(1)
    first.kill()
    first.wait()
    assert (tmp_path / "run.lock").exists()
    [(second, answer)] = hold(1)
    assert answer == "None"
    assert json.loads((tmp_path / "run.lock").read_text())["process"] == second.pid


def test_dead_process_whose_number_another_one_has_is_taken_over(hold, tmp_path):
    owner = {"host": socket.gethostname(), "process": os.getpid(), "started": "today"}
    (tmp_path / "run.lock").write_text(json.dumps(owner))
    assert hold(1)[0][1] == "None"


@pytest.mark.parametrize("content", ['{"host": "n7", "process": 1, "started": "today"}', ""])
def test_run_of_another_machine_or_of_nobody_known_is_not_taken_over(hold, tmp_path, content):
    (tmp_path / "run.lock").write_text(content)
    [(_, refusal)] = hold(1)
    assert ("process 1 on n7, since today" if content else "an unknown process") in refusal
    assert (tmp_path / "run.lock").read_text() == content


def test_only_one_of_many_at_once_gets_the_folder(hold):
    answers = [answer for _, answer in hold(8)]
    assert answers.count("None") == 1


def test_workflow_refuses_until_it_is_unlocked_and_dry_runs_do_not_care(study):
    lock = study.folder / ".snakemake/run.lock"
    lock.parent.mkdir()
    lock.write_text('{"host": "n7", "process": 1, "started": "today"}')
    target = "results/ensembles/ratio6/tessellations/000000-000012.h5"
    assert "tessellate" in study.dry_run(target)
    answer = study.snakemake(target, check=False)
    assert answer.returncode == 2
    assert "process 1 on n7, since today" in answer.stdout and "--unlock" in answer.stdout
    assert not (study.folder / target).exists()
    study.snakemake("--unlock")
    study.snakemake(target)
    assert (study.folder / target).exists() and not lock.exists()
