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
    """Read a 2-D Neper tessellation of a square with Bunge angles (``-oridescriptor euler-bunge``).

    Groups of cells, where there are several, are phases by number.

    Raises
    ------
    InputError
        For another file, cells that do not fill a square, and crystals of another symmetry than the file tells.
    """
    sections = _tess_sections(path)
    dimensions = (sections.get("**general") or ["no"])[0]
    if dimensions != "2":
        raise InputError(f"{path}: has {dimensions} dimensions; 2 are needed")
    try:
        count = int(sections["**cell"][0])
        descriptor, *words = sections["*ori"]
        if descriptor not in ("euler-bunge", "euler-bunge:active"):
            raise InputError(f"{path}: orientations are {descriptor}; euler-bunge is needed")
        angles_deg = np.array(words, float).reshape(count, 3)
        n_vertices, *words = sections["**vertex"]
        vertices = np.array(words, float).reshape(int(n_vertices), 5)[:, 1:3]
        cells = _cells(sections["**face"], count, len(vertices))
    except InputError:
        raise
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"{path}: is no complete .tess file ({type(error).__name__}: {error})"
        ) from None
    if not np.isfinite(angles_deg).all() or not np.isfinite(vertices).all():
        raise InputError(f"{path}: holds numbers that are not finite")
    tiling, side = _square(cells, vertices, path)
    quaternions, _ = orientations_of(angles_deg, path)
    groups, phase = _groups(sections, count, path)
    crystals = reading.crystals(groups, path)
    # Neper writes triclinic where nobody has said anything
    symmetry = (sections.get("*crysym") or ["triclinic"])[0]
    other = next((each for each in crystals if symmetry not in ("triclinic", each.symmetry)), None)
    if other:
        raise InputError(
            f"{path}: *crysym is {symmetry}, but {other.name} is {other.symmetry}; "
            "--material is needed, a crystal of that symmetry"
        )
    return Film(tiling, (side, side), quaternions, phase, crystals)


def _square(cells: list[Integers], vertices: Array, path: Path) -> tuple[Tiling, float]:
    """Cells with their corners counter-clockwise in a window from 0 to its side."""
    low, high = vertices.min(0), vertices.max(0)
    side = float((high - low).max())
    if not side > 0 or np.ptp(high - low) > 1e-9 * side:
        raise InputError(
            f"{path}: the domain is {high[0] - low[0]:g} × {high[1] - low[1]:g}; a square is needed"
        )
    # Neper writes twelve digits: what should lie on the edge is put there
    place = (vertices - low) / side
    place = np.where(place < 1e-9, 0.0, np.where(place > 1 - 1e-9, 1.0, place)) * side
    offsets = np.cumsum([0, *map(len, cells)])
    numbers = np.arange(len(cells))
    tiling = _counter_clockwise(Tiling(numbers, offsets, place[np.concatenate(cells)]))
    covered = tiling.areas_um2().sum()
    if abs(covered / side**2 - 1) > 1e-6:
        raise InputError(
            f"{path}: the cells cover {covered:g} of {side**2:g}; a whole square is needed"
        )
    return tiling, side


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


def _cells(words: list[str], count: int, n_vertices: int) -> list[Integers]:
    """Corners of each cell; in two dimensions face i is cell i."""
    if int(words[0]) != count:
        raise ValueError(f"{words[0]} faces for {count} cells")
    position, corners = 1, [np.empty(0, int)] * count
    for _ in range(count):
        cell, size = int(words[position]) - 1, int(words[position + 1])
        found = np.array(words[position + 2 : position + 2 + size], int) - 1
        if not (0 <= cell < count and len(corners[cell]) == 0):
            raise ValueError(f"face {cell + 1} is none of 1 to {count}, or there twice")
        if not (size >= 3 and found.min() >= 0 and found.max() < n_vertices):
            raise ValueError(f"face {cell + 1} has not three corners or more of 1 to {n_vertices}")
        corners[cell] = found
        edges = int(words[position + 2 + size])
        # four numbers of the plane's equation and five of the regularization follow the edges
        position += 3 + size + abs(edges) + 9
    return corners


def _counter_clockwise(tiling: Tiling) -> Tiling:
    """Turn polygons around that run clockwise."""
    vertices = [
        part if area > 0 else part[::-1]
        for part, area in zip(
            np.split(tiling.vertices_um, tiling.offsets[1:-1]), tiling.areas_um2(), strict=True
        )
    ]
    return tiling._replace(vertices_um=np.concatenate(vertices))
