"""Films from files: tables of generators, label images, ensembles and EBSD maps."""

from collections.abc import Iterator
from pathlib import Path

from polysve.base.errors import InputError
from polysve.data.ensemble import Ensemble
from polysve.films.generators import read_points
from polysve.films.picture import read_label_image
from polysve.grains.film import CellMap, GrainMap
from polysve.grains.tessellation import voronoi

SOME = 64


def read_films(
    path: Path, window_um: float | None = None, periodic: bool = False
) -> Iterator[CellMap | GrainMap]:
    """Read all films of a file: many from an ensemble, one from anything else.

    Parameters
    ----------
    path : Path
        `.csv` (generators), `.npz` (label image), `.h5` (ensemble), `.ang` or `.ctf` (EBSD map).
    window_um : float, optional
        Side of the window; needed for `.csv` files, and for `.npz` files that do not say it.
    periodic : bool
        Let grains drawn from generators continue on the opposite side.

    Raises
    ------
    InputError
        For a file of another kind, or a wrong one.
    """
    kind = Path(path).suffix.lower()
    if kind == ".csv":
        if window_um is None:
            raise InputError(f"{path}: --window is needed, the side of the film in µm")
        points_um, theta_rad = read_points(path, window_um)
        yield CellMap(voronoi(points_um, window_um, periodic), theta_rad, window_um)
    elif kind == ".npz":
        yield read_label_image(path, window_um)
    elif kind in (".ang", ".ctf"):
        from polysve.films.ebsd import read_map

        yield read_map(path)
    elif kind in (".h5", ".hdf5"):
        yield from _read_ensemble(path)
    else:
        raise InputError(f"{path}: is {kind or 'no'} file; allowed are .csv, .npz, .h5, .ang, .ctf")


def _read_ensemble(path: Path) -> Iterator[GrainMap]:
    """Label images of an ensemble, some at a time."""
    ensemble = Ensemble(path)
    for start in range(0, len(ensemble), SOME):
        for row, labels in enumerate(ensemble.label_images(start, start + SOME), start):
            yield GrainMap(labels, ensemble.theta(row), ensemble.window_um / labels.shape[1])
