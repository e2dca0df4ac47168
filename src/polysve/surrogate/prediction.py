"""What a surrogate says of films: Ē and C̄ with an interval, and what it warns of."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.crystals.stiffness import directional

OUTSIDE = {
    "window": "window",
    "grain_count": "effective number of grains",
    "pixel_pitch": "pixel pitch",
    "texture": "texture",
    "contrast": "contrast of the grains",
}
"""Properties by which a film may lie outside of what an interval was made for."""


@dataclass(frozen=True)
class Prediction:
    """Answers for n films."""

    young_modulus_gpa: Array
    """Ē along x1, shape (n,)."""
    half_width_gpa: Array
    """The interval of each is Ē plus or minus this, shape (n,)."""
    coverage: float
    """Probability that the interval holds Ē of a further film like those that the interval was made for."""
    stiffness_gpa: Array | None
    """C̄, shape (n, 3, 3); None where Ē alone is predicted."""
    direction_half_width_gpa: Array | None
    """Half width of an interval for all directions at once, shape (n,); None where Ē alone is predicted."""
    boundary_condition: str
    outside: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    """Which films differ from all that the interval was made for, shape (n,), by property."""

    beyond_gpa: Array | None = None
    """By how much Ē leaves what the grains allow, judged by all that a network was validated on, shape (n,)."""
    known: dict[str, str] = field(default_factory=dict)
    """What the interval was made for, in words, by property."""

    def warnings(self, what: str) -> list[str]:
        """One line for each property in which films lie outside, its severity first; `what` is the name of one."""
        count = len(self.young_modulus_gpa)
        return [
            f"{self._severity(flags)}: {OUTSIDE[name]} of {flags.sum()} of {count} {what}s outside what the interval "
            f"was made for ({self.known[name]})"
            for name, flags in self.outside.items()
            if flags.any()
        ]

    def _severity(self, flags: NDArray[np.bool_]) -> str:
        """How much a property that lies outside means for the films that are flagged.

        ``serious`` where answers also leave what the grains allow: their intervals reach across all of that. Else
        ``note``.
        """
        if self.beyond_gpa is None:
            return "serious"
        return "serious" if (flags & (self.beyond_gpa > 0)).any() else "note"

    @property
    def interval_gpa(self) -> Array:
        """Lower and upper end for each film, shape (n, 2)."""
        return self.young_modulus_gpa[:, None] + self.half_width_gpa[:, None] * np.array([-1, 1])

    def directional_gpa(self, phi_rad: ArrayLike) -> Array:
        """Young's modulus in m directions from x1, shape (n, m).

        Raises
        ------
        InputError
            If Ē alone is predicted.
        """
        if self.stiffness_gpa is None:
            raise InputError("the model predicts Ē alone; directions need one that predicts C̄")
        return directional(self.stiffness_gpa, phi_rad)
