"""Apparent stiffness of some films of a family, each of all its crystals and textures, without training."""

from pathlib import Path

import numpy as np

from polysve.base.files import atomic_path
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.settings.families import CharacterizeSettings
from polysve.surrogate import families


def run(output: Path, start: int, stop: int, settings: CharacterizeSettings) -> None:
    """Write the stiffness of the films `start` to `stop`.

    Parameters
    ----------
    output : Path
        Arrays to write (.npz), with the fields of `families.Stiffness`.
    start, stop : int
        Indices.
    settings : CharacterizeSettings

    Raises
    ------
    InputError
        If the grains of a film differ so much that the series promises nothing.
    """
    solved = families.solve(settings, start, stop)
    with atomic_path(output) as temporary:
        np.savez_compressed(temporary, **solved._asdict())
    record = output.with_suffix(RECORD_SUFFIX)
    write_record(record, "characterize", settings.canonical_json(), [output], [])
