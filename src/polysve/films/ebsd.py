"""EBSD maps: from measured orientations to grains with a mean orientation."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import check_size
from polysve.base.types import Array, Integers
from polysve.crystals.crystal import Crystal
from polysve.crystals.orientation import from_euler, mean_orientations
from polysve.films.ang import read_ang
from polysve.films.ctf import read_ctf
from polysve.films.frames import FRAMES, find_frame, in_window
from polysve.films.grid import Squares, squares
from polysve.films.h5ebsd import read_h5ebsd
from polysve.films.h5oina import read_h5oina
from polysve.films.reading import MOST_GRAINS, Reading
from polysve.films.scan import Scan, ScanPhase
from polysve.films.segmentation import SMALLEST_GRAIN_PIXELS, Grains, segment
from polysve.grains.film import Film, LabelImage

SCANS = {
    ".ang": read_ang,
    ".ctf": read_ctf,
    ".h5oina": read_h5oina,
    ".h5": read_h5ebsd,
    ".hdf5": read_h5ebsd,
    ".h5ebsd": read_h5ebsd,
}
"""Reader of a map's points by the file's ending."""


def read_map(path: Path, reading: Reading) -> Film:
    """Read an EBSD map and find its grains.

    Neighbouring pixels of one phase belong to one grain where their misorientation is below a threshold. Pixels without
    an orientation, and grains of less than 5 pixels, go to the nearest grain. A grain is turned as the mean of its
    pixels.

    Parameters
    ----------
    path : Path
        `.ang` (EDAX, EMsoft, orix), `.ctf` (Oxford, Bruker, MTEX), `.h5oina` (Oxford), `.h5` (Bruker, EMsoft, orix).
    reading : Reading

    Raises
    ------
    InputError
        For a file that is no such map, phases of which nobody knows the crystal or whose crystal has another symmetry,
        and too many pixels without orientation.
    """
    _check_reading(reading)
    check_size(path)
    scan = SCANS[path.suffix.lower()](path)
    if scan.expected is not None and scan.expected != len(scan.phase):
        raise InputError(
            f"{path}: holds {len(scan.phase)} points of {scan.expected} that its header tells of"
        )
    grid = squares(scan.x_um, scan.y_um, path)
    phases, phase = _used(scan, path, reading)
    names = [each.name for each in phases]
    crystals = reading.crystals(names, path, [each.name for each in scan.phases])
    _check_symmetry(phases, crystals, path)
    frame = reading.frame or scan.frame
    lattice = np.array([crystal.symmetry in ("trigonal", "hexagonal") for crystal in crystals])
    quaternions = in_window(
        from_euler(np.degrees(scan.euler_rad)), find_frame(frame), scan.along_b & lattice[phase]
    )
    groups = [crystal.point_group for crystal in crystals]
    grains = segment(quaternions[grid.point], phase[grid.point], groups, reading.misorientation_deg)
    film, spread_deg = _film(grid, grains, quaternions, phase, crystals, path)
    notes = (*_notes(scan, grid, grains, phase, frame), *_shares(film, spread_deg))
    return replace(film, notes=notes)


def _check_reading(reading: Reading) -> None:
    """Refuse settings that no map can be read with."""
    if not 0 < reading.misorientation_deg < 45:
        raise InputError(f"misorientation = {reading.misorientation_deg:g}°: allowed is 0 to 45")
    if not 0 <= reading.largest_unindexed < 1:
        raise InputError(
            f"unindexed = {reading.largest_unindexed:g}: allowed is 0 to 1, 1 excluded"
        )
    if reading.frame is not None:
        find_frame(reading.frame)


def _used(scan: Scan, path: Path, reading: Reading) -> tuple[list[ScanPhase], Integers]:
    """Phases that cover more than a speck, and the number of each point's phase among them."""
    count = np.bincount(scan.phase + 1, minlength=len(scan.phases) + 1)[1:]
    used = np.flatnonzero((count > 0) & (count >= min(SMALLEST_GRAIN_PIXELS, count.max())))
    number = np.full(len(scan.phases) + 1, -1)
    number[used] = np.arange(len(used))
    phase = number[scan.phase]
    share = np.mean(phase < 0)
    if share > reading.largest_unindexed:
        raise InputError(
            f"{path}: {100 * share:.0f} % of the pixels have no orientation; "
            f"allowed is {100 * reading.largest_unindexed:g} %"
        )
    return [scan.phases[each] for each in used], phase


def _check_symmetry(phases: list[ScanPhase], crystals: tuple[Crystal, ...], path: Path) -> None:
    """Refuse a crystal whose symmetry is not that of the phase: titanium's constants for its cubic phase."""
    for (name, symmetry), crystal in zip(phases, crystals, strict=True):
        if symmetry not in (None, crystal.symmetry):
            raise InputError(
                f"{path}: the point group of {name!r} is {symmetry}, but {crystal.name} is {crystal.symmetry}; "
                f"--material {name}=… is needed, of that symmetry"
            )


def _film(
    grid: Squares,
    grains: Grains,
    quaternions: Array,
    phase: Integers,
    crystals: tuple[Crystal, ...],
    path: Path,
) -> tuple[Film, Array]:
    """Film of the grains, and the spread of the orientations in each."""
    count = grains.labels.max() + 1
    if count > MOST_GRAINS:
        raise InputError(f"{path}: has {count} grains; allowed are {MOST_GRAINS}")
    of_grain = np.empty(count, np.int64)
    of_grain[grains.labels[grains.own]] = phase[grid.point][grains.own]
    mean, spread_deg = _means(quaternions[grid.point], grains, of_grain, crystals)
    rows, columns = grains.labels.shape
    shape = LabelImage(grains.labels.astype(np.uint16), grid.pixel_um)
    size_um = columns * grid.pixel_um, rows * grid.pixel_um
    return Film(shape, size_um, mean, of_grain, crystals), spread_deg


def _means(
    quaternions: Array, grains: Grains, of_grain: Integers, crystals: tuple[Crystal, ...]
) -> tuple[Array, Array]:
    """Mean orientation (grains, 4) and mean deviation from it (grains,) of the pixels measured."""
    mean, spread = np.empty((len(of_grain), 4)), np.empty(len(of_grain))
    for number, crystal in enumerate(crystals):
        mine = np.flatnonzero(of_grain == number)
        if len(mine):
            place = np.full(len(of_grain), -1)
            place[mine] = np.arange(len(mine))
            pixels = grains.own & (of_grain[grains.labels] == number)
            mean[mine], spread[mine] = mean_orientations(
                quaternions[pixels], place[grains.labels[pixels]], crystal.point_group
            )
    return mean, spread


def _notes(
    scan: Scan, grid: Squares, grains: Grains, phase: Integers, frame: str
) -> tuple[str, ...]:
    """What was assumed and what was mended."""
    told = [
        f"Euler angles: axes of {frame}, x, y, z {FRAMES[frame].axes} "
        f"(--frame: {', '.join(FRAMES)}; x1 is the map's x, to the right)",
        *scan.notes,
    ]
    if grid.kind != "squares":
        rows, columns = grid.point.shape
        told.append(
            f"grid of {grid.kind}: {len(scan.phase)} points became {columns} × {rows} squares of {grid.pixel_um:.4g} µm"
        )
    given = 1 - grains.own.mean()
    if given > 0:
        told.append(
            f"{100 * given:.2g} % of the pixels went to the nearest grain: {100 * np.mean(phase < 0):.2g} % without "
            f"orientation, and {grains.specks} regions of less than {SMALLEST_GRAIN_PIXELS} pixels"
        )
    return tuple(told)


def _shares(film: Film, spread_deg: Array) -> list[str]:
    """Spread of the orientations inside grains, and the phases' shares of the area."""
    area = film.area_fractions
    told = [
        f"orientations inside a grain are {area @ spread_deg:.2f}° from its mean on average, "
        f"at most {spread_deg.max():.2f}° in one grain"
    ]
    if len(film.crystals) > 1:
        share = np.bincount(film.phase, area, len(film.crystals))
        told.append(
            "share of the area: "
            + ", ".join(
                f"{crystal.name} {100 * part:.1f} %"
                for crystal, part in zip(film.crystals, share, strict=True)
            )
        )
    return told
