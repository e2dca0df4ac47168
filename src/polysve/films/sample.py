"""A film from a file, meshed."""

from typing import NamedTuple

from polysve.base.types import Array
from polysve.grains.mesh import Mesh

POINTS = ["x_um", "y_um"]
THETA, EULER = ["theta_deg"], ["phi1_deg", "Phi_deg", "phi2_deg"]


class Sample(NamedTuple):
    """A structure, meshed."""

    mesh: Mesh
    angles_deg: Array
    """θ of each grain, shape (n, 1), or its Bunge angles, shape (n, 3)."""
    n_grains: int
