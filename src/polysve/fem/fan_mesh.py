"""Triangle meshes that cut each grain from its centroid."""

import numpy as np

from polysve.base.compiled import compiled
from polysve.fem.outline import Outline
from polysve.grains.mesh import Mesh
from polysve.grains.tiling import centroids


def fan_mesh(outline: Outline, size_um: float) -> Mesh:
    """Cut each grain into triangles from its centroid to the parts of its edges, of about `size_um`.

    No mesher is needed since Voronoi cells are convex; a short edge gives a thin triangle with no large angle, which
    does no harm to the solution (Babuška & Aziz, SIAM J. Numer. Anal. 13 (1976) 214).
    """
    _, middles = centroids(outline.offsets, outline.nodes_um[outline.loops])
    nodes, triangles, polygon = _cut(
        outline.nodes_um, outline.loops, outline.offsets, middles, size_um
    )
    return Mesh(nodes, triangles, outline.grain[polygon])


@compiled("Tuple((f8[:, ::1], i8[:, ::1], i8[::1]))(f8[:, ::1], i8[::1], i8[::1], f8[:, ::1], f8)")
def _cut(nodes, loops, offsets, middles, size):
    """Nodes of the outline, then those that divide its edges, then the middles; triangles, and the polygon of each."""
    count, corners = len(loops), len(nodes)
    following = np.arange(1, count + 1)
    following[offsets[1:] - 1] = offsets[:-1]
    low, high = np.empty(count, np.int64), np.empty(count, np.int64)
    for k in range(count):
        one, two = loops[k], loops[following[k]]
        low[k], high[k] = min(one, two), max(one, two)
    # an edge stands twice, once from either side
    order = np.argsort(low * corners + high)
    parts, first, used = np.empty(count, np.int64), np.empty(count, np.int64), corners
    for place in range(count):
        k, known = order[place], order[place - 1]
        if place and low[k] == low[known] and high[k] == high[known]:
            parts[k], first[k] = parts[known], first[known]
            continue
        start, stop = nodes[low[k]], nodes[high[k]]
        # the small shift makes facing edges, equal up to rounding, fall into equal parts
        length = np.hypot(stop[0] - start[0], stop[1] - start[1])
        parts[k], first[k] = max(1, int(np.ceil(length / size - 1e-6))), used
        used += parts[k] - 1
    points = np.empty((used + len(middles), 2))
    points[:corners], points[used:] = nodes, middles
    triangles, polygon = np.empty((parts.sum(), 3), np.int64), np.empty(parts.sum(), np.int64)
    made = 0
    for which in range(len(middles)):
        for k in range(offsets[which], offsets[which + 1]):
            node = loops[k]
            for step in range(1, parts[k] + 1):
                triangles[made, 0], triangles[made, 2] = node, used + which
                along = step if loops[k] == low[k] else parts[k] - step
                node = loops[following[k]] if step == parts[k] else first[k] + along - 1
                if step < parts[k]:
                    weight = along / parts[k]
                    for axis in range(2):
                        start, stop = nodes[low[k], axis], nodes[high[k], axis]
                        points[node, axis] = start * (1 - weight) + stop * weight
                triangles[made, 1], polygon[made] = node, which
                made += 1
    return points, triangles, polygon
