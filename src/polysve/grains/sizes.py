"""Grains of given areas: the weights of their power cells.

For any points and any positive areas that fill the window there are weights, unique but for a constant, whose power
cells have these areas (Aurenhammer, Hoffmann & Aronov, Algorithmica 20 (1998) 61). They are the maximum of a concave
function, found by Newton steps that are halved until no cell vanishes (Kitagawa, Mérigot & Thibert, J. Eur. Math. Soc.
21 (2019) 2603; of grains: Bourne, Kok, Roper & Spanjer, Phil. Mag. 100 (2020) 2677).
"""

import numpy as np

from polysve.base.compiled import compiled
from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.grains.cells import cells
from polysve.grains.half_planes import tessellate
from polysve.grains.tiling import centroids

TOLERANCE = 1e-8
"""Of each area, over what it shall be."""
MOST_STEPS = 200
ROUNDS = 1
SMALLEST_STEP = 1e-6
SOLVED = 1e-6


def weights_of_areas(
    points_um: Array,
    size_um: tuple[float, float],
    areas_um2: Array,
    periodic: tuple[bool, bool] = (False, False),
) -> Array:
    """Weights of the power cells that have these areas.

    Parameters
    ----------
    points_um : array, shape (n, 2)
        Generators in the window, each once.
    size_um : (float, float)
        Width and height of the window.
    areas_um2 : array, shape (n,)
        Positive; their sum is the window's area.
    periodic : (bool, bool)
        Whether cells continue on the opposite side, along x and along y.

    Returns
    -------
    array, shape (n,)
        µm², the smallest is 0.

    Raises
    ------
    InputError
        If rounding leaves no way to them: areas that differ by many orders of magnitude.

    Examples
    --------
    >>> weights_of_areas(np.array([[0.25, 0.5], [0.75, 0.5]]), (1.0, 1.0), np.array([0.6, 0.4]))
    array([0.1, 0. ])
    """
    points, height = np.ascontiguousarray(points_um / size_um[0]), size_um[1] / size_um[0]
    wanted = areas_um2 / size_um[0] ** 2
    weights = np.zeros(len(points))
    found, *change = _measure(points, weights, height, periodic)
    smallest = min(found.min(), wanted.min()) / 2
    for _ in range(MOST_STEPS):
        missing = wanted - found
        if (np.abs(missing) < TOLERANCE * wanted).all():
            return (weights - weights.min()) * size_um[0] ** 2
        step, share = _solve(*change, missing), 1.0
        while share > SMALLEST_STEP:
            found, *change = _measure(points, weights + share * step, height, periodic)
            left = np.abs(wanted - found).max() / np.abs(missing).max()
            if found.min() > smallest and left <= 1 - share / 2:
                break
            share /= 2
        else:
            break
        weights = weights + share * step
    raise InputError(
        f"no cells of the areas {areas_um2.min():.3g} to {areas_um2.max():.3g} µm² were found for these generators; "
        "a smaller scatter of sizes is allowed"
    )


def rounded(
    points_um: Array,
    size_um: tuple[float, float],
    areas_um2: Array,
    periodic: tuple[bool, bool] = (False, False),
) -> tuple[Array, Array]:
    """Generators moved to the middles of their cells, and the weights of the new cells, which have the same areas.

    Generators that are drawn know little of the areas, and some of their cells are splinters; `ROUNDS` of these steps
    of Lloyd's make the grains as round as Voronoi cells are.

    Returns
    -------
    points, weights
        Arrays of shape (n, 2), µm, and (n,), µm².
    """
    for _ in range(ROUNDS):
        weights = weights_of_areas(points_um, size_um, areas_um2, periodic)
        tiling = cells(points_um, size_um, weights, periodic)
        area, middle = centroids(tiling.offsets, tiling.vertices_um)
        away = middle - points_um[tiling.grain]
        # pieces on the opposite side belong to a cell that continues
        away -= np.where(periodic, np.round(away / size_um) * size_um, 0)
        for axis in range(2):
            moment = np.bincount(tiling.grain, area * away[:, axis], len(points_um))
            moved = points_um[:, axis] + moment / areas_um2
            points_um[:, axis] = moved % size_um[axis] if periodic[axis] else moved
    return points_um, weights_of_areas(points_um, size_um, areas_um2, periodic)


def _measure(points: Array, weights: Array, height: float, periodic: tuple[bool, bool]):
    """Area of each cell, pairs of neighbours, and how fast area goes from one to the other."""
    grain, offsets, vertices, _, neighbours, rate = tessellate(
        points, weights, height, *periodic, True
    )
    return _areas(grain, offsets, vertices, len(points)), neighbours, rate


@compiled("f8[::1](i8[::1], i8[::1], f8[:, ::1], i8)")
def _areas(grain, offsets, vertices, count):
    """Area of each grain (shoelace formula)."""
    areas = np.zeros(count)
    for polygon in range(len(grain)):
        last = offsets[polygon + 1] - 1
        for k in range(offsets[polygon], last + 1):
            x, y = vertices[last, 0], vertices[last, 1]
            areas[grain[polygon]] += (x * vertices[k, 1] - vertices[k, 0] * y) / 2
            last = k
    return areas


@compiled("f8[::1](i8[:, ::1], f8[::1], f8[::1])")
def _solve(neighbours, rate, missing):
    """Change of the weights that brings the missing areas, by conjugate gradients: the same to the last bit anywhere.

    An edge stands twice, once from either side.
    """
    count = len(missing)
    diagonal = np.zeros(count)
    for edge in range(len(rate)):
        for side in range(2):
            diagonal[neighbours[edge, side]] += rate[edge] / 2
    # a constant more on all weights changes nothing: what rounding leaves of the sum has no solution
    step, residual = np.zeros(count), missing - missing.mean()
    direction = residual / diagonal
    product = 0.0
    for k in range(count):
        product += residual[k] * direction[k]
    end, moved = product * SOLVED**2, np.empty(count)
    for _ in range(10 * count):
        moved[:] = 0
        for edge in range(len(rate)):
            one, other = neighbours[edge, 0], neighbours[edge, 1]
            flow = rate[edge] / 2 * (direction[one] - direction[other])
            moved[one] += flow
            moved[other] -= flow
        slope = 0.0
        for k in range(count):
            slope += direction[k] * moved[k]
        following = 0.0
        for k in range(count):
            step[k] += product / slope * direction[k]
            residual[k] -= product / slope * moved[k]
            following += residual[k] * residual[k] / diagonal[k]
        if following <= end:
            break
        for k in range(count):
            direction[k] = residual[k] / diagonal[k] + following / product * direction[k]
        product = following
    return step
