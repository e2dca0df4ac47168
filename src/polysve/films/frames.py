"""How the axes that Euler angles refer to lie on the map that they were measured on.

The map's own axes are the window's: x1 to the right, x2 up, x3 out of the film. Vendors store points with y downwards,
and angles in yet other axes (EDAX's settings 1 to 4, Oxford's CS1). Half a turn about the normal changes no stiffness
in the plane, so three choices are all there are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.base.errors import InputError
from polysve.base.types import Array


class Frame(NamedTuple):
    """Axes of Euler angles on a map."""

    axes: str
    """Where x, y and z of the angles point on the map."""
    turn: tuple[float, float, float, float]
    """Quaternion that turns the angles' axes into the window's."""


FRAMES = {
    "edax": Frame("down, right, out of it", (np.sqrt(0.5), 0, 0, -np.sqrt(0.5))),
    "oxford": Frame("right, up, out of it", (1, 0, 0, 0)),
    "map": Frame("right, down, into it", (0, 1, 0, 0)),
}
"""``edax`` is settings 1 and 2 of EDAX, EMsoft's and kikuchipy's frame; ``oxford`` is Oxford's and Bruker's, and
settings 3 and 4 of EDAX; ``map`` takes the axes of the stored points themselves (MTEX: `EBSDReferenceFrame`, kikuchipy:
`Reference frames`)."""


def find_frame(name: str) -> Frame:
    """Frame by its name.

    Raises
    ------
    InputError
        For a name that is none.
    """
    if name not in FRAMES:
        raise InputError(f"--frame = {name!r}: allowed are {', '.join(FRAMES)}")
    return FRAMES[name]


def in_window(quaternions: Array, frame: Frame, along_b: NDArray[np.bool_]) -> Array:
    """Turns of crystal axes into window axes, from turns into the axes of the Euler angles.

    Parameters
    ----------
    quaternions : array, shape (n, 4)
        Of Bunge angles.
    frame : Frame
    along_b : bool array, shape (n,)
        Whether the crystal's y axis was taken along b of a hexagonal lattice, as Oxford does;
        `polysve.settings.material` has x along a, 30° away.

    Returns
    -------
    array, shape (n, 4)

    Examples
    --------
    >>> in_window(np.array([[1.0, 0, 0, 0]]), FRAMES["map"], np.array([False]))
    array([[0., 1., 0., 0.]])
    """
    from scipy.spatial.transform import Rotation

    turns = Rotation.from_quat(quaternions, scalar_first=True)
    crystal = Rotation.from_rotvec(np.where(along_b[:, None], [0, 0, -np.pi / 6], 0.0))
    onto = Rotation.from_quat(frame.turn, scalar_first=True)
    return (onto * turns * crystal).as_quat(canonical=True, scalar_first=True)
