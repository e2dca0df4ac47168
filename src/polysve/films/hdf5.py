"""HDF5 files from elsewhere: what they may raise, and what they may ask for."""

import subprocess
import sys
from math import prod
from pathlib import Path

from polysve.base.errors import InputError
from polysve.base.files import LARGEST_FILE_BYTES

DAMAGE = OSError, KeyError, RuntimeError, ValueError, TypeError, IndexError, AttributeError
"""HDF5 answers damage with many kinds of errors."""
PACKED = 1100
"""Deflate makes nothing smaller than by a factor of 1032."""
SECONDS = 20
"""Texts of a map are read in a fraction of one."""
READ_TEXTS = """
import sys, h5py
def read(name, each):
    if isinstance(each, h5py.Dataset) and h5py.check_string_dtype(each.dtype):
        each[()]
h5py.File(sys.argv[1]).visititems(read)
"""


def check_datasets(path: Path) -> None:
    """Refuse a file in which a dataset, or one of its chunks, tells of more bytes than it can have.

    A reader would take the memory before it finds that out. Texts are tried by another process, since on some damaged
    ones the HDF5 library goes round and round for ever.

    Raises
    ------
    InputError
        For such a file, and one that is no HDF5 file.
    """
    import h5py

    try:
        file_bytes = Path(path).stat().st_size
        with h5py.File(path) as file:
            told = []
            file.visititems(lambda name, each: told.append((name, *_told_bytes(each))))
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as an EBSD map ({reason})") from None
    for name, whole, chunk, stored in told:
        for count, allowed in (
            (whole, PACKED * file_bytes),
            (chunk, LARGEST_FILE_BYTES),
            (stored, file_bytes),
        ):
            if count > allowed:
                raise InputError(f"{path}: damaged: /{name} tells of {count} bytes, of {allowed}")
    command = [sys.executable, "-c", READ_TEXTS, str(path)]
    try:
        subprocess.run(command, timeout=SECONDS, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(f"{path}: damaged: its texts take more than {SECONDS} s to read") from None


def _told_bytes(each) -> tuple[int, int, int]:
    """Bytes of a dataset and of one of its chunks, unpacked, and those that its largest chunk takes in the file."""
    import h5py

    if not isinstance(each, h5py.Dataset) or each.shape is None:
        return 0, 0, 0
    item, stored = each.dtype.itemsize, [0]
    if each.chunks:
        each.id.chunk_iter(lambda chunk: stored.append(chunk.size))
    return prod(each.shape) * item, prod(each.chunks or ()) * item, max(stored)
