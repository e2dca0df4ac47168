"""EBSD maps of Oxford, Bruker, MTEX and others: Channel Text Files, `.ctf`, degrees."""

from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.films.scan import Scan, ScanPhase, check_degrees, laue_symmetry
from polysve.films.text import numbers_of

MOST_HEADER_LINES = 1000
NEEDED = ("Phase", "X", "Y", "Euler1", "Euler2", "Euler3")


def read_ctf(path: Path) -> Scan:
    """Read a `.ctf` file.

    A point has no orientation where its phase is 0, or its mean angular deviation is while others' are not.

    Raises
    ------
    InputError
        For a file that is no such table, radians, and phases that the header does not name.
    """
    header = _header(path)
    phases = _phases(header, path)
    names = header[-1].split()
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise InputError(f"{path}: has no column {missing[0]}; {', '.join(NEEDED)} are needed")
    table = numbers_of(path, len(header), least_columns=len(names))
    column = dict(zip(names, table.T, strict=False))
    euler_deg = np.stack([column[f"Euler{number}"] for number in (1, 2, 3)], 1)
    number = column["Phase"]
    if not np.isin(number, range(len(phases) + 1)).all():
        stray = number[~np.isin(number, range(len(phases) + 1))][0]
        raise InputError(
            f"{path}: a point is of phase {stray:g}; the header names 1 to {len(phases)}"
        )
    lost = (number == 0) | ~np.isfinite(euler_deg).all(1)
    deviation = column.get("MAD", np.zeros(len(table)))
    if (deviation > 0).any():
        lost |= deviation == 0
    check_degrees(euler_deg[~lost], path)
    told = dict(line.replace("\t", " ").partition(" ")[::2] for line in header)
    cells = [told.get(f"{axis}Cells", "").strip() for axis in "XY"]
    return Scan(
        column["X"],
        column["Y"],
        np.radians(np.where(lost[:, None], 0.0, euler_deg)),
        np.where(lost, -1, number - 1).astype(np.int64),
        phases,
        "oxford",
        along_b=True,
        expected=int(cells[0]) * int(cells[1]) or None if all(map(str.isdecimal, cells)) else None,
    )


def _header(path: Path) -> list[str]:
    """Lines up to the names of the columns."""
    header = []
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            header.append(line.rstrip("\n"))
            if line.split()[:3] == ["Phase", "X", "Y"]:
                # the columns are read without empty lines
                return [line for line in header if line.strip()]
            if len(header) > MOST_HEADER_LINES:
                break
    raise InputError(f"{path}: no line begins with Phase, X, Y; a Channel Text File is needed")


def _phases(header: list[str], path: Path) -> list[ScanPhase]:
    """Phases in order; their lines follow their count."""
    try:
        start = next(row for row, line in enumerate(header) if line.startswith("Phases"))
        count = int(header[start].split()[1])
        fields = [line.split("\t") for line in header[start + 1 : -1][:count]]
        laue = [int(each[3]) for each in fields]
        names = [each[2].strip() for each in fields]
    except (StopIteration, IndexError, ValueError):
        raise InputError(
            f"{path}: the lines below 'Phases' name no phases with their Laue groups"
        ) from None
    if not 1 <= len(fields) == count:
        raise InputError(f"{path}: Phases = {count}, but {len(fields)} are named")
    return [
        ScanPhase(name or f"phase {number}", laue_symmetry(group, path))
        for number, (name, group) in enumerate(zip(names, laue, strict=True), 1)
    ]
