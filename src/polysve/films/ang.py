"""EBSD maps of EDAX, EMsoft, ASTAR and orix: `.ang`, radians.

orix reads these files, too, but takes the 4π of points without orientation for no turn.
"""

from itertools import takewhile
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array, Integers
from polysve.films.scan import Scan, ScanPhase, check_radians, symmetry_of
from polysve.films.text import numbers_of

CONFIDENCE = 6
PHASE_COLUMNS = (7, 8)
"""The program's version decides whether the pattern's fit comes before the phase."""


def read_ang(path: Path) -> Scan:
    """Read an `.ang` file: φ1, Φ, φ2, x, y, image quality, confidence, phase, ….

    A point has no orientation where its angles are 4π, its confidence is negative, or, in files of several phases, its
    phase is 0.

    Raises
    ------
    InputError
        For a file that is no such table, degrees, and phases that the header does not name.
    """
    with open(path, encoding="utf-8", errors="replace") as file:
        header = list(takewhile(lambda line: line.startswith("#"), file))
    table = numbers_of(path, 0, least_columns=5)
    phases = _phases(header, path)
    euler = table[:, :3]
    lost = ~np.isfinite(euler).all(1) | (np.abs(euler - 4 * np.pi) < 0.01).all(1)
    if table.shape[1] > CONFIDENCE:
        lost |= table[:, CONFIDENCE] < 0
    check_radians(euler[~lost], path)
    phase, lost_phase = _phase_numbers(table, list(phases), lost, path)
    nanometres = any("ACOM" in line for line in header)
    x_um, y_um = table[:, 3:5].T * (1e-3 if nanometres else 1.0)
    return Scan(
        x_um,
        y_um,
        np.where(lost[:, None], 0.0, euler),
        np.where(lost | lost_phase, -1, phase),
        list(phases.values()),
        "edax",
        expected=_expected(header),
    )


def _phases(header: list[str], path: Path) -> dict[int, ScanPhase]:
    """Phases by number, ascending."""
    found, number, name = {}, None, None
    for line in header:
        key, _, value = line.lstrip("# ").replace("\t", " ").partition(" ")
        value = value.strip()
        if key == "Phase" and value.isdecimal():
            number, name = int(value), None
        elif key == "MaterialName":
            number = len(found) + 1 if number is None or number in found else number
            name = value or f"phase {number}"
            found[number] = ScanPhase(name, None)
        elif key == "Symmetry" and name and value:
            found[number] = ScanPhase(name, symmetry_of(value, path))
    if not found:
        raise InputError(f"{path}: no line '# MaterialName' names a phase; an .ang file is needed")
    return dict(sorted(found.items()))


def _phase_numbers(
    table: Array, known: list[int], lost: np.ndarray, path: Path
) -> tuple[Integers, np.ndarray]:
    """Place of each point's phase among the known ones, and which points have none."""
    single = len(known) == 1
    columns = [table[:, column] for column in PHASE_COLUMNS if column < table.shape[1]]
    if not columns:
        columns = [np.zeros(len(table))]
    kept = next((each for each in columns if np.isin(each[~lost], [-1, 0, *known]).all()), None)
    if kept is None:
        stray = columns[0][~lost & ~np.isin(columns[0], [-1, 0, *known])][0]
        raise InputError(
            f"{path}: a point is of phase {stray:g}; the header names {', '.join(map(str, known))}"
        )
    # files of one phase call it 0, or by its number and then have 0 for none
    if single and not (kept[~lost] > 0).any():
        return np.zeros(len(table), np.int64), kept < 0
    return np.searchsorted(known, kept).clip(0, len(known) - 1), kept <= 0


def _expected(header: list[str]) -> int | None:
    """Number of points of the grid in the header."""
    told = {}
    for line in header:
        key, _, value = line.lstrip("# ").partition(":")
        if key in ("NROWS", "NCOLS_ODD", "NCOLS_EVEN") and value.strip().isdecimal():
            told[key] = int(value)
    if len(told) < 3 or not all(told.values()):
        return None
    rows = told["NROWS"]
    return -(-rows // 2) * told["NCOLS_ODD"] + rows // 2 * told["NCOLS_EVEN"]
