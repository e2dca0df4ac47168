"""The script ``run``, in copies of the repository that it sets up for real.

The copies take uv from this repository and the packages from uv's cache, so that a set-up takes seconds. Most
have short lock files: a few small packages stand for all.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.setup,
    pytest.mark.skipif(sys.platform == "win32", reason="run is a shell script"),
]

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"  # the discard port: refused at once
OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"), NOWHERE)
DONE = "polysve: set up in "


FEW = {"packaging", "pyyaml"}
SLOW = {"numba", "orix"}
"""What the set-up compiles for: the environment of these tests itself shows that."""
DEVELOPMENT = FEW | {"iniconfig", "pluggy", "pygments", "pytest"}


class Checkout:
    """A copy of what ``run`` needs, in a folder with a space in its name."""

    def __init__(self, parent, uv=True):
        self.root = parent / "a checkout"
        self.stamp = self.root / ".venv/made-from"
        self.root.mkdir()
        for name in ("run", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, self.root)
        for lock in ROOT.glob("requirements*.lock"):
            shutil.copy(lock, self.root)
        shutil.copytree(ROOT / "src", self.root / "src")
        if uv:
            if not (ROOT / ".tools/bin/uv").exists():
                pytest.skip("this environment was not made by ./run")
            shutil.copytree(ROOT / ".tools", self.root / ".tools", symlinks=True)

    def shorten(self, lock, keeps):
        """Keep the packages of a lock file that a function of the name keeps."""
        file = self.root / lock
        entries = re.findall(r"^\w.*\n(?:\s.*\n)*", file.read_text(), re.MULTILINE)
        kept = [entry for entry in entries if keeps(entry.partition("==")[0])]
        assert 0 < len(kept) < len(entries)
        file.write_text("".join(kept))

    def start(self, *arguments, environment=None, cwd=None):
        variables = {**os.environ, "PYTHON": sys.executable}
        for name in ("PYTHONPATH", "NO_PROXY", "no_proxy"):
            variables.pop(name, None)
        return subprocess.Popen(
            [self.root / "run", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd or self.root,
            env=variables | (environment or {}),
        )

    def run(self, *arguments, text=None, **options):
        """Return (exit status, stdout, stderr)."""
        process = self.start(*arguments, **options)
        return *reversed(process.communicate(text)), process.returncode

    def says(self, *arguments, **options):
        """Last line of a run that stops with 1 and prints nothing on stdout."""
        stderr, stdout, status = self.run(*arguments, **options)
        assert (status, stdout) == (1, ""), stderr
        return stderr.splitlines()[-1]


@pytest.fixture
def fresh(tmp_path):
    """A checkout with short lock files, not set up yet."""
    checkout = Checkout(tmp_path)
    checkout.shorten("requirements.lock", FEW.__contains__)
    checkout.shorten("requirements-dev.lock", DEVELOPMENT.__contains__)
    return checkout


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A checkout with nearly all packages, and what its first run printed."""
    checkout = Checkout(tmp_path_factory.mktemp("setup"))
    checkout.shorten("requirements.lock", lambda name: name not in SLOW)
    program = (
        "import json, meshio, polysve; print(json.dumps([meshio.__version__, *polysve.__path__]))"
    )
    checkout.first = checkout.run("python", "-c", program)
    return checkout


def pretend(folder, program):
    """Make every Python that starts run a program first. Returns the environment that does so."""
    (folder / "sitecustomize.py").write_text(program)
    return {"PYTHONPATH": str(folder)}


def command(folder, name, script):
    """Put a command of this name into a folder."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_first_run_sets_up_and_prints_only_what_the_command_prints(ready):
    stderr, stdout, status = ready.first
    assert status == 0, stderr
    version, package = json.loads(stdout)
    assert f"meshio=={version} " in (ready.root / "requirements.lock").read_text()
    assert Path(package) == ready.root / "src/polysve"
    lines = stderr.splitlines()
    assert all(line.startswith("polysve: ") for line in lines)
    assert lines[-1].startswith(DONE)


def test_next_run_is_quiet_and_fast_and_stays_where_it_is(ready, tmp_path):
    start = time.monotonic()
    answer = ready.run("pwd", cwd=tmp_path, environment=OFFLINE)
    assert time.monotonic() - start < 2
    assert answer == ("", f"{tmp_path}\n", 0)


def test_command_gets_stdin_and_gives_its_exit_status(ready):
    assert ready.run("cat", text="grains") == ("", "grains", 0)
    assert ready.run("sh", "-c", "exit 7") == ("", "", 7)


def test_scripts_of_the_environment_start_in_a_path_with_a_space(ready):
    stderr, stdout, status = ready.run("meshio", "--version")
    assert status == 0, stderr
    assert stdout.startswith("meshio ")


def test_development_packages_come_when_needed_and_stay(fresh):
    _, stdout, status = fresh.run("test", "--version")
    assert status == 0
    fresh.run("sh", "-c", "true")
    assert fresh.run("python", "-c", "import pytest; print(pytest.__version__)") == (
        "",
        stdout.removeprefix("pytest "),
        0,
    )


@pytest.mark.faults
@pytest.mark.parametrize("name", ["export", "explore"])
def test_commands_of_the_program_bring_their_packages(fresh, name):
    fresh.run("polysve", name)
    assert fresh.stamp.read_text().splitlines()[0].endswith(" requirements-dev.lock")


def test_failed_download_leaves_what_was_there_usable(fresh, tmp_path):
    fresh.run("true")
    nothing = {**OFFLINE, "UV_CACHE_DIR": str(tmp_path / "cache")}
    assert "no connection to the package index" in fresh.says("test", environment=nothing)
    assert fresh.run("true", environment=nothing) == ("", "", 0)


def test_first_run_without_network_says_so(tmp_path):
    bare = Checkout(tmp_path, uv=False)
    line = bare.says("true", environment={**OFFLINE, "PIP_NO_CACHE_DIR": "1"})
    assert "no connection to the package index" in line
    assert "HTTPS_PROXY" in line
    assert not bare.stamp.exists()


def test_interrupted_setup_is_repeated_and_a_moved_checkout_set_up_anew_without_network(fresh):
    fresh.run("true")
    fresh.stamp.unlink()
    broken = next(fresh.root.glob(".venv/lib/python*/site-packages/packaging/version.py"))
    broken.unlink()
    program = ("python", "-c", "import packaging.version, polysve; print(polysve.__path__[0])")
    stderr, _, status = fresh.run(*program, environment=OFFLINE)
    assert status == 0, stderr
    assert DONE in stderr
    moved = fresh.root.rename(fresh.root.with_name("elsewhere"))
    fresh.root = moved
    stderr, stdout, status = fresh.run(*program, environment=OFFLINE)
    assert status == 0, stderr
    assert DONE in stderr
    assert stdout == f"{moved}/src/polysve\n"


def test_changed_lock_is_installed(fresh):
    fresh.run("true")
    fresh.shorten("requirements.lock", lambda name: name != "pyyaml")
    stderr, _, status = fresh.run("python", "-c", "import yaml")
    assert DONE in stderr
    assert status == 1
    assert "No module named 'yaml'" in stderr


def test_two_runs_at_once_set_up_once(fresh):
    both = [fresh.start("python", "-c", "import packaging; print('here')") for _ in range(2)]
    answers = [process.communicate() for process in both]
    assert [(process.returncode, out) for process, (out, _) in zip(both, answers, strict=True)] == [
        (0, "here\n")
    ] * 2
    assert sum(DONE in stderr for _, stderr in answers) == 1
    assert sum("waiting for another ./run" in stderr for _, stderr in answers) == 1


LIBRARIES_MISSING = """
import ctypes
class CDLL(ctypes.CDLL):
    def __init__(self, name, *args, **kwargs):
        if name in ("libGLU.so.1", "libXft.so.2"):
            raise OSError(name)
        super().__init__(name, *args, **kwargs)
ctypes.CDLL = CDLL
"""


@pytest.mark.skipif(sys.platform != "linux", reason="gmsh brings its libraries elsewhere")
def test_missing_libraries_are_named_with_the_command_that_installs_them(fresh, tmp_path):
    command(tmp_path, "id", "echo 1000")
    command(tmp_path, "sudo", "exit 1")
    command(tmp_path, "apt-get", "exit 0")
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    stderr, stdout, status = fresh.run(
        "true", environment=path | pretend(tmp_path, LIBRARIES_MISSING)
    )
    assert (stdout, status) == ("", 1)
    assert stderr == (
        "polysve: gmsh needs system libraries that are missing: libGLU.so.1 libXft.so.2. "
        "As an administrator: apt-get install libglu1-mesa libxft2\n"
    )
    assert not (fresh.root / ".venv").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="gmsh brings its libraries elsewhere")
@pytest.mark.parametrize("user", [0, 1000])
def test_missing_libraries_are_installed_where_that_is_allowed(fresh, tmp_path, user):
    record = tmp_path / "record"
    command(tmp_path, "id", f"echo {user}")
    command(tmp_path, "sudo", f'shift; echo "sudo $@" >> {record}; exec "$@"')
    command(tmp_path, "apt-get", f'echo "apt-get $@" >> {record}; echo no space left; exit 1')
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    line = fresh.says("true", environment=path | pretend(tmp_path, LIBRARIES_MISSING))
    assert "'system libraries for gmsh: libglu1-mesa libxft2': no space left" in line
    calls = record.read_text().splitlines()
    assert calls[-1] == "apt-get update"
    assert any(call.startswith("sudo sh -c") for call in calls) == (user != 0)


def test_python_out_of_range_and_missing_venv_are_named(fresh, tmp_path):
    old = "import sys; sys.version = '3.9.2' + sys.version[6:]; sys.version_info = (3, 9, 2)"
    assert fresh.says("true", environment=pretend(tmp_path, old)) == (
        f"polysve: Python 3.11, 3.12 or 3.13 is needed; {sys.executable} is 3.9.2. "
        "Another one can be named: PYTHON=/path/to/python3 ./run ..."
    )
    no_venv = pretend(tmp_path, "import sys; sys.modules['ensurepip'] = None")
    line = fresh.says("true", environment=no_venv)
    assert line.endswith("has no venv module. As an administrator: apt-get install python3-venv")


def test_usage(fresh):
    stderr, stdout, status = fresh.run()
    assert (stdout, status) == ("", 2)
    assert fresh.run("--help") == ("", stderr, 0)


SNAKEFILE = """
if config.get("seed") == "wrong":
    sys.exit(2)
if config.get("seed") == "refused":
    raise ValueError("before the workflow has found its configuration right")

with open(".snakemake/asked", "w") as file:
    print("results", file=file)

rule all:
    output: "results/report.html"
    params: str(config.get("seed"))
    shell: "test {params} != broken && echo {params} > {output}"
"""


@pytest.fixture(scope="module")
def demo(ready):
    """Run the demo of a study of one job; return its exit status, and its own lines."""
    (ready.root / "Snakefile").write_text(SNAKEFILE)
    for name in ("workflow", "config"):
        shutil.copytree(ROOT / name, ready.root / name)

    def run(*arguments):
        stderr, _, status = ready.run("demo", *arguments, cwd="/")
        return status, [line for line in stderr.splitlines() if line.startswith("polysve: ")]

    return run


def test_demo_says_what_it_did(ready, demo):
    report = ready.root / "results/report.html"
    assert demo("--dry-run")[0] == 0
    assert not report.exists()
    status, lines = demo("--config", "seed=1")
    assert status == 0
    assert report.read_text() == "1\n"
    assert lines[0].startswith("polysve: done in ")
    assert lines[1] == f"polysve: the report is {report}"
    status, again = demo("--config", "seed=1")
    assert status == 0
    assert again == ["polysve: nothing to do: all results are up to date", *lines[1:]]
    assert demo("--config", "seed=2")[1][0].startswith("polysve: done in ")
    assert demo("--config", "seed=wrong") == (2, [])
    status, lines = demo("--config", "seed=broken")
    assert status == 1
    assert lines == ["polysve: stopped before the end. Repeat the command to go on from there"]
    assert demo("--config", "seed=refused") == (1, [])


@pytest.mark.faults
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("seed: 1\nensembles: {a: 1\nb: 2\n", ["line 3, column 2", "is no YAML", "expected ','"]),
        ("seed: 1\n\tb: 2\n", ["line 2, column 1", "is no YAML"]),
        ("- 1\n", ["holds no keys", "config/config.yaml"]),
        (None, ["No such file"]),
    ],
    ids=["bracket", "tab", "list", "missing"],
)
def test_configuration_that_is_no_yaml_is_told_by_file_and_line(demo, tmp_path, content, words):
    file = tmp_path / "mine.yaml"
    if content is not None:
        file.write_text(content)
    for arguments in (["--configfile", str(file)], [f"--configfile={file}", "-n"]):
        status, lines = demo(*arguments)
        assert status == 2
        (line,) = lines
        assert line.startswith(f"polysve: {file}")
        for word in words:
            assert word in line


@pytest.mark.faults
def test_home_that_cannot_be_written_does_not_matter(fresh):
    """Nobody may make a folder there, not even an administrator."""
    home = {"HOME": "/proc/nobody", "XDG_CACHE_HOME": ""}
    stderr, stdout, status = fresh.run("sh", "-c", "echo $XDG_CACHE_HOME", environment=home)
    assert status == 0, stderr
    assert stdout == f"{fresh.root}/.tools/cache\n"
    assert DONE in stderr
