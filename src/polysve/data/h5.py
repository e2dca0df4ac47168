"""HDF5 files: written whole or not at all, sealed with a checksum, and checked."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import atomic_path

SCHEMA_VERSION = 1
SEAL_BYTES = 512
SEAL = "polysve sha256 "


@contextmanager
def new_h5(
    path: Path, kind: str, settings_json: str, attributes: dict, made_from: Sequence[Path] = ()
) -> Iterator[h5py.File]:
    """Open a new result file that appears under its name only when the block ends well.

    Parameters
    ----------
    path : Path
    kind : str
        What the file holds: tessellation, mesh, stiffness, ensemble or inputs.
    settings_json : str
        Canonical JSON of the stage's settings.
    attributes : dict
        More root attributes.
    made_from : sequence of Path
        Results that this one is made from: their records become part of its own.
    """
    from polysve.data.records import record

    stage = {
        "tessellation": "tessellate",
        "mesh": "mesh",
        "stiffness": "homogenize",
        "ensemble": "assemble",
        "inputs": "preprocess",
    }[kind]
    made = record(stage, settings_json, made_from)
    with atomic_path(path) as temporary, _full_disk_told(path):
        # the newest file format has checksums on its own structure; the user block is for the seal
        with h5py.File(temporary, "w", libver="latest", userblock_size=SEAL_BYTES) as file:
            file.attrs.update(
                schema_version=SCHEMA_VERSION,
                kind=kind,
                settings=settings_json,
                provenance=json.dumps(made),
                package_versions=json.dumps(made["package_versions"]),
                code_version=made["code_digest"],
                **attributes,
            )
            yield file
        _seal(temporary)


@contextmanager
def _full_disk_told(path: Path) -> Iterator[None]:
    """Turn what HDF5 raises when the disk is full at closing into the system's own error."""
    try:
        yield
    except RuntimeError as error:
        if f"errno = {errno.ENOSPC}" not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None


def put(group: h5py.Group, name: str, values, chunks=None, **options) -> h5py.Dataset:
    """Write an array chunked, compressed and with Fletcher checksums.

    Strings become fixed-length bytes, since HDF5 keeps no checksum on text of varying length.
    """
    values = np.asarray(values)
    if values.dtype.kind == "U":
        values = np.char.encode(values, "utf-8")
    if values.dtype.kind == "S" and values.dtype.itemsize == 0:
        values = values.astype("S1")
    if values.size == 0:
        return group.create_dataset(name, data=values)
    options = {"compression": "gzip", "compression_opts": 1, "shuffle": True} | options
    return group.create_dataset(
        name, data=values, chunks=chunks or True, fletcher32=True, **options
    )


def put_ragged(group: h5py.Group, offsets: str, parts: dict[str, Sequence[np.ndarray]]) -> None:
    """Write lists of arrays, one after the other, with the row at which each begins."""
    lengths = [len(each) for each in next(iter(parts.values()))]
    put(group, offsets, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))
    for name, arrays in parts.items():
        put(group, name, np.concatenate(arrays))


def read_shard(path: Path, kind: str) -> h5py.File:
    """Open a result of a stage.

    Raises
    ------
    InputError
        If it is missing, damaged or something else.
    """
    require_whole(path)
    try:
        file = h5py.File(path)
    except OSError as error:
        raise InputError(
            f"{path}: missing or damaged ({str(error).splitlines()[0]}); a {kind} file is needed"
        ) from None
    found = file.attrs.get("kind")
    if found != kind:
        file.close()
        raise InputError(f"{path}: holds {found!r}; a {kind} file is needed")
    return file


def _digest(path: Path) -> str:
    """SHA-256 of a file behind its seal."""
    with open(path, "rb") as file:
        file.seek(SEAL_BYTES)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal(path: Path) -> None:
    """Write the checksum of a finished file into its user block."""
    text = f"{SEAL}{_digest(path)}\n".encode().ljust(SEAL_BYTES, b"\0")
    with open(path, "rb+") as file:
        file.write(text)


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


def seal_faults(path: Path) -> list[str]:
    """Say whether any byte of a file has changed since it was written; no line means none has."""
    with open(path, "rb") as file:
        found = file.read(SEAL_BYTES)
    if not found.startswith(SEAL.encode()):
        return [f"{path}: has no seal; a file made by polysve starts with {SEAL.strip()!r}"]
    if found != f"{SEAL}{_digest(path)}\n".encode().ljust(SEAL_BYTES, b"\0"):
        return [f"{path}: damaged: its bytes do not match its SHA-256 seal"]
    return []
