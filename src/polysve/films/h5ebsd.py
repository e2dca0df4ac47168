"""EBSD maps in HDF5 of other programs, as orix reads them: Bruker, EMsoft, orix."""

import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.films.hdf5 import DAMAGE, check_datasets
from polysve.films.scan import Scan, ScanPhase, check_count, symmetry_of

UNITS_UM = {"um": 1.0, "nm": 1e-3}


def read_h5ebsd(path: Path) -> Scan:
    """Read an HDF5 file with an EBSD map by `orix.io.load`.

    Raises
    ------
    InputError
        For a file that orix cannot read.
    """
    check_datasets(path)
    crystal_map, notes = _load(path)
    check_count(crystal_map.size, path)
    if crystal_map.ndim != 2 or crystal_map.size < 4:
        raise InputError(f"{path}: has {crystal_map.size} points in {crystal_map.ndim} dimensions")
    if crystal_map.scan_unit not in UNITS_UM:
        raise InputError(
            f"{path}: points are {crystal_map.scan_unit} apart; allowed are {', '.join(UNITS_UM)}"
        )
    phases = [(number, phase) for number, phase in crystal_map.phases if number >= 0]
    place = {number: order for order, (number, _) in enumerate(phases)}
    # several candidates a point: the first is the best
    rotations = crystal_map.rotations.reshape(crystal_map.size, -1)[:, 0]
    factor = UNITS_UM[crystal_map.scan_unit]
    bruker = _manufacturer(path).startswith("bruker")
    return Scan(
        np.asarray(crystal_map.x) * factor,
        np.asarray(crystal_map.y) * factor,
        rotations.to_euler(),
        np.array([place.get(number, -1) for number in crystal_map.phase_id]),
        [
            ScanPhase(
                phase.name or f"phase {number}",
                None if phase.point_group is None else symmetry_of(phase.point_group.name, path),
            )
            for number, phase in phases
        ],
        "oxford" if bruker else "edax",
        along_b=bruker,
        notes=notes,
    )


def _load(path: Path):
    """Crystal map of a file, and what orix warned of."""
    from orix.io import load

    try:
        # the reader also prints, and standard output belongs to results
        with warnings.catch_warnings(record=True) as warned, redirect_stdout(StringIO()):
            warnings.simplefilter("always")
            crystal_map = load(str(path))
    # the reader meets a wrong file with whatever exception its parsing happens to raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as an EBSD map ({reason})") from None
    told = (" ".join(str(each.message).split()) for each in warned)
    return crystal_map, tuple(f"orix: {text}" for text in dict.fromkeys(told))


def has_manufacturer(path: Path) -> bool:
    """Whether a file is an HDF5 file that names the maker of its EBSD map."""
    return bool(_manufacturer(path))


def _manufacturer(path: Path) -> str:
    """Who made the file, lower case; nothing where it does not tell."""
    import h5py

    try:
        with h5py.File(path) as file:
            for name, value in file.items():
                if name.strip().lower() == "manufacturer":
                    text = np.ravel(value[()])[0]
                    return (
                        text.decode("latin-1") if isinstance(text, bytes) else str(text)
                    ).lower()
    except DAMAGE:
        pass
    return ""
