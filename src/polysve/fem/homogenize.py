"""The label of any film: polygons, pixels or triangles, meshed and solved."""

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Integers
from polysve.fem.label import Label, label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.grains.film import Film, LabelImage
from polysve.grains.mesh import Mesh
from polysve.grains.tiling import Tiling
from polysve.settings.labels import HomogenizeSettings, MeshSettings

MANY_TRIANGLES = 100_000
"""Quadratic elements on more triangles than this take more memory than a laptop has."""
MOST_TRIANGLES = 1_000_000
"""Linear ones too."""


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
    order = settings.element_order
    if isinstance(film.shape, Tiling):
        mesh = mesh_tiling(film.shape, film.size_um[0], film.grain_size_um, mesh_settings)
    else:
        count = 2 * film.shape.labels.size if isinstance(film.shape, LabelImage) else 0
        if count > MOST_TRIANGLES:
            rows, columns = film.shape.labels.shape
            raise InputError(
                f"a picture of {columns} × {rows} pixels: finite elements take up to {MOST_TRIANGLES // 2} pixels"
            )
        mesh = pixel_mesh(film.shape) if isinstance(film.shape, LabelImage) else film.shape
        order = min(order, 2 if len(mesh.triangles) <= MANY_TRIANGLES else 1)
    try:
        return label_mesh(
            mesh, film.stiffness_gpa, settings.model_copy(update={"element_order": order})
        )
    except (ValueError, ArithmeticError) as error:
        raise InputError(str(error)) from None


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
