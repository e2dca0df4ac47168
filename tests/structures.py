"""Structures that several tests use."""

import numpy as np

from polysve.crystals.catalogue import find
from polysve.crystals.orientation import from_theta
from polysve.crystals.square import plane_stress
from polysve.fem.mesh import mesh_tiling
from polysve.grains.film import Film, LabelImage
from polysve.grains.tessellation import draw_film, voronoi
from polysve.settings.labels import MeshSettings, TessellateSettings

SILICON = plane_stress(165.64, 63.94, 79.51)
FAN = MeshSettings()
GMSH = MeshSettings(algorithm="gmsh", element_size_fraction=0.5)
GRAIN_UM = 0.5
GRID = (np.stack(np.meshgrid(*[np.arange(4)] * 2), -1).reshape(-1, 2) + 0.5) / 4
HEXAGONS = np.array(
    [[(i + 0.5 * (j % 2) + 0.25) / 4, (j + 0.5) / 4] for i in range(4) for j in range(4)]
)
HARD = {
    "one grain": np.array([[0.3, 0.6]]),
    "two grains": np.array([[0.3, 0.6], [0.31, 0.6]]),
    "square grid": GRID,
    "square grid with generators on the edge": np.stack(
        np.meshgrid(*[np.linspace(0, 1, 5)] * 2), -1
    ).reshape(-1, 2),
    "hexagons": HEXAGONS,
    "corners": np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]),
    "edge": np.array([[0.0, 0.5], [1.0, 0.5], [0.5, 0.0], [0.5, 1.0]]),
    "collinear": np.column_stack([np.linspace(0.1, 0.9, 5), np.linspace(0.1, 0.9, 5)]),
    "cocircular": 0.5
    + 0.3 * np.column_stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)]),
}


def draw(index: int, ratio: float = 3, periodic: bool = False):
    """A small random film of silicon and its window."""
    settings = TessellateSettings(
        window_um=ratio * GRAIN_UM, grain_size_um=GRAIN_UM, periodic=periodic
    )
    return draw_film(settings, "tests", index).made_of(find("silicon")), settings.window_um


def pictured(labels, theta_rad):
    """A film of upright silicon from grain numbers at pixel centres, 1 µm wide."""
    theta_rad = np.asarray(theta_rad, float)
    rows, columns = labels.shape
    return Film(
        LabelImage(labels.astype(np.uint16), 1 / columns),
        (1.0, rows / columns),
        from_theta(theta_rad),
        np.zeros(len(theta_rad), int),
        (find("silicon"),),
        theta_rad=theta_rad,
    )


def tiled(generators_um, quaternions, window_um=1.0, theta_rad=None):
    """A film of silicon from generators."""
    return Film(
        voronoi(generators_um, window_um),
        (window_um, window_um),
        quaternions,
        np.zeros(len(quaternions), int),
        (find("silicon"),),
        theta_rad=theta_rad,
    )


def meshed(index: int, settings: MeshSettings = FAN, **options):
    """Its mesh and the stiffness of each triangle."""
    film, window_um = draw(index, **options)
    mesh = mesh_tiling(film.shape, window_um, GRAIN_UM, settings)
    return mesh, film.stiffness_gpa[mesh.grain]


def turned(stiffness: np.ndarray, angle_rad: float) -> np.ndarray:
    """Stiffness (..., 3, 3) of the body turned by an angle (Bond's matrix)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    bond = np.array(
        [[c * c, s * s, -2 * c * s], [s * s, c * c, 2 * c * s], [c * s, -c * s, c * c - s * s]]
    )
    return bond @ stiffness @ bond.T
