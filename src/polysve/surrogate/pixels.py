"""Plane-stress stiffness of pixels, from the logarithm of the grains' stiffness.

Stiffness and its logarithm have their six components in the order 11, 22, 66, 12, 16, 26; the logarithm is that of the
Mandel form (√2 on shear), in which a product of matrices is one of tensors.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from polysve.grains.shares import Shares

ROOT = np.sqrt(0.5)


def pixel_stiffness(shares: Shares, log_q: np.ndarray) -> NDArray[np.float32]:
    """Stiffness of each pixel of a film.

    A pixel of one grain has that grain's stiffness. One that two grains share is a laminate of both, whose normal is
    that of their boundary: tractions and the strain along the boundary are continuous (Backus, J. Geophys. Res. 67
    (1962) 4427; as "composite voxels": Kabel, Merkert & Schneider, Comput. Methods Appl. Mech. Eng. 294 (2015) 168).
    One of three grains and more, or with a boundary too crooked to have a normal, has the exponential of the mean
    logarithm, which is the geometric-mean law.

    Parameters
    ----------
    shares : Shares
    log_q : array, shape (grains, 6)
        log Q, Q in GPa.

    Returns
    -------
    array of float32, shape (6, rows, columns)
        GPa.
    """
    log_q = np.ascontiguousarray(log_q, float)
    planes = np.empty((6, *shares.labels.shape), np.float32)
    _fill(planes, log_q, *shares)
    return planes


def exponential(log_image: np.ndarray) -> NDArray[np.float32]:
    """Stiffness of pixels of which only the mean logarithm is known.

    Parameters
    ----------
    log_image : array, shape (rows, columns, 6)

    Returns
    -------
    array of float32, shape (6, rows, columns)
        GPa.

    Examples
    --------
    >>> exponential(np.log([[[2.0, 3.0, 4.0, 1.0, 1.0, 1.0]]]))[:, 0, 0]
    array([2., 3., 2., 0., 0., 0.], dtype=float32)
    """
    planes = np.empty((6, *log_image.shape[:2]), np.float32)
    _fill_exponential(planes, np.ascontiguousarray(log_image, float))
    return planes


@njit(cache=True)
def _fill_exponential(planes, log_image):
    value = np.empty(6)
    for row in range(planes.shape[1]):
        for column in range(planes.shape[2]):
            _exponential(log_image[row, column], value)
            for k in range(6):
                planes[k, row, column] = value[k]


@njit(cache=True)
def _fill(planes, log_q, labels, pixel, first, grain, share, normal):
    """Write the stiffness of all pixels."""
    columns = labels.shape[1]
    q = np.empty_like(log_q)
    for number in range(len(q)):
        _exponential(log_q[number], q[number])
    for k in range(6):
        for row in range(labels.shape[0]):
            for column in range(columns):
                if labels[row, column] >= 0:
                    planes[k, row, column] = q[labels[row, column], k]
    value, mean = np.empty(6), np.empty(6)
    for number in range(len(pixel)):
        begin, end = first[number], first[number + 1]
        length = np.hypot(normal[begin, 0], normal[begin, 1])
        # a straight line through a pixel is at least this long
        least = np.sqrt(min(share[begin], 1 - share[begin]))
        if end == begin + 2 and length > least:
            x, y = normal[begin, 0] / length, normal[begin, 1] / length
            _laminate(q[grain[begin]], q[grain[begin + 1]], share[begin], x, y, value)
        else:
            mean[:] = 0.0
            for entry in range(begin, end):
                for k in range(6):
                    mean[k] += share[entry] * log_q[grain[entry], k]
            _exponential(mean, value)
        row = pixel[number] // columns
        for k in range(6):
            planes[k, row, pixel[number] - row * columns] = value[k]


@njit(cache=True)
def _laminate(a, b, share, x, y, out):
    """Stiffness of two layers with the normal (x, y), the first with this share of the area.

    C̄ = ⟨C⟩ - f(1 - f) ΔC·n (n·C'·n)⁻¹ n·ΔC, C' the mean with the shares exchanged.
    """
    other = 1 - share
    # rows 11, 22, 12 of ΔC·n and the acoustic tensor of C'
    d11, d22, d66, d12, d16, d26 = (
        a[0] - b[0],
        a[1] - b[1],
        a[2] - b[2],
        a[3] - b[3],
        a[4] - b[4],
        a[5] - b[5],
    )
    g1x, g1y = d11 * x + d16 * y, d12 * y + d16 * x
    g2x, g2y = d12 * x + d26 * y, d22 * y + d26 * x
    g3x, g3y = d16 * x + d66 * y, d26 * y + d66 * x
    c11, c22, c66 = (
        other * a[0] + share * b[0],
        other * a[1] + share * b[1],
        other * a[2] + share * b[2],
    )
    c12, c16, c26 = (
        other * a[3] + share * b[3],
        other * a[4] + share * b[4],
        other * a[5] + share * b[5],
    )
    axx = c11 * x * x + 2 * c16 * x * y + c66 * y * y
    ayy = c66 * x * x + 2 * c26 * x * y + c22 * y * y
    axy = c16 * x * x + (c12 + c66) * x * y + c26 * y * y
    factor = share * other / (axx * ayy - axy * axy)
    h1x, h1y = ayy * g1x - axy * g1y, axx * g1y - axy * g1x
    h2x, h2y = ayy * g2x - axy * g2y, axx * g2y - axy * g2x
    h3x, h3y = ayy * g3x - axy * g3y, axx * g3y - axy * g3x
    out[0] = share * a[0] + other * b[0] - factor * (g1x * h1x + g1y * h1y)
    out[1] = share * a[1] + other * b[1] - factor * (g2x * h2x + g2y * h2y)
    out[2] = share * a[2] + other * b[2] - factor * (g3x * h3x + g3y * h3y)
    out[3] = share * a[3] + other * b[3] - factor * (g1x * h2x + g1y * h2y)
    out[4] = share * a[4] + other * b[4] - factor * (g1x * h3x + g1y * h3y)
    out[5] = share * a[5] + other * b[5] - factor * (g2x * h3x + g2y * h3y)


@njit(cache=True)
def _exponential(log, out):
    """Exponential of a symmetric matrix in Mandel form; `out` without the factors √2.

    Taylor's series of the matrix without its trace, halved until it is small, then squared as often (Higham, Functions
    of Matrices, chapter 10).
    """
    mean = (log[0] + log[1] + log[2]) / 3
    a = (log[0] - mean, log[1] - mean, log[2] - mean, log[3], log[4], log[5])
    size = np.sqrt(a[0] ** 2 + a[1] ** 2 + a[2] ** 2 + 2 * (a[3] ** 2 + a[4] ** 2 + a[5] ** 2))
    halved = 0
    while size > 0.5:
        size, halved = size / 2, halved + 1
    scale = 0.5**halved
    a = (a[0] * scale, a[1] * scale, a[2] * scale, a[3] * scale, a[4] * scale, a[5] * scale)
    e = (1.0, 1.0, 1.0, 0.0, 0.0, 0.0)
    for term in range(10, 0, -1):
        p = _product(a, e)
        e = (
            1 + p[0] / term,
            1 + p[1] / term,
            1 + p[2] / term,
            p[3] / term,
            p[4] / term,
            p[5] / term,
        )
    for _ in range(halved):
        e = _product(e, e)
    size = np.exp(mean)
    out[0], out[1], out[2] = e[0] * size, e[1] * size, e[2] * size / 2
    out[3], out[4], out[5] = e[3] * size, e[4] * size * ROOT, e[5] * size * ROOT


@njit(cache=True)
def _product(a, b):
    """Product of two symmetric matrices that commute."""
    return (
        a[0] * b[0] + a[3] * b[3] + a[4] * b[4],
        a[3] * b[3] + a[1] * b[1] + a[5] * b[5],
        a[4] * b[4] + a[5] * b[5] + a[2] * b[2],
        a[0] * b[3] + a[3] * b[1] + a[4] * b[5],
        a[0] * b[4] + a[3] * b[5] + a[4] * b[2],
        a[3] * b[4] + a[1] * b[5] + a[5] * b[2],
    )
