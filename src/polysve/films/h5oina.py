"""EBSD maps of Oxford Instruments in HDF5: `.h5oina`, radians.

Layout: Oxford Instruments NanoAnalysis HDF5 File Specification.
"""

from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.films.hdf5 import DAMAGE, check_datasets
from polysve.films.scan import Scan, ScanPhase, check_count, check_radians, laue_symmetry


def read_h5oina(path: Path) -> Scan:
    """Read the one EBSD map of an `.h5oina` file, as measured; a point has no orientation where its phase is 0.

    Raises
    ------
    InputError
        For a file that is damaged or holds no such map, or several.
    """
    import h5py

    check_datasets(path)
    try:
        with h5py.File(path) as file:
            groups = [part for part in file.values() if isinstance(part, h5py.Group)]
            maps = [part["EBSD"] for part in groups if "EBSD" in part]
            if len(maps) != 1:
                raise InputError(f"{path}: holds {len(maps)} EBSD maps; one is needed")
            return _scan(maps[0], path)
    except InputError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as an EBSD map ({reason})") from None


def _scan(group, path: Path) -> Scan:
    """Points and phases of one map."""
    data, header = group["Data"], group["Header"]
    count = data["Phase"].shape[0]
    check_count(count, path)
    phases = {
        int(number): ScanPhase(
            _first(phase["Phase Name"]).decode().strip() or f"phase {number}",
            laue_symmetry(int(_first(phase["Laue Group"])), path),
        )
        for number, phase in header["Phases"].items()
    }
    number = data["Phase"][:].reshape(count).astype(np.int64)
    euler = data["Euler"][:].reshape(count, 3).astype(float)
    lost = (number == 0) | ~np.isfinite(euler).all(1)
    stray = np.setdiff1d(number[~lost], list(phases))
    if len(stray):
        raise InputError(
            f"{path}: a point is of phase {stray[0]}; the header names {', '.join(map(str, phases))}"
        )
    check_radians(euler[~lost], path)
    columns, rows = (int(_first(header[f"{axis} Cells"])) for axis in "XY")
    known = sorted(phases)
    return Scan(
        _places(data, header, "X", np.arange(count) % max(columns, 1)),
        _places(data, header, "Y", np.arange(count) // max(columns, 1)),
        np.where(lost[:, None], 0.0, euler),
        np.where(lost, -1, np.searchsorted(known, number)),
        [phases[each] for each in known],
        "oxford",
        along_b=True,
        expected=columns * rows,
    )


def _places(data, header, axis: str, cell: np.ndarray) -> Array:
    """Coordinates of the points in µm, from their own column where there is one."""
    if axis in data:
        return data[axis][:].reshape(len(cell)).astype(float)
    return cell * float(_first(header[f"{axis} Step"]))


def _first(dataset):
    """The only value of a dataset."""
    return np.ravel(dataset[()])[0]
