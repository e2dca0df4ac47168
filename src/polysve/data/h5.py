"""HDF5 files: written whole or not at all, sealed with a checksum, and checked."""

import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import atomic_path
from polysve.data.layouts import LAYOUTS, SCHEMA_VERSION, layout_faults
from polysve.data.records import record
from polysve.data.seal import HEAD_BYTES, require_whole, seal
from polysve.grains.film import Film


@contextmanager
def new_h5(
    path: Path, kind: str, settings_json: str, attributes: dict, made_from: Sequence[Path] = ()
) -> Iterator[h5py.File]:
    """Open a new result file that appears under its name only when the block ends well.

    Parameters
    ----------
    path : Path
    kind : str
        What the file holds, a name in `LAYOUTS`.
    settings_json : str
        Canonical JSON of the stage's settings.
    attributes : dict
        More root attributes.
    made_from : sequence of Path
        Results that this one is made from: their records become part of its own.
    """
    made = record(LAYOUTS[kind].stage, settings_json, made_from)
    with atomic_path(path) as temporary, _full_disk_told(path):
        # The newest file format has checksums on its own structure; the user block is for the seal. Without a cache of
        # chunks each is written at once: a full disk stops the program there, where it could else be known too late.
        options = {"libver": "latest", "userblock_size": HEAD_BYTES, "rdcc_nbytes": 0}
        with h5py.File(temporary, "w", **options) as file:
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
            if faults := layout_faults(file):
                raise RuntimeError(f"{path}: {faults[0]}")
        seal(temporary)


@contextmanager
def _full_disk_told(path: Path) -> Iterator[None]:
    """Turn what HDF5 raises when the disk is full into the system's own error of one line."""
    try:
        yield
    except (OSError, RuntimeError) as error:
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


def put_grains(group: h5py.Group, films: Sequence[Film]) -> None:
    """Write the grains of films and the polygons they are made of, as `stored_film` reads them."""
    grains = {
        "generators": [film.generators_um for film in films],
        "orientation": [film.quaternions for film in films],
        "phase": [film.phase.astype(np.uint8) for film in films],
    }
    if all(film.theta_rad is not None for film in films):
        grains["theta"] = [film.theta_rad for film in films]
    if all(film.weights_um2 is not None for film in films):
        grains["weight"] = [film.weights_um2 for film in films]
    put_ragged(group, "offsets", grains)
    tilings = [film.shape for film in films]
    put_ragged(
        group, "piece_offsets", {"piece_grain": [each.grain.astype(np.int32) for each in tilings]}
    )
    corners = [np.diff(tiling.offsets) for tiling in tilings]
    put(group, "vertex_offsets", np.concatenate([[0], np.cumsum(np.concatenate(corners))]))
    put(group, "vertices", np.concatenate([tiling.vertices_um for tiling in tilings]))


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
    faults = [f"holds {found!r}; a {kind} file is needed"] if found != kind else layout_faults(file)
    if faults:
        file.close()
        raise InputError(f"{path}: {faults[0]}")
    return file
