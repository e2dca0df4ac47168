"""Generators drawn one after the other with a smallest spacing."""

import numpy as np

from polysve.base.compiled import compiled, inner
from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.settings.labels import LARGEST_SPACING

ROUNDS = 1000


def draw_generators(
    random: np.random.Generator,
    count: int,
    size_um: tuple[float, float],
    spacing_um: float | Array,
    periodic: bool = False,
) -> Array:
    """Draw points one after the other, each at least `spacing_um` from all before it (random sequential addition).

    Parameters
    ----------
    random : numpy.random.Generator
    count : int
    size_um : (float, float)
        Width and height of the window.
    spacing_um : float or array, shape (count,)
        Of each point; two are as far apart as the mean of theirs.
    periodic : bool
        Measure distances across the window's edges, too.

    Returns
    -------
    array, shape (count, 2)
        µm, inside the window.

    Raises
    ------
    InputError
        If 2,000 tries per point do not suffice: the spacing is close to the jamming limit, coverage 0.547 (Feder,
        J. Theor. Biol. 87 (1980) 237).

    Examples
    --------
    >>> draw_generators(np.random.default_rng(1), 3, (2.0, 1.0), 0.3).shape
    (3, 2)
    """
    points, placed = np.empty((count, 2)), 0
    spacings_um = np.full(count, spacing_um)
    width_um, height_um = size_um
    for _ in range(ROUNDS):
        candidates = random.random((2 * count, 2)) * np.array(size_um)
        placed = _add(points, placed, candidates, width_um, height_um, spacings_um, periodic)
        if placed == count:
            return points
    raise InputError(
        f"spacing_um = {np.mean(spacing_um):g}: only {placed} of {count} generators fit a window of "
        f"{width_um:g} × {height_um:g} µm; allowed is less, about {LARGEST_SPACING} of the grain size"
    )


@inner()
def _near(x, y, own, column, row, points, newest, older, width, height, spacing, periodic):
    """Whether a point so far is nearer than its spacing and the new one's own allow."""
    rows, columns = newest.shape
    for up in range(row - 1, row + 2):
        for right in range(column - 1, column + 2):
            if not periodic and not (0 <= up < rows and 0 <= right < columns):
                continue
            other = newest[up % rows, right % columns]
            while other >= 0:
                dx, dy = abs(x - points[other, 0]), abs(y - points[other, 1])
                if periodic:
                    dx, dy = min(dx, width - dx), min(dy, height - dy)
                apart = (own + spacing[other]) / 2
                if dx * dx + dy * dy < apart * apart:
                    return True
                other = older[other]
    return False


@compiled("i8(f8[:, ::1], i8, f8[:, ::1], f8, f8, f8[::1], b1)")
def _add(points, placed, candidates, width, height, spacing, periodic):
    """Add candidates that keep the distance until the points are full; returns how many there are."""
    # fields larger than any spacing, not many more than points; each holds a chain of points, newest first
    side = max(spacing.max() * (1 + 1e-6), np.sqrt(width * height / len(points)))
    columns, rows = max(1, int(width / side)), max(1, int(height / side))
    newest, older = np.full((rows, columns), -1), np.empty(len(points), np.int64)
    known = placed
    for k in range(known + len(candidates)):
        if k >= known and placed == len(points):
            break
        x, y = points[k] if k < known else candidates[k - known]
        column = min(int(x / width * columns), columns - 1)
        row = min(int(y / height * rows), rows - 1)
        if k >= known:
            if _near(x, y, spacing[placed], column, row,
                     points, newest, older, width, height, spacing, periodic):  # fmt: skip
                continue
            points[placed, 0], points[placed, 1] = x, y
            placed += 1
        number = k if k < known else placed - 1
        older[number] = newest[row, column]
        newest[row, column] = number
    return placed
