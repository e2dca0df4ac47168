"""Is a result file whole and right: seal, layout, identities."""

import json
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.crystals.square import extreme_moduli, plane_stress, young_modulus
from polysve.data.h5 import SCHEMA_VERSION, seal_faults

LAYOUT = {
    "tessellation": (
        "index",
        "offsets",
        "generators",
        "theta",
        "piece_offsets",
        "vertices",
        "status",
        "reason",
    ),
    "mesh": (
        "index",
        "node_offsets",
        "nodes",
        "triangle_offsets",
        "triangles",
        "triangle_grain",
        "status",
        "reason",
    ),
    "stiffness": ("index", "stiffness", "young_modulus", "quality", "status", "reason"),
    "ensemble": (
        "index",
        "offsets",
        "generators",
        "theta",
        "label_image",
        "stiffness",
        "young_modulus",
        "quality",
    ),
    "inputs": (),
}
BULK_TOLERANCE = 1e-9
ORDER_TOLERANCE = 1e-9
# the largest discretization error a mesh may have and still be called sound
DEFECT_TOLERANCE = 5e-3
GEOMETRIC_MEAN_TOLERANCE = 1e-9


def faults_in(path: Path) -> list[str]:
    """Faults of a file, one line each.

    Raises
    ------
    InputError
        If there is no such file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; a result of polysve is needed")
    if found := seal_faults(path):
        # nothing inside can be trusted then
        return found
    try:
        with h5py.File(path) as file:
            return _layout_faults(file, path) or _content_faults(file, path)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        return [f"{path}: damaged: {' '.join(str(error).split())}"]


def _layout_faults(file: h5py.File, path: Path) -> list[str]:
    """Missing parts, parts of unequal length, checksums that do not fit."""
    kind = file.attrs.get("kind")
    if kind not in LAYOUT:
        return [f"{path}: holds {kind!r}; known are: {', '.join(LAYOUT)}"]
    found = [f"{path}: has no /{name}" for name in LAYOUT[kind] if name not in file]
    if file.attrs["schema_version"] != SCHEMA_VERSION:
        found.append(
            f"{path}: schema_version = {file.attrs['schema_version']}; known is {SCHEMA_VERSION}"
        )
    if kind == "inputs" or found:
        return found
    count = len(file["index"])
    for name, begin in {
        name: item for name, item in file.items() if name.endswith("offsets")
    }.items():
        if (np.diff(begin[:]) < 0).any():
            found.append(f"{path}: /{name} decreases")
    for group in ("stiffness", "young_modulus", "quality", "label_image"):
        for name, length in _lengths(file.get(group), group):
            if length != count:
                found.append(f"{path}: /{name} has {length} rows; /index has {count}")
    return found


def _lengths(item, name: str) -> list[tuple[str, int]]:
    """Name and length of every data set below an item."""
    if item is None:
        return []
    if isinstance(item, h5py.Dataset):
        return [(name, len(item))]
    return [each for key in item for each in _lengths(item[key], f"{name}/{key}")]


def _content_faults(file: h5py.File, path: Path) -> list[str]:
    """Labels that break what must hold exactly, and images that number grains that aren't there."""
    kind = file.attrs["kind"]
    found = []
    if kind in ("stiffness", "ensemble"):
        settings = json.loads(
            file.attrs["settings" if kind == "stiffness" else "homogenize_settings"]
        )
        index = file["index"][:]
        solved = kind == "ensemble" or ~file["status"][:].astype(bool)
        good = np.broadcast_to(solved, index.shape).copy()
        for name in file["stiffness"]:
            finite = np.isfinite(file[f"stiffness/{name}"][:]).all((1, 2))
            bad = index[good & ~finite][:1]
            found += [f"{path}: SVE {number}: /stiffness/{name} is not finite" for number in bad]
            good &= finite
        crystal = plane_stress(**settings["material"])
        labels = {name: file[f"stiffness/{name}"][:][good] for name in file["stiffness"]}
        faulty = _identity_faults(labels, crystal, bool(file.attrs["corrected"]))
        for name, stiffness in labels.items():
            modulus = file[f"young_modulus/{name}"][:][good]
            faulty[f"/young_modulus/{name} is not that of /stiffness/{name}"] = (
                np.abs(young_modulus(stiffness) / modulus - 1) > 1e-12
            )
        index = index[good]
        found += [
            f"{path}: SVE {index[rows.argmax()]}: {what}"
            for what, rows in faulty.items()
            if rows.any()
        ]
    if kind == "ensemble":
        grains = np.diff(file["offsets"][:])
        for row in range(len(grains)):
            if file["label_image"][row].max() >= grains[row]:
                found.append(
                    f"{path}: SVE {file['index'][row]}: /label_image numbers a grain that is not there"
                )
    return found


def _identity_faults(
    labels: dict[str, np.ndarray], crystal, corrected: bool
) -> dict[str, np.ndarray]:
    """Rows of stiffnesses (n, 3, 3) that break an identity, by what they break."""
    ones = np.array([1.0, 1.0, 0.0])
    faulty = {}
    for name, stiffness in labels.items():
        residual = np.abs(stiffness @ ones / (2 * crystal.bulk) - ones).max(-1)
        faulty[f"/stiffness/{name} breaks the bulk identity"] = ~(residual < BULK_TOLERANCE)
    if "pbc" in labels:
        smallest, largest = extreme_moduli(labels["pbc"])
        defect = np.abs(np.sqrt(smallest * largest) / crystal.geometric_mean - 1)
        limit = GEOMETRIC_MEAN_TOLERANCE if corrected else DEFECT_TOLERANCE
        faulty["/stiffness/pbc misses the geometric mean"] = ~(defect < limit)
    ranked = [name for name in ("kubc", "pbc", "subc") if name in labels]
    for stiff, soft in pairwise(ranked):
        least = np.linalg.eigvalsh(labels[stiff] - labels[soft])[:, 0] / (2 * crystal.bulk)
        faulty[f"/stiffness/{soft} is stiffer than /stiffness/{stiff}"] = ~(
            least > -ORDER_TOLERANCE
        )
    return faulty
