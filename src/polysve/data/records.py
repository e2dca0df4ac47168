"""The record kept with every result: what it was made from."""

import hashlib
import importlib.metadata
import json
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from polysve.base.errors import InputError
from polysve.data.digest import PACKAGE, source_digest

RECORD_SUFFIX = ".provenance.json"
PACKAGES = (
    "gmsh",
    "h5py",
    "keras",
    "matplotlib",
    "numpy",
    "opencv-python-headless",
    "polysve",
    "pydantic",
    "scikit-fem",
    "scikit-learn",
    "scipy",
    "tensorflow",
    "tensorflow-cpu",
)


def package_versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that shape a result."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def command_line() -> str:
    """The running command, ready to be pasted into a shell."""
    return shlex.join([PACKAGE, *sys.argv[1:]])


def record(stage: str, settings_json: str, made_from: Sequence[Path] = ()) -> dict:
    """What a result of a stage was made from.

    Parameters
    ----------
    stage : str
        Name of the stage.
    settings_json : str
        Canonical JSON of its settings.
    made_from : sequence of Path
        Results that it was made from, each with a record of its own.

    Returns
    -------
    dict
        Keys stage, settings, seed (its own or that of what it was made from), code_digest, command, package_versions
        and made_from, the same of each result it was made from, package versions only where they differ.
    """
    settings, versions = json.loads(settings_json), package_versions()
    earlier = [read_record(path) for path in made_from]
    for each in earlier:
        each.pop("outputs", None)
        if each["package_versions"] == versions:
            del each["package_versions"]
    seeds = [settings.get("seed"), *(each["seed"] for each in earlier)]
    return {
        "stage": stage,
        "settings": settings,
        "seed": next((seed for seed in seeds if seed is not None), None),
        "code_digest": source_digest(f"{PACKAGE}.stages.{stage}"),
        "command": command_line(),
        "package_versions": versions,
        "made_from": earlier,
    }


def write_record(
    path: Path, stage: str, settings_json: str, outputs: Sequence[Path], made_from: Sequence[Path]
) -> None:
    """Write the record of results that can't hold it themselves (network, tables, figures).

    The record names each output relative to its own folder, with a checksum.
    """
    from polysve.base.files import atomic_path

    listed = {
        str(output.relative_to(path.parent)): file_digest(output) for output in sorted(outputs)
    }
    with atomic_path(path) as temporary:
        Path(temporary).write_text(
            json.dumps(record(stage, settings_json, made_from) | {"outputs": listed}, indent=1)
            + "\n"
        )


def read_record(path: Path) -> dict:
    """Record of any result.

    Raises
    ------
    InputError
        If the file is no result, or has been changed since it was made.
    """
    import h5py

    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            if "provenance" not in file.attrs:
                raise InputError(f"{path}: holds no provenance; a file made by polysve is needed")
            return json.loads(file.attrs["provenance"])
    for folder in path.resolve().parents[:2]:
        for candidate in sorted(folder.glob(f"*{RECORD_SUFFIX}")):
            found = json.loads(candidate.read_text())
            expected = found["outputs"].get(str(path.resolve().relative_to(folder)))
            if expected == file_digest(path):
                return found
            if expected is not None:
                raise InputError(f"{path}: differs from what {candidate.name} says was made")
    raise InputError(
        f"{path}: no *{RECORD_SUFFIX} beside it or above it names it; a result of a stage is needed"
    )


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
