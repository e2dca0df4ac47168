"""From scattered points to square pixels."""

from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array, Integers

SAME_STEP = 0.02
"""Difference of the steps in x and y, relative, up to which pixels are called squares."""
OFF_GRID = 0.1
"""Distance of a point from its place on the grid, in steps."""


class Squares(NamedTuple):
    """Square pixels of a map."""

    point: Integers
    """Number of the point at each pixel, shape (rows, columns), row 0 at the bottom."""
    pixel_um: float
    kind: str
    """Grid of the points: squares, rectangles, or hexagons."""


def squares(x_um: Array, y_um: Array, path) -> Squares:
    """Pixels of a scan whose y points down; hexagons and rectangles become squares of their area (nearest point).

    Raises
    ------
    InputError
        If the points fill no grid.
    """
    if not (np.isfinite(x_um).all() and np.isfinite(y_um).all()):
        raise InputError(f"{path}: coordinates are not all finite; numbers are needed")
    row, step_y = _rows(y_um, len(x_um), path)
    order = np.lexsort((x_um, row))
    x, row = x_um[order], row[order]
    first = np.flatnonzero(np.diff(row, prepend=-1))
    length = np.diff(first, append=len(x))
    inside = np.diff(x)[np.diff(row) == 0]
    step_x = float(np.median(inside)) if len(inside) else 0.0
    # a row may begin half a step later than the one before
    start = (x[first] - x.min()) / step_x if step_x > 0 else np.zeros(len(first))
    shift = np.where(np.arange(len(first)) % 2, start[1:2].mean(), start[0])
    hexagonal = abs(abs(start[0] - start[1]) - 0.5) < OFF_GRID
    even = np.ptp(length[::2]) == 0 and np.ptp(length[1::2]) == 0
    regular = even and abs(int(length[0]) - int(length[1])) <= hexagonal
    if (
        not step_x > 0
        or not regular
        or np.abs(inside / step_x - 1).max() > OFF_GRID
        or np.abs(start - shift).max() > OFF_GRID
        or not (hexagonal or abs(start[0] - start[1]) < OFF_GRID)
    ):
        raise InputError(
            f"{path}: {len(x)} points do not fill a grid of squares, rectangles or hexagons "
            f"(steps of {step_x:g} and {step_y:g} µm)"
        )
    if not hexagonal and abs(step_x / step_y - 1) < SAME_STEP:
        return Squares(order.reshape(len(first), -1)[::-1], step_x, "squares")
    return _nearest(x_um, y_um, step_x, step_y, "hexagons" if hexagonal else "rectangles")


def _rows(y_um: Array, count: int, path) -> tuple[Integers, float]:
    """Row of each point from the top, and their distance."""
    order = np.argsort(y_um, kind="stable")
    y = y_um[order]
    gaps = np.diff(y)
    # coordinates are rounded: what is far below the largest gap is no step
    new = gaps > OFF_GRID * gaps.max(initial=0.0)
    if not gaps.max(initial=0.0) > 0 or not 1 <= new.sum() < count - 1:
        raise InputError(f"{path}: {count} points lie in {1 + new.sum()} rows; a map is needed")
    row = np.empty(count, np.int64)
    row[order] = np.concatenate([[0], np.cumsum(new)])
    mean = np.bincount(row, y_um) / np.bincount(row)
    steps = np.diff(mean)
    step = float(np.median(steps))
    if np.abs(steps / step - 1).max() > OFF_GRID:
        raise InputError(
            f"{path}: rows are {steps.min():g} to {steps.max():g} µm apart; equal steps are needed"
        )
    return row, step


def _nearest(x_um: Array, y_um: Array, step_x: float, step_y: float, kind: str) -> Squares:
    """Squares of the points' own area, each with what the nearest point has."""
    from scipy.spatial import cKDTree

    low = np.array([x_um.min() - step_x / 2, y_um.min() - step_y / 2])
    size = np.array([np.ptp(x_um) + step_x, np.ptp(y_um) + step_y])
    columns = round(size[0] / np.sqrt(step_x * step_y))
    pixel_um = size[0] / columns
    rows = max(1, round(size[1] / pixel_um))
    x = low[0] + (np.arange(columns) + 0.5) * pixel_um
    y = low[1] + (np.arange(rows)[::-1] + 0.5) * (size[1] / rows)
    places = np.stack(np.meshgrid(x, y), -1)
    point = cKDTree(np.column_stack([x_um, y_um])).query(places.reshape(-1, 2))[1]
    return Squares(point.reshape(rows, columns), float(pixel_um), kind)
