"""The Born series of the apparent stiffness on a grid of pixels: no training, no fit."""

from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.surrogate import grid

NUMBER = {"pbc": 0, "kubc": 1, "subc": 2}


class Relaxed(NamedTuple):
    stiffness_gpa: Array
    u: np.ndarray
    steps: list


def unpack(c):
    return np.array([[c[0], c[3], c[4]], [c[3], c[1], c[5]], [c[4], c[5], c[2]]])


def relax(planes, tall, boundary_condition, u, steps):
    rows, columns = planes.shape[1:]
    area, held, number = rows * columns, grid.HELD[boundary_condition], NUMBER[boundary_condition]
    modes = grid.modes(rows, columns, tall, boundary_condition)
    medium = planes.reshape(6, -1).mean(1)
    matrix = unpack(medium)
    strain = np.eye(3, dtype=np.float32)
    none = np.zeros((3, 3), np.float32)
    stress = matrix.astype(np.float32) if boundary_condition == "subc" else none
    r, change, mean, mean_change = np.empty_like(u), np.empty_like(u), np.empty((3, 6)), np.empty((3, 6))
    grid.balance(u, planes, tall, strain, stress, number, r, mean)
    direction = np.zeros_like(u)
    norm = np.zeros(3); work = np.zeros(3); keep = np.zeros(3)
    hist = []

    def result():
        wr = np.array([[np.vdot(u[a], r[b]) for b in range(3)] for a in range(3)]) / area
        if boundary_condition == "subc":
            S = matrix @ mean[:, 3:].T + (matrix - mean[:, :3]).T + wr
            S = matrix @ np.linalg.inv(S) @ matrix
        else:
            S = mean[:, :3].T - wr
        return (S + S.T) / 2
    hist.append(result())
    for _ in range(steps):
        z = grid.precondition(r, modes, medium, boundary_condition)
        old = norm.copy()
        grid.products(r, z, held, norm)
        if _:
            keep = norm / old
        grid.extend(direction, z, keep, held)
        grid.balance(direction, planes, tall, none, none, number, change, mean_change)
        grid.products(change, direction, 0, work)
        length = -norm / work
        grid.advance(u, direction, r, change, length)
        mean += length[:, None] * mean_change
        hist.append(result())
    return hist, u
