"""One run at a time in a folder, from any machine that shares it.

A run makes one file that says where it is at work. Creating it is exclusive on shared file systems too, where locks of
the kernel may be known to one machine only. On its own machine the run also holds such a lock on the file, which ends
with its process whatever happens: so the next run there knows whether the file is a leftover, and takes it over.
"""

import atexit
import fcntl
import json
import os
import socket
import time
from pathlib import Path

LOCK = Path(".snakemake/run.lock")
_held = []


def hold(path: Path = LOCK) -> str | None:
    """Take the folder for this process until it ends, or say in one line who has it."""
    try:
        file = open(path, "x+")  # noqa: SIM115, open as long as this process lives
        _lock(file)
    except FileExistsError:
        try:
            file = open(path, "r+")  # noqa: SIM115
        except FileNotFoundError:  # its run has just ended
            return hold(path)
        owner = _owner(file)
        if owner.get("host") != socket.gethostname() or not _lock(file):
            file.close()
            return _refusal(path, owner)
        if not _same(file, path):
            return hold(path)
    file.truncate(0)
    json.dump(_me(), file)
    file.flush()
    os.fsync(file.fileno())
    _held.append(file)
    atexit.register(_release, file, path)
    return None


def unlock(path: Path = LOCK) -> None:
    """Forget the run that holds the folder: what the user asks for who knows that it is dead."""
    path.unlink(missing_ok=True)


def _me() -> dict:
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"host": socket.gethostname(), "process": os.getpid(), "started": started}


def _owner(file) -> dict:
    try:
        return json.load(file)
    except ValueError:  # made this very moment, or by one that died in it
        return {}
    finally:
        file.seek(0)


def _lock(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or a file system without such locks
        return False
    return True


def _same(file, path: Path) -> bool:
    """Whether a file is still the one of this name: its run may have ended and removed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _refusal(path: Path, owner: dict) -> str:
    who = (
        f"process {owner['process']} on {owner['host']}, since {owner['started']}"
        if owner
        else "of an unknown process"
    )
    return (
        f"another run is at work in {Path.cwd()}: {who}. Wait for its end; if it is dead, repeat the command "
        f"once with --unlock added ({path})"
    )


def _release(file, path: Path) -> None:
    if _same(file, path):
        path.unlink(missing_ok=True)
