"""Tables of numbers, and of names beside them."""

import csv
import math
from itertools import islice
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import check_size
from polysve.base.types import Array

MOST_ROWS = 65_535
"""As many grains as a picture of 16 bits can number."""
PHASE = "phase"
"""The one column that holds names."""


def read_table(path: Path, headers: list[list[str]]) -> tuple[list[str], Array, list[str]]:
    """Read a table of finite numbers; empty lines are skipped.

    Parameters
    ----------
    path : Path
    headers : list of list of str
        First lines that are allowed; a column `PHASE` comes last and holds names.

    Returns
    -------
    header : list of str
        Without `PHASE`.
    numbers : array, shape (rows, columns)
    phases : list of str
        Empty without the column.

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
                hint = (
                    "; columns are parted by commas"
                    if ";" in header[0:1] or any(";" in h for h in header)
                    else ""
                )
                raise InputError(
                    f"{path}: first line is {','.join(header)[:80]!r}; {allowed} is needed{hint}"
                )
            filled = (cells for cells in reader if any(map(str.strip, cells)))
            rows = [
                _row(path, reader.line_num, cells, header) for cells in islice(filled, MOST_ROWS)
            ]
            if next(filled, None) is not None:
                raise InputError(
                    f"{path}: has more than {MOST_ROWS} rows, the most that is allowed"
                )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error})") from None
    if not rows:
        raise InputError(f"{path}: holds no grain; at least one row below the header is needed")
    named = header[-1] == PHASE
    numbers = np.array([row[: len(header) - named] for row in rows], float)
    phases = [row[-1] for row in rows] if named else []
    return header[: len(header) - named], numbers, phases


def _row(path: Path, number: int, cells: list[str], header: list[str]) -> list:
    """Finite numbers of one row, and the name behind them where there is one."""
    named = header[-1] == PHASE
    try:
        values = [float(cell) for cell in cells[: len(cells) - named]]
    except ValueError:
        values = []
    name = [cells[-1].strip()] if named else []
    if len(values) + named != len(header) or not all(map(math.isfinite, values)) or "" in name:
        commas = "; numbers have a decimal point, no comma" if len(cells) > len(header) else ""
        raise InputError(
            f"{path}: line {number} is {','.join(cells)[:80]!r}; "
            f"{len(header) - named} finite numbers {','.join(header)} are needed{commas}"
        )
    return values + name
