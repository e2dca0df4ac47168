"""Columns of numbers in text files of EBSD programs."""

from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.films.scan import check_count


def numbers_of(path: Path, header_lines: int, least_columns: int) -> Array:
    """Read the columns below a header; lines that begin with # are skipped, decimal commas are read as points.

    Raises
    ------
    InputError
        For anything that is no table of numbers, and too many lines.
    """
    with open(path, encoding="utf-8", errors="replace") as file:
        count = sum(1 for line in file if line.strip() and not line.startswith("#")) - header_lines
        check_count(count, path)
        if count < 4:
            raise InputError(f"{path}: has {max(count, 0)} points; a map of at least 4 is needed")
        file.seek(0)
        lines = (line.replace(",", ".") for line in file if line.strip())
        try:
            table = np.loadtxt(lines, skiprows=header_lines, ndmin=2)
        except ValueError as error:
            raise InputError(f"{path}: is no table of numbers ({error})") from None
    if table.shape[1] < least_columns:
        raise InputError(
            f"{path}: lines have {table.shape[1]} numbers; at least {least_columns} are needed"
        )
    return table
