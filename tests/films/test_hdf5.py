"""HDF5 files that tell of more than they hold."""

import struct

import h5py
import numpy as np
import pytest

from polysve.base.errors import InputError
from polysve.films import hdf5
from polysve.films.hdf5 import check_datasets
from polysve.films.readers import read_film

pytestmark = [pytest.mark.faults, pytest.mark.films]


@pytest.mark.parametrize(
    ("shape", "chunks"), [((10**12,), (1000,)), ((10**9, 4), (10**8, 4)), ((2**40,), (2**29,))]
)
def test_a_dataset_that_cannot_be_is_refused_before_it_is_read(tmp_path, shape, chunks):
    for name in ("map.h5oina", "map.h5ebsd"):
        with h5py.File(tmp_path / name, "w") as file:
            file["Manufacturer"] = "Bruker"
            file.create_dataset("1/EBSD/Data/Phase", shape, "u1", chunks=chunks)
        with pytest.raises(InputError, match=rf"{name}: damaged: /1/EBSD/Data/Phase tells of"):
            read_film(tmp_path / name)


def test_a_chunk_that_is_larger_than_its_file_is_found(tmp_path):
    path = tmp_path / "map.h5oina"
    with h5py.File(path, "w") as file:
        values = np.random.default_rng(1).integers(0, 255, (64, 64), np.uint8)
        data = file.create_dataset("values", data=values, chunks=(64, 64), compression="gzip")
        stored = data.id.get_chunk_info(0).size
    check_datasets(path)
    content = path.read_bytes()
    told = stored.to_bytes(4, "little")
    assert content.count(told) == 1
    path.write_bytes(content.replace(told, (2**31).to_bytes(4, "little")))
    with pytest.raises(InputError, match=r"map\.h5oina: damaged: /values tells of 2147483648"):
        check_datasets(path)


def test_texts_that_are_read_for_ever_are_given_up(tmp_path, monkeypatch):
    """The heap of texts ends in an object 0 of what is left; of the size 0 the library never gets beyond it."""
    path = tmp_path / "map.h5oina"
    with h5py.File(path, "w") as file:
        file.create_dataset("names", data=["copper", "zinc"], dtype=h5py.string_dtype())
    check_datasets(path)
    content = path.read_bytes()
    place = content.index(b"GCOL") + 16
    number, size = 1, 0
    while number:
        place += 16 + -(-size // 8) * 8 if size else 0
        number, _, _, size = struct.unpack_from("<HHIQ", content, place)
    path.write_bytes(content[: place + 8] + bytes(8) + content[place + 16 :])
    monkeypatch.setattr(hdf5, "SECONDS", 3)
    with pytest.raises(InputError, match=r"map\.h5oina: damaged: its texts take more than 3 s"):
        read_film(path)
