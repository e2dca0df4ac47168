"""One crystal: symmetry, stiffness in its own axes, density."""

from dataclasses import dataclass

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.settings.material import CrystalSettings

LAYOUTS = {
    "cubic": """
        c11 c12 c12  .    .    .
            c11 c12  .    .    .
                c11  .    .    .
                    c44   .    .
                         c44   .
                              c44""",
    "hexagonal": """
        c11 c12 c13  .    .    .
            c11 c13  .    .    .
                c33  .    .    .
                    c44   .    .
                         c44   .
                              c66""",
    "tetragonal": """
        c11 c12 c13  .    .   c16
            c11 c13  .    .  -c16
                c33  .    .    .
                    c44   .    .
                         c44   .
                              c66""",
    "trigonal": """
        c11 c12 c13 c14  c15   .
            c11 c13 -c14 -c15  .
                c33  .    .    .
                    c44   .  -c15
                         c44  c14
                              c66""",
    "orthorhombic": """
        c11 c12 c13  .    .    .
            c22 c23  .    .    .
                c33  .    .    .
                    c44   .    .
                         c55   .
                              c66""",
    "triclinic": """
        c11 c12 c13 c14  c15  c16
            c22 c23 c24  c25  c26
                c33 c34  c35  c36
                    c44  c45  c46
                         c55  c56
                              c66""",
}
"""Upper half of each symmetry's stiffness (Nye, Physical Properties of Crystals, 1957, table 9)."""
LAUE = {
    "cubic": "Oh",
    "hexagonal": "D6h",
    "tetragonal": "D4h",
    "trigonal": "D3d",
    "orthorhombic": "D2h",
    "triclinic": "Ci",
}
LEAST_EIGENVALUE = 1e-6
"""Of a stiffness, over its largest: what is softer is a wrong constant, and no solver would bear it."""
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Crystal:
    """A crystal with its symmetry and stiffness.

    Axes are those of `polysve.settings.material`: x3 along the axis of highest symmetry, x1 along a twofold axis, or
    normal to a mirror plane, of trigonal crystals and along <100> of the others.

    Parameters
    ----------
    name : str
    symmetry : {"cubic", "hexagonal", "tetragonal", "trigonal", "orthorhombic", "triclinic"}
    stiffness_gpa : array_like, shape (6, 6)
        In crystal axes, Voigt order 11, 22, 33, 23, 13, 12, engineering shear.
    density_kg_m3 : float, optional
    source : str
        Where the constants are from.

    Raises
    ------
    InputError
        For a stiffness that is not symmetric and positive definite, or not of the symmetry.

    Examples
    --------
    >>> cubic = np.full((3, 3), 121.4) + np.diag([47.0] * 3)
    >>> zero = np.zeros((3, 3))
    >>> copper = Crystal("copper", "cubic", np.block([[cubic, zero], [zero, 75.4 * np.eye(3)]]))
    >>> round(copper.anisotropy, 2)
    1.82
    """

    name: str
    symmetry: str
    stiffness_gpa: Array
    density_kg_m3: float | None = None
    source: str = ""

    def __post_init__(self):
        if self.symmetry not in LAYOUTS:
            raise InputError(
                f"{self.name}: symmetry = {self.symmetry!r}: allowed are {', '.join(LAYOUTS)}"
            )
        stiffness = np.array(self.stiffness_gpa, float)
        if stiffness.shape != (6, 6) or not np.isfinite(stiffness).all():
            raise InputError(f"{self.name}: the stiffness is no 6×6 matrix of finite numbers")
        size = np.abs(stiffness).max()
        if np.abs(stiffness - stiffness.T).max() > TOLERANCE * size:
            raise InputError(f"{self.name}: the stiffness is not symmetric")
        values = np.linalg.eigvalsh(stiffness)
        if not values[0] > LEAST_EIGENVALUE * values[-1]:
            raise InputError(
                f"{self.name}: the stiffness has eigenvalues from {values[0]:.4g} to {values[-1]:.4g} GPa; "
                f"allowed are positive ones, the least above {LEAST_EIGENVALUE:g} of the largest"
            )
        if np.abs(stiffness - _filled(self.symmetry, stiffness)).max() > TOLERANCE * size:
            raise InputError(
                f"{self.name}: the stiffness is not that of a {self.symmetry} crystal in its standard axes"
            )
        stiffness.flags.writeable = False
        object.__setattr__(self, "stiffness_gpa", stiffness)

    @classmethod
    def from_settings(cls, settings: CrystalSettings, name: str, source: str = "") -> "Crystal":
        """Crystal of the constants in the settings, under a name."""
        given = np.zeros((6, 6))
        for key, value in settings.constants().items():
            given[int(key[1]) - 1, int(key[2]) - 1] = value
        stiffness = _filled(settings.symmetry, given)
        return cls(name, settings.symmetry, stiffness, settings.density_kg_m3, source)

    @property
    def point_group(self):
        """Laue group (orix.quaternion.Symmetry) of the stiffness: all turns that leave it as it is, and inversion."""
        from orix.quaternion import symmetry

        name = LAUE[self.symmetry]
        if self.symmetry == "tetragonal" and self.stiffness_gpa[0, 5] != 0:
            name = "C4h"
        if self.symmetry == "trigonal" and self.stiffness_gpa[0, 4] != 0:
            name = "S6"
        return getattr(symmetry, name)

    @property
    def anisotropy(self) -> float:
        """Universal anisotropy index, 0 for an isotropic crystal.

        5 G_V/G_R + K_V/K_R - 6 (S. I. Ranganathan and M. Ostoja-Starzewski, Phys. Rev. Lett. 101 (2008) 055504).
        """
        bulk_voigt, shear_voigt = _isotropic_part(self.stiffness_gpa)
        compliance = np.linalg.inv(self.stiffness_gpa)
        # without the factors of engineering shear
        compliance[3:] /= 2
        compliance[:, 3:] /= 2
        ninth, quarter = _isotropic_part(compliance)
        return float(5 * shear_voigt * 4 * quarter + bulk_voigt * 9 * ninth - 6)


def _filled(symmetry: str, given: Array) -> Array:
    """Stiffness of a symmetry from its independent constants, read at their places in a 6×6 matrix."""
    constants = {
        f"c{row + 1}{column + 1}": given[row, column]
        for row, column in zip(*np.triu_indices(6), strict=True)
    }
    if symmetry in ("hexagonal", "trigonal"):
        constants["c66"] = (constants["c11"] - constants["c12"]) / 2
    constants["."] = 0.0
    upper = np.zeros((6, 6))
    upper[np.triu_indices(6)] = [
        -constants[entry[1:]] if entry.startswith("-") else constants[entry]
        for entry in LAYOUTS[symmetry].split()
    ]
    return upper + np.triu(upper, 1).T


def _isotropic_part(tensor: Array) -> tuple[float, float]:
    """Bulk and shear modulus of a tensor averaged over all directions; of a compliance, 1/9K and 1/4G."""
    trace, dilation = np.trace(tensor[:3, :3]), tensor[:3, :3].sum()
    shear = np.trace(tensor[3:, 3:])
    return dilation / 9, (trace - (dilation - trace) / 2 + 3 * shear) / 15
