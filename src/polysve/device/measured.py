"""Measurements of devices from a table."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array

QUANTITIES = "frequency_hz", "stiffness_n_per_m"
LEAST_DEVICES = 3


class Measured(NamedTuple):
    """Devices of one kind."""

    quantity: str
    values: Array
    """Shape (devices,)."""
    widths_um: Array
    """As drawn, shape (devices,)."""


def read_measured(path: Path, widths_um: Sequence[float]) -> Measured:
    """Read a table with a column frequency_hz or stiffness_n_per_m, and width_um where beams differ in it.

    Raises
    ------
    InputError
        If the table has no such column or both, holds what is no positive number, or widths that are not `widths_um`.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no table ({error})") from None
    names = [cell.strip() for cell in rows[0]] if rows else []
    found = [name for name in QUANTITIES if name in names]
    if len(found) != 1 or set(names) - {"width_um", *found} or len(set(names)) < len(names):
        raise InputError(
            f"{path}: the columns are {', '.join(names) or 'none'}; allowed is one of {' and '.join(QUANTITIES)}, and "
            "width_um"
        )
    if len(rows) - 1 < LEAST_DEVICES:
        raise InputError(f"{path}: {len(rows) - 1} devices; allowed are {LEAST_DEVICES} and more")
    numbers = np.array([_numbers(path, line, row, names) for line, row in enumerate(rows[1:], 2)])
    values = numbers[:, names.index(found[0])]
    if "width_um" not in names:
        if len(widths_um) > 1:
            raise InputError(
                f"{path}: no column width_um, and the beams are {', '.join(f'{w:g}' for w in widths_um)} µm wide; "
                "allowed is none only for one width"
            )
        return Measured(found[0], values, np.full(len(values), widths_um[0]))
    widths = numbers[:, names.index("width_um")]
    strange = np.flatnonzero(~np.isin(widths, widths_um))
    if len(strange):
        raise InputError(
            f"{path}: width_um = {widths[strange[0]]:g}; allowed are {', '.join(f'{w:g}' for w in widths_um)}, the "
            "widths_um of the beam"
        )
    return Measured(found[0], values, widths)


def _numbers(path: Path, line: int, row: list[str], names: list[str]) -> list[float]:
    """Numbers of a row."""
    if len(row) != len(names):
        raise InputError(f"{path}, line {line}: {len(row)} cells; allowed are {len(names)}")
    try:
        numbers = [float(cell) for cell in row]
    except ValueError:
        numbers = [np.nan]
    if not all(np.isfinite(n) and n > 0 for n in numbers):
        raise InputError(f"{path}, line {line}: {', '.join(row)}; allowed are numbers above 0")
    return numbers
