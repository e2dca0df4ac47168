"""The label of a structure that somebody brings: generators, a Neper tessellation, a label image or a mesh."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from polysve.crystal import euler_stiffness, in_plane_angle, young_modulus
from polysve.errors import InputError
from polysve.labels import Label, label_general, label_mesh
from polysve.meshing import Mesh, mesh_tiling
from polysve.settings import HomogenizeSettings, MeshSettings
from polysve.structures import read_label_image, read_table
from polysve.tessellation import Tiling, check_generators, voronoi

Array = NDArray[np.float64]

POINTS = ["x_um", "y_um"]
THETA, EULER = ["theta_deg"], ["phi1_deg", "Phi_deg", "phi2_deg"]
TAGS = ("grain", "gmsh:physical", "gmsh:geometrical", "medit:ref", "cell_tags")
# quadratic elements on more triangles than this take more memory than a laptop has
MANY_TRIANGLES = 100_000


class Sample(NamedTuple):
    """A structure, meshed."""

    mesh: Mesh
    angles_deg: Array
    """θ of each grain, shape (n, 1), or its Bunge angles, shape (n, 3)."""
    n_grains: int


@threadpool_limits.wrap(limits=1)
def apparent(
    path: Path,
    window_um: float | None,
    periodic: bool,
    orientations: Path | None,
    mesh_settings: MeshSettings,
    settings: HomogenizeSettings,
) -> dict:
    """Homogenize a structure from a file.

    Parameters
    ----------
    path : Path
        ``.csv`` (generators), ``.tess`` (Neper, 2-D), ``.npz`` (label image) or a mesh that meshio reads.
    window_um : float or None
        Side of the window, for generators and label images without it.
    periodic : bool
        Let grains drawn from generators continue on the opposite side.
    orientations : Path or None
        Table of the angles of a mesh's grain tags.

    Returns
    -------
    dict
        ``n_grains``, ``stiffness_gpa``, ``young_modulus_gpa`` and ``quality``, ready for JSON.

    Raises
    ------
    InputError
        For anything that has no apparent stiffness.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind == ".csv":
        sample = sample_from_generators(path, window_um, periodic, mesh_settings)
    elif kind == ".tess":
        sample = sample_from_neper(path, mesh_settings)
    elif kind == ".npz":
        sample = sample_from_image(path, window_um)
    else:
        sample = sample_from_mesh(path, orientations)
    if kind in (".csv", ".tess"):
        order = settings.element_order
    else:
        order = min(
            settings.element_order, 2 if len(sample.mesh.triangles) <= MANY_TRIANGLES else 1
        )
    try:
        label = label_sample(sample, settings.model_copy(update={"element_order": order}))
    except (ValueError, ArithmeticError) as error:
        raise InputError(f"{path}: {error}") from None
    return as_json(sample, label) | {"element_order": order}


def label_sample(sample: Sample, settings: HomogenizeSettings) -> Label:
    """Label a sample; the identities are used where every grain has a <100> axis along the normal."""
    if sample.angles_deg.shape[1] == 1:
        return label_mesh(sample.mesh, np.deg2rad(sample.angles_deg[:, 0]), settings)
    theta = in_plane_angle(sample.angles_deg)
    if np.isfinite(theta).all():
        return label_mesh(sample.mesh, theta, settings)
    stiffness = euler_stiffness(**settings.material.model_dump(), euler_deg=sample.angles_deg)
    return label_general(sample.mesh, stiffness, settings)


def as_json(sample: Sample, label: Label) -> dict:
    """What the command prints."""
    raw = {name: stiffness.tolist() for name, stiffness in label.raw_stiffness_gpa.items()}
    return {
        "n_grains": sample.n_grains,
        "stiffness_gpa": {
            name: stiffness.tolist() for name, stiffness in label.stiffness_gpa.items()
        },
        "young_modulus_gpa": {
            name: float(young_modulus(c)) for name, c in label.stiffness_gpa.items()
        },
        "quality": label.quality | {"raw_stiffness_gpa": raw},
    }


def sample_from_generators(
    path: Path, window_um: float | None, periodic: bool, settings: MeshSettings
) -> Sample:
    """Read generators with θ or Bunge angles and draw their cells."""
    if window_um is None or not 0 < window_um < np.inf:
        raise InputError(f"--window = {window_um}: allowed is a positive number of µm")
    header, numbers = read_table(path, [POINTS + THETA, POINTS + EULER])
    points = numbers[:, :2]
    try:
        check_generators(points, window_um, periodic)
        tiling = voronoi(points, window_um, periodic)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    mesh = mesh_tiling(tiling, window_um, window_um / np.sqrt(len(points)), settings)
    return Sample(mesh, numbers[:, len(POINTS) : len(header)], len(points))


def sample_from_neper(path: Path, settings: MeshSettings) -> Sample:
    """Read a 2-D Neper tessellation of a square with Bunge angles (``-oridescriptor euler-bunge``)."""
    sections = _tess_sections(path)
    try:
        if sections["**general"][0] != "2":
            raise InputError(f"{path}: has {sections['**general'][0]} dimensions; 2 are needed")
        count = int(sections["**cell"][0])
        descriptor, *angles = sections["*ori"]
        vertices = np.array(sections["**vertex"][1:], float).reshape(-1, 5)[:, 1:3]
        grain, offsets, corners = _tess_faces(sections["**face"])
        angles = np.array(angles, float).reshape(count, -1)
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"{path}: is no complete .tess file ({type(error).__name__}: {error})"
        ) from None
    if descriptor not in ("euler-bunge", "euler-bunge:active"):
        raise InputError(f"{path}: orientations are {descriptor}; euler-bunge is needed")
    if not np.isfinite(angles).all() or not np.isfinite(vertices).all():
        raise InputError(f"{path}: holds numbers that are not finite")
    low, high = vertices.min(0), vertices.max(0)
    side = (high - low).max()
    if np.ptp(high - low) > 1e-9 * side:
        raise InputError(f"{path}: the domain is {high - low}; a square is needed")
    # Neper writes twelve digits: what should lie on the edge is put there
    place = (vertices - low) / side
    place = np.where(place < 1e-9, 0.0, np.where(place > 1 - 1e-9, 1.0, place)) * side
    tiling = _counter_clockwise(Tiling(grain, offsets, place[corners]))
    if abs(tiling.areas_um2().sum() / side**2 - 1) > 1e-6:
        raise InputError(
            f"{path}: the cells cover {tiling.areas_um2().sum():g} of {side**2:g}; a whole square is needed"
        )
    mesh = mesh_tiling(tiling, side, side / np.sqrt(count), settings)
    return Sample(mesh, angles, count)


def _tess_sections(path: Path) -> dict[str, list[str]]:
    """Words below each ``**`` and ``*`` heading of a Neper file, the first of each name."""
    try:
        words = Path(path).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a .tess file ({error})") from None
    if not words or words[0] != "***tess":
        raise InputError(f"{path}: starts with {' '.join(words[:1])!r}; ***tess is needed")
    sections, current = {}, []
    for word in words[1:]:
        if word.startswith("*"):
            current = []
            sections.setdefault(word, current)
        else:
            current.append(word)
    return sections


def _tess_faces(words: list[str]) -> tuple[Array, Array, Array]:
    """Number, first corner and corners of each face; in two dimensions face i is cell i."""
    position, corners, grains = 1, [], []
    for _ in range(int(words[0])):
        grains.append(int(words[position]) - 1)
        size = int(words[position + 1])
        corners.append(np.array(words[position + 2 : position + 2 + size], int) - 1)
        edges = int(words[position + 2 + size])
        # four numbers of the plane's equation and five of the regularization follow the edges
        position += 3 + size + edges + 9
    return (
        np.array(grains),
        np.concatenate([[0], np.cumsum([len(each) for each in corners])]),
        np.concatenate(corners),
    )


def _counter_clockwise(tiling: Tiling) -> Tiling:
    """Turn polygons around that run clockwise."""
    vertices = [
        part if area > 0 else part[::-1]
        for part, area in zip(
            np.split(tiling.vertices_um, tiling.offsets[1:-1]), tiling.areas_um2(), strict=True
        )
    ]
    return tiling._replace(vertices_um=np.concatenate(vertices))


def sample_from_image(path: Path, window_um: float | None) -> Sample:
    """Read a label image; every pixel becomes two triangles, so its boundaries are steps."""
    picture = read_label_image(path, window_um)
    rows, columns = picture.labels.shape
    x, y = np.meshgrid(np.arange(columns + 1), np.arange(rows + 1))
    nodes = np.column_stack([x.ravel(), y.ravel()]) * picture.pixel_um
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    lower = np.stack([corner, corner + 1, corner + columns + 2], 1)
    upper = np.stack([corner, corner + columns + 2, corner + columns + 1], 1)
    mesh = Mesh(
        nodes, np.concatenate([lower, upper]), np.tile(picture.labels.ravel().astype(np.int64), 2)
    )
    return Sample(mesh, np.rad2deg(picture.theta_rad)[:, None], picture.n_grains)


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
