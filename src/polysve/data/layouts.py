"""What each HDF5 file holds and how long each part is: shared by writing, reading and `polysve check`."""

from dataclasses import dataclass, field

import h5py
import numpy as np

SCHEMA_VERSION = 2
READABLE = (1, SCHEMA_VERSION)
CARD = "polysve.json"
"""Entry of a network's archive: what it was made for, and how far it errs."""
NETWORK = ("config.json", "metadata.json", "model.weights.h5", CARD)
"""Entries of a network's archive."""


@dataclass(frozen=True)
class Layout:
    """Parts of one kind of file."""

    stage: str
    """Stage that makes it."""
    rows: dict[str, str]
    """What one row of each data set, or of each data set of a group, belongs to: an SVE, a grain, a vertex, ..."""
    begins: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Data sets that tell where the rows of one thing begin in those of another: ``offsets`` of SVEs in grains."""
    optional: frozenset[str] = frozenset()
    """Data sets that some files do without."""
    grouped: bool = False
    """Whether the parts stand in groups, one for each ensemble."""


SHARD = {"index": "SVE", "status": "SVE", "reason": "SVE"}
GRAINS = dict.fromkeys(("generators", "orientation", "phase", "theta", "weight"), "grain")
SOME_FILMS = frozenset({"theta", "weight"})
"""Of upright crystals, and of grains of given sizes."""
POLYGONS = {"piece_grain": "polygon", "vertices": "vertex"}
POLYGONS_BEGIN = {"piece_offsets": ("SVE", "polygon"), "vertex_offsets": ("polygon", "vertex")}
LABELS = {"stiffness": "SVE", "young_modulus": "SVE", "quality": "SVE"}

LAYOUTS = {
    "tessellation": Layout(
        "tessellate",
        SHARD | GRAINS | POLYGONS,
        {"offsets": ("SVE", "grain")} | POLYGONS_BEGIN,
        SOME_FILMS,
    ),
    "mesh": Layout(
        "mesh",
        SHARD
        | {"grain_area_change": "SVE", "nodes": "node"}
        | {"triangles": "triangle", "triangle_grain": "triangle"},
        {"node_offsets": ("SVE", "node"), "triangle_offsets": ("SVE", "triangle")},
    ),
    "stiffness": Layout("homogenize", SHARD | LABELS),
    "ensemble": Layout(
        "assemble",
        {"index": "SVE", "label_image": "SVE"} | LABELS | GRAINS | POLYGONS,
        {"offsets": ("SVE", "grain")} | POLYGONS_BEGIN,
        SOME_FILMS,
    ),
    "inputs": Layout(
        "preprocess",
        dict.fromkeys(("index", "split", "symmetry", "images", "targets"), "sample")
        | dict.fromkeys(("stiffness", "young_modulus"), "sample")
        | dict.fromkeys(("window_means", "squared_areas"), "sample")
        | dict.fromkeys(("log_mean_modulus", "log_spread"), "sample"),
        grouped=True,
    ),
}
FIRST_ENSEMBLE = Layout(
    "assemble",
    {"index": "SVE", "label_image": "SVE", "generators": "grain", "theta": "grain"} | LABELS,
    {"offsets": ("SVE", "grain")},
)
"""Ensemble files of schema 1: angles instead of orientations, cells to be drawn again."""


def layout_of(file: h5py.File) -> Layout | None:
    """Layout that a file says it has, None if it is none of ours."""
    kind = file.attrs.get("kind")
    if kind == "ensemble" and file.attrs.get("schema_version") == 1:
        return FIRST_ENSEMBLE
    return LAYOUTS.get(kind)


def layout_faults(file: h5py.File) -> list[str]:
    """Missing parts, offsets that decrease, and parts of a wrong length, one line each."""
    layout = layout_of(file)
    if layout is None:
        return [f"holds {file.attrs.get('kind')!r}; known are: {', '.join(LAYOUTS)}"]
    if file.attrs["schema_version"] not in READABLE:
        known = ", ".join(map(str, READABLE))
        return [f"schema_version = {file.attrs['schema_version']}; known are: {known}"]
    groups = [file[name] for name in file] if layout.grouped else [file]
    return [fault for group in groups for fault in _faults(group, layout)]


def _faults(group: h5py.Group, layout: Layout) -> list[str]:
    place = group.name.rstrip("/")
    parts = layout.rows.keys() | layout.begins.keys()
    missing = sorted(parts - layout.optional - set(group))
    if missing:
        return [f"has no {place}/{name}" for name in missing]
    found, counts = [], {}
    for name, (one, many) in layout.begins.items():
        begin = group[name][:]
        if len(begin) == 0 or begin[0] != 0 or (np.diff(begin) < 0).any():
            found.append(f"{place}/{name} does not rise from 0")
            continue
        counts.setdefault(many, int(begin[-1]))
        counts.setdefault(one, len(begin) - 1)
        if counts[one] != len(begin) - 1:
            found.append(f"{place}/{name} is for {len(begin) - 1} of {counts[one]} rows")
    for name in sorted(layout.rows.keys() & set(group)):
        for full, length in _lengths(group[name]):
            expected = counts.setdefault(layout.rows[name], length)
            if length != expected:
                found.append(f"{full} has {length} rows; {expected} are needed")
    return found


def _lengths(item: h5py.Dataset | h5py.Group) -> list[tuple[str, int]]:
    """Name and length of a data set, or of all below a group."""
    if isinstance(item, h5py.Dataset):
        return [(item.name, len(item))]
    return [each for name in item for each in _lengths(item[name])]
