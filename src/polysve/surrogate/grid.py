"""Equilibrium on a grid of pixels: strains, forces, and the homogeneous medium that speeds up their balance.

Displacements stand at the pixels' corners, stresses at their centres, strains are central differences (the "rotated"
grid: Willot, C. R. Mécanique 343 (2015) 232; bilinear elements with one integration point). Lengths are in pixels.

A field of displacements or forces has the shape (3 load cases, 2 components, rows + 1, columns + 1) whatever the
boundary condition is: periodic ones repeat the first row and column at the end, those held at the edge are zero there.
"""

import numpy as np
from numba import njit


@njit(cache=True, fastmath=True)
def balance(u, stiffness, tall, strain, stress, boundary_condition, out):
    """Forces that stresses leave at the nodes, out = Dᵀ(σ̄ - C:(ε̄ + D u)), and mean stresses and strains.

    Parameters
    ----------
    u : array of float32, shape (3, 2, rows + 1, columns + 1)
    stiffness : array of float32, shape (6, rows, columns)
    tall : float
        Height of a pixel over its width.
    strain, stress : array of float32, shape (3, 3)
        ε̄ and σ̄ of each load case.
    boundary_condition : {0, 1, 2}
        Periodic, held, free.
    out : array, as `u`
        Filled with the forces.

    Returns
    -------
    array, shape (3, 7)
        Means of stress C:(ε̄ + D u), of strain ε̄ + D u and of stress times strain, for each load case.
    """
    rows, columns = stiffness.shape[1:]
    half, half_y = np.float32(0.5), np.float32(0.5 / tall)
    plus, minus = np.zeros((2, columns + 2), np.float32), np.zeros((2, columns + 2), np.float32)
    out[:] = 0
    mean = np.empty((3, 7))
    for load in range(3):
        e1, e2, e3 = strain[load]
        t1, t2, t3 = stress[load]
        total = np.zeros(7)
        for row in range(rows):
            s1 = s2 = s3 = g1 = g2 = g3 = work = np.float32(0)
            for column in range(columns):
                a, b = u[load, 0, row, column], u[load, 0, row, column + 1]
                c, d = u[load, 0, row + 1, column], u[load, 0, row + 1, column + 1]
                x1, y1 = half * (b - a + d - c), half_y * (c - a + d - b)
                a, b = u[load, 1, row, column], u[load, 1, row, column + 1]
                c, d = u[load, 1, row + 1, column], u[load, 1, row + 1, column + 1]
                x2, y2 = half * (b - a + d - c), half_y * (c - a + d - b)
                p, q, r = e1 + x1, e2 + y2, e3 + x2 + y1
                c11, c22 = stiffness[0, row, column], stiffness[1, row, column]
                c66, c12 = stiffness[2, row, column], stiffness[3, row, column]
                c16, c26 = stiffness[4, row, column], stiffness[5, row, column]
                f = c11 * p + c12 * q + c16 * r
                g = c12 * p + c22 * q + c26 * r
                h = c16 * p + c26 * q + c66 * r
                s1 += f
                s2 += g
                s3 += h
                g1 += p
                g2 += q
                g3 += r
                work += f * p + g * q + h * r
                f, g, h = t1 - f, t2 - g, t3 - h
                plus[0, column + 1] = half * f + half_y * h
                minus[0, column + 1] = half * f - half_y * h
                plus[1, column + 1] = half * h + half_y * g
                minus[1, column + 1] = half * h - half_y * g
            total += np.array([s1, s2, s3, g1, g2, g3, work])
            for component in range(2):
                for column in range(columns + 1):
                    out[load, component, row, column] += (
                        minus[component, column] - plus[component, column + 1]
                    )
                    out[load, component, row + 1, column] += (
                        plus[component, column] - minus[component, column + 1]
                    )
        mean[load] = total / (rows * columns)
        for component in range(2):
            field = out[load, component]
            if boundary_condition == 0:
                field[0] += field[rows]
                field[:, 0] += field[:, columns]
            if boundary_condition < 2:
                field[rows] = 0
                field[:, columns] = 0
            if boundary_condition == 1:
                field[0] = 0
                field[:, 0] = 0
    return mean


@njit(cache=True, fastmath=True)
def products(a, b, held):
    """Sum over nodes of each load case's field `a` times `b`, which holds unknown nodes only."""
    out = np.empty(3)
    for load in range(3):
        total = 0.0
        for component in range(2):
            for row in range(b.shape[2]):
                part = np.float32(0)
                for column in range(b.shape[3]):
                    part += (
                        a[load, component, row + held, column + held]
                        * b[load, component, row, column]
                    )
                total += part
        out[load] = total
    return out


@njit(cache=True, fastmath=True)
def step(u, direction, force, change, solved, keep, norm, stiffness, tall, boundary_condition):
    """Take one step of the method of conjugate gradients in each load case.

    Parameters
    ----------
    u, direction, force : array of float32, shape (3, 2, rows + 1, columns + 1)
        Changed in place.
    change : array, as `u`
        Filled with the forces of the new direction.
    solved : array
        Displacements of the preconditioner under `force`, of unknown nodes only.
    keep, norm : array, shape (3,)
        Share of the old direction in the new one; `force` times `solved`.
    stiffness, tall, boundary_condition
        As of `balance`.

    Returns
    -------
    length : array, shape (3,)
    mean : array, shape (3, 7)
        What it adds to the means that `balance` gives, but for the last.
    work : array, shape (3, 3)
        Of each load case's new forces, columns, on each load case's new displacements, rows.
    """
    none = np.zeros((3, 3), np.float32)
    _extend(direction, solved, keep, 1 if boundary_condition == 1 else 0)
    mean = balance(direction, stiffness, tall, none, none, boundary_condition, change)
    length = norm / (stiffness.shape[1] * stiffness.shape[2] * mean[:, 6])
    work = _advance(u, direction, force, change, length)
    return length, length.reshape(3, 1) * mean, work


@njit(cache=True, fastmath=True)
def _extend(direction, new, keep, held):
    """Set direction = new + keep·direction, where `new` holds unknown nodes only."""
    rows, columns = direction.shape[2] - 1, direction.shape[3] - 1
    for load in range(3):
        factor = np.float32(keep[load])
        for component in range(2):
            for row in range(new.shape[2]):
                for column in range(new.shape[3]):
                    direction[load, component, row + held, column + held] = (
                        new[load, component, row, column]
                        + factor * direction[load, component, row + held, column + held]
                    )
            if new.shape[2] == rows:
                for column in range(columns):
                    direction[load, component, rows, column] = direction[load, component, 0, column]
                for row in range(rows + 1):
                    direction[load, component, row, columns] = direction[load, component, row, 0]


@njit(cache=True, fastmath=True)
def _advance(u, direction, force, change, length):
    """Add: u += length·direction, force += length·change; the work of the sums, as of `step`."""
    work = np.zeros((3, 3))
    first, second, third = np.float32(length[0]), np.float32(length[1]), np.float32(length[2])
    for component in range(2):
        for row in range(u.shape[2]):
            w00 = w01 = w02 = w10 = w11 = w12 = w20 = w21 = w22 = np.float32(0)
            for column in range(u.shape[3]):
                a = u[0, component, row, column] + first * direction[0, component, row, column]
                b = u[1, component, row, column] + second * direction[1, component, row, column]
                c = u[2, component, row, column] + third * direction[2, component, row, column]
                f = force[0, component, row, column] + first * change[0, component, row, column]
                g = force[1, component, row, column] + second * change[1, component, row, column]
                h = force[2, component, row, column] + third * change[2, component, row, column]
                u[0, component, row, column], force[0, component, row, column] = a, f
                u[1, component, row, column], force[1, component, row, column] = b, g
                u[2, component, row, column], force[2, component, row, column] = c, h
                w00 += a * f
                w01 += a * g
                w02 += a * h
                w10 += b * f
                w11 += b * g
                w12 += b * h
                w20 += c * f
                w21 += c * g
                w22 += c * h
            parts = ((w00, w01, w02), (w10, w11, w12), (w20, w21, w22))
            for i in range(3):
                for j in range(3):
                    work[i, j] += parts[i][j]
    return work


def refine(u: np.ndarray) -> np.ndarray:
    """Displacements on the grid of half the pixel size, bilinear between the nodes."""
    loads, components, rows, columns = u.shape
    fine = np.empty((loads, components, 2 * rows - 1, 2 * columns - 1), u.dtype)
    _interpolate(u, fine)
    return fine


@njit(cache=True, fastmath=True)
def _interpolate(u, fine):
    """Fill `fine`; lengths are in pixels, of which there are now twice as many."""
    for load in range(3):
        for component in range(2):
            a, b = u[load, component], fine[load, component]
            for row in range(a.shape[0]):
                for column in range(a.shape[1]):
                    b[2 * row, 2 * column] = 2 * a[row, column]
                for column in range(a.shape[1] - 1):
                    b[2 * row, 2 * column + 1] = a[row, column] + a[row, column + 1]
            for row in range(a.shape[0] - 1):
                for column in range(b.shape[1]):
                    b[2 * row + 1, column] = (b[2 * row, column] + b[2 * row + 2, column]) / 2
