"""The label of a structure that somebody brings: generators, a Neper tessellation, a label image or a mesh."""

from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from polysve.base.errors import InputError
from polysve.crystals.square import euler_stiffness, in_plane_angle, young_modulus
from polysve.fem.label import Label, label_general, label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.films.mesh_file import sample_from_mesh
from polysve.films.neper import sample_from_neper
from polysve.films.picture import read_label_image
from polysve.films.sample import EULER, POINTS, THETA, Sample
from polysve.films.table import read_table
from polysve.grains.mesh import Mesh
from polysve.grains.tessellation import check_generators, voronoi
from polysve.settings.labels import HomogenizeSettings, MeshSettings

# quadratic elements on more triangles than this take more memory than a laptop has
MANY_TRIANGLES = 100_000


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
