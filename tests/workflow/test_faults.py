"""Killed runs, full disks, read-only folders, two runs at once, flipped bytes: nothing wrong is ever kept."""

import csv
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from command import polysve
from runs import Study

from polysve.data.checking import faults_in
from polysve.data.seal import HEAD_BYTES

pytestmark = pytest.mark.faults

KILLED = {"mesh": 0.5, "assemble": 1, "train": 4, "evaluate": 8}
"""In a job of which stage a run is killed, and how many seconds after its start at most."""
MISSING = (
    *("comparison.csv", "report.html", "study.yaml", "experiments/*"),
    *("ensembles/*.h5", "ensembles/ratio6", "ensembles/ratio4/*/000060-000080.h5"),
)
"""What a run has not made yet when it is killed for the first time."""
FLIPS = 200
SHARD = "results/ensembles/ratio6/tessellations/000000-000012.h5"
ENSEMBLES = ("results/ensembles/ratio4.h5", "results/ensembles/ratio6.h5")


@pytest.fixture
def real_jobs(monkeypatch):
    """Jobs that are processes of their own: how they end on such a disk is what is tested."""
    monkeypatch.setattr(Study, "real_jobs", True)


def start(study, *arguments):
    return subprocess.Popen(
        study.command(*arguments),
        cwd=study.folder,
        env=study.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def at_work_in(folder):
    """Processes whose working directory is a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def kill(process, folder):
    """End a run at once with all its jobs, as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    while left := at_work_in(folder):
        for each in left:
            os.kill(each, signal.SIGKILL)
        time.sleep(0.05)


def assert_all_whole(folder):
    """Each file that stands under the name of a result is a whole one."""
    results = folder / "results"
    for file in results.rglob("*"):
        parts = file.relative_to(results).parts
        hidden = any(part.startswith(".") for part in parts)
        if hidden or not file.is_file() or parts[0] in ("logs", "benchmarks"):
            continue
        if file.suffix == ".h5":
            assert faults_in(file) == []
        elif file.suffix == ".json":
            json.loads(file.read_text())
        elif file.suffix == ".csv":
            rows = list(csv.reader(file.open()))
            assert len({len(row) for row in rows}) == 1
        elif file.suffix in (".svg", ".html"):
            assert file.read_text().rstrip().endswith((">", "</svg>", "</html>"))


def same_ensembles(study, finished, files=ENSEMBLES):
    for file in files:
        assert (study.folder / file).read_bytes() == (finished.folder / file).read_bytes()


def metrics(folder, experiment):
    return json.loads((folder / f"results/experiments/{experiment}/metrics.json").read_text())


def wait_for(mark, process):
    """Wait until a job of a run has made a file."""
    while not mark.exists():
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)


def test_killed_at_random_moments_it_ends_with_the_same_results(finished, tmp_path):
    """Once in a job of each kind: one of many, one that joins them, one that learns, one that writes many files."""
    study = finished.copy_to(tmp_path / "study").with_config(tmp_path / "config.yaml")
    study.configure({"experiments": {"published": None}, "audit": {"count": 0}})
    results = study.folder / "results"
    for part in MISSING:
        for each in results.glob(part):
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    moments = random.Random(1)
    for stage, seconds in KILLED.items():
        mark = tmp_path / stage
        study.before(stage, f"touch '{mark}'")
        process = start(study)
        wait_for(mark, process)
        time.sleep(moments.uniform(0, seconds))
        kill(process, study.folder)
        assert_all_whole(study.folder)
    study.snakemake()
    assert_all_whole(study.folder)
    same_ensembles(study, finished)
    told, expected = (metrics(each.folder, "spectral") for each in (study, finished))
    assert told["ensembles"] == expected["ensembles"]
    leftovers = [
        file
        for pattern in (".*", "*checkpoint*")
        for file in (study.folder / "results").rglob(pattern)
        if file.name != ".snakemake_timestamp"
    ]
    assert leftovers == []


def test_second_run_in_a_folder_is_refused(study, finished, tmp_path):
    """While the first one's job waits for a file."""
    mark, go = tmp_path / "mark", tmp_path / "go"
    study.before("tessellate", f"touch '{mark}'; until [ -e '{go}' ]; do sleep 0.1; done")
    first = start(study, SHARD)
    wait_for(mark, first)
    second = study.snakemake(SHARD, check=False)
    assert second.returncode == 2
    owner = f"process {first.pid} on {socket.gethostname()}, since "
    assert owner in second.stdout and "--unlock" in second.stdout
    go.touch()
    output = first.communicate()[0]
    assert first.returncode == 0, output
    assert not (study.folder / ".snakemake/run.lock").exists()
    assert (study.folder / SHARD).read_bytes() == (finished.folder / SHARD).read_bytes()


@contextmanager
def mounted(folder, options):
    """A small file system of its own in memory."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    answer = subprocess.run(mount, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip(f"cannot mount a file system: {answer.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_full_disk(study, finished, real_jobs):
    """It holds the shards, and not the ensemble too."""
    ratio6 = ENSEMBLES[1:]
    with mounted(study.folder / "results", "size=200k"):
        answer = study.snakemake(*ratio6, check=False)
        assert answer.returncode != 0
        # the reason may be missing: the log lies on the full disk too
        assert "At least one job did not complete successfully" in answer.stdout
        assert "Traceback" not in answer.stdout
        assert (study.folder / SHARD).exists() and not (study.folder / ratio6[0]).exists()
        assert_all_whole(study.folder)
        remount = ["mount", "-o", "remount,size=100m", str(study.folder / "results")]
        subprocess.run(remount, check=True)
        study.snakemake(*ratio6)
        same_ensembles(study, finished, ratio6)


@pytest.mark.parametrize("kilobytes", [16, 48, 80])
def test_full_disk_is_told_in_one_line(tmp_path, kilobytes):
    """Wherever in a file it becomes full; nothing stays of the file."""
    drawn = '{"window_um": 2.0, "grain_size_um": 0.5}'
    arguments = ["--ensemble", "ratio4", "--start", "0", "--stop", "100", "--settings", drawn]
    command = [sys.executable, "-m", "polysve", "tessellate", "disk/shard.h5", *arguments]
    with mounted(tmp_path / "disk", f"size={kilobytes}k"):
        answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert list((tmp_path / "disk").iterdir()) == []
    assert answer.returncode == 1
    (line,) = [each for each in answer.stderr.splitlines() if "\r" not in each]
    assert line == "polysve: OSError: [Errno 28] No space left on device: 'disk/shard.h5'"


def test_read_only_results(study, real_jobs):
    with mounted(study.folder / "results", "ro,size=10m"):
        answer = study.snakemake(SHARD, check=False)
        assert answer.returncode != 0
        assert "Read-only file system" in answer.stdout
        assert "Traceback" not in answer.stdout
        assert not any((study.folder / "results").iterdir())


def flipped(file, position, copy):
    content = bytearray(file.read_bytes())
    content[position] ^= 1 << position % 8
    copy.write_bytes(content)
    return copy


def test_every_flipped_byte_is_found(finished, tmp_path):
    places = random.Random(2)
    files = sorted((finished.folder / "results").rglob("*.h5"))
    assert len(files) >= 14
    copy = tmp_path / "copy.h5"
    for _ in range(FLIPS):
        file = places.choice(files)
        position = places.randrange(file.stat().st_size)
        faults = faults_in(flipped(file, position, copy))
        assert faults, f"byte {position} of {file.name}"
        assert all(str(copy) in fault for fault in faults)


def test_a_shortened_or_lengthened_file_is_found(finished, tmp_path):
    content = (finished.folder / ENSEMBLES[0]).read_bytes()
    copy = tmp_path / "copy.h5"
    for changed in (
        content[:-1],
        content[: len(content) // 2],
        content[:HEAD_BYTES],
        b"",
        content + b"\0",
    ):
        copy.write_bytes(changed)
        assert faults_in(copy)


def test_check_names_the_file_and_exits_with_1(finished, tmp_path):
    copy = flipped(finished.folder / ENSEMBLES[0], 5000, tmp_path / "ratio4.h5")
    answer = polysve("check", copy)
    assert answer.returncode == 1
    assert str(copy) in answer.stdout
    assert polysve("check", finished.folder / ENSEMBLES[0]).returncode == 0


@pytest.mark.parametrize(
    ("damaged", "changes", "stage"),
    [
        (
            "ensembles/ratio4/tessellations/000000-000030.h5",
            {"mesh": {"element_size_fraction": 0.5}},
            "mesh",
        ),
        ("ensembles/ratio4/stiffness/000030-000060.h5", {"label_pixels": 64}, "assemble"),
        (
            "ensembles/ratio4.h5",
            {"experiments": {"spectral": {"preprocess": {"pixels": 16}}}},
            "preprocess",
        ),
        (
            "experiments/spectral/inputs.h5",
            {"experiments": {"spectral": {"train": {"epochs": 3}}}},
            "train",
        ),
        (
            "experiments/spectral/model.keras",
            {"experiments": {"spectral": {"evaluate": {"bootstrap_samples": 30}}}},
            "evaluate",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" not in value else "",
)
def test_run_refuses_to_go_on_from_a_damaged_file(finished, tmp_path, damaged, changes, stage):
    study = finished.copy_to(tmp_path / "study").with_config(tmp_path / "config.yaml")
    file = study.folder / "results" / damaged
    times = file.stat()
    flipped(file, file.stat().st_size // 2, file)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    study.configure(changes)
    answer = study.snakemake(check=False)
    assert answer.returncode != 0
    assert f"Error in rule {stage}:" in answer.stdout
    assert f"polysve: results/{damaged}: " in answer.stdout
    assert "Traceback" not in answer.stdout


def history(folder):
    rows = list(csv.DictReader((folder / "history.csv").open()))
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def test_killed_training_goes_on_from_its_last_epoch(finished, tmp_path):
    """What is not killed is a fork of the loaded program."""
    inputs = finished.folder / "results/experiments/published/inputs.h5"
    settings = json.dumps(
        {
            "epochs": 12,
            "patience": 12,
            "network": {"filters": [4, 8], "dense_nodes": 8, "dropout": 0.2},
        }
    )
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"}

    def train(folder, *program):
        folder.mkdir(exist_ok=True)
        arguments = [str(inputs), "model.keras", "history.csv", "--settings", settings]
        return subprocess.Popen([*program, "train", *arguments], cwd=folder, env=environment)

    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert train(undisturbed, Study.served / "bin/polysve").wait() == 0
    process = train(killed, sys.executable, "-m", "polysve")
    checkpoint = killed / "model.checkpoint.npz"
    first = None
    while first is None or checkpoint.stat().st_mtime_ns == first:
        assert process.poll() is None, "the training was over before it could be killed"
        if first is None and checkpoint.exists():
            first = checkpoint.stat().st_mtime_ns
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not (killed / "model.keras").exists()
    with np.load(checkpoint) as file:
        before = json.loads(str(file["history"]))
    assert train(killed, Study.served / "bin/polysve").wait() == 0
    assert history(killed) == history(undisturbed)
    assert not checkpoint.exists()
    # the epochs before the kill were not trained again: they still have their own times
    after = list(csv.DictReader((killed / "history.csv").open()))
    assert 1 < len(before) < len(after) == 12
    for early, row in zip(before, after, strict=False):
        assert float(row["seconds"]) == pytest.approx(early["seconds"])
