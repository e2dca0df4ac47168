"""Voronoi and power cells of generators in a rectangle."""

import numpy as np

from polysve.base.types import Array
from polysve.grains.half_planes import tessellate
from polysve.grains.tiling import Tiling


def cells(
    points_um: Array,
    size_um: tuple[float, float],
    weights_um2: Array | None = None,
    periodic: tuple[bool, bool] = (False, False),
) -> Tiling:
    """Voronoi cells of generators, or power cells if they have weights.

    Parameters
    ----------
    points_um : array, shape (n, 2)
        Generators in the window, each once.
    size_um : (float, float)
        Width and height of the window.
    weights_um2 : array, shape (n,), optional
        Of the power distance |x − p|² − w (Aurenhammer, SIAM J. Comput. 16 (1987) 78); a cell may be empty.
    periodic : (bool, bool)
        Whether cells continue on the opposite side, along x and along y.

    Returns
    -------
    Tiling
        Polygons of the grains in their order, those of periodic copies after them.

    Raises
    ------
    ArithmeticError
        If the cells do not fill the window.

    Examples
    --------
    >>> cells(np.array([[0.25, 0.5], [0.75, 0.5]]), (1.0, 1.0)).areas_um2()
    array([0.5, 0.5])
    >>> cells(np.array([[0.25, 0.5], [0.75, 0.5]]), (1.0, 1.0), np.array([0.1, 0.0])).areas_um2()
    array([0.6, 0.4])
    """
    width_um, height_um = size_um
    # in units of the width, so that the same rounding decides at any size
    height = height_um / width_um
    points = np.ascontiguousarray(points_um / width_um)
    weights = np.zeros(len(points)) if weights_um2 is None else weights_um2 / width_um**2
    grain, offsets, vertices, filled, *_ = tessellate(points, weights, height, *periodic, False)
    if not abs(filled / height - 1) < 1e-9:
        raise ArithmeticError(f"the cells fill {filled / height:.12g} of the window")
    vertices_um = vertices * width_um
    if height * width_um != height_um:
        vertices_um[vertices[:, 1] == height, 1] = height_um
    return Tiling(grain, offsets, vertices_um)


def stretched(
    tiling: Tiling, frame_um: tuple[float, float], size_um: tuple[float, float]
) -> Tiling:
    """Polygons of a rectangle in another one, whose edges they keep to the last bit.

    Examples
    --------
    >>> square = cells(np.array([[0.25, 0.5], [0.75, 0.5]]), (1.0, 1.0))
    >>> stretched(square, (1.0, 1.0), (0.3, 2.0)).areas_um2()
    array([0.3, 0.3])
    """
    moved = tiling.vertices_um * (np.array(size_um) / frame_um)
    return tiling._replace(vertices_um=np.where(tiling.vertices_um == frame_um, size_um, moved))
