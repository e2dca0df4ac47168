"""Reading of shards, SVE by SVE."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.data.h5 import read_shard
from polysve.grains.film import Film
from polysve.grains.mesh import Mesh
from polysve.grains.tiling import Tiling


class TessellationShard:
    """Structures of one shard; small enough to be read at once."""

    def __init__(self, path: Path):
        with read_shard(path, "tessellation") as file:
            self.attributes = dict(file.attrs)
            self._data = read_all(file)
        self.path = Path(path)
        self.index = self._data["index"]
        self.reasons = _texts(self._data["reason"])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, row: int) -> Film:
        return stored_film(self._data, row, self.attributes)


def stored_film(data: dict[str, np.ndarray], row: int, attributes: dict) -> Film:
    """Film of one SVE, from the data sets of a tessellation or an ensemble."""
    grains = slice(*data["offsets"][row : row + 2])
    first, last = data["piece_offsets"][row : row + 2]
    offsets = data["vertex_offsets"][first : last + 1]
    tiling = Tiling(
        data["piece_grain"][first:last].astype(np.int64),
        offsets - offsets[0],
        data["vertices"][offsets[0] : offsets[-1]],
    )
    window_um = float(attributes["window_um"])
    return Film(
        tiling,
        (window_um, window_um),
        data["orientation"][grains],
        data["phase"][grains].astype(np.int64),
        periodic=bool(attributes["periodic"]),
        generators_um=data["generators"][grains],
        weights_um2=data["weight"][grains] if "weight" in data else None,
        theta_rad=data["theta"][grains] if "theta" in data else None,
    )


class MeshShard:
    """Meshes of one shard."""

    def __init__(self, path: Path):
        with read_shard(path, "mesh") as file:
            self.attributes = dict(file.attrs)
            self._data = read_all(file)
        self.path = Path(path)
        self.index = self._data["index"]
        self.reasons = _texts(self._data["reason"])
        self.area_change = self._data["grain_area_change"]

    def __getitem__(self, row: int) -> Mesh:
        data = self._data
        nodes = slice(*data["node_offsets"][row : row + 2])
        triangles = slice(*data["triangle_offsets"][row : row + 2])
        return Mesh(
            data["nodes"][nodes],
            data["triangles"][triangles].astype(np.int64),
            data["triangle_grain"][triangles].astype(np.int64),
        )


def match(one, other) -> None:
    """Refuse two shards of different SVEs.

    Raises
    ------
    InputError
    """
    if not np.array_equal(one.index, other.index):
        raise InputError(
            f"{other.path}: holds other SVEs than {one.path}; shards of one range are needed"
        )


def solvable(reasons: list[str]) -> Iterator[int]:
    """Rows without a reason to be left out."""
    return (row for row, reason in enumerate(reasons) if not reason)


def read_all(group: h5py.Group, left_out: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """All data sets of a group but those of groups inside it and those named.

    Raises
    ------
    InputError
        If one is damaged.
    """
    wanted = (name for name in group if name not in left_out)
    try:
        return {name: group[name][()] for name in wanted if isinstance(group[name], h5py.Dataset)}
    except OSError as error:
        raise InputError(
            f"{group.file.filename}: damaged ({str(error).splitlines()[0]}); make it again"
        ) from None


def _texts(values: np.ndarray) -> list[str]:
    return [value.decode() for value in values]
