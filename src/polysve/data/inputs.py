"""Reading of the inputs of an experiment: images, targets, and which SVE serves for what."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

import h5py

from polysve.base.errors import InputError
from polysve.data.h5 import read_shard


class Split(IntEnum):
    """What an SVE of an experiment is for."""

    TRAINING = 0
    VALIDATION = 1
    TEST = 2
    CALIBRATION = 3
    """Of an ensemble that is not trained on: tells how far the network errs there, and is not judged."""
    UNUSED = 255
    """In no group: there were more SVEs than `train_count` asks for."""


@contextmanager
def open_inputs(path: Path) -> Iterator[h5py.File]:
    """Open the inputs of an experiment: one group for each ensemble, as `layouts` says.

    Raises
    ------
    InputError
        If the file is missing, damaged or something else.
    """
    with read_shard(path, "inputs") as file:
        try:
            yield file
        except OSError as error:
            raise InputError(f"{path}: damaged ({error})") from error
