"""Triangle meshes with grain tags."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.films.sample import EULER, THETA, Sample
from polysve.films.table import read_table
from polysve.grains.mesh import Mesh

TAGS = ("grain", "gmsh:physical", "gmsh:geometrical", "medit:ref", "cell_tags")


def sample_from_mesh(path: Path, orientations: Path | None) -> Sample:
    """Read a triangle mesh with grain tags, and the tags' angles from a table."""
    import meshio

    if orientations is None:
        raise InputError(
            f"{path}: --orientations is missing; a table grain,{','.join(THETA)} is needed for a mesh"
        )
    try:
        source = meshio.read(path)
    except (OSError, meshio.ReadError, ValueError, KeyError, IndexError, SystemExit) as error:
        raise InputError(f"{path}: cannot be read as a mesh ({error})") from None
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
    triangles = np.concatenate([source.cells[number].data[:, :3] for number in blocks]).astype(
        np.int64
    )
    tags = np.concatenate([np.asarray(source.cell_data[tag][number]) for number in blocks]).astype(
        np.int64
    )
    header, table = read_table(orientations, [["grain", *THETA], ["grain", *EULER]])
    known = table[:, 0].astype(np.int64)
    missing = np.setdiff1d(tags, known)
    if len(missing) or len(np.unique(known)) != len(known):
        raise InputError(
            f"{orientations}: has no angle, or two, for grain {missing[:1] or known[:1]} of {path}"
        )
    order = np.argsort(known)
    grain = order[np.searchsorted(known[order], tags)]
    mesh = _flat_mesh(path, source.points, triangles, grain)
    return Sample(mesh, table[:, 1 : len(header)], len(np.unique(tags)))


def _flat_mesh(path: Path, points: Array, triangles: NDArray, grain: NDArray) -> Mesh:
    """Leave out unused points and check that the triangles fill a rectangle in the plane."""
    used, compact = np.unique(triangles, return_inverse=True)
    nodes = points[used]
    if nodes.shape[1] == 3 and np.ptp(nodes[:, 2]) > 1e-9 * np.ptp(nodes[:, 0]):
        raise InputError(f"{path}: is not flat; all z must be equal")
    mesh = Mesh(np.ascontiguousarray(nodes[:, :2]), compact.reshape(-1, 3), grain)
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
            f"{path}: the triangles cover {np.abs(area).sum():g} of {window:g}; a whole rectangle is needed"
        )
    return mesh
