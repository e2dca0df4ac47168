"""Reading of ensemble files, some SVEs at a time."""

import json
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.crystals import catalogue
from polysve.crystals.crystal import Crystal
from polysve.crystals.orientation import from_theta
from polysve.data.h5 import read_shard
from polysve.data.shards import read_all, stored_film
from polysve.grains.film import Film
from polysve.settings.material import CrystalSettings, material_settings
from polysve.settings.texture import DEFAULT_TEXTURE, TextureSettings, texture_settings


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
    phases : dict of str to CrystalSettings
        Constants of each.
    textures : dict of str to TextureSettings
        Law of the orientations of each.
    crystals : tuple of Crystal
        One for each phase.

    Raises
    ------
    InputError
        The file is missing, damaged or no ensemble.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        with read_shard(self.path, "ensemble") as file:
            try:
                self._data = read_all(file, left_out=("label_image",))
                self.attributes = dict(file.attrs)
                self.boundary_conditions = tuple(file["stiffness"])
                self.window_um = float(file.attrs["window_um"])
                self.grain_size_um = float(file.attrs["grain_size_um"])
                self.periodic = bool(file.attrs["periodic"])
                self.phases = stored_phases(file.attrs)
                self.textures = stored_textures(file.attrs)
                self.crystals = stored_crystals(file.attrs)
            except (OSError, KeyError, ValueError) as error:
                raise InputError(f"{path}: missing, damaged or no ensemble ({error})") from None
        self.index = self._data["index"]

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

    def film(self, row: int) -> Film:
        """The grains of the SVE in a row."""
        if "orientation" in self._data:
            return stored_film(self._data, row, self.attributes).made_of(*self.crystals)
        # ensembles of schema 1 hold no polygons; nothing else here needs the compiled functions
        from polysve.grains.tessellation import voronoi

        grains = slice(*self._data["offsets"][row : row + 2])
        generators_um, theta = self._data["generators"][grains], self._data["theta"][grains]
        return Film(
            voronoi(generators_um, self.window_um, self.periodic),
            (self.window_um, self.window_um),
            from_theta(theta),
            np.zeros(len(theta), np.int64),
            self.crystals,
            self.periodic,
            generators_um=generators_um,
            theta_rad=theta,
        )

    def stiffness(self, boundary_condition: str) -> Array:
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


def stored_phases(attributes) -> dict[str, CrystalSettings]:
    """Constants of each phase, from the attributes of an ensemble; of the one cubic phase that schema 1 knew."""
    if "crystals" in attributes:
        stored = json.loads(attributes["crystals"])
    else:
        stored = {"film": json.loads(attributes["material"])}
    return {name: material_settings(each) for name, each in stored.items()}


def stored_textures(attributes) -> dict[str, TextureSettings]:
    """Law of the orientations of each phase, from the attributes of an ensemble; schema 1 knew one."""
    drawn = json.loads(attributes["tessellate_settings"]).get("phases")
    if drawn is None:
        return {"film": DEFAULT_TEXTURE}
    return {name: texture_settings(each["texture"]) for name, each in drawn.items()}


def stored_crystals(attributes) -> tuple[Crystal, ...]:
    """Crystals of the phases, from the attributes of an ensemble or of the inputs of an experiment."""
    return tuple(catalogue.crystal(each) for each in stored_phases(attributes).values())
