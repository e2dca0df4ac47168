"""Reading of ensemble files, some SVEs at a time."""

import json
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.data.h5 import require_whole

NEEDED = ("index", "offsets", "theta", "label_image")


class Ensemble:
    """An ensemble file: what is small is read at once, label images when asked for.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    index : array of int64, shape (n,)
        SVE numbers; those that failed are missing.
    window_um, grain_size_um : float
    periodic : bool
        Whether grains continue on the opposite side.
    material : dict
        Constants of the crystal in GPa.

    Raises
    ------
    InputError
        The file is missing, damaged or no ensemble.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        require_whole(self.path)
        try:
            with h5py.File(self.path) as file:
                missing = [name for name in NEEDED if name not in file]
                if missing:
                    raise InputError(f"{path}: has no /{missing[0]}; an ensemble file is needed")
                self.index, self._offsets = file["index"][:], file["offsets"][:]
                self._theta = file["theta"][:]
                self.boundary_conditions = tuple(file.get("stiffness", ()))
                self.window_um = float(file.attrs["window_um"])
                self.grain_size_um = float(file.attrs["grain_size_um"])
                self.periodic = bool(file.attrs["periodic"])
                self.material = json.loads(file.attrs["material"])
        except (OSError, KeyError) as error:
            raise InputError(f"{path}: missing, damaged or no ensemble ({error})") from error

    def __len__(self) -> int:
        return len(self.index)

    @property
    def ratio(self) -> float:
        """Window over grain size L/s."""
        return self.window_um / self.grain_size_um

    def row(self, index: int) -> int:
        """Row of the SVE with this number.

        Raises
        ------
        InputError
            There is none.
        """
        rows = np.flatnonzero(self.index == index)
        if len(rows) == 0:
            raise InputError(
                f"{self.path}: has no SVE {index}; its {len(self)} SVEs go from {self.index.min()} "
                f"to {self.index.max()}, less those that failed"
            )
        return int(rows[0])

    def theta(self, row: int) -> np.ndarray:
        """Angles (rad) of the grains of the SVE in a row, shape (grains,)."""
        return self._theta[self._offsets[row] : self._offsets[row + 1]]

    def generators_um(self, row: int) -> np.ndarray:
        """Voronoi points of the SVE in a row, shape (grains, 2)."""
        with h5py.File(self.path) as file:
            return file["generators"][self._offsets[row] : self._offsets[row + 1]]

    def label_images(self, start: int, stop: int) -> np.ndarray:
        """Grain numbers of some rows, shape (stop − start, pixels, pixels), row 0 of an image at the bottom."""
        return self._read("label_image", slice(start, stop))

    def stiffness(self, boundary_condition: str) -> np.ndarray:
        """Apparent stiffness, GPa, shape (n, 3, 3).

        Raises
        ------
        InputError
            It was not computed under this boundary condition.
        """
        if boundary_condition not in self.boundary_conditions:
            raise InputError(
                f"{self.path}: boundary_condition = {boundary_condition!r} is not in the file; "
                f"there are: {', '.join(self.boundary_conditions)}"
            )
        return self._read(f"stiffness/{boundary_condition}", slice(None))

    def _read(self, name: str, rows: slice) -> np.ndarray:
        try:
            with h5py.File(self.path) as file:
                return file[name][rows]
        except OSError as error:
            raise InputError(f"{self.path}: /{name} is damaged ({error})") from error
