"""Files and folders that are written whole or not at all."""

import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polysve.base.errors import InputError

LARGEST_FILE_BYTES = 200_000_000
ARCHIVE_DAMAGE = zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError
"""What archives raise that are damaged, encrypted, or packed in a way that is not known."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it when the block ends well, remove it when it does not.

    The name is the same every time, so that what a killed process left is overwritten by the next.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except PermissionError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); a writable folder is needed"
        ) from error
    finally:
        if os.access(path.parent, os.W_OK):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder inside `folder`; move out what it holds when the block ends well, remove it in any case.

    What is moved replaces files and folders of the same names. The name of the empty folder is the same every time, so
    that what a killed process left is removed by the next.
    """
    unfinished = Path(folder) / ".part"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        for made in list(unfinished.iterdir()):
            shutil.rmtree(folder / made.name, ignore_errors=True)
            made.replace(folder / made.name)
    finally:
        shutil.rmtree(unfinished)


def check_size(path: Path) -> None:
    """Refuse a file that is missing or too large to be read at once.

    Raises
    ------
    InputError
    """
    try:
        size = Path(path).stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if size > LARGEST_FILE_BYTES:
        raise InputError(f"{path}: {size} bytes; allowed are {LARGEST_FILE_BYTES}")
