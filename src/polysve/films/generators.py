"""Tables of generators."""

import math
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.films.table import read_table
from polysve.grains.tessellation import check_generators

HEADER = ["x_um", "y_um", "theta_deg"]


def read_points(path: Path, window_um: float) -> tuple[Array, Array]:
    """Read generators and angles: header ``x_um,y_um,theta_deg``, one grain a row, window from 0 to L on both axes.

    Returns
    -------
    points_um : array, shape (n, 2)
    theta_rad : array, shape (n,)
        In [0, π/2): a cubic crystal looks the same after a quarter turn.

    Raises
    ------
    InputError
        For a file that cannot be read, another header, a row that is not three finite numbers, no rows, and
        generators that `check_generators` refuses.
    """
    if not (math.isfinite(window_um) and window_um > 0):
        raise InputError(f"window = {window_um:g} µm; allowed is a positive number")
    _, numbers = read_table(path, [HEADER])
    points_um = numbers[:, :2]
    try:
        check_generators(points_um, window_um)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return points_um, np.mod(np.radians(numbers[:, 2]), np.pi / 2)
