"""Triangle meshes with grain tags."""

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polysve.base.errors import InputError
from polysve.base.files import check_size
from polysve.base.types import Array, Integers
from polysve.films.reading import EULER, THETA, Reading, orientations_of
from polysve.films.table import PHASE, read_table
from polysve.grains.film import Film
from polysve.grains.mesh import Mesh

TAGS = ("grain", "gmsh:physical", "gmsh:geometrical", "medit:ref", "cell_tags")


def read_mesh(path: Path, reading: Reading) -> Film:
    """Read a triangle mesh with grain tags, and the tags' angles from a table.

    Raises
    ------
    InputError
        For a file that is no such mesh, triangles that do not fill a rectangle edge to edge, and tags without angles.
    """
    orientations = reading.orientations
    if orientations is None:
        raise InputError(
            f"{path}: --orientations is missing; a table grain,{','.join(THETA)} is needed for a mesh"
        )
    points, triangles, tags = _tagged_triangles(path)
    headers = [["grain", *angles, *phase] for angles in (THETA, EULER) for phase in ([], [PHASE])]
    header, table, names = read_table(orientations, headers)
    known = table[:, 0]
    missing = np.setdiff1d(tags, known)
    if len(missing) or len(np.unique(known)) != len(known):
        raise InputError(
            f"{orientations}: has no angle, or two, for grain {missing[:1] or known[:1]} of {path}"
        )
    order = np.argsort(known)
    grain = order[np.searchsorted(known[order], tags)]
    mesh = _flat_mesh(path, points, triangles, grain)
    quaternions, theta_rad = orientations_of(table[:, 1 : len(header)], orientations)
    phases, phase = np.unique(names or [""] * len(known), return_inverse=True)
    return Film(
        mesh,
        tuple(np.ptp(mesh.nodes_um, axis=0).tolist()),
        quaternions,
        phase,
        reading.crystals(phases.tolist(), path),
        theta_rad=theta_rad,
    )


def _tagged_triangles(path: Path) -> tuple[Array, Integers, Integers]:
    """Points, triangles and the triangles' tags."""
    import meshio

    check_size(path)
    try:
        # it prints what it thinks of a file
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            source = meshio.read(path)
    # its readers meet a wrong file with whatever exception their parsing happens to raise, or leave
    except (Exception, SystemExit) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: cannot be read as a mesh ({reason})") from None
    blocks = [
        number
        for number, cells in enumerate(source.cells)
        if cells.type in ("triangle", "triangle6")
    ]
    tag = next((name for name in TAGS if name in source.cell_data), None)
    if not blocks or tag is None:
        raise InputError(
            f"{path}: holds no triangles with grain tags; cell data named {', '.join(TAGS)} are known"
        )
    triangles = np.concatenate([source.cells[number].data[:, :3] for number in blocks])
    tags = np.concatenate([np.ravel(source.cell_data[tag][number]) for number in blocks])
    points = np.asarray(source.points, float)
    if tags.shape != triangles.shape[:1] or points.ndim != 2 or not len(tags):
        raise InputError(f"{path}: has {len(tags)} grain tags for {len(triangles)} triangles")
    if not 0 <= triangles.min() <= triangles.max() < len(points):
        raise InputError(f"{path}: triangles have nodes that are none of the {len(points)} points")
    return points, triangles.astype(np.int64), tags


def _flat_mesh(path: Path, points: Array, triangles: NDArray, grain: NDArray) -> Mesh:
    """Leave out unused points and check that the triangles fill a rectangle in the plane."""
    used, compact = np.unique(triangles, return_inverse=True)
    nodes = points[used]
    if nodes.shape[1] == 3 and np.ptp(nodes[:, 2]) > 1e-9 * np.ptp(nodes[:, 0]):
        raise InputError(f"{path}: is not flat; all z must be equal")
    mesh = Mesh(nodes[:, :2] - nodes[:, :2].min(0), compact.reshape(-1, 3), grain)
    area = mesh.signed_areas_um2()
    mesh = mesh._replace(
        triangles=np.where(area[:, None] < 0, mesh.triangles[:, ::-1], mesh.triangles)
    )
    window = np.prod(np.ptp(mesh.nodes_um, axis=0))
    if (
        not np.isfinite(mesh.nodes_um).all()
        or (area == 0).any()
        or abs(np.abs(area).sum() / window - 1) > 1e-9
    ):
        raise InputError(
            f"{path}: the triangles cover {np.abs(area).sum():g} of {window:g}, the smallest {np.abs(area).min():g}; "
            "a whole rectangle of triangles that have an area is needed"
        )
    _check_edges(path, mesh)
    return mesh


def _check_edges(path: Path, mesh: Mesh) -> None:
    """Refuse hanging nodes: an edge inside the window belongs to two triangles, one on its rim to one."""
    sides = np.sort(mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    edges, count = np.unique(sides, axis=0, return_counts=True)
    size = mesh.nodes_um.max(0)
    rim = np.abs(mesh.nodes_um[edges][:, :, None] - [np.zeros(2), size]).max(1) < 1e-9 * size.max()
    wrong = count != np.where(rim.any((1, 2)), 1, 2)
    if wrong.any():
        x, y = mesh.nodes_um[edges[wrong.argmax()]].mean(0)
        raise InputError(
            f"{path}: triangles do not meet edge to edge at ({x:g}, {y:g}); a mesh without hanging nodes is needed"
        )
