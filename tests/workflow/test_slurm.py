"""The workflow on a real SLURM: two nodes on this machine, started and stopped by the tests."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

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
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port=17001 CPUs=2 RealMemory=8000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port=17002 CPUs=2 RealMemory=8000 Gres=gpu:1
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=UNLIMITED State=UP
"""
FIELDS = "ArrayJobID:60,JobArrayID:60,NodeList:60,State:60,Comment:200,tres-per-job:60,TimeLimit:60"


class Cluster:
    """A SLURM of two nodes; it stops the processes that it started and removes the files that it wrote."""

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
        wait_for(lambda: (MUNGE / "munge.socket.2").exists(), 10)
        self._run("slurmctld", "slurmctld", "-D", "-c")
        for node in ("n1", "n2"):
            (self.folder / node).mkdir()
            self.start_node(node)
        wait_for(lambda: self.nodes() == {"n1": "idle", "n2": "idle"}, 60)

    def start_node(self, node):
        self._run(node, "slurmd", "-D", "-N", node)

    def kill_node(self, node):
        """End a node at once with all that runs on it, as a power cut would."""
        self.processes.pop(node).kill()
        self._kill_jobs(node)

    def nodes(self):
        answer = subprocess.run(
            ["sinfo", "-h", "-N", "-o", "%N %t"], capture_output=True, text=True, check=False
        )
        return dict(line.split() for line in answer.stdout.splitlines())

    def jobs(self):
        """Each job since the cluster started: array or job number, node, state, comment, GPUs and time asked for."""
        answer = subprocess.run(
            ["squeue", "-h", "--states=all", "-O", FIELDS],
            capture_output=True,
            text=True,
            check=True,
        )
        keys = ("parent", "number", "node", "state", "comment", "gpus", "limit")
        lines = [line.split() for line in answer.stdout.splitlines()]
        return [dict(zip(keys, line, strict=True)) for line in lines if len(line) == len(keys)]

    def stop(self):
        for node in ("n1", "n2"):
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


def wait_for(condition, seconds):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"nothing happened in {seconds} s"
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
    """A study whose jobs go to the cluster."""

    def __init__(self, study, folder):
        self.study, self.mark = study, folder / "mark"

    def command(self, *arguments):
        return self.study.command(
            *("--slurm-no-account", "--slurm-status-command", "squeue"),
            *("--slurm-init-seconds-before-status-checks", "3"),
            *("--max-jobs-per-timespan", "100/1s"),  # how long Snakemake may take to end
            *arguments,
            profile="slurm",
        )

    def hang_once(self, stage):
        """The first job of a stage leaves a mark and then never ends."""
        self.study.before(stage, f"if mkdir {self.mark} 2>/dev/null; then sleep 1000; fi")

    def start(self, *arguments):
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.study.folder,
            env=self.study.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments):
        process = self.start(*arguments)
        output = process.communicate()[0]
        return process.returncode, output


@pytest.fixture
def remote(cluster, study, tmp_path):
    return ClusterStudy(study, tmp_path)


RATIO6 = "results/ensembles/ratio6.h5"


def same(study, finished, file):
    return (study.folder / file).read_bytes() == (finished.folder / file).read_bytes()


def jobs_since(cluster, before, word=""):
    """Jobs with a word in their comment that were submitted later, in order."""
    known = {job["number"] for job in before}
    jobs = [job for job in cluster.jobs() if job["number"] not in known and word in job["comment"]]
    return sorted(jobs, key=lambda job: int(job["parent"]))


def state_of(cluster, job):
    (state,) = [each["state"] for each in cluster.jobs() if each["number"] == job["number"]]
    return state


def test_whole_run_on_two_nodes_gives_the_same_ensembles(cluster, remote, finished):
    """One of its jobs is over its time and gets more: SLURM counts minutes and looks every 30 s."""
    remote.study.configure({"experiments": {"published": None}})
    remote.hang_once("audit")
    before = cluster.jobs()
    code, output = remote.run("--set-resources", "train:gpu=1", "audit:runtime=3*attempt-2")
    assert code == 0, output
    for name in ("ratio4", "ratio6"):
        assert same(remote.study, finished, f"results/ensembles/{name}.h5")
    assert (remote.study.folder / "results/report.html").stat().st_size > 100_000
    jobs = jobs_since(cluster, before)
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


def test_experiments_go_as_one_job_array(cluster, remote, finished, tmp_path):
    copied = finished.copy_to(tmp_path / "copied")
    remote.study.folder = copied.folder
    before = cluster.jobs()
    inputs = [f"results/experiments/{name}/inputs.h5" for name in ("published", "spectral")]
    code, output = remote.run("--slurm-array-jobs", "preprocess", "--force", *inputs)
    assert code == 0, output
    jobs = jobs_since(cluster, before)
    assert len(jobs) == 2
    assert len({job["parent"] for job in jobs}) == 1
    for file in inputs:
        assert same(remote.study, finished, file)


def test_job_of_a_dead_node_runs_on_another(cluster, remote, finished):
    remote.hang_once("homogenize")
    before = cluster.jobs()
    process = remote.start(RATIO6)
    wait_for(remote.mark.exists, 120)
    (job,) = [job for job in cluster.jobs() if job["state"] == "RUNNING"]
    cluster.kill_node(job["node"])
    output = process.communicate(timeout=300)[0]
    cluster.start_node(job["node"])
    assert process.returncode == 0, output
    assert state_of(cluster, job) == "NODE_FAIL"
    (again,) = jobs_since(cluster, before, "shard")[1:]
    assert (again["state"], again["node"] == job["node"]) == ("COMPLETED", False)
    assert same(remote.study, finished, RATIO6)
    wait_for(lambda: set(cluster.nodes().values()) == {"idle"}, 60)


def test_cancelled_job_runs_once_more(cluster, remote, finished):
    remote.hang_once("mesh")
    process = remote.start(RATIO6)
    wait_for(remote.mark.exists, 120)
    (job,) = [job for job in cluster.jobs() if job["state"] == "RUNNING"]
    subprocess.run(["scancel", job["number"]], check=True)
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    assert state_of(cluster, job) == "CANCELLED"
    assert same(remote.study, finished, RATIO6)


def hog(megabytes):
    return f"{sys.executable} -c \"import time; x = b'x' * ({megabytes} << 20); time.sleep(5)\""


def test_job_over_its_memory_gets_twice_as_much(remote, finished):
    remote.study.before("homogenize", hog(1300))
    code, output = remote.run(RATIO6)
    assert code == 0, output
    assert "attempt" in output or "Trying to restart" in output
    assert same(remote.study, finished, RATIO6)


def test_job_over_twice_its_memory_is_an_error_that_says_so(remote):
    remote.study.before("homogenize", hog(3000))
    code, output = remote.run(RATIO6)
    assert code == 1
    assert "exceeded memory limit" in output
    assert not (remote.study.folder / RATIO6).exists()
