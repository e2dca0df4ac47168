"""Stiffness of one mesh at rising polynomial order, extrapolated, with an estimate of its error."""

from collections.abc import Callable
from math import ceil
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.grains.mesh import Mesh
from polysve.settings.labels import HIGHEST_ORDER

Stiffnesses = dict[str, Array]

# Errors fall with this power of the elements' order: twice the order multiplies by 2⁻⁴ᵏ what displacements like rᵏ at
# junctions leave (Babuška & Suri, SIAM Rev. 36 (1994) 578); k = 0.84 is what random films of silicon to zinc have
RATE = 3.35
# from order 1 on the fall is slower
RATE_FROM_1 = 2.5
# error of an extrapolated label over its last correction: 0.1 half of the time, below 0.4 in 99 of 100
SHARE = 0.4
SHARE_FROM_1 = 1 / 2
# no refinement makes more nodes than this: memory
MANY_NODES = 150_000


class Solution(NamedTuple):
    """What a sequence of finite-element solutions comes to."""

    raw: Stiffnesses
    extrapolated: Stiffnesses
    error: dict[str, float]
    """Estimated largest error of a component of the extrapolated stiffness over C̄11; empty after one solution."""
    order: int
    """Highest polynomial order."""


def affordable_order(mesh: Mesh) -> int:
    """Highest polynomial order to which a mesh may be refined."""
    return min(HIGHEST_ORDER, int((2 * MANY_NODES / len(mesh.triangles)) ** 0.5))


def converge(
    solve: Callable[[int], Stiffnesses], order: int, tolerance: float | None, highest: int
) -> Solution:
    """Raise the polynomial order until the extrapolated stiffness is right to a tolerance, as far as one can tell.

    On one mesh the error of a stiffness falls with a power of the order (Babuška, Szabo & Katz, SIAM J. Numer. Anal.
    18 (1981) 515), as does its estimate, which tells the next order. One weight for all components of all boundary
    conditions keeps what is linear in them: the bulk identity, and that a turned film has the turned stiffness.

    Parameters
    ----------
    solve : callable
        Stiffness by boundary condition at a polynomial order.
    order : int
        Where to begin; the solution of one order less comes first.
    tolerance : float or None
        Of every component over C̄11; none: one solution as it is.
    highest : int
        Where to end, whatever the error.
    """
    if tolerance is None or highest == 1:
        raw = solve(order)
        return Solution(raw, raw, {}, order)
    low = max(1, order - 1)
    coarse, order = solve(low), low + 1
    while True:
        raw = solve(order)
        rate, share = (RATE, SHARE) if low > 1 else (RATE_FROM_1, SHARE_FROM_1)
        weight = 1 / ((order / low) ** rate - 1)
        correction = {name: weight * (raw[name] - coarse[name]) for name in raw}
        error = {
            name: share * float(np.abs(correction[name]).max() / raw[name][0, 0]) for name in raw
        }
        excess = max(error.values()) / tolerance
        if excess <= 1 or order >= highest:
            break
        coarse, low = raw, order
        order = min(max(order + 1, ceil(order * excess ** (1 / rate))), highest)
    return Solution(raw, {name: raw[name] + correction[name] for name in raw}, error, order)
