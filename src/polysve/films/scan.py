"""What an EBSD file holds, whichever program wrote it: points, orientations, phases, and its frames."""

from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array, Integers
from polysve.crystals.orientation import LARGEST_RADIAN, look_like_radians

MOST_POINTS = 2_000_000
"""More take more than 2 GB."""
SYMMETRIES = {
    "cubic": "23 m3 m-3 43 432 -43m m3m m-3m",
    "hexagonal": "6 -6 6/m 62 622 6mm -6m2 -62m 6/mmm",
    "trigonal": "3 -3 32 321 312 3m 3m1 31m -3m -3m1 -31m",
    "tetragonal": "4 -4 4/m 42 422 4mm -42m -4m2 4/mmm",
    "orthorhombic": "22 222 mm2 mmm",
    "triclinic": "1 -1 2 20 121 m 2/m",
}
"""Symmetry of a stiffness by point group, as the vendors write these; a monoclinic one has no class of its own."""
LAUE = ("-1", "2/m", "mmm", "4/m", "4/mmm", "-3", "-3m", "6/m", "6/mmm", "m-3", "m-3m")
"""Laue groups by Oxford's numbers, from 1 on."""


class ScanPhase(NamedTuple):
    """A phase as the file names it."""

    name: str
    symmetry: str | None
    """A class of crystals, where the file tells."""


class Scan(NamedTuple):
    """The points of a map in the order of the file."""

    x_um: Array
    """Shape (n,), to the right."""
    y_um: Array
    """Shape (n,), downwards."""
    euler_rad: Array
    """Bunge angles, shape (n, 3)."""
    phase: Integers
    """Number in `phases`, -1 where the program found no orientation, shape (n,)."""
    phases: list[ScanPhase]
    frame: str
    """How the axes of the angles lie on the map: a name in `polysve.films.frames.FRAMES`."""
    along_b: bool = False
    """Whether the y axis of a hexagonal lattice lies along b (Oxford, Bruker), not the x axis along a (EDAX)."""
    expected: int | None = None
    """Number of points that the file itself announces."""
    notes: tuple[str, ...] = ()


def symmetry_of(point_group: str, path) -> str:
    """Symmetry of the stiffness of crystals with a point group.

    Raises
    ------
    InputError
        For a group that is none.

    Examples
    --------
    >>> symmetry_of("43", "map.ang"), symmetry_of("-3m", "map.ctf")
    ('cubic', 'trigonal')
    """
    for symmetry, groups in SYMMETRIES.items():
        if point_group in groups.split():
            return symmetry
    raise InputError(
        f"{path}: symmetry = {point_group[:40]!r}: a crystallographic point group is needed"
    )


def laue_symmetry(number: int, path) -> str:
    """Symmetry of the stiffness of crystals with one of Oxford's numbers of Laue groups.

    Raises
    ------
    InputError
    """
    if not 1 <= number <= len(LAUE):
        raise InputError(f"{path}: Laue group = {number}: allowed is 1 to {len(LAUE)}")
    return symmetry_of(LAUE[number - 1], path)


def check_count(count: int, path) -> None:
    """Refuse maps of too many points before they are worked on.

    Raises
    ------
    InputError
    """
    if count > MOST_POINTS:
        raise InputError(f"{path}: has {count} points; allowed are {MOST_POINTS}")


def check_radians(euler: Array, path) -> None:
    """Refuse degrees where the format has radians.

    Raises
    ------
    InputError
    """
    largest = np.abs(euler).max(initial=0.0)
    if largest > LARGEST_RADIAN:
        raise InputError(
            f"{path}: Euler angles reach {largest:.5g}; this format holds radians, up to {2 * np.pi:.4f}"
        )


def check_degrees(euler_deg: Array, path) -> None:
    """Refuse radians where the format has degrees: all angles small, and spread as those of a film are not.

    Raises
    ------
    InputError
    """
    if look_like_radians(euler_deg) and np.ptp(euler_deg, axis=0).max() > 1:
        raise InputError(
            f"{path}: all Euler angles are below {np.abs(euler_deg).max():.4g}, as radians are; this format has degrees"
        )
