"""The lock files, and the recipes that must name the same versions."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

pytestmark = pytest.mark.setup

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-uv.lock"]
CONDA = ROOT / "envs" / "environment.yaml"
RUN = (ROOT / "run").read_text()


def locked(lock):
    """Requirements of a lock file: (requirement, its hashes), one for each logical line."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(Requirement(line.split("--")[0]), line.split()[1:]) for line in lines]


def pins(lock, python="3.11.2"):
    """Versions by name that a lock file gives to one Python on Linux x86-64."""
    machine = {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
    }
    return {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement, _ in locked(lock)
        if requirement.marker is None or requirement.marker.evaluate(machine)
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_gives_one_version_and_hashes_of_each_package(lock):
    assert locked(lock)
    for requirement, words in locked(lock):
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        hashes = [word for word in words if word.startswith("--")]
        assert hashes, requirement
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in hashes)


@pytest.mark.parametrize("python", ["3.11.2", "3.12.1", "3.13.0"])
@pytest.mark.parametrize(
    ("lock", "groups"),
    [("requirements.lock", []), ("requirements-dev.lock", ["dev", "docs", "explore"])],
)
def test_lock_meets_what_the_project_asks_for(lock, groups, python):
    versions = pins(lock, python)
    wanted = PROJECT["project"]["dependencies"] + [
        requirement for group in groups for requirement in PROJECT["dependency-groups"][group]
    ]
    for requirement in map(Requirement, wanted):
        if requirement.marker is None or requirement.marker.evaluate(
            {"sys_platform": "linux", "platform_machine": "x86_64"}
        ):
            assert versions[requirement.name] in requirement.specifier


def test_development_lock_contains_the_other():
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


def test_run_and_the_project_admit_the_same_pythons():
    low, high = re.search(r"\((3, \d+)\) <= sys.version_info\[:2\] <= \((3, \d+)\)", RUN).groups()
    admitted = SpecifierSet(PROJECT["project"]["requires-python"])
    versions = [f"3.{minor}" for minor in range(20)]
    assert [version for version in versions if version in admitted] == versions[
        int(low.split(",")[1]) : int(high.split(",")[1]) + 1
    ]


def test_conda_environment_has_the_versions_of_the_lock():
    *conda, pip = yaml.safe_load(CONDA.read_text())["dependencies"]
    named = [Requirement(text) for text in pip["pip"]]
    wanted = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    assert {(r.name, str(r.marker)) for r in named} == {(r.name, str(r.marker)) for r in wanted}
    versions = pins("requirements.lock") | {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement, _ in locked("requirements.lock")
        if requirement.name == "tensorflow"
    }
    assert {r.name: str(r.specifier) for r in named} == {
        r.name: f"=={versions[r.name]}" for r in wanted
    }
    assert "python=3.11" in conda  # the Python that pins() above looks up


def test_container_installs_the_lock_and_the_libraries_of_run():
    recipe = (ROOT / "envs" / "apptainer.def").read_text().replace("\\\n", " ")
    assert "--require-hashes -r /opt/polysve/requirements.lock" in recipe
    packages = re.findall(r"lib\S+\.so\.\d+:(\S+?)[\s)]", RUN)
    assert len(packages) == 6
    installed = re.search(r"apt-get install (.*)", recipe).group(1).split()
    assert set(packages) <= set(installed)
    for source in re.findall(r"^    (\S+) /opt/polysve/", recipe, re.MULTILINE):
        assert (ROOT / source).exists()


def test_repository_records_no_package_index():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert ROOT / "run" in files
    recorders = (
        r"(uv|poetry|pdm|pylock.*|conda-lock|Pipfile|package-lock|pixi)\.(lock|toml|ya?ml|json)"
    )
    assert [file for file in files if re.fullmatch(recorders, file.name)] == []
    assert ROOT / ".python-version" not in files
    for file in files:
        if not file.exists() or b"\0" in (content := file.read_bytes())[:1024]:
            continue
        text = content.decode()
        host = re.search(
            r"//[\w.-]*(?:pypi|pythonhosted|anaconda|npmjs|registry|mirror)[\w.-]*", text
        )
        assert host is None, f"{file} names {host.group()}"
        if file.suffix == ".lock":
            assert (
                re.search(r"https?://|^\s*(-i|--\S*(index|links)\S*)\b", text, re.MULTILINE) is None
            )
