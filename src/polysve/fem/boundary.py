"""Kinematic, static and periodic boundary conditions: one table of solvers."""

import numpy as np

from polysve.base.types import Array, Integers
from polysve.fem.system import EDGE, System, solve

# facing nodes differ by less, in units of the window
FACING = 1e-6


def kubc(system: System) -> tuple[Array, Array]:
    """Solve with u = ε·x on the edge.

    Returns
    -------
    stiffness_gpa : array, shape (3, 3)
    displacement : array, shape (2n, 3)
        For the three unit strains.
    """
    free = np.ones(len(system.strain), bool)
    free[_dofs(system.boundary())] = False
    number = np.where(free, np.cumsum(free) - 1, -1)
    return _relax(system, number)


def pbc(system: System) -> tuple[Array, Array]:
    """Solve with u = ε·x + fluctuation equal on opposite edges; returns as `kubc`.

    Raises
    ------
    ValueError
        If nodes on opposite edges do not face each other.
    """
    boundary = system.boundary()
    master = np.arange(len(system.points_um))
    master[boundary] = boundary[periodic_masters(system.where[boundary])]
    held = master == master[boundary[0]]
    own = (master == np.arange(len(master))) & ~held
    node = np.where(held, -1, (np.cumsum(own) - 1)[master])
    number = np.where(node[:, None] < 0, -1, 2 * node[:, None] + np.arange(2)).ravel()
    return _relax(system, number)


def _relax(system: System, number: Integers) -> tuple[Array, Array]:
    """Add to the unit strains the fluctuation that a boundary condition admits; C̄ is the energy left."""
    fluctuation = solve(system, number, -system.force)
    displacement = system.strain + fluctuation
    stiffness = system.strain.T @ system.force + fluctuation.T @ system.force
    return (stiffness + stiffness.T) / (2 * system.area_um2), displacement


def subc(system: System) -> tuple[Array, Array]:
    """Solve with t = σ·n on the edge; returns as `kubc`, displacements for the three unit mean strains."""
    corner = (system.where**2).sum(1).argmin()
    other = ((system.where - [1, 0]) ** 2).sum(1).argmin()
    free = np.ones(len(system.strain), bool)
    free[[2 * corner, 2 * corner + 1, 2 * other + 1]] = False
    displacement = solve(system, np.where(free, np.cumsum(free) - 1, -1), system.traction)
    stiffness = np.linalg.inv(system.traction.T @ displacement / system.area_um2)
    return (stiffness + stiffness.T) / 2, displacement @ stiffness


SOLVERS = {"kubc": kubc, "subc": subc, "pbc": pbc}


def _dofs(nodes: Integers) -> Integers:
    """Both displacements of each node."""
    return (2 * nodes[:, None] + np.arange(2)).ravel()


def periodic_masters(where: Array) -> Integers:
    """Row of the node on the left or lower edge that each boundary node repeats periodically.

    Parameters
    ----------
    where : array, shape (b, 2)
        Boundary nodes in the window's own axes, 0 to 1.

    Raises
    ------
    ValueError
        If a node has no partner within 1e-6 of the window.
    """
    master = np.arange(len(where))
    for axis in (0, 1):
        along = where[:, 1 - axis]
        low, high = (
            nodes[np.argsort(along[nodes], kind="stable")]
            for nodes in map(np.flatnonzero, (where[:, axis] < EDGE, where[:, axis] > 1 - EDGE))
        )
        if len(low) != len(high) or np.abs(along[low] - along[high]).max() > FACING:
            gap = np.abs(along[low, None] - along[high])
            here, there = gap.min(1), gap.min(0)
            alone = low[here.argmax()] if here.max() > there.max() else high[there.argmax()]
            lonely = where[alone]
            raise ValueError(
                f"the node on the edge at ({lonely[0]:.4g}, {lonely[1]:.4g}) of the window has none facing it on the "
                "opposite edge, which periodic conditions need; kubc and subc do without"
            )
        master[high] = low
    # a corner follows the one at the origin by way of another
    return master[master]
