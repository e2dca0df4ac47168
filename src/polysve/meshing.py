"""Conforming triangle meshes of a tiling: every grain boundary is made of element edges.

Nodes on opposite edges of the window face each other, so that one mesh serves every boundary condition.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.settings import MeshSettings
from polysve.tessellation import Tiling, next_corner

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


class Mesh(NamedTuple):
    """Straight-sided triangles of one SVE."""

    nodes_um: Array
    """Shape (n, 2)."""
    triangles: Integers
    """Node numbers, counter-clockwise, shape (t, 3)."""
    grain: Integers
    """Grain number of each triangle, shape (t,)."""

    def signed_areas_um2(self) -> Array:
        """Area of each triangle, positive when counter-clockwise, shape (t,)."""
        first, second, third = np.moveaxis(self.nodes_um[self.triangles], 1, 0)
        edge, other = second - first, third - first
        return (edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0]) / 2


class Outline(NamedTuple):
    """Planar graph of a tiling: what a mesher is given."""

    nodes_um: Array
    """Shape (n, 2)."""
    loops: Integers
    """Node numbers of all polygons in a row, counter-clockwise."""
    offsets: Integers
    """Where each polygon's nodes begin, shape (p + 1,)."""
    grain: Integers
    """Grain number of each polygon, shape (p,)."""

    def tiling(self) -> Tiling:
        """The polygons as a tiling."""
        return Tiling(self.grain, self.offsets, self.nodes_um[self.loops])

    def edges(self) -> tuple[Integers, Integers]:
        """Edges of all polygons as sorted node pairs.

        Returns
        -------
        pairs : shape (e, 2)
            Each edge once.
        number : shape (len(loops),)
            Edge from each loop node to the next of its polygon.
        """
        following = next_corner(self.offsets)
        ends = np.sort(np.stack([self.loops, self.loops[following]], 1), axis=1)
        key, number = np.unique(ends[:, 0] * len(self.nodes_um) + ends[:, 1], return_inverse=True)
        return np.stack(np.divmod(key, len(self.nodes_um)), 1), number


def mesh_tiling(
    tiling: Tiling, window_um: float, grain_size_um: float, settings: MeshSettings
) -> Mesh:
    """Mesh one SVE.

    Raises
    ------
    ValueError
        If the triangles do not fill the window.
    """
    outline = clean_outline(tiling, window_um, settings.merge_fraction * grain_size_um)
    size_um = settings.element_size_fraction * grain_size_um
    mesh = (fan_mesh if settings.algorithm == "fan" else gmsh_mesh)(outline, size_um)
    area = mesh.signed_areas_um2()
    if area.min() <= 0 or abs(area.sum() / window_um**2 - 1) > 1e-9:
        raise ValueError(
            f"the mesh covers {area.sum():.9g} of {window_um**2:.9g} µm², smallest triangle {area.min():.3g}"
        )
    return mesh


def clean_outline(tiling: Tiling, window_um: float, merge_um: float) -> Outline:
    """Join vertices closer than `merge_um` and let nodes on opposite edges of the window face each other.

    A vertex moves by at most a few `merge_um`; corners stay, and nodes on the window's edge stay on it.
    """
    points = _face_opposite_edges(tiling.vertices_um, window_um, merge_um)
    nodes, loops = _merge(points, window_um, merge_um)
    polygon = np.repeat(np.arange(len(tiling.grain)), np.diff(tiling.offsets))
    polygon, loops = _drop_repeats(polygon, loops)
    nodes, polygon, loops = _insert_facing_nodes(nodes, polygon, loops, window_um)
    polygons, size = np.unique(polygon, return_counts=True)
    real = size >= 3
    return Outline(
        nodes,
        loops[np.repeat(real, size)],
        np.concatenate([[0], np.cumsum(size[real])]),
        tiling.grain[polygons[real]],
    )


def _face_opposite_edges(points: Array, window_um: float, merge_um: float) -> Array:
    """Give facing nodes on opposite edges one coordinate where they differ by less than `merge_um`."""
    points = points.copy()
    for axis in (0, 1):
        on_edge = np.flatnonzero((points[:, axis] == 0) | (points[:, axis] == window_um))
        along = points[on_edge, 1 - axis]
        order = np.argsort(along, kind="stable")
        cluster = np.concatenate([[0], np.cumsum(np.diff(along[order]) > merge_um)])
        _, first = np.unique(cluster, return_index=True)
        value = along[order][first]
        value[-1] = window_um
        points[on_edge[order], 1 - axis] = value[cluster]
    return points


def _merge(points: Array, window_um: float, merge_um: float) -> tuple[Array, Integers]:
    """Number the points, giving those closer than `merge_um` one number and the place of the one nearest a corner."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    unique, number = np.unique(points, axis=0, return_inverse=True)
    pairs = cKDTree(unique).query_pairs(merge_um, output_type="ndarray")
    if len(pairs) == 0:
        return unique, number.ravel()
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(unique),) * 2)
    _, cluster = connected_components(links, directed=False)
    held = ((unique == 0) | (unique == window_um)).sum(1)
    order = np.lexsort((-held, cluster))
    _, first = np.unique(cluster[order], return_index=True)
    return unique[order[first]], cluster[number.ravel()]


def _drop_repeats(polygon: Integers, loops: Integers) -> tuple[Integers, Integers]:
    """Leave out a node that follows itself in its polygon."""
    previous = np.arange(-1, len(loops) - 1)
    starts = np.flatnonzero(np.concatenate([[True], polygon[1:] != polygon[:-1]]))
    previous[starts] = np.append(starts[1:], len(loops)) - 1
    alone = previous == np.arange(len(loops))
    keep = (loops != loops[previous]) | alone
    return polygon[keep], loops[keep]


def _insert_facing_nodes(
    nodes: Array, polygon: Integers, loops: Integers, window_um: float
) -> tuple[Array, Integers, Integers]:
    """Add, on each edge of the window, the nodes that the opposite edge has."""
    for axis in (0, 1):
        sides = [np.flatnonzero(nodes[:, axis] == place) for place in (0.0, window_um)]
        for side, place in enumerate((0.0, window_um)):
            wanted = np.setdiff1d(nodes[sides[1 - side], 1 - axis], nodes[sides[side], 1 - axis])
            if len(wanted) == 0:
                continue
            added = np.empty((len(wanted), 2))
            added[:, axis], added[:, 1 - axis] = place, wanted
            number = len(nodes) + np.arange(len(wanted))
            nodes = np.vstack([nodes, added])
            polygon, loops = _insert_on_side(nodes, polygon, loops, number, axis, place)
    return nodes, polygon, loops


def _insert_on_side(
    nodes: Array, polygon: Integers, loops: Integers, number: Integers, axis: int, place: float
) -> tuple[Integers, Integers]:
    """Insert nodes `number`, sorted along the side, into the polygon edges they lie on."""
    following = np.arange(1, len(loops) + 1)
    starts = np.flatnonzero(np.concatenate([[True], polygon[1:] != polygon[:-1]]))
    following[np.append(starts[1:], len(loops)) - 1] = starts
    begin, end = nodes[loops], nodes[loops[following]]
    edges = np.flatnonzero((begin[:, axis] == place) & (end[:, axis] == place))
    begin, end = begin[edges, 1 - axis], end[edges, 1 - axis]
    along = nodes[number, 1 - axis]
    inside = (np.minimum(begin, end)[:, None] < along) & (along < np.maximum(begin, end)[:, None])
    edge, which = np.nonzero(inside)
    # counter-clockwise polygons run upwards on one side and downwards on the other
    rank = np.where(end[edge] > begin[edge], which, -which)
    key = np.concatenate([np.arange(len(loops)), edges[edge]])
    order = np.lexsort((np.concatenate([np.full(len(loops), -len(number) - 1), rank]), key))
    return np.concatenate([polygon, polygon[edges[edge]]])[order], np.concatenate(
        [loops, number[which]]
    )[order]


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
    return Mesh(np.vstack([nodes, _centroids(outline)]), triangles, outline.grain[polygon[corner]])


def _centroids(outline: Outline) -> Array:
    """Centroid of each polygon, shape (p, 2)."""
    points = outline.nodes_um[outline.loops]
    following = next_corner(outline.offsets)
    cross = points[:, 0] * points[following, 1] - points[following, 0] * points[:, 1]
    area = np.add.reduceat(cross, outline.offsets[:-1]) / 2
    moment = (
        np.add.reduceat((points + points[following]) * cross[:, None], outline.offsets[:-1]) / 6
    )
    return moment / area[:, None]


def gmsh_mesh(outline: Outline, size_um: float) -> Mesh:
    """Delaunay mesh by gmsh, each edge divided into equal parts of about `size_um`.

    Raises
    ------
    Exception
        What gmsh raises; its model is emptied in any case.
    """
    import gmsh

    if not gmsh.isInitialized():
        gmsh.initialize(interruptible=False)
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.option.setNumber("General.NumThreads", 1)
        gmsh.option.setNumber("Mesh.MeshSizeExtendFromBoundary", 0)
        gmsh.option.setNumber("Mesh.MeshSizeFromPoints", 0)
        gmsh.option.setNumber("Mesh.Algorithm", 5)
    gmsh.option.setNumber("Mesh.MeshSizeMax", size_um)
    try:
        gmsh.model.add("sve")
        _describe(gmsh.model, outline, size_um)
        gmsh.model.mesh.generate(2)
        return _read(gmsh.model.mesh, outline)
    finally:
        gmsh.clear()


def _describe(model, outline: Outline, size_um: float) -> None:
    """Give gmsh the points, edges and polygons of an outline."""
    pairs, number = outline.edges()
    lengths = np.hypot(*(outline.nodes_um[pairs[:, 1]] - outline.nodes_um[pairs[:, 0]]).T)
    parts = np.maximum(1, np.ceil(lengths / size_um - 1e-6)).astype(int)
    for node, (x, y) in enumerate(outline.nodes_um.tolist(), 1):
        model.geo.addPoint(x, y, 0, 0, node)
    for edge, ((start, stop), count) in enumerate(
        zip((pairs + 1).tolist(), parts.tolist(), strict=True), 1
    ):
        model.geo.addLine(start, stop, edge)
        model.geo.mesh.setTransfiniteCurve(edge, count + 1)
    signed = np.where(pairs[number, 0] == outline.loops, number + 1, -(number + 1)).tolist()
    for polygon, (begin, end) in enumerate(
        zip(outline.offsets[:-1], outline.offsets[1:], strict=True), 1
    ):
        model.geo.addCurveLoop(signed[begin:end], polygon)
        model.geo.addPlaneSurface([polygon], polygon)
    model.geo.synchronize()


def _read(mesh, outline: Outline) -> Mesh:
    """Take nodes and triangles out of gmsh, in an order of our own."""
    tags, coordinates, _ = mesh.getNodes()
    lookup = np.zeros(int(tags.max()) + 1, int)
    lookup[tags] = np.arange(len(tags))
    triangles, grain = [], []
    for polygon, number in enumerate(outline.grain, 1):
        corners = mesh.getElementsByType(2, polygon)[1]
        triangles.append(lookup[corners].reshape(-1, 3))
        grain.append(np.full(len(triangles[-1]), number))
    nodes = coordinates.reshape(-1, 3)[:, :2].copy()
    used, compact = np.unique(np.concatenate(triangles), return_inverse=True)
    return Mesh(nodes[used], compact.reshape(-1, 3), np.concatenate(grain))


def grain_area_change(tiling: Tiling, mesh: Mesh) -> float:
    """Largest change of a grain's area by meshing, relative to the mean grain area."""
    count = int(tiling.grain.max()) + 1
    drawn = np.bincount(tiling.grain, tiling.areas_um2(), count)
    meshed = np.bincount(mesh.grain, mesh.signed_areas_um2(), count)
    return float(np.abs(meshed - drawn).max() * count / drawn.sum())
