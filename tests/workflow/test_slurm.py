"""The workflow on a real SLURM: nodes on this machine, started and stopped by the tests.

A whole run goes on on two of them, while the other tests have the other two.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

import pytest
from runs import Study

pytestmark = pytest.mark.slurm

ETC = Path("/etc/slurm")
MUNGE = Path("/run/munge")
CONFIGURATION = """
ClusterName=polysve
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/builtin
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
GresTypes=gpu
MpiDefault=none
MinJobAge=600
SlurmdTimeout=10
KillWait=5
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port=17001 CPUs=1 RealMemory=8000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port=17002 CPUs=1 RealMemory=8000 Gres=gpu:1
NodeName=n3 NodeHostname={host} NodeAddr=127.0.0.1 Port=17003 CPUs=1 RealMemory=8000
NodeName=n4 NodeHostname={host} NodeAddr=127.0.0.1 Port=17004 CPUs=1 RealMemory=8000
PartitionName=whole Nodes=n1,n2 MaxTime=UNLIMITED State=UP
PartitionName=parts Nodes=n3,n4 MaxTime=UNLIMITED State=UP
"""
NODES = {"whole": ("n1", "n2"), "parts": ("n3", "n4")}
PATIENCE = 600
"""Seconds after which a test gives up: many times what it waits for on a busy machine."""
FIELDS = "ArrayJobID:60,JobArrayID:60,NodeList:60,State:60,Comment:200,tres-per-job:60,TimeLimit:60"


class Cluster:
    """A SLURM of four nodes; it stops the processes that it started and removes the files that it wrote."""

    def __init__(self, folder):
        self.folder, self.processes, self.written = folder, {}, []

    def start(self):
        (self.folder / "state").mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        text = CONFIGURATION.format(host=host, folder=self.folder)
        # in /etc, because jobs don't inherit SLURM_CONF
        self._write(ETC / "slurm.conf", text)
        self._write(ETC / "gres.conf", "NodeName=n2 Name=gpu File=/dev/null\n")
        munge = pwd.getpwnam("munge")
        if not MUNGE.exists():
            MUNGE.mkdir(mode=0o755)
            self.written.append(MUNGE)
            os.chown(MUNGE, munge.pw_uid, munge.pw_gid)
        self._run("munged", "munged", "--foreground", user="munge", group="munge")
        wait_for(lambda: (MUNGE / "munge.socket.2").exists())
        self._run("slurmctld", "slurmctld", "-D", "-c")
        for node in chain(*NODES.values()):
            (self.folder / node).mkdir()
            self.start_node(node)
        for partition in NODES:
            wait_for(lambda: self.is_idle(partition))  # noqa: B023

    def start_node(self, node):
        self._run(node, "slurmd", "-D", "-N", node)

    def kill_node(self, node):
        """End a node at once with all that runs on it, as a power cut would."""
        self.processes.pop(node).kill()
        self._kill_jobs(node)

    def is_idle(self, partition):
        """Whether all nodes of a partition are there and have nothing to do."""
        command = ["sinfo", "-h", "-N", "-p", partition, "-o", "%N %t"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        states = dict(line.split() for line in answer.stdout.splitlines())
        return states == dict.fromkeys(NODES[partition], "idle")

    def jobs(self, partition):
        """Each job since the cluster started: array or job number, node, state, comment, GPUs and time asked for."""
        answer = subprocess.run(
            ["squeue", "-h", "--states=all", "-p", partition, "-O", FIELDS],
            capture_output=True,
            text=True,
            check=True,
        )
        keys = ("parent", "number", "node", "state", "comment", "gpus", "limit")
        lines = [line.split() for line in answer.stdout.splitlines()]
        return [dict(zip(keys, line, strict=True)) for line in lines if len(line) == len(keys)]

    def stop(self):
        for node in chain(*NODES.values()):
            self._kill_jobs(node)
        for process in reversed(list(self.processes.values())):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for path in self.written:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _run(self, name, *command, **options):
        with (self.folder / f"{name}.out").open("a") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, **options)

    def _kill_jobs(self, node):
        """Keepers of jobs first: they would report the end of a job to the controller."""
        logs = {str(self.folder / f"{node}.{ending}") for ending in ("log", "out")}
        for process in [*writing_to(logs), *running_on(node)]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _write(self, path, text):
        path.write_text(text)
        self.written.append(path)


def running_on(node):
    """Processes that a slurmd of this name started and left in a session of their own."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if (
            f"SLURMD_NODENAME={node}".encode() in environment
            and b"SLURM_CLUSTER_NAME=polysve" in environment
        ):
            found.append(int(folder.name))
    return found


def writing_to(files):
    """Processes that hold one of the files open."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if files & {os.readlink(each) for each in (folder / "fd").iterdir()}:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"nothing happened in {PATIENCE} s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    needed = ("munged", "slurmctld", "slurmd", "sbatch")
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [name for name in needed if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("a cluster of our own needs root: /etc/slurm/slurm.conf is written")
    if (ETC / "slurm.conf").exists() or (MUNGE / "munge.socket.2").exists():
        pytest.skip("a SLURM or munge is set up on this machine already; it is left alone")
    os.environ["PATH"] = path
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
    assert not (ETC / "slurm.conf").exists()


class ClusterStudy:
    """A study whose jobs go to a partition of the cluster."""

    def __init__(self, cluster, partition, study, folder):
        self.cluster, self.partition, self.study = cluster, partition, study
        self.mark, self.output = folder / "mark", folder / "output"
        self.known = {job["number"] for job in cluster.jobs(partition)}

    def hang_once(self, stage):
        """The first job of a stage leaves a mark and then never ends."""
        self.study.before(stage, f"if mkdir {self.mark} 2>/dev/null; then sleep 1000; fi")

    def start(self, *arguments):
        self.process = self.study.start(
            *("--default-resources", f"slurm_partition={self.partition}"),
            *("--slurm-no-account", "--slurm-status-command", "squeue"),
            *("--slurm-init-seconds-before-status-checks", "3"),
            *("--max-jobs-per-timespan", "100/1s"),  # how long Snakemake may take to end
            *arguments,
            profile="slurm",
            output=self.output,
        )

    def end(self):
        """Wait for the end; return the exit code, and what was printed."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, self.output.read_text()
        return self.process.exitcode, self.output.read_text()

    def run(self, *arguments):
        self.start(*arguments)
        return self.end()

    def jobs(self, word=""):
        """Its jobs with a word in their comment, in the order in which they were submitted."""
        jobs = [
            job
            for job in self.cluster.jobs(self.partition)
            if job["number"] not in self.known and word in job["comment"]
        ]
        return sorted(jobs, key=lambda job: int(job["parent"]))

    def hanging_job(self):
        wait_for(self.mark.exists)
        (job,) = [job for job in self.jobs() if job["state"] == "RUNNING"]
        return job

    def state_of(self, job):
        (state,) = [each["state"] for each in self.jobs() if each["number"] == job["number"]]
        return state

    def same(self, finished, file):
        return (self.study.folder / file).read_bytes() == (finished.folder / file).read_bytes()


@contextmanager
def ended(study):
    """A study on the cluster, of which nothing goes on afterwards."""
    yield study
    study.process.kill()


@pytest.fixture(scope="module")
def whole(cluster, smoke_config, quick_jobs, tmp_path_factory):
    """A whole run that goes on beside the other tests; one of its jobs is over its time."""
    folder = tmp_path_factory.mktemp("whole")
    study = Study(folder / "study", smoke_config).with_config(folder / "config.yaml")
    study.configure({"experiments": {"published": None}})
    with ended(ClusterStudy(cluster, "whole", study, folder)) as whole:
        whole.hang_once("audit")
        whole.start("--set-resources", "train:gpu=1", "audit:runtime=3*attempt-2")
        yield whole


@pytest.fixture
def remote(cluster, whole, study, tmp_path):
    with ended(ClusterStudy(cluster, "parts", study, tmp_path)) as remote:
        yield remote


SHARD = "results/ensembles/ratio6/stiffness/000000-000012.h5"


def test_experiments_go_as_one_job_array(remote, finished, tmp_path):
    copied = finished.copy_to(tmp_path / "copied")
    remote.study.folder = copied.folder
    inputs = [f"results/experiments/{name}/inputs.h5" for name in ("published", "spectral")]
    code, output = remote.run("--slurm-array-jobs", "preprocess", "--force", *inputs)
    assert code == 0, output
    jobs = remote.jobs()
    assert len(jobs) == 2
    assert len({job["parent"] for job in jobs}) == 1
    for file in inputs:
        assert remote.same(finished, file)


def test_job_of_a_dead_node_runs_on_another(cluster, remote, finished):
    remote.hang_once("homogenize")
    remote.start(SHARD)
    job = remote.hanging_job()
    cluster.kill_node(job["node"])
    code, output = remote.end()
    cluster.start_node(job["node"])
    assert code == 0, output
    assert remote.state_of(job) == "NODE_FAIL"
    (again,) = remote.jobs("shard")[1:]
    assert (again["state"], again["node"] == job["node"]) == ("COMPLETED", False)
    assert remote.same(finished, SHARD)
    wait_for(lambda: cluster.is_idle("parts"))


def test_cancelled_job_runs_once_more(remote, finished):
    remote.hang_once("tessellate")
    remote.start(SHARD)
    job = remote.hanging_job()
    subprocess.run(["scancel", job["number"]], check=True)
    code, output = remote.end()
    assert code == 0, output
    assert remote.state_of(job) == "CANCELLED"
    assert remote.same(finished, SHARD)


@pytest.fixture
def hungry(remote):
    """A study whose jobs are programs of their own, whose memory SLURM sees."""
    remote.study.real_jobs = True
    return remote


def hog(megabytes):
    return f"{sys.executable} -c \"import time; x = b'x' * ({megabytes} << 20); time.sleep(5)\""


def test_job_over_its_memory_gets_twice_as_much(hungry, finished):
    hungry.study.before("tessellate", hog(1300))
    code, output = hungry.run(SHARD)
    assert code == 0, output
    assert "attempt" in output or "Trying to restart" in output
    assert hungry.same(finished, SHARD)


def test_job_over_twice_its_memory_is_an_error_that_says_so(hungry):
    hungry.study.before("tessellate", hog(3000))
    code, output = hungry.run(SHARD)
    assert code == 1
    assert "exceeded memory limit" in output
    assert not (hungry.study.folder / SHARD).exists()


def test_whole_run_on_two_nodes_gives_the_same_ensembles(whole, finished):
    """One of its jobs is over its time and gets more: SLURM counts minutes and looks every 30 s."""
    code, output = whole.end()
    assert code == 0, output
    for name in ("ratio4", "ratio6"):
        assert whole.same(finished, f"results/ensembles/{name}.h5")
    assert (whole.study.folder / "results/report.html").stat().st_size > 100_000
    jobs = whole.jobs()
    assert {job["node"] for job in jobs} == {"n1", "n2"}
    # one job for the three stages of a shard: its mesh never crosses the network
    shards = [job for job in jobs if "shard" in job["comment"]]
    assert len(shards) == 4
    assert not any("mesh_wildcards" in job["comment"] for job in jobs)
    (training,) = [job for job in jobs if "rule_train" in job["comment"]]
    assert training["node"] == "n2" and "gpu" in training["gpus"]
    audits = [job for job in jobs if "rule_audit" in job["comment"]]
    ends = {(job["state"], job["limit"]) for job in audits}
    assert {("TIMEOUT", "1:00"), ("COMPLETED", "4:00")} <= ends
    assert "SLURM status is: 'TIMEOUT'" in output
    assert {job["state"] for job in jobs if job not in audits} == {"COMPLETED"}
