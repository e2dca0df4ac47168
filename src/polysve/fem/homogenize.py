"""The label of any film: polygons, pixels or triangles, meshed and solved."""

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Integers
from polysve.fem.boundary import periodic_masters
from polysve.fem.label import Label, label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.fem.system import EDGE
from polysve.grains.film import Film, LabelImage
from polysve.grains.mesh import Mesh
from polysve.grains.tiling import Tiling
from polysve.settings.labels import HomogenizeSettings, MeshSettings

MANY_TRIANGLES = 80_000
"""Quadratic elements on more triangles than this take more than a gigabyte and half a minute."""
MOST_TRIANGLES = 600_000
"""Linear ones take two gigabytes then."""
LEAST_ORDER_RESIDUAL = -1e-3
LARGEST_BULK_RESIDUAL = 1e-6


def homogenize(
    film: Film,
    settings: HomogenizeSettings = HomogenizeSettings(),  # noqa: B008
    mesh_settings: MeshSettings = MeshSettings(),  # noqa: B008
) -> Label:
    """Apparent stiffness of a film by finite elements.

    Polygons are meshed; pixels become two triangles each, so their boundaries are steps; triangles are taken as they
    are.

    Parameters
    ----------
    film : Film
        With its crystals.
    settings, mesh_settings
        As the stages of the study have them.

    Raises
    ------
    InputError
        If the film is too fine to be solved, or has no stiffness.
    """
    try:
        mesh = _mesh_of(film, mesh_settings)
        if not isinstance(film.shape, Tiling):
            most = 2 if len(mesh.triangles) <= MANY_TRIANGLES else 1
            settings = settings.model_copy(
                update={"element_order": min(settings.element_order, most)}
            )
        if "pbc" not in settings.boundary_conditions and not _faces_itself(mesh):
            # what corrects a label is known under periodic conditions only
            settings = settings.model_copy(update={"correct": False})
        label = label_mesh(mesh, film.stiffness_gpa, settings)
    except ValueError as error:
        raise InputError(str(error)) from None
    except ArithmeticError as error:
        raise InputError(
            f"the finite elements have no solution ({error}): a mesh in one piece, and stiffnesses that are "
            "positive definite, are needed"
        ) from None
    _check_residuals(label.quality)
    return label


def _mesh_of(film: Film, settings: MeshSettings) -> Mesh:
    """Triangles of a film, if they are not too many."""
    if isinstance(film.shape, Tiling):
        return mesh_tiling(film.shape, film.size_um[0], film.grain_size_um, settings)
    if isinstance(film.shape, Mesh):
        count, what = len(film.shape.triangles), "a mesh"
    else:
        rows, columns = film.shape.labels.shape
        count, what = 2 * rows * columns, f"a picture of {columns} × {rows} pixels"
    if count > MOST_TRIANGLES:
        raise InputError(
            f"{what} has {count} triangles; finite elements take up to {MOST_TRIANGLES}"
        )
    return pixel_mesh(film.shape) if isinstance(film.shape, LabelImage) else film.shape


def _faces_itself(mesh: Mesh) -> bool:
    """Whether every node on an edge of the window faces one on the opposite edge."""
    where = (mesh.nodes_um - mesh.nodes_um.min(0)) / np.ptp(mesh.nodes_um, axis=0)
    try:
        periodic_masters(where[((where < EDGE) | (where > 1 - EDGE)).any(1)])
    except ValueError:
        return False
    return True


def _check_residuals(quality: dict[str, float]) -> None:
    """Refuse what no right solution can have: a wrong number never leaves without a word."""
    least = {"order_residual": LEAST_ORDER_RESIDUAL}
    for name, value in quality.items():
        low = least.get(name, -np.inf)
        high = LARGEST_BULK_RESIDUAL if name.startswith("bulk_residual") else np.inf
        if not low <= value <= high:
            raise InputError(
                f"{name} = {value:.3g}, which no solution has on triangles that meet edge to edge: "
                f"allowed is {low:g} to {high:g}; the mesh is wrong"
            )


def pixel_mesh(image: LabelImage) -> Mesh:
    """Two triangles for every pixel."""
    rows, columns = image.labels.shape
    x, y = np.meshgrid(np.arange(columns + 1), np.arange(rows + 1))
    nodes = np.column_stack([x.ravel(), y.ravel()]) * image.pixel_um
    corner: Integers = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    lower = np.stack([corner, corner + 1, corner + columns + 2], 1)
    upper = np.stack([corner, corner + columns + 2, corner + columns + 1], 1)
    grain = np.tile(image.labels.ravel().astype(np.int64), 2)
    return Mesh(nodes, np.concatenate([lower, upper]), grain)
