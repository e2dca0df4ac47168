"""What a reader is told beside the file: window, periodicity, materials, how grains of a map are found."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.crystals import catalogue
from polysve.crystals.crystal import Crystal
from polysve.crystals.orientation import from_euler, from_theta, look_like_radians

THETA = ["theta_deg"]
EULER = ["phi1_deg", "Phi_deg", "phi2_deg"]
SILICON = "silicon"
MOST_GRAINS = 65_535
"""As many as a picture of 16 bits can number."""
ENOUGH_GRAINS = 3
"""From so many grains on it is no chance that all angles are small."""


@dataclass(frozen=True)
class Reading:
    """How files are read; each reader takes what concerns its kind of file."""

    window_um: float | None = None
    """Side of a window that the file does not tell."""
    periodic: bool = False
    """Let grains drawn from generators continue on the opposite side."""
    materials: dict[str, Crystal] = field(default_factory=dict)
    """Crystal by name of phase; the one without a name, ``""``, is for films of one phase."""
    orientations: Path | None = None
    """Table of the angles of a mesh's grain tags."""
    misorientation_deg: float = 5.0
    """From which on neighbouring pixels of a map belong to two grains."""
    largest_unindexed: float = 0.2
    """Share of a map's pixels that may be without an orientation."""
    frame: str | None = None
    """How the axes of a map's Euler angles lie on the map, a name in `polysve.films.frames.FRAMES`; else what is usual
    for the kind of file."""
    unnamed: Crystal | None = None
    """Of a film that names no phase, where nothing is said of it; else silicon."""

    def crystals(
        self, phases: list[str], path: Path, named: Sequence[str] = ()
    ) -> tuple[Crystal, ...]:
        """One crystal for each phase of a file, in order.

        A phase is made of what was said of its name, else of the only material that was given without one, else of the
        catalogue's crystal of its name; a film that names no phase is of `unnamed`.

        Parameters
        ----------
        phases : list of str
        path : Path
        named : sequence of str
            All phases that the file names, in case it has grains of only some.

        Raises
        ------
        InputError
            For a phase that nobody has named.
        """
        known = [name for phase in (*phases, *named) for name in _names(phase)]
        stray = [name for name in self.materials if name and _plain(name) not in known]
        if stray:
            raise InputError(
                f"{path}: --material {stray[0]}=…: has no such phase; there are: "
                f"{', '.join(dict.fromkeys(filter(None, named or phases))) or 'none with a name'}"
            )
        return tuple(self._crystal(phase, len(phases), path) for phase in phases)

    def _crystal(self, phase: str, count: int, path: Path) -> Crystal:
        for name, crystal in self.materials.items():
            if name and _plain(name) in _names(phase):
                return crystal
        if count == 1 and "" in self.materials:
            return self.materials[""]
        if not phase and self.unnamed is not None:
            return self.unnamed
        for name in _names(phase or SILICON):
            with suppress(InputError):
                return catalogue.find(name)
        raise InputError(
            f"{path}: nobody has said what the phase {phase!r} is made of; --material {phase}=… is needed, "
            "with a name of `polysve materials`, constants, or a YAML file"
        )


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _names(phase: str) -> list[str]:
    """A phase's name, and what it says twice: EMsoft writes ``austenite/austenite``."""
    name = _plain(phase)
    parts = set(name.split("/"))
    return [name, *parts] if len(parts) == 1 else [name]


def named_materials(given: Sequence[str]) -> dict[str, Crystal]:
    """Crystals by phase from a command line: ``M``, or ``PHASE=M`` once for each phase.

    Raises
    ------
    InputError
        For a phase named twice, and what `catalogue.material` refuses.

    Examples
    --------
    >>> {phase: crystal.name for phase, crystal in named_materials(["hard=Si", "soft=Cu"]).items()}
    {'hard': 'silicon', 'soft': 'copper'}
    """
    found = {}
    for text in given:
        phase, equals, name = text.rpartition("=")
        if phase in found or (equals and not phase):
            raise InputError(f"--material = {text}: PHASE=MATERIAL is needed, each phase once")
        found[phase] = catalogue.material(name, "--material")
    return found


def orientations_of(angles_deg: Array, path: Path) -> tuple[Array, Array | None]:
    """Quaternions, and θ in radians where only that is given, from columns of θ (n, 1) or of Bunge angles (n, 3).

    Raises
    ------
    InputError
        If the angles look like radians.
    """
    if len(angles_deg) >= ENOUGH_GRAINS and look_like_radians(angles_deg):
        raise InputError(
            f"{path}: all angles are below {np.abs(angles_deg).max():.3g}, as radians are; degrees are needed"
        )
    if angles_deg.shape[1] == len(EULER):
        return from_euler(angles_deg), None
    theta_rad = np.mod(np.radians(angles_deg[:, 0]), np.pi / 2)
    return from_theta(theta_rad), theta_rad
