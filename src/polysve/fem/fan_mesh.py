"""Triangle meshes that cut each grain from its centroid."""

import numpy as np

from polysve.base.types import Array, Integers
from polysve.fem.outline import Outline
from polysve.grains.mesh import Mesh
from polysve.grains.tiling import centroids, next_corner


def _divided_edges(outline: Outline, size_um: float) -> tuple[Array, Integers, Integers, Integers]:
    """Divide every edge into equal parts of about `size_um`.

    Returns
    -------
    nodes, number, parts, first : arrays
        All nodes, the edge of each loop node, the parts of each edge, and the number of each edge's first inner node.
    """
    pairs, number = outline.edges()
    start, stop = outline.nodes_um[pairs[:, 0]], outline.nodes_um[pairs[:, 1]]
    # the small shift makes facing edges, equal up to rounding, fall into equal parts
    parts = np.maximum(1, np.ceil(np.hypot(*(stop - start).T) / size_um - 1e-6)).astype(int)
    first = len(outline.nodes_um) + np.concatenate([[0], np.cumsum(parts[:-1] - 1)])
    edge = np.repeat(np.arange(len(pairs)), parts - 1)
    step = np.arange(len(edge)) - np.repeat(first - len(outline.nodes_um), parts - 1) + 1
    weight = (step / parts[edge])[:, None]
    inner = start[edge] * (1 - weight) + stop[edge] * weight
    return np.vstack([outline.nodes_um, inner]), number, parts, first


def fan_mesh(outline: Outline, size_um: float) -> Mesh:
    """Cut each grain into triangles from its centroid to the parts of its edges.

    No mesher is needed since Voronoi cells are convex; a short edge gives a thin triangle with no large angle, which
    does no harm to the solution (Babuška & Aziz, SIAM J. Numer. Anal. 13 (1976) 214).
    """
    nodes, number, parts, first = _divided_edges(outline, size_um)
    following = next_corner(outline.offsets)
    ends = outline.loops[following]
    count = parts[number]
    corner = np.repeat(np.arange(len(number)), count)
    step = np.arange(len(corner)) - np.repeat(np.cumsum(count) - count, count)
    forward = (outline.loops < ends)[corner]

    def inner(position):
        """Node `position` parts along the edge of each loop node, seen in the loop's direction."""
        along = np.where(forward, position, count[corner] - position)
        node = first[number[corner]] + along - 1
        node = np.where(position == 0, outline.loops[corner], node)
        return np.where(position == count[corner], ends[corner], node)

    polygon = np.repeat(np.arange(len(outline.grain)), np.diff(outline.offsets))
    centre = len(nodes) + polygon[corner]
    triangles = np.stack([inner(step), inner(step + 1), centre], 1)
    _, middles = centroids(outline.offsets, outline.nodes_um[outline.loops])
    return Mesh(np.vstack([nodes, middles]), triangles, outline.grain[polygon[corner]])
