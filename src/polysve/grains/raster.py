"""Pictures of a tiling: grain numbers at pixel centres, exact averages over pixels."""

import numpy as np
from numpy.typing import NDArray

from polysve.grains.tiling import Tiling, next_corner


def label_image(tiling: Tiling, window_um: float, pixels: int) -> NDArray[np.uint16]:
    """Grain number at every pixel centre; row 0 at the bottom.

    Each polygon edge adds, in every row of pixel centres it passes, the jump of the grain number across it; the
    running sum along the rows is the image. A pixel centre on a boundary belongs to the grain right of or above it.

    Returns
    -------
    array of uint16, shape (pixels, pixels)

    Examples
    --------
    >>> label_image(voronoi(np.array([[0.25, 0.5], [0.75, 0.5]]), 1.0), 1.0, 4)[0].tolist()
    [0, 0, 1, 1]
    """
    start = tiling.vertices_um * (pixels / window_um) - 0.5
    following = next_corner(tiling.offsets)
    stop = start[following]
    grain = np.repeat(tiling.grain, np.diff(tiling.offsets))
    # counter-clockwise: an edge that runs down opens its grain, one that runs up closes it
    up = stop[:, 1] > start[:, 1]
    jump = np.where(up, -grain, grain)
    low, high = np.where(up[:, None], start, stop), np.where(up[:, None], stop, start)
    first = np.ceil(low[:, 1]).astype(int)
    count = np.ceil(high[:, 1]).astype(int) - first
    edge = np.repeat(np.arange(len(start)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count - first, count)
    slope = (high[:, 0] - low[:, 0])[edge] / (high[:, 1] - low[:, 1])[edge]
    column = np.ceil(low[edge, 0] + (row - low[edge, 1]) * slope).astype(int)
    inside = column < pixels
    image = np.zeros((pixels, pixels), np.uint16)
    np.add.at(image, (row[inside], column[inside]), jump[edge][inside].astype(np.uint16))
    return np.cumsum(image, axis=1, dtype=np.uint16)
