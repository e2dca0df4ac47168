"""Triangle meshes by gmsh."""

import numpy as np

from polysve.base.gmsh_library import load_gmsh
from polysve.fem.outline import Outline
from polysve.grains.mesh import Mesh


def gmsh_mesh(outline: Outline, size_um: float) -> Mesh:
    """Delaunay mesh by gmsh, each edge divided into equal parts of about `size_um`.

    Raises
    ------
    Exception
        What gmsh raises; its model is emptied in any case.
    """
    gmsh = load_gmsh()

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
