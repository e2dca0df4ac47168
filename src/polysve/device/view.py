"""One beam as it looks: its grains, its deflection, its stress."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.crystals.crystal import Crystal
from polysve.crystals.stiffness import exp_stiffness, young_modulus
from polysve.device import whole
from polysve.device.sample import ACROSS
from polysve.device.strip import FilmLaw
from polysve.grains.texture import Measured
from polysve.settings.device import BeamSettings

SEED = 3
"""Tells the beam that is shown from those of the sample."""


class View(NamedTuple):
    """A beam on pixels under its force."""

    nodes_um: Array
    """Of the beam at rest, shape (along + 1, across + 1, 2)."""
    displacement_um: Array
    """Of the nodes."""
    modulus_gpa: Array
    """Young's modulus along the axis, shape (along, across)."""
    stress_mpa: Array
    """Along the axis, shape (along, across)."""
    force_un: float

    @property
    def width_um(self) -> float:
        """Width of the beam."""
        return float(np.ptp(self.nodes_um[0, :, 1]))


def look(
    settings: BeamSettings, crystal: Crystal, measured: Mapping[str, Measured] | None = None
) -> View:
    """Draw and solve one beam of the first width, of mean width and thickness.

    Raises
    ------
    InputError
        If it bends out of the plane.
    """
    if settings.bending == "out_of_plane":
        raise InputError("bending = out_of_plane; allowed is in_plane for a picture of a beam")
    law = FilmLaw.of(settings, crystal, measured)
    width_um = settings.widths_um[0] + settings.width_offset_um.mean
    pixel_um = width_um / ACROSS
    along = round(settings.length_um / pixel_um)
    random = np.random.default_rng([SEED, settings.seed])
    log_q = law.strip(random, (along * pixel_um, width_um), (along, ACROSS))
    shape, stress = whole.deflect(log_q, settings.support)
    per_force = settings.force_un / settings.thickness_um.mean
    x, y = np.arange(along + 1), np.arange(ACROSS + 1)
    return View(
        pixel_um * np.stack(np.meshgrid(x, y, indexing="ij"), -1),
        1e-3 * per_force * shape,
        young_modulus(exp_stiffness(log_q)),
        per_force * stress[..., 0] / pixel_um,  # µN/µm² is MPa
        settings.force_un,
    )
