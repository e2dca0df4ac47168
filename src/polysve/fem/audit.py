"""Labels once more by other means: meshes by gmsh, assembly and solution by scikit-fem.

Nothing is shared with the labels' own finite elements but the grains' polygons and their stiffness.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import cvxopt
import numpy as np
import skfem
from cvxopt import cholmod
from scipy.sparse import csr_array, tril
from skfem.helpers import dot, mul

from polysve.base.gmsh_library import load_gmsh
from polysve.base.types import Array, Integers
from polysve.grains.tiling import Tiling, next_corner

# corners closer than this, in units of the window, are one
SAME = 1e-7
# size of the triangles where grains meet, over that of the grains, and its growth with the distance
FINEST, GROWTH = 0.25, 3.0
# What halved triangles leave of the error: 1/4 of what the corners of grains add, where displacements go with a power
# of the distance near 1; measured, on meshes twice as fine, down to 1/8.
RATE, FASTER = 4, 8
MOST_REFINED = 2
UNIT_STRAINS = np.array([[[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0.5], [0.5, 0]]])
UNIT_STRESSES = np.array([[[1.0, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 1], [1, 0]]])


class Reference(NamedTuple):
    """Apparent stiffness of one SVE that owes nothing to its label."""

    stiffness_gpa: dict[str, Array]
    """(3, 3) by boundary condition, extrapolated over two meshes."""
    error: dict[str, float]
    """By boundary condition: largest estimated error of a component over C̄11. It is on the safe side: elements of order
    8 differ by a third of it at most, for silicon, copper and zinc."""
    n_triangles: int
    """Of the finer mesh."""


def reference(
    tiling: Tiling,
    window_um: float,
    grain_stiffness_gpa: Array,
    conditions: tuple[str, ...],
    accuracy: float = 3e-4,
) -> Reference:
    """Apparent stiffness of one SVE by gmsh and scikit-fem.

    Parameters
    ----------
    tiling : Tiling
    window_um : float
    grain_stiffness_gpa : array, shape (grains, 3, 3)
        Plane-stress stiffness of each grain.
    conditions : tuple of str
        Any of "kubc", "subc", "pbc".
    accuracy : float
        Estimated error of a component over C̄11 above which the triangles are halved once more.

    Raises
    ------
    Exception
        What gmsh raises.
    """
    mesh, grain = triangles(tiling, window_um)
    finer = solve(mesh, grain_stiffness_gpa[grain], conditions)
    for _ in range(MOST_REFINED):
        # scikit-fem puts the four children of all triangles one after the other, quarter by quarter
        mesh, grain, coarser = mesh.refined(), np.tile(grain, 4), finer
        finer = solve(mesh, grain_stiffness_gpa[grain], conditions)
        found = {name: _extrapolated(coarser[name], finer[name], RATE) for name in conditions}
        other = {name: _extrapolated(coarser[name], finer[name], FASTER) for name in conditions}
        error = {
            name: float(np.abs(found[name] - other[name]).max() / found[name][0, 0])
            for name in conditions
        }
        if max(error.values()) <= accuracy:
            break
    return Reference(found, error, len(grain))


def _extrapolated(coarser: Array, finer: Array, rate: float) -> Array:
    """What ever finer meshes tend to, if halved triangles divide the error by a rate."""
    return finer + (finer - coarser) / (rate - 1)


def triangles(tiling: Tiling, window_um: float) -> tuple[skfem.MeshTri, Integers]:
    """Mesh of gmsh's, fine where grains meet, the same on opposite edges, and the grain of each triangle."""
    gmsh = load_gmsh()

    nodes, loops, offsets = planar_graph(tiling)
    size_um = window_um / len(tiling.grain) ** 0.5
    if not gmsh.isInitialized():
        gmsh.initialize(interruptible=False)
    for name, value in {
        "General.Terminal": 0,
        "General.NumThreads": 1,
        "Mesh.Algorithm": 5,
        # of the size along a line; its default, 1e-9, takes longer than all else
        "Mesh.LcIntegrationPrecision": 1e-3,
        "Mesh.MeshSizeMax": window_um,
        "Mesh.MeshSizeFromPoints": 0,
        "Mesh.MeshSizeExtendFromBoundary": 0,
    }.items():
        gmsh.option.setNumber(name, value)
    try:
        gmsh.model.add("audit")
        _describe(gmsh.model, nodes, loops, offsets)
        fields = gmsh.model.mesh.field
        distance, size = fields.add("Distance"), fields.add("Threshold")
        fields.setNumbers(distance, "PointsList", list(range(1, len(nodes) + 1)))
        for name, value in {
            "InField": distance,
            "SizeMin": FINEST * size_um,
            "SizeMax": (FINEST + GROWTH) * size_um,
            "DistMin": 0,
            "DistMax": size_um,
        }.items():
            fields.setNumber(size, name, value)
        fields.setAsBackgroundMesh(size)
        gmsh.model.mesh.generate(2)
        return _read(gmsh.model.mesh, tiling.grain)
    finally:
        gmsh.clear()


def planar_graph(tiling: Tiling) -> tuple[Array, Integers, Integers]:
    """Corners of all polygons, each once, with those of each edge of the window on the opposite one, too.

    Returns
    -------
    nodes_um : array, shape (n, 2)
        From left to right, then upwards.
    loops : int array
        Corners of all polygons in a row.
    offsets : int array, shape (p + 1,)
        Where each polygon's corners begin.
    """
    low, high = tiling.vertices_um.min(0), tiling.vertices_um.max(0)
    grid = SAME * (high - low).max()
    lattice = np.rint(tiling.vertices_um / grid).astype(int)
    ends = np.stack([lattice.min(0), lattice.max(0)])
    facing = {}
    for axis in (0, 1):
        on_edge = (lattice[:, axis] == ends[0, axis]) | (lattice[:, axis] == ends[1, axis])
        facing[axis] = np.unique(lattice[on_edge, 1 - axis])
    polygons, following = [], next_corner(tiling.offsets)
    for first, last in pairwise(tiling.offsets):
        corners = []
        for start, end in zip(lattice[first:last], lattice[following[first:last]], strict=True):
            corners.append(start[None])
            for axis in (0, 1):
                if start[axis] == end[axis] and start[axis] in ends[:, axis]:
                    corners.append(_between(start, end, 1 - axis, facing[axis]))
        corners = np.concatenate(corners)
        polygons.append(corners[(corners != np.roll(corners, 1, axis=0)).any(1)])
    nodes, loops = np.unique(np.concatenate(polygons), axis=0, return_inverse=True)
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in polygons])])
    return nodes * grid, loops.ravel(), offsets


def _between(start: Integers, end: Integers, along: int, places: Integers) -> Integers:
    """Points at the given places of an edge of the window, without its ends, from start to end."""
    low, high = sorted((start[along], end[along]))
    inside = places[(places > low) & (places < high)]
    points = np.tile(start, (len(inside), 1))
    points[:, along] = inside if start[along] < end[along] else inside[::-1]
    return points


def _describe(model, nodes: Array, loops: Integers, offsets: Integers) -> None:
    """Give gmsh points, lines, polygons, and which lines on opposite edges of the window are to be cut alike."""
    for number, (x, y) in enumerate(nodes.tolist(), 1):
        model.geo.addPoint(x, y, 0, 0, number)
    steps = np.stack([loops, loops[next_corner(offsets)]], 1)
    pairs, line = np.unique(np.sort(steps, axis=1), axis=0, return_inverse=True)
    for number, (start, end) in enumerate((pairs + 1).tolist(), 1):
        model.geo.addLine(start, end, number)
    signed = np.where(steps[:, 0] < steps[:, 1], line.ravel() + 1, -line.ravel() - 1)
    for polygon, (first, last) in enumerate(pairwise(offsets), 1):
        model.geo.addCurveLoop(signed[first:last].tolist(), polygon)
        model.geo.addPlaneSurface([polygon], polygon)
    model.geo.synchronize()
    low, high = nodes.min(0), nodes.max(0)
    for axis in (0, 1):
        sides = []
        for place in (low, high):
            lines = np.flatnonzero((nodes[pairs][:, :, axis] == place[axis]).all(1))
            order = np.argsort(nodes[pairs[lines]][:, :, 1 - axis].mean(1))
            sides.append((lines[order] + 1).tolist())
        shift = np.eye(4)
        shift[axis, 3] = high[axis] - low[axis]
        model.mesh.setPeriodic(1, sides[1], sides[0], shift.ravel().tolist())


def _read(mesh, grain: Integers) -> tuple[skfem.MeshTri, Integers]:
    """Take nodes and triangles out of gmsh."""
    tags, coordinates, _ = mesh.getNodes()
    number = np.zeros(int(tags.max()) + 1, int)
    number[tags] = np.arange(len(tags))
    found = [mesh.getElementsByType(2, polygon)[1] for polygon in range(1, len(grain) + 1)]
    corners = number[np.concatenate(found)].reshape(-1, 3)
    used, corners = np.unique(corners, return_inverse=True)
    nodes = coordinates.reshape(-1, 3)[used, :2]
    counts = [len(each) // 3 for each in found]
    return skfem.MeshTri(nodes.T.copy(), corners.reshape(-1, 3).T.copy()), np.repeat(grain, counts)


def solve(
    mesh: skfem.MeshTri, element_stiffness_gpa: Array, conditions: tuple[str, ...]
) -> dict[str, Array]:
    """Apparent stiffness by quadratic triangles, as scikit-fem assembles and solves them."""
    basis = skfem.Basis(mesh, skfem.ElementVector(skfem.ElementTriP2()), intorder=2)
    matrix = skfem.asm(_energy, basis, **_moduli(element_stiffness_gpa, basis))
    return {name: SOLVERS[name](basis, matrix) for name in conditions}


def _moduli(element_stiffness_gpa: Array, basis: skfem.Basis) -> dict[str, Array]:
    """Stiffness at the points of integration, a component each."""
    return {
        f"c{i}{j}": np.repeat(element_stiffness_gpa[:, i, j, None], len(basis.W), axis=1)
        for i in range(3)
        for j in range(i, 3)
    }


@skfem.BilinearForm
def _energy(u, v, w):
    """Stress of u on strain of v."""
    e1, e2, e6 = u.grad[0, 0], u.grad[1, 1], u.grad[0, 1] + u.grad[1, 0]
    f1, f2, f6 = v.grad[0, 0], v.grad[1, 1], v.grad[0, 1] + v.grad[1, 0]
    return (
        (w["c00"] * e1 + w["c01"] * e2 + w["c02"] * e6) * f1
        + (w["c01"] * e1 + w["c11"] * e2 + w["c12"] * e6) * f2
        + (w["c02"] * e1 + w["c12"] * e2 + w["c22"] * e6) * f6
    )


def _kubc(basis: skfem.Basis, matrix) -> Array:
    """Displacements ε·x on the edge."""
    edge, solver = basis.get_dofs(), _factored()
    given = [_affine(basis, strain) for strain in UNIT_STRAINS]
    found = [skfem.solve(*skfem.condense(matrix, x=each, D=edge), solver=solver) for each in given]
    return _stiffness(basis, matrix, found)


def _pbc(basis: skfem.Basis, matrix) -> Array:
    """Displacements ε·x and a fluctuation that is the same on opposite edges and zero in the corners."""
    masters, slaves = [], []
    for axis in (0, 1):
        for side in (0, 1):
            dofs = _on_side(basis, axis, side)
            (slaves if side else masters).append(dofs[~_in_corner(basis, dofs)])
    corners = basis.get_dofs().flatten()
    corners = corners[_in_corner(basis, corners)]
    masters, slaves = np.concatenate(masters), np.concatenate([*slaves, corners])
    # every displacement follows one that is free, or none
    free = np.setdiff1d(np.arange(basis.N), slaves)
    number = np.full(basis.N, -1)
    number[free] = np.arange(len(free))
    number[slaves[: len(masters)]] = number[masters]
    rows = np.flatnonzero(number >= 0)
    follow = csr_array((np.ones(len(rows)), (rows, number[rows])), shape=(basis.N, len(free)))
    reduced, solver, found = follow.T @ matrix @ follow, _factored(), []
    for strain in UNIT_STRAINS:
        mean = _affine(basis, strain)
        found.append(
            mean + follow @ skfem.solve(reduced, -follow.T @ (matrix @ mean), solver=solver)
        )
    return _stiffness(basis, matrix, found)


def _subc(basis: skfem.Basis, matrix) -> Array:
    """Tractions σ·n on the edge."""
    facets = skfem.FacetBasis(basis.mesh, basis.elem, intorder=2)
    loads = [
        skfem.asm(skfem.LinearForm(lambda v, w, s=stress: dot(mul(s, w.n), v)), facets)
        for stress in UNIT_STRESSES[:, :, :, None, None]
    ]
    bottom, solver = _on_side(basis, 1, 0), _factored()
    first, last = bottom[_in_corner(basis, bottom)].reshape(2, 2).T
    held = np.array([*first, last[1]])
    found = [skfem.solve(*skfem.condense(matrix, load, D=held), solver=solver) for load in loads]
    return np.linalg.inv(np.array(loads) @ np.array(found).T / _area(basis))


SOLVERS = {"kubc": _kubc, "subc": _subc, "pbc": _pbc}


def _factored() -> Callable:
    """A solver for scikit-fem that factors the first matrix it is given, and solves with it from then on."""
    factors = []

    def solver(stiffness, load, **_):
        if not factors:
            lower = tril(stiffness).tocoo()
            entries = cvxopt.spmatrix(lower.data, lower.row, lower.col, lower.shape)
            factors.append(cholmod.symbolic(entries))
            cholmod.numeric(entries, factors[0])
        unknowns = cvxopt.matrix(load)
        cholmod.solve(factors[0], unknowns)
        return np.array(unknowns).ravel()

    return solver


def _affine(basis: skfem.Basis, strain: Array) -> Array:
    """Displacements ε·x."""
    field, everywhere = np.empty(basis.N), basis.get_dofs(elements=True)
    for axis in (0, 1):
        dofs = everywhere.all(f"u^{axis + 1}")
        field[dofs] = strain[axis] @ basis.doflocs[:, dofs]
    return field


def _on_side(basis: skfem.Basis, axis: int, side: int) -> Integers:
    """Displacements on an edge of the window, along it, first all along x1, then all along x2."""
    place = basis.mesh.p[axis].max() if side else basis.mesh.p[axis].min()
    nodes = basis.get_dofs(lambda x: np.isclose(x[axis], place))
    sides = [nodes.all(f"u^{component}") for component in (1, 2)]
    return np.concatenate([dofs[basis.doflocs[1 - axis, dofs].argsort()] for dofs in sides])


def _in_corner(basis: skfem.Basis, dofs: Integers) -> Array:
    """Whether displacements are those of the window's corners."""
    places, nodes = basis.doflocs[:, dofs], basis.mesh.p
    ends = np.stack([nodes.min(1), nodes.max(1)], 1)
    return np.isclose(places[:, :, None], ends[:, None]).any(2).all(0)


def _stiffness(basis: skfem.Basis, matrix, displacements: list[Array]) -> Array:
    """Energy of the displacements of the three unit strains."""
    fields = np.stack(displacements, 1)
    return fields.T @ (matrix @ fields) / _area(basis)


def _area(basis: skfem.Basis) -> float:
    """Of the window."""
    return float(np.ptp(basis.mesh.p, axis=1).prod())
