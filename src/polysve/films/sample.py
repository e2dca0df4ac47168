"""Measured orientations from which the crystals of a film are drawn."""

from collections.abc import Iterable
from pathlib import Path

from polysve.base.errors import InputError
from polysve.grains.texture import Measured
from polysve.settings.texture import TextureSettings, sample_files


def read_samples(textures: Iterable[TextureSettings]) -> dict[str, Measured]:
    """Orientations of all files that the laws of textures name, by the name of the file.

    The readers of films are loaded only where a law names a file.
    """
    return {file: read_sample(Path(file)) for file in sample_files(textures)}


def read_sample(path: Path) -> Measured:
    """Read a table ``phi1_deg,Phi_deg,phi2_deg`` or ``phi1_deg,Phi_deg,phi2_deg,area``, or the grains of any film.

    Raises
    ------
    InputError
        For a wrong file, and areas that are negative or sum to nothing.
    """
    from polysve.films.readers import read_film
    from polysve.films.reading import EULER, orientations_of
    from polysve.films.table import read_table

    if path.suffix.lower() != ".csv":
        film = read_film(path)
        return Measured(film.quaternions, film.area_fractions)
    _, numbers, _ = read_table(path, [EULER, [*EULER, "area"]])
    area = numbers[:, 3] if numbers.shape[1] > 3 else numbers[:, 0] * 0 + 1
    if area.min() < 0 or area.sum() == 0:
        raise InputError(
            f"{path}: areas from {area.min():g} to {area.max():g}; allowed are positive numbers"
        )
    return Measured(orientations_of(numbers[:, :3], path)[0], area)
