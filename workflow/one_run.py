"""One run at a time in a folder, and none kept out by what a killed run left.

Snakemake refuses a second run in a folder by lock files, and leaves them behind when it is killed. The kernel's lock
taken here ends with its process: who gets it knows that no run is at work, and that lock files are leftovers.
"""

import fcntl
from pathlib import Path

_FOLDER = Path(".snakemake")
_held = []


def take_over() -> None:
    """Remove the lock files of a killed run; those of a run at work stay."""
    if _lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
        for file in (_FOLDER / "locks").glob("*.lock"):
            file.unlink()


def hold() -> None:
    """Keep others from taking over, if `take_over` could not because of a dry run at the same time."""
    if not _held:
        _lock(fcntl.LOCK_EX)


def _lock(how: int) -> bool:
    try:
        _FOLDER.mkdir(exist_ok=True)
        file = open(_FOLDER / "run.lock", "w")  # noqa: SIM115, open as long as this process lives
        fcntl.flock(file, how)
    except (
        OSError
    ):  # held by another, or a file system without such locks, or a folder that is read-only
        return False
    _held.append(file)
    return True
