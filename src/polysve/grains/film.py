"""A film: which grain is where, how each is turned, and of which crystal it is."""

from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.base.types import Array, Integers
from polysve.crystals.crystal import Crystal
from polysve.crystals.stiffness import plane_stress
from polysve.grains.mesh import Mesh
from polysve.grains.tiling import Tiling


class LabelImage(NamedTuple):
    """Grain number at every pixel centre."""

    labels: NDArray[np.uint16]
    """Shape (rows, columns), row 0 at the bottom."""
    pixel_um: float
    """Side of a pixel."""


@dataclass(frozen=True)
class Film:
    """Grains in a window or on a map, whatever file or law they came from."""

    shape: Tiling | LabelImage | Mesh
    """Which grain is where: as polygons, pixels or triangles."""
    size_um: tuple[float, float]
    """Width and height."""
    quaternions: Array
    """Turn of each grain's crystal axes into window axes (w, x, y, z), shape (grains, 4)."""
    phase: Integers
    """Crystal of each grain, a number in `crystals`, shape (grains,)."""
    crystals: tuple[Crystal, ...] = ()
    """Empty as long as nobody has said what the phases are made of."""
    periodic: bool = False
    """Whether grains continue on the opposite side."""
    _: KW_ONLY
    generators_um: Array | None = None
    """Voronoi points, shape (grains, 2), where the grains came from such."""
    weights_um2: Array | None = None
    """Of generators of power cells, shape (grains,), before the cells were stretched; None for Voronoi cells."""
    theta_rad: Array | None = None
    """In-plane angle of each grain, shape (grains,), where all have a <100> axis along the normal by law."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What a reader says of the film, one line each."""

    @property
    def n_grains(self) -> int:
        """Number of grains that are somewhere in the film."""
        return int((self.area_fractions > 0).sum())

    @property
    def grain_size_um(self) -> float:
        """Side of a square of the mean grain area."""
        return float(np.sqrt(self.size_um[0] * self.size_um[1] / self.n_grains))

    @cached_property
    def area_fractions(self) -> Array:
        """Share of the film that each grain covers, shape (grains,)."""
        if isinstance(self.shape, Tiling):
            area = np.bincount(self.shape.grain, self.shape.areas_um2(), len(self.phase))
        elif isinstance(self.shape, Mesh):
            area = np.bincount(self.shape.grain, self.shape.signed_areas_um2(), len(self.phase))
        else:
            area = np.bincount(self.shape.labels.ravel(), minlength=len(self.phase))
        return area / area.sum()

    @cached_property
    def stiffness_gpa(self) -> Array:
        """Plane-stress stiffness of each grain in window axes, shape (grains, 3, 3)."""
        found = np.empty((len(self.phase), 3, 3))
        for number, crystal in enumerate(self.crystals):
            grains = self.phase == number
            found[grains] = plane_stress(crystal.stiffness_gpa, self.quaternions[grains])
        return found

    def made_of(self, *crystals: Crystal) -> "Film":
        """The same grains of these crystals, one for each phase."""
        return replace(self, crystals=crystals)
