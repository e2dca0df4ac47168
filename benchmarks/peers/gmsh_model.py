"""The polygons of an SVE as a gmsh model with one physical group for each grain, as users of a peer would build it."""

import gmsh
import numpy as np


def start_gmsh() -> None:
    gmsh.initialize()
    gmsh.option.setNumber("General.Terminal", 0)
    gmsh.option.setNumber("General.NumThreads", 1)
    gmsh.option.setNumber("Mesh.MeshSizeExtendFromBoundary", 0)
    gmsh.option.setNumber("Mesh.MeshSizeFromPoints", 0)
    gmsh.option.setNumber("Mesh.Algorithm", 5)


def generate(sve) -> None:
    """Mesh the current model; grain g is physical group g + 1."""
    gmsh.clear()
    gmsh.option.setNumber("Mesh.MeshSizeMax", sve.size_um)
    geometry = gmsh.model.geo
    for number, (x, y) in enumerate(sve.nodes_um.tolist(), 1):
        geometry.addPoint(x, y, 0, 0, number)
    lines = {}
    surfaces = [[] for _ in sve.stiffness_gpa]
    for grain, begin, end in zip(sve.grain, sve.offsets[:-1], sve.offsets[1:], strict=True):
        loop = (sve.loops[begin:end] + 1).tolist()
        curve = []
        for start, stop in zip(loop, loop[1:] + loop[:1], strict=True):
            if (stop, start) in lines:
                curve.append(-lines[stop, start])
                continue
            length = np.hypot(*(sve.nodes_um[stop - 1] - sve.nodes_um[start - 1]))
            lines[start, stop] = geometry.addLine(start, stop)
            # equal parts on every edge: facing edges of the window get facing nodes
            parts = max(1, int(np.ceil(length / sve.size_um - 1e-6)))
            geometry.mesh.setTransfiniteCurve(lines[start, stop], parts + 1)
            curve.append(lines[start, stop])
        surfaces[grain].append(geometry.addPlaneSurface([geometry.addCurveLoop(curve)]))
    geometry.synchronize()
    for grain, group in enumerate(surfaces):
        gmsh.model.addPhysicalGroup(2, group, grain + 1)
    gmsh.model.mesh.generate(2)


def nodes_and_triangles() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes (n, 2), triangles (t, 3) and the grain of each triangle (t,)."""
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    lookup = np.zeros(int(tags.max()) + 1, int)
    lookup[tags] = np.arange(len(tags))
    triangles, grain = [], []
    for _, group in gmsh.model.getPhysicalGroups(2):
        for surface in gmsh.model.getEntitiesForPhysicalGroup(2, group):
            triangles.append(
                lookup[gmsh.model.mesh.getElementsByType(2, surface)[1]].reshape(-1, 3)
            )
            grain.append(np.full(len(triangles[-1]), group - 1))
    return coordinates.reshape(-1, 3)[:, :2], np.concatenate(triangles), np.concatenate(grain)
