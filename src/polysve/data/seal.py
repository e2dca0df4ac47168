"""A checksum inside each file: whether a byte has changed since it was written.

HDF5 files carry it in their user block, the first 512 bytes; networks, which are zip archives, as the archive's
comment, the last 80.
"""

import hashlib
import zipfile
from pathlib import Path

from polysve.base.errors import InputError

SEAL = "polysve sha256 "
HEAD_BYTES = 512
TAIL_BYTES = len(SEAL) + 64 + 1


def seal(path: Path) -> None:
    """Write the checksum of a finished file into it."""
    if _is_archive(path):
        with zipfile.ZipFile(path, "a") as archive:
            archive.comment = b" " * TAIL_BYTES
        place, whence = -TAIL_BYTES, 2
    else:
        place, whence = 0, 0
    text = _text(path)
    with open(path, "rb+") as file:
        file.seek(place, whence)
        file.write(text)


def seal_faults(path: Path) -> list[str]:
    """Say whether any byte of a file has changed since it was sealed; no line means none has."""
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(0, 2)
        file.seek(max(0, file.tell() - TAIL_BYTES))
        tail = file.read()
    found = head if head.startswith(SEAL.encode()) else tail
    if not found.startswith(SEAL.encode()):
        return [f"{path}: has no seal; a file made by polysve holds {SEAL.strip()!r}"]
    if found != _text(path):
        return [f"{path}: damaged: its bytes do not match its SHA-256 seal"]
    return []


def require_whole(path: Path) -> None:
    """Refuse a file of which a byte has changed since it was written.

    Raises
    ------
    InputError
        If it is missing, damaged or was not made by polysve.
    """
    try:
        faults = seal_faults(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if faults:
        raise InputError(f"{faults[0]}; delete it and run the study again")


def _text(path: Path) -> bytes:
    """Seal that belongs to the bytes of a file."""
    digest = hashlib.sha256()
    archive = _is_archive(path)
    with open(path, "rb") as file:
        file.seek(0, 2)
        left = file.tell() - (TAIL_BYTES if archive else HEAD_BYTES)
        file.seek(0 if archive else HEAD_BYTES)
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
    text = f"{SEAL}{digest.hexdigest()}\n".encode()
    return text if archive else text.ljust(HEAD_BYTES, b"\0")


def _is_archive(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"PK"
