"""Conforming triangle meshes of a tiling: every grain boundary is made of element edges.

Nodes on opposite edges of the window face each other, so that one mesh serves every boundary condition.
"""

import numpy as np

from polysve.fem.fan_mesh import fan_mesh
from polysve.fem.gmsh_mesh import gmsh_mesh
from polysve.fem.outline import Outline, clean_outline
from polysve.grains.mesh import Mesh
from polysve.grains.tiling import Tiling, next_corner
from polysve.settings.labels import MeshSettings

MOST_TRIANGLES = 1_000_000
"""Of one SVE: some gigabytes of memory."""


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
    expected = _expected_triangles(outline, size_um, settings.algorithm)
    if expected > MOST_TRIANGLES:
        raise ValueError(
            f"element_size_fraction = {settings.element_size_fraction:g} makes {expected:.2g} triangles; "
            f"allowed are {MOST_TRIANGLES:g}"
        )
    mesh = (fan_mesh if settings.algorithm == "fan" else gmsh_mesh)(outline, size_um)
    area = mesh.signed_areas_um2()
    if not (area.min() > 0 and abs(area.sum() / window_um**2 - 1) <= 1e-9):
        raise ValueError(
            f"the mesh covers {area.sum():.9g} of {window_um**2:.9g} µm², smallest triangle {area.min():.3g}"
        )
    return mesh


def _expected_triangles(outline: Outline, size_um: float, algorithm: str) -> float:
    """About how many triangles a mesh will have, before memory is spent on them."""
    corners = outline.nodes_um[outline.loops]
    sides = corners[next_corner(outline.offsets)] - corners
    if algorithm == "fan":
        return float(np.ceil(np.hypot(*sides.T) / size_um).sum())
    return float(4 / 3**0.5 * outline.tiling().areas_um2().sum() / size_um**2)


def grain_area_change(tiling: Tiling, mesh: Mesh) -> float:
    """Largest change of a grain's area by meshing, relative to the mean grain area."""
    count = int(tiling.grain.max()) + 1
    drawn = np.bincount(tiling.grain, tiling.areas_um2(), count)
    meshed = np.bincount(mesh.grain, mesh.signed_areas_um2(), count)
    return float(np.abs(meshed - drawn).max() * count / drawn.sum())
