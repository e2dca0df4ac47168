"""A homogeneous medium under nodal forces, by Fourier, sine or cosine transforms: what preconditions the series."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from ducc0 import fft
from numba import njit

AXES = (2, 3)
# rows and columns at the beginning of a field that are no unknowns
HELD = {"pbc": 0, "kubc": 1, "subc": 0}


class Modes(NamedTuple):
    """Wave vectors k of a grid under a boundary condition, their directions n = k/|k|."""

    xx: np.ndarray
    """nx²."""
    yy: np.ndarray
    """ny²."""
    xy: np.ndarray
    """nx·ny; zero where it couples sines with cosines and is left to the iteration."""
    scale: np.ndarray
    """1/|k|² times the norm of the transforms; zero for modes without strain."""


@lru_cache(maxsize=16)
def modes(rows: int, columns: int, tall: float, boundary_condition: str) -> Modes:
    """Modes of the grid.

    Parameters
    ----------
    tall : float
        Height of a pixel over its width.
    """
    if boundary_condition == "pbc":
        x, y = np.pi * np.fft.rfftfreq(columns), np.pi * np.fft.fftfreq(rows)
    else:
        held = HELD[boundary_condition]
        x = np.pi / 2 * np.arange(held, columns + 1 - held) / columns
        y = np.pi / 2 * np.arange(held, rows + 1 - held) / rows
    y = y[:, None]
    kx, ky = 2 * np.sin(x) * np.cos(y), 2 * np.sin(y) * np.cos(x) / tall
    square = kx**2 + ky**2
    still = square < 1e-9
    inverse = 1 / np.where(still, np.inf, square)
    periodic = boundary_condition == "pbc"
    parts = (kx**2 * inverse + still, ky**2 * inverse + still, kx * ky * inverse * periodic)
    scale = inverse if periodic else inverse / (4 * rows * columns)
    return Modes(*(part.astype(np.float32) for part in (*parts, scale)))


def precondition(
    force: np.ndarray, modes: Modes, medium: np.ndarray, boundary_condition: str
) -> np.ndarray:
    """Displacements of the homogeneous medium under nodal forces, of the unknown nodes only.

    Periodic: exact. Else sines or cosines, in which the two components are coupled through modes of the other kind;
    without that coupling the medium is still one that converges at a fixed rate.

    Parameters
    ----------
    force : array of float32, shape (3, 2, rows + 1, columns + 1)
    medium : array, shape (6,)
        Stiffness in the order 11, 22, 66, 12, 16, 26.
    """
    if boundary_condition == "pbc":
        spectrum = fft.r2c(force[:, :, :-1, :-1], axes=AXES)
        _divide(spectrum, *modes, medium)
        columns = force.shape[3] - 1
        return fft.c2r(
            spectrum,
            axes=AXES,
            lastsize=columns,
            forward=False,
            inorm=2,
            allow_overwriting_input=True,
        )
    if boundary_condition == "kubc":
        spectrum = fft.dst(force[:, :, 1:-1, 1:-1], type=1, axes=AXES)
        _divide(spectrum, *modes, medium)
        return fft.dst(spectrum, type=1, axes=AXES, out=spectrum)
    # a node on the edge stands for half as much of the film
    doubled = force.copy()
    doubled[:, :, (0, -1)] *= 2
    doubled[:, :, :, (0, -1)] *= 2
    spectrum = fft.dct(doubled, type=1, axes=AXES, out=doubled)
    _divide(spectrum, *modes, medium)
    return fft.dct(spectrum, type=1, axes=AXES, out=spectrum)


@njit(cache=True, fastmath=True)
def _divide(spectrum, xx, yy, xy, scale, medium):
    """Solve n·C·n u = f/|k|² mode by mode, in place."""
    c11, c22, c66, c12, c16, c26 = medium
    for row in range(xx.shape[0]):
        for column in range(xx.shape[1]):
            nxx, nyy, nxy = xx[row, column], yy[row, column], xy[row, column]
            a = c11 * nxx + 2 * c16 * nxy + c66 * nyy
            b = c66 * nxx + 2 * c26 * nxy + c22 * nyy
            c = 0 * nxy
            if nxy != 0:
                c = c16 * nxx + (c12 + c66) * nxy + c26 * nyy
            factor = scale[row, column] / (a * b - c * c)
            a, b, c = factor * a, factor * b, factor * c
            for load in range(3):
                f, g = spectrum[load, 0, row, column], spectrum[load, 1, row, column]
                spectrum[load, 0, row, column] = b * f - c * g
                spectrum[load, 1, row, column] = a * g - c * f
