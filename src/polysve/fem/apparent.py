"""Apparent stiffness of one meshed SVE."""

from collections.abc import Callable

from polysve.base.memory import keep_freed_memory
from polysve.base.types import Array
from polysve.fem.boundary import SOLVERS
from polysve.fem.elements import lagrange_space
from polysve.fem.system import assemble
from polysve.grains.mesh import Mesh


def apparent_stiffness(
    mesh: Mesh,
    element_stiffness_gpa: Array,
    boundary_conditions: tuple[str, ...] = ("kubc", "subc", "pbc"),
    order: int = 2,
) -> dict[str, Array]:
    """Homogenize one SVE.

    Parameters
    ----------
    mesh : Mesh
    element_stiffness_gpa : array, shape (t, 3, 3)
        Plane stiffness of each triangle.
    boundary_conditions : tuple of str
        Any of "kubc", "subc", "pbc".
    order : int
        Polynomial order of the triangles, 1 to 3.

    Returns
    -------
    dict
        Apparent stiffness (3, 3) in GPa by boundary condition, as the finite elements give it.
    """
    return apparent_stiffnesses(mesh, element_stiffness_gpa, boundary_conditions)(order)


def apparent_stiffnesses(
    mesh: Mesh, element_stiffness_gpa: Array, boundary_conditions: tuple[str, ...]
) -> Callable[[int], dict[str, Array]]:
    """`apparent_stiffness` as a function of the order alone: what orders share is found once."""
    from polysve.fem.condensation import fan_stiffnesses, find_fans

    keep_freed_memory()
    fans = find_fans(mesh)

    def solve(order: int) -> dict[str, Array]:
        if fans is not None:
            return fan_stiffnesses(fans, element_stiffness_gpa, order, boundary_conditions)
        system = assemble(lagrange_space(mesh, order), element_stiffness_gpa)
        return {name: SOLVERS[name](system)[0] for name in boundary_conditions}

    return solve
