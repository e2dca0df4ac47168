"""Tables of numbers."""

import csv
import math
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import check_size
from polysve.base.types import Array


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
