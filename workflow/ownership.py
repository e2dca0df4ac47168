"""Whose results a folder holds: no study replaces the report of another one without a word."""

import os
from pathlib import Path

import yaml

from polysve.settings.study import Settings

HEAD = (
    "# The study that this folder holds: --configfile of a run that makes it as it was.\n# Made by "
)
PARTS = ("ensembles", "films", "experiments", "searches", "devices")


def written(study: Settings, files: list) -> str:
    """What is kept beside a report: the study's settings and where they came from."""
    values = yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False)
    return f"{HEAD}{_source(files)}\n{values}"


def other_study(study: Settings, files: list, kept: Path) -> tuple[str, bool]:
    """Name the study from another configuration that a folder holds.

    Parameters
    ----------
    study : Settings
    files : list
        Its configuration files.
    kept : Path
        File that `written` fills.

    Returns
    -------
    str
        One line; empty if the folder is this study's own, or nobody's.
    bool
        Whether the report there would lose something.
    """
    if not kept.is_file() or not all(Path(file).is_file() for file in files):
        return "", False
    owner = kept.read_text().removeprefix(HEAD).partition("\n")[0]
    if owner == _source(files):
        return "", False
    lost = sorted(_names(_read(kept)) - _names(study.model_dump()))
    line = f"{study.results}/ holds the study of {owner}; "
    own = f"`results: {study.results}/NAME` in {_source(files)} gives this one a folder of its own"
    if not lost:
        return f"{line}what differs is made anew in its place. {own}", False
    return (
        f"{line}its report would lose {', '.join(lost)}. {own}; to replace the other, remove {kept}",
        True,
    )


def _source(files: list) -> str:
    return " ".join(os.path.relpath(Path(file).resolve(), Path.cwd().resolve()) for file in files)


def _read(kept: Path) -> dict:
    return yaml.safe_load(kept.read_text()) or {}


def _names(values: dict) -> set[str]:
    return {name for part in PARTS for name in values.get(part) or {}}
