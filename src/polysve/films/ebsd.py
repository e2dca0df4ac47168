"""EBSD maps of films with a <100> axis along the film normal: from measured orientations to grains with an angle."""

import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from polysve.base.errors import InputError
from polysve.base.files import check_size
from polysve.crystals.orientation import mean_orientations
from polysve.films.picture import MOST_GRAINS
from polysve.films.reading import Reading
from polysve.grains.film import Film, LabelImage

SMALLEST_GRAIN_PIXELS = 5


def read_map(path: Path, reading: Reading) -> Film:
    """Read an EBSD map and find its grains.

    Neighbouring pixels belong to one grain where their misorientation is below a threshold. Pixels without an
    orientation, and grains of less than 5 pixels, go to the nearest grain. A grain is turned as the mean of its pixels.

    Parameters
    ----------
    path : Path
        `.ang` (EDAX, EMsoft, orix) or `.ctf` (Oxford, Bruker, MTEX), on a grid of squares, rows from the top.
    reading : Reading

    Raises
    ------
    InputError
        For a file that is no such map, crystals that are not cubic, and too many pixels without orientation.
    """
    if not 0 < reading.misorientation_deg < 45:
        raise InputError(f"misorientation = {reading.misorientation_deg:g}°: allowed is 0 to 45")
    if reading.frame not in ("up", "down"):
        raise InputError(f"frame = {reading.frame!r}: allowed are 'up' and 'down'")
    crystal_map = _load(path)
    place, step_um = _grid(path, crystal_map)
    orientations, phase = _orientations(path, crystal_map)
    orientations = orientations[place]
    indexed = np.asarray(crystal_map.is_indexed)[place]
    if 1 - indexed.mean() > reading.largest_unindexed:
        raise InputError(
            f"{path}: {100 * (1 - indexed.mean()):.0f} % of the pixels have no orientation; "
            f"allowed is {100 * reading.largest_unindexed:.0f} %"
        )
    labels = _clean(segment(orientations, indexed, reading.misorientation_deg), indexed)
    count = labels.max() + 1
    if count > MOST_GRAINS:
        raise InputError(f"{path}: has {count} grains; allowed are {MOST_GRAINS}")
    # orix turns window axes into crystal axes
    pixels = orientations.data[indexed] * [1, -1, -1, -1]
    mean, _ = mean_orientations(pixels, labels[indexed], phase.point_group)
    if reading.frame == "down":
        # half a turn about x1: seen from the other side
        mean = mean[:, [1, 0, 3, 2]] * [-1, 1, -1, 1]
    rows, columns = labels.shape
    return Film(
        LabelImage(labels.astype(np.uint16), step_um),
        (columns * step_um, rows * step_um),
        mean,
        np.zeros(count, np.int64),
        reading.crystals([phase.name], path),
    )


def segment(orientations, indexed: NDArray[np.bool_], misorientation_deg: float) -> NDArray:
    """Number the connected regions in which neighbours differ by less than a misorientation.

    Parameters
    ----------
    orientations : orix.quaternion.Orientation, shape (rows, columns)
        With the symmetry of the crystal.
    indexed : bool array, shape (rows, columns)
    misorientation_deg : float

    Returns
    -------
    array of int, shape (rows, columns)
    """
    number = np.arange(indexed.size).reshape(indexed.shape)
    pairs = []
    for one, other in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
    ):
        angle = orientations[one].angle_with(orientations[other], degrees=True)
        joined = (angle < misorientation_deg) & indexed[one] & indexed[other]
        pairs.append(np.stack([number[one][joined], number[other][joined]]))
    first, second = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(indexed.size,) * 2)
    return connected_components(graph, directed=False)[1].reshape(indexed.shape)


def _clean(labels: NDArray, indexed: NDArray[np.bool_]) -> NDArray:
    """Give unindexed pixels and specks to the nearest grain, and number the grains from 0."""
    sizes = np.bincount(labels.ravel())
    kept = indexed & (sizes[labels] >= SMALLEST_GRAIN_PIXELS)
    if not kept.any():
        kept = indexed
    rows, columns = distance_transform_edt(~kept, return_distances=False, return_indices=True)
    return np.unique(labels[rows, columns], return_inverse=True)[1].reshape(labels.shape)


def _load(path: Path):
    """Crystal map of a file."""
    from orix.io import load

    check_size(path)
    try:
        # the reader also prints, and standard output belongs to results
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            crystal_map = load(str(path))
    # the reader meets a wrong file with whatever exception its parsing happens to raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as an EBSD map ({reason})") from None
    if crystal_map.ndim != 2 or crystal_map.size < 4:
        raise InputError(f"{path}: has {crystal_map.size} pixels in {crystal_map.ndim} dimensions")
    return crystal_map


def _orientations(path: Path, crystal_map):
    """Orientations of all pixels with the symmetry of the one phase, which must be cubic."""
    from orix.quaternion import Orientation

    phases = [phase for number, phase in crystal_map.phases_in_data if number >= 0]
    if len(phases) != 1:
        raise InputError(f"{path}: has {len(phases)} phases; one is needed")
    group = phases[0].point_group
    if group is None or group.laue.name != "m-3m":
        raise InputError(
            f"{path}: the point group of {phases[0].name} is {group.name if group else 'not given'}; "
            "432 or m-3m is needed"
        )
    return Orientation(crystal_map.rotations.data, symmetry=group), phases[0]


def _grid(path: Path, crystal_map) -> tuple[NDArray, float]:
    """Row of the file for each pixel, bottom row first, and the step in µm."""
    factor = {"um": 1.0, "nm": 1e-3, "px": np.nan}.get(crystal_map.scan_unit, np.nan)
    x, y = np.asarray(crystal_map.x) * factor, np.asarray(crystal_map.y) * factor
    steps = [np.diff(np.unique(each.round(9))) for each in (x, y)]
    if not all(len(each) for each in steps):
        raise InputError(f"{path}: has no step in x and y in µm or nm")
    step_um = float(np.median(steps[0]))
    column, row = (x - x.min()) / step_um, (y - y.min()) / step_um
    off = np.abs(np.concatenate([column - column.round(), row - row.round()])).max()
    shape = int(row.max().round()) + 1, int(column.max().round()) + 1
    number = (row.round() * shape[1] + column.round()).astype(int)
    if off > 0.05 or np.prod(shape) != len(x) or len(np.unique(number)) != len(x):
        raise InputError(
            f"{path}: {len(x)} pixels do not fill a grid of squares of {step_um:g} µm; hexagonal grids must be "
            "converted first"
        )
    # y points down in these files
    return np.argsort(number).reshape(shape)[::-1], step_um
