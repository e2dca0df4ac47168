"""Two-dimensional Neper tessellations."""

from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import check_size
from polysve.base.types import Array, Integers
from polysve.films.reading import Reading, orientations_of
from polysve.grains.film import Film
from polysve.grains.tiling import Tiling


def read_neper(path: Path, reading: Reading) -> Film:
    """Read a 2-D Neper tessellation of a square with Bunge angles (``-oridescriptor euler-bunge``)."""
    sections = _tess_sections(path)
    try:
        if sections["**general"][0] != "2":
            raise InputError(f"{path}: has {sections['**general'][0]} dimensions; 2 are needed")
        count = int(sections["**cell"][0])
        descriptor, *angles = sections["*ori"]
        vertices = np.array(sections["**vertex"][1:], float).reshape(-1, 5)[:, 1:3]
        grain, offsets, corners = _tess_faces(sections["**face"])
        angles = np.array(angles, float).reshape(count, -1)
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"{path}: is no complete .tess file ({type(error).__name__}: {error})"
        ) from None
    if descriptor not in ("euler-bunge", "euler-bunge:active"):
        raise InputError(f"{path}: orientations are {descriptor}; euler-bunge is needed")
    if not np.isfinite(angles).all() or not np.isfinite(vertices).all():
        raise InputError(f"{path}: holds numbers that are not finite")
    low, high = vertices.min(0), vertices.max(0)
    side = (high - low).max()
    if np.ptp(high - low) > 1e-9 * side:
        raise InputError(f"{path}: the domain is {high - low}; a square is needed")
    # Neper writes twelve digits: what should lie on the edge is put there
    place = (vertices - low) / side
    place = np.where(place < 1e-9, 0.0, np.where(place > 1 - 1e-9, 1.0, place)) * side
    tiling = _counter_clockwise(Tiling(grain, offsets, place[corners]))
    if abs(tiling.areas_um2().sum() / side**2 - 1) > 1e-6:
        raise InputError(
            f"{path}: the cells cover {tiling.areas_um2().sum():g} of {side**2:g}; a whole square is needed"
        )
    quaternions, _ = orientations_of(angles, path)
    groups, phase = _groups(sections, count, path)
    crystals = reading.crystals(groups, path)
    # Neper writes triclinic where nobody has said anything
    symmetry = sections.get("*crysym", ["triclinic"])[0]
    other = next((each for each in crystals if symmetry not in ("triclinic", each.symmetry)), None)
    if other:
        raise InputError(
            f"{path}: *crysym is {symmetry}, but {other.name} is {other.symmetry}; "
            "--material is needed, a crystal of that symmetry"
        )
    return Film(tiling, (float(side), float(side)), quaternions, phase, crystals)


def _groups(sections: dict[str, list[str]], count: int, path: Path) -> tuple[list[str], Integers]:
    """Names of the groups of cells, which are phases here, and the group of each cell."""
    words = sections.get("*group", ["1"] * count)
    if len(words) != count:
        raise InputError(f"{path}: *group has {len(words)} entries; {count} are needed")
    groups, phase = np.unique(words, return_inverse=True)
    return groups.tolist() if len(groups) > 1 else [""], phase


def _tess_sections(path: Path) -> dict[str, list[str]]:
    """Words below each ``**`` and ``*`` heading of a Neper file, the first of each name."""
    check_size(path)
    try:
        words = Path(path).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a .tess file ({error})") from None
    if not words or words[0] != "***tess":
        raise InputError(f"{path}: starts with {' '.join(words[:1])!r}; ***tess is needed")
    sections, current = {}, []
    for word in words[1:]:
        if word.startswith("*"):
            current = []
            sections.setdefault(word, current)
        else:
            current.append(word)
    return sections


def _tess_faces(words: list[str]) -> tuple[Array, Array, Array]:
    """Number, first corner and corners of each face; in two dimensions face i is cell i."""
    position, corners, grains = 1, [], []
    for _ in range(int(words[0])):
        grains.append(int(words[position]) - 1)
        size = int(words[position + 1])
        corners.append(np.array(words[position + 2 : position + 2 + size], int) - 1)
        edges = int(words[position + 2 + size])
        # four numbers of the plane's equation and five of the regularization follow the edges
        position += 3 + size + edges + 9
    return (
        np.array(grains),
        np.concatenate([[0], np.cumsum([len(each) for each in corners])]),
        np.concatenate(corners),
    )


def _counter_clockwise(tiling: Tiling) -> Tiling:
    """Turn polygons around that run clockwise."""
    vertices = [
        part if area > 0 else part[::-1]
        for part, area in zip(
            np.split(tiling.vertices_um, tiling.offsets[1:-1]), tiling.areas_um2(), strict=True
        )
    ]
    return tiling._replace(vertices_um=np.concatenate(vertices))
