"""Orientations: Bunge angles and unit quaternions, their checks, means, in-plane angles and colours.

A quaternion (w, x, y, z) turns crystal axes into window axes: v_window = R v_crystal, R = Rz(φ1) Rx(Φ) Rz(φ2)
(Bunge, Texture Analysis in Materials Science, 1982). orix means the inverse by an orientation.
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike

from polysve.base.errors import InputError
from polysve.base.types import Array

NORM_TOLERANCE = 1e-3
"""How far the length of a quaternion may be off one: files round to few digits."""
LARGEST_RADIAN = 6.3


def from_euler(euler_deg: ArrayLike) -> Array:
    """Unit quaternions of Bunge angles.

    Parameters
    ----------
    euler_deg : array_like, shape (..., 3)
        φ1, Φ, φ2 in degrees.

    Returns
    -------
    array, shape (..., 4)
        w, x, y, z with w >= 0.

    Examples
    --------
    >>> from_euler([90.0, 0.0, 0.0]).round(4)
    array([0.7071, 0.    , 0.    , 0.7071])
    """
    from scipy.spatial.transform import Rotation

    angles = np.asarray(euler_deg, float)
    turns = Rotation.from_euler("ZXZ", angles.reshape(-1, 3), degrees=True)
    return turns.as_quat(canonical=True, scalar_first=True).reshape(*angles.shape[:-1], 4)


def to_euler(quaternions: ArrayLike) -> Array:
    """Bunge angles in degrees, shape (..., 3), of unit quaternions, shape (..., 4).

    φ1 and φ2 lie in [0, 360), Φ in [0, 180]; φ2 is 0 where only the sum or difference of the two is given.

    Examples
    --------
    >>> to_euler(from_euler([[30.0, 0.0, 40.0], [-20.0, 54.7, 45.0]])).round(6)
    array([[ 70. ,   0. ,   0. ],
           [340. ,  54.7,  45. ]])
    """
    from scipy.spatial.transform import Rotation

    given = np.asarray(quaternions, float)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gimbal lock")
        turns = Rotation.from_quat(given.reshape(-1, 4), scalar_first=True)
        angles = turns.as_euler("ZXZ", degrees=True)
    angles[:, [0, 2]] = np.mod(angles[:, [0, 2]], 360)
    angles[angles == 360] = 0  # of a tiny negative angle
    return angles.reshape(*given.shape[:-1], 3)


def from_theta(theta_rad: ArrayLike) -> Array:
    """Unit quaternions, shape (..., 4), of crystals whose c axis is the film normal, turned by θ about it."""
    half = np.asarray(theta_rad, float) / 2
    quaternions = np.zeros((*half.shape, 4))
    quaternions[..., 0], quaternions[..., 3] = np.cos(half), np.sin(half)
    return quaternions


def checked(quaternions: ArrayLike, source: str) -> Array:
    """Quaternions of length one, from given ones that are so but for rounding.

    Parameters
    ----------
    quaternions : array_like, shape (..., 4)
    source : str
        What to call them in an error.

    Raises
    ------
    InputError
        For numbers that are not finite, and lengths off one by more than a thousandth.

    Examples
    --------
    >>> checked([[1, 1, 0, 0]], "film.h5")
    Traceback (most recent call last):
        ...
    polysve.base.errors.InputError: film.h5: quaternion 0 = [1, 1, 0, 0] has length 1.414; allowed are unit quaternions
    """
    given = np.asarray(quaternions, float)
    if given.shape[-1:] != (4,):
        raise InputError(
            f"{source}: quaternions of shape {given.shape}; four numbers each are needed"
        )
    length = np.linalg.norm(given, axis=-1, keepdims=True)
    wrong = np.flatnonzero(~(np.abs(length - 1) <= NORM_TOLERANCE))
    if len(wrong):
        first = wrong[0]
        numbers = ", ".join(f"{number:g}" for number in given.reshape(-1, 4)[first])
        raise InputError(
            f"{source}: quaternion {first} = [{numbers}] has length {length.flat[first]:.4g}; "
            "allowed are unit quaternions"
        )
    return given / length


def look_like_radians(angles: ArrayLike) -> bool:
    """Whether angles that should be degrees are all below 2π, and not whole numbers as small degrees would be.

    Examples
    --------
    >>> look_like_radians([[1.5708, 0.7854, 0.0]]), look_like_radians([[5.0, 0.0, 0.0]])
    (True, False)
    >>> look_like_radians([[90.0, 0.7854, 0.0]])
    False
    """
    given = np.asarray(angles, float)
    small = bool(np.all(np.abs(given) < LARGEST_RADIAN))
    return small and bool(np.any(given != np.round(given)))


def mean_orientations(
    quaternions: ArrayLike, grain: ArrayLike, point_group, passes: int = 2
) -> tuple[Array, Array]:
    """Mean orientation of each grain over its pixels, whatever equivalent description each pixel has.

    Each pixel's description is chosen among the equivalent ones next to the grain's first pixel, then next to the mean.
    The mean is the eigenvector of the summed outer products (Markley et al., J. Guidance 30 (2007) 1193).

    Parameters
    ----------
    quaternions : array_like, shape (p, 4)
        Of the pixels.
    grain : array_like of int, shape (p,)
        Number of each pixel's grain, all from 0 on used.
    point_group : orix.quaternion.Symmetry
        Of the crystal.
    passes : int
        How often the descriptions are chosen.

    Returns
    -------
    mean : array, shape (n, 4)
    spread_deg : array, shape (n,)
        Mean angle between the grain's pixels and its mean orientation (grain orientation spread).
    """
    from scipy.spatial.transform import Rotation

    pixels = np.asarray(quaternions, float)
    first = np.unique(grain, return_index=True)[1]
    turns = Rotation.from_quat(pixels, scalar_first=True)
    equivalents = Rotation.from_quat(point_group.proper_subgroup.data, scalar_first=True)
    operations = equivalents.as_quat(scalar_first=True)
    mean = pixels[first]
    for _ in range(passes):
        off = turns.inv() * Rotation.from_quat(mean, scalar_first=True)[grain]
        nearest = np.abs(off.as_quat(scalar_first=True) @ operations.T).argmax(1)
        chosen = (turns * equivalents[nearest]).as_quat(scalar_first=True)
        products = chosen[:, :, None] * chosen[:, None, :]
        summed = [np.bincount(grain, each) for each in products.reshape(-1, 16).T]
        mean = np.linalg.eigh(np.reshape(summed, (4, 4, -1)).transpose(2, 0, 1))[1][:, :, -1]
    cosine = np.abs(np.einsum("pi,pi->p", chosen, mean[grain]))
    angle = 2 * np.degrees(np.arccos(np.clip(cosine, 0, 1)))
    return mean, np.bincount(grain, angle) / np.bincount(grain)


def in_plane_angle(quaternions: ArrayLike, symmetry: str = "cubic") -> tuple[Array, Array]:
    """Angle of upright crystals in the plane, and how far each is from upright.

    Parameters
    ----------
    quaternions : array_like, shape (..., 4)
    symmetry : {"cubic", "tetragonal"}
        The axis next to the film normal is any <100> of a cubic crystal, and <001> of a tetragonal one.

    Returns
    -------
    theta_rad : array, shape (...)
        Mean angle of the two other axes from x1, modulo the quarter turn, in [0, π/2).
    tilt_rad : array, shape (...)
        Angle between the upright axis and the film normal.

    Examples
    --------
    >>> theta, tilt = in_plane_angle(
    ...     from_euler([[100.0, 0.0, 20.0], [30.0, 90.0, 0.0], [0.0, 20.0, 0.0]])
    ... )
    >>> np.degrees(theta).round(6), np.degrees(tilt).round(6)
    (array([30., 30.,  0.]), array([ 0.,  0., 20.]))
    """
    from scipy.spatial.transform import Rotation

    given = np.asarray(quaternions, float)
    turns = Rotation.from_quat(given.reshape(-1, 4), scalar_first=True)
    axes = turns.as_matrix().swapaxes(-1, -2).reshape(*given.shape[:-1], 3, 3)
    height = np.abs(axes[..., 2])
    upright = height.argmax(-1) if symmetry == "cubic" else np.full(height.shape[:-1], 2)
    upright = upright[..., None]
    in_plane = axes[..., 0] + 1j * axes[..., 1]
    phases = np.exp(4j * np.angle(in_plane))
    np.put_along_axis(phases, upright, 0, -1)
    theta = np.mod(np.angle(phases.sum(-1)) / 4, np.pi / 2)
    off = np.take_along_axis(np.abs(in_plane), upright, -1)
    tilt = np.arctan2(off, np.take_along_axis(height, upright, -1))[..., 0]
    return np.where(theta < np.pi / 2, theta, 0), tilt


def ipf_colours(
    quaternions: ArrayLike, point_group, direction: ArrayLike = (0.0, 0.0, 1.0)
) -> Array:
    """Colours of the inverse pole figure (by orix, as TSL draws them).

    Parameters
    ----------
    quaternions : array_like, shape (n, 4)
    point_group : orix.quaternion.Symmetry
        Of the crystal.
    direction : array_like, shape (3,)
        Of the window, whose place among the crystal's directions is coloured; the film normal by default.

    Returns
    -------
    array, shape (n, 3)
        Red, green, blue in [0, 1].
    """
    from orix.plot import IPFColorKeyTSL
    from orix.quaternion import Orientation
    from orix.vector import Vector3d

    orientations = Orientation(
        np.asarray(quaternions, float) * [1, -1, -1, -1], symmetry=point_group
    )
    return IPFColorKeyTSL(point_group, direction=Vector3d(direction)).orientation2color(
        orientations
    )
