"""Is a result file whole and right: seal, layout, identities."""

import zipfile
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.crystals.square import SquareSymmetry, extreme_moduli, square_symmetry
from polysve.crystals.stiffness import plane_stress, young_modulus
from polysve.data.ensemble import stored_crystals
from polysve.data.layouts import NETWORK, layout_faults, layout_of
from polysve.data.seal import seal_faults

BULK_TOLERANCE = 1e-9
ORDER_TOLERANCE = 1e-9
# the largest discretization error a mesh may have and still be called sound
DEFECT_TOLERANCE = 5e-3
GEOMETRIC_MEAN_TOLERANCE = 1e-9


def faults_in(path: Path) -> list[str]:
    """Faults of a result file (HDF5 or network), one line each.

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
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return [f"{path}: has no {name}" for name in NETWORK if name not in archive.namelist()]
    try:
        with h5py.File(path) as file:
            found = layout_faults(file) or _content_faults(file)
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        found = [f"damaged: {' '.join(str(error).split())}"]
    return [f"{path}: {fault}" for fault in found]


def _content_faults(file: h5py.File) -> list[str]:
    """Labels that break what must hold exactly, and images that number grains that aren't there."""
    kind, found = file.attrs["kind"], []
    if kind in ("stiffness", "ensemble"):
        found = _label_faults(file)
    if kind == "ensemble":
        grains = np.diff(file["offsets"][:])
        for row in range(len(grains)):
            if file["label_image"][row].max() >= grains[row]:
                found.append(
                    f"SVE {file['index'][row]}: /label_image numbers a grain that is not there"
                )
    return found


def _label_faults(file: h5py.File) -> list[str]:
    """Stiffnesses that are not finite, not in order, or break an identity."""
    index = file["index"][:]
    good = np.ones(len(index), bool)
    if "status" in file:
        good = ~file["status"][:].astype(bool)
    found = []
    for name in file["stiffness"]:
        finite = np.isfinite(file[f"stiffness/{name}"][:]).all((1, 2))
        bad = index[good & ~finite][:1]
        found += [f"SVE {number}: /stiffness/{name} is not finite" for number in bad]
        good &= finite
    labels = {name: file[f"stiffness/{name}"][:][good] for name in file["stiffness"]}
    faulty = _order_faults(labels)
    if symmetry := _symmetry(file):
        faulty |= _identity_faults(labels, symmetry, bool(file.attrs["corrected"]))
    for name, stiffness in labels.items():
        modulus = file[f"young_modulus/{name}"][:][good]
        faulty[f"/young_modulus/{name} is not that of /stiffness/{name}"] = (
            np.abs(young_modulus(stiffness) / modulus - 1) > 1e-12
        )
    index = index[good]
    return found + [
        f"SVE {index[rows.argmax()]}: {what}" for what, rows in faulty.items() if rows.any()
    ]


def _symmetry(file: h5py.File) -> SquareSymmetry | None:
    """Square symmetry of all grains of an ensemble, if they have it."""
    if layout_of(file).stage != "assemble":
        return None
    crystals = stored_crystals(file.attrs)
    if "orientation" not in file:
        return square_symmetry(plane_stress(crystals[0].stiffness_gpa, np.eye(4)[:1]))
    stiffness = np.empty((len(file["phase"]), 3, 3))
    for number, crystal in enumerate(crystals):
        grains = file["phase"][:] == number
        stiffness[grains] = plane_stress(crystal.stiffness_gpa, file["orientation"][:][grains])
    return square_symmetry(stiffness)


def _order_faults(labels: dict[str, Array]) -> dict[str, Array]:
    """Rows of stiffnesses (n, 3, 3) that are softer than a condition that must be softer still."""
    ranked = [name for name in ("kubc", "pbc", "subc") if name in labels]
    return {
        f"/stiffness/{soft} is stiffer than /stiffness/{stiff}": ~(
            np.linalg.eigvalsh(labels[stiff] - labels[soft])[:, 0]
            > -ORDER_TOLERANCE * labels[stiff][:, 0, 0]
        )
        for stiff, soft in pairwise(ranked)
    }


def _identity_faults(
    labels: dict[str, Array], symmetry: SquareSymmetry, corrected: bool
) -> dict[str, Array]:
    """Rows of stiffnesses (n, 3, 3) that break an identity, by what they break."""
    ones = np.array([1.0, 1.0, 0.0])
    faulty = {}
    for name, stiffness in labels.items():
        residual = np.abs(stiffness @ ones / (2 * symmetry.bulk_gpa) - ones).max(-1)
        faulty[f"/stiffness/{name} breaks the bulk identity"] = ~(residual < BULK_TOLERANCE)
    if "pbc" in labels and symmetry.geometric_mean:
        smallest, largest = extreme_moduli(labels["pbc"])
        defect = np.abs(np.sqrt(smallest * largest) / symmetry.geometric_mean - 1)
        limit = GEOMETRIC_MEAN_TOLERANCE if corrected else DEFECT_TOLERANCE
        faulty["/stiffness/pbc misses the geometric mean"] = ~(defect < limit)
    return faulty
