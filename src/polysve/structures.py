"""Films from files: tables of generators, label images, ensembles and EBSD maps."""

import csv
import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.ensemble import Ensemble
from polysve.errors import InputError
from polysve.tessellation import Tiling, check_generators, label_image, voronoi

Array = NDArray[np.float64]

HEADER = ["x_um", "y_um", "theta_deg"]
LARGEST_FILE_BYTES = 200_000_000
MOST_GRAINS = 65_535
SOME = 64


class CellMap(NamedTuple):
    """Square film as polygons."""

    tiling: Tiling
    theta_rad: Array
    """Angle of each grain, shape (grains,)."""
    window_um: float

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height."""
        return self.window_um, self.window_um

    @property
    def n_grains(self) -> int:
        """Number of grains."""
        return len(self.theta_rad)

    def to_pixels(self, pixels: int) -> "GrainMap":
        """Picture with so many pixels a side."""
        labels = label_image(self.tiling, self.window_um, pixels)
        return GrainMap(labels, self.theta_rad, self.window_um / pixels)


class GrainMap(NamedTuple):
    """Picture of a film: a grain number at every pixel centre, row 0 at the bottom."""

    labels: NDArray[np.uint16]
    """Grain numbers, shape (rows, columns)."""
    theta_rad: Array
    """Angle of each grain, shape (grains,)."""
    pixel_um: float
    """Side of a pixel."""

    @property
    def size_um(self) -> tuple[float, float]:
        """Width and height."""
        rows, columns = self.labels.shape
        return columns * self.pixel_um, rows * self.pixel_um

    @property
    def n_grains(self) -> int:
        """Number of grains in the picture."""
        return len(np.unique(self.labels))


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
        from polysve.ebsd import read_map

        yield read_map(path)
    elif kind in (".h5", ".hdf5"):
        yield from _read_ensemble(path)
    else:
        raise InputError(f"{path}: is {kind or 'no'} file; allowed are .csv, .npz, .h5, .ang, .ctf")


def check_size(path: Path) -> None:
    """Refuse a file that is missing or too large to be read at once.

    Raises
    ------
    InputError
    """
    try:
        size = Path(path).stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if size > LARGEST_FILE_BYTES:
        raise InputError(f"{path}: {size} bytes; allowed are {LARGEST_FILE_BYTES}")


def _read_ensemble(path: Path) -> Iterator[GrainMap]:
    """Label images of an ensemble, some at a time."""
    ensemble = Ensemble(path)
    for start in range(0, len(ensemble), SOME):
        for row, labels in enumerate(ensemble.label_images(start, start + SOME), start):
            yield GrainMap(labels, ensemble.theta(row), ensemble.window_um / labels.shape[1])


def read_points(path: Path, window_um: float) -> tuple[Array, Array]:
    """Read generators and angles: header ``x_um,y_um,theta_deg``, one grain a row, window from 0 to L on both axes.

    Returns
    -------
    points_um : array, shape (n, 2)
    theta_rad : array, shape (n,)
        In [0, π/2): a cubic crystal looks the same after a quarter turn.

    Raises
    ------
    InputError
        For a file that cannot be read, another header, a row that is not three finite numbers, no rows, and
        generators that `check_generators` refuses.
    """
    if not (math.isfinite(window_um) and window_um > 0):
        raise InputError(f"window = {window_um:g} µm; allowed is a positive number")
    _, numbers = read_table(path, [HEADER])
    points_um = numbers[:, :2]
    try:
        check_generators(points_um, window_um)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return points_um, np.mod(np.radians(numbers[:, 2]), np.pi / 2)


def read_label_image(path: Path, window_um: float | None = None) -> GrainMap:
    """Read a label image with its table of angles from an `.npz` file.

    The file holds ``label_image`` (rows, columns), whole numbers with row 0 at the bottom (y up); ``theta_deg``
    (grains,), the angle of grain 0, 1, ...; and ``window_um``, the width, unless it is given.

    Raises
    ------
    InputError
        For a file that is no such thing, labels without an angle, angles that are not finite, and no or two widths.
    """
    arrays = _arrays(path)
    for name in ("label_image", "theta_deg"):
        if name not in arrays:
            raise InputError(f"{path}: has no {name}; label_image and theta_deg are needed")
    labels, theta_deg = arrays["label_image"], arrays["theta_deg"]
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "ui":
        raise InputError(
            f"{path}: label_image is {labels.dtype} of the shape {labels.shape}; "
            "whole numbers of the shape (rows, columns) are needed"
        )
    if theta_deg.ndim != 1 or theta_deg.dtype.kind not in "uif" or not np.isfinite(theta_deg).all():
        raise InputError(f"{path}: theta_deg must be a list of finite numbers, one for each grain")
    if labels.min() < 0 or labels.max() >= len(theta_deg) or len(theta_deg) > MOST_GRAINS:
        raise InputError(
            f"{path}: label_image goes from {labels.min()} to {labels.max()}; "
            f"theta_deg allows 0 to {len(theta_deg) - 1}, and {MOST_GRAINS} grains are the most"
        )
    width_um = _width(path, arrays.get("window_um"), window_um)
    theta_rad = np.mod(np.radians(theta_deg.astype(float)), np.pi / 2)
    return GrainMap(labels.astype(np.uint16), theta_rad, width_um / labels.shape[1])


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of an `.npz` file; none that would need pickle, none that unpack to more than is allowed."""
    check_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > LARGEST_FILE_BYTES:
            raise InputError(f"{path}: unpacks to {size} bytes; allowed are {LARGEST_FILE_BYTES}")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: cannot be read as a .npz file of arrays ({error})") from None


def _width(path: Path, stored: np.ndarray | None, given_um: float | None) -> float:
    """Width of a map in µm, from the file or from the caller."""
    if stored is None and given_um is None:
        raise InputError(f"{path}: has no window_um, and --window was not given; one is needed")
    width = np.asarray(given_um if stored is None else stored)
    if width.shape != () or width.dtype.kind not in "uif" or not (0 < width < math.inf):
        raise InputError(f"{path}: window_um = {width}; allowed is a positive number")
    if stored is not None and given_um is not None and not math.isclose(width, given_um):
        raise InputError(f"{path}: window_um = {width:g}, but --window is {given_um:g}")
    return float(width)


def read_table(path: Path, headers: list[list[str]]) -> tuple[list[str], Array]:
    """Read a table of finite numbers; empty lines are skipped.

    Parameters
    ----------
    path : Path
    headers : list of list of str
        First lines that are allowed.

    Returns
    -------
    header : list of str
    numbers : array, shape (rows, columns)

    Raises
    ------
    InputError
        For a file that cannot be read, another header, a row of other than finite numbers, and no rows.
    """
    allowed = " or ".join(",".join(header) for header in headers)
    check_size(path)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            if header not in headers:
                raise InputError(
                    f"{path}: first line is {','.join(header)[:80]!r}; {allowed} is needed"
                )
            rows = [
                _row(path, reader.line_num, cells, header)
                for cells in reader
                if any(map(str.strip, cells))
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from None
    if not rows:
        raise InputError(f"{path}: holds no grain; at least one row below the header is needed")
    return header, np.array(rows)


def _row(path: Path, number: int, cells: list[str], header: list[str]) -> list[float]:
    """Finite numbers of one row."""
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        values = []
    if len(values) != len(header) or not all(map(math.isfinite, values)):
        raise InputError(
            f"{path}: line {number} is {','.join(cells)[:80]!r}; "
            f"{len(header)} finite numbers {','.join(header)} are needed"
        )
    return values
