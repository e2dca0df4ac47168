"""Films from files: one table from a file's ending to its reader."""

from collections.abc import Iterator
from pathlib import Path

from polysve.base.errors import InputError
from polysve.films.ebsd import SCANS, read_map
from polysve.films.generators import read_generators
from polysve.films.h5ebsd import has_manufacturer
from polysve.films.mesh_file import read_mesh
from polysve.films.neper import read_neper
from polysve.films.picture import read_label_image
from polysve.films.reading import Reading
from polysve.grains.film import Film

ENSEMBLES = (".h5", ".hdf5")
READERS = (
    {
        ".csv": read_generators,
        ".npz": read_label_image,
        ".tess": read_neper,
    }
    | dict.fromkeys(SCANS, read_map)
    | dict.fromkeys((".msh", ".mesh", ".vtk", ".vtu", ".inp", ".xdmf"), read_mesh)
)
"""Reader of a file that holds one film, by the file's ending."""


def read_film(path: str | Path, reading: Reading = Reading()) -> Film:  # noqa: B008
    """Read the film of a file.

    Parameters
    ----------
    path : path
        Generators (`.csv`), label image (`.npz`), EBSD map (`.ang`, `.ctf`, `.h5oina`, `.h5`), Neper tessellation
        (`.tess`) or triangle mesh (`.msh` and others that meshio reads).
    reading : Reading
        What the file itself does not tell.

    Raises
    ------
    InputError
        For a file of another kind, or a wrong one.
    """
    path = Path(path)
    if is_ensemble(path):
        raise InputError(f"{path}: an ensemble, or no film; a file with one film is needed")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        kind = f"is a {path.suffix} file" if path.suffix else "has no ending"
        raise InputError(f"{path}: {kind}; allowed are {', '.join(READERS)}")
    return reader(path, reading)


def read_films(path: str | Path, reading: Reading = Reading()) -> Iterator[Film]:  # noqa: B008
    """Read all films of a file: many from an ensemble (`.h5`), one from anything that `read_film` reads."""
    if is_ensemble(path):
        from polysve.data.ensemble import Ensemble

        ensemble = Ensemble(path)
        yield from (ensemble.film(row) for row in range(len(ensemble)))
    else:
        yield read_film(path, reading)


def is_ensemble(path: str | Path) -> bool:
    """Whether a file is meant to be an ensemble: HDF5 by its ending, and no EBSD map with a manufacturer."""
    path = Path(path)
    return path.suffix.lower() in ENSEMBLES and not has_manufacturer(path)
