"""Tables of generators: one grain a row, window from 0 to L on both axes."""

import math
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.films.reading import EULER, THETA, Reading, orientations_of
from polysve.films.table import PHASE, read_table
from polysve.grains.film import Film
from polysve.grains.tessellation import voronoi

POINTS = ["x_um", "y_um"]
HEADERS = [POINTS + angles + phase for angles in (THETA, EULER) for phase in ([], [PHASE])]


def read_generators(path: Path, reading: Reading) -> Film:
    """Read ``x_um,y_um`` with ``theta_deg`` or ``phi1_deg,Phi_deg,phi2_deg``, perhaps ``phase``; draw the cells.

    Raises
    ------
    InputError
        For a file that cannot be read, another header, a row that is not finite numbers, no rows, no window,
        generators without a tessellation of their own, and phases of which nobody knows the crystal.
    """
    window_um = reading.window_um
    if window_um is None or not (math.isfinite(window_um) and window_um > 0):
        given = "was not given" if window_um is None else f"= {window_um:g}"
        raise InputError(
            f"{path}: --window {given}; the side of the film in µm is needed, a positive number"
        )
    header, numbers, names = read_table(path, HEADERS)
    points_um, angles_deg = numbers[:, :2], numbers[:, 2 : len(header)]
    try:
        tiling = voronoi(points_um, window_um, reading.periodic)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    quaternions, theta_rad = orientations_of(angles_deg, path)
    phases, phase = np.unique(names or [""] * len(points_um), return_inverse=True)
    return Film(
        tiling,
        (window_um, window_um),
        quaternions,
        phase,
        reading.crystals(phases.tolist(), path),
        reading.periodic,
        generators_um=points_um,
        theta_rad=theta_rad,
    )
