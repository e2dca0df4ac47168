"""Grain structures from outside: tables of generators and label images."""

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polysve.errors import InputError
from polysve.tessellation import check_generators

Array = NDArray[np.float64]

HEADER = ["x_um", "y_um", "theta_deg"]
LARGEST_FILE_BYTES = 200_000_000


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
    rows = [_row(path, number, cells) for number, cells in _table(path)]
    if not rows:
        raise InputError(f"{path}: holds no grain; at least one row below the header is needed")
    numbers = np.array(rows)
    points_um = numbers[:, :2]
    try:
        check_generators(points_um, window_um)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return points_um, np.mod(np.radians(numbers[:, 2]), np.pi / 2)


def _table(path: Path) -> list[tuple[int, list[str]]]:
    """Line numbers and cells of all rows below the header; empty lines are skipped."""
    try:
        if Path(path).stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(
                f"{path}: {Path(path).stat().st_size} bytes; allowed are {LARGEST_FILE_BYTES}"
            )
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            if header != HEADER:
                raise InputError(
                    f"{path}: first line is {','.join(header)[:80]!r}; {','.join(HEADER)} is needed"
                )
            return [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from None


def _row(path: Path, number: int, cells: list[str]) -> list[float]:
    """Three finite numbers of one row."""
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        values = []
    if len(values) != len(HEADER) or not all(map(math.isfinite, values)):
        raise InputError(
            f"{path}: line {number} is {','.join(cells)[:80]!r}; "
            f"three finite numbers {','.join(HEADER)} are needed"
        )
    return values
