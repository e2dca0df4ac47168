"""Film to network input: encodings of the grains, median filter, and the symmetries of the square.

An image array has its row 0 at the bottom (y up), so that ``image[row, column]`` lies at ``y[row], x[column]``.
"""

import cv2
import numpy as np

from polysve.base.errors import InputError
from polysve.crystals.stiffness import log_stiffness, pack, unpack
from polysve.grains.film import Film

QUARTER_RAD = np.pi / 2
CHANNELS = {"grey": 1, "harmonic": 2, "log_stiffness": 6}
SYMMETRIES = tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4))
"""The eight symmetries of the square: quarter turns (counter-clockwise) made after the mirror x → −x, if any."""


def harmonics(theta_rad: np.ndarray) -> np.ndarray:
    """The two fields in which a cubic crystal's in-plane stiffness is linear.

    Parameters
    ----------
    theta_rad : array, shape (...)
        In-plane angle of <100>.

    Returns
    -------
    array of float32, shape (..., 2)
        cos 4θ and sin 4θ.

    Examples
    --------
    >>> harmonics(np.radians([0, 22.5, 45, 90])).round(6) + 0.0
    array([[ 1.,  0.],
           [ 0.,  1.],
           [-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """
    theta_rad = np.asarray(theta_rad, float)
    return np.stack([np.cos(4 * theta_rad), np.sin(4 * theta_rad)], -1).astype(np.float32)


def grey_levels(theta_rad: np.ndarray) -> np.ndarray:
    """Grey level θ/(π/2) of each grain, black at 0° and white just under 90°, shape (..., 1).

    Examples
    --------
    >>> grey_levels(np.radians([0.0, 45.0]))
    array([[0. ],
           [0.5]], dtype=float32)
    """
    levels = np.mod(np.asarray(theta_rad, float), QUARTER_RAD) / QUARTER_RAD
    return levels.astype(np.float32)[..., None]


def grain_values(film: Film, encoding: str, symmetry: int = 0) -> np.ndarray:
    """What a picture shows of each grain.

    Parameters
    ----------
    film : Film
    encoding : {"harmonic", "grey", "log_stiffness"}
        cos 4θ and sin 4θ, whose area averages are exact volume averages of the local stiffness; the grey level θ/(π/2)
        of the published study, whose averages across a grain boundary mean nothing and which jumps where θ passes
        90° = 0°; or the six components of the logarithm of Q, in GPa, for any film.
    symmetry : int
        Number in `SYMMETRIES`: of the grains of the turned or mirrored film.

    Returns
    -------
    array of float32, shape (grains, channels)

    Raises
    ------
    InputError
        If θ is asked for of grains that have no <100> axis along the normal.
    """
    if encoding == "log_stiffness":
        log = log_stiffness(film.stiffness_gpa)
        return pack(move_stiffness(unpack(log), symmetry)).astype(np.float32)
    if film.theta_rad is None:
        raise InputError(
            f"encoding = {encoding}: shows the angle of grains with a <100> axis along the normal, which this film's "
            "are not; log_stiffness shows any"
        )
    _, mirrored = SYMMETRIES[symmetry]
    theta_rad = mirror_theta(film.theta_rad) if mirrored else film.theta_rad
    return harmonics(theta_rad) if encoding == "harmonic" else grey_levels(theta_rad)


def encode(
    film: Film,
    pixels: int,
    encoding: str = "harmonic",
    median_passes: int = 0,
    symmetry: int = 0,
) -> np.ndarray:
    """Network input of one SVE.

    Parameters
    ----------
    film : Film
    pixels : int
        Side of the input.
    encoding, symmetry
        As for `grain_values`; the picture itself is not moved.
    median_passes : int
        How often the 3×3 median filter follows (five times in the published study).

    Returns
    -------
    array of float32, shape (pixels, pixels, channels)
        Exact averages over the area of each pixel, before the filter.
    """
    # who trains or judges a network paints nothing, and starts without numba
    from polysve.grains.raster import paint

    values = grain_values(film, encoding, symmetry)
    return median_filter(paint(film, values, pixels), median_passes)


def median_filter(picture: np.ndarray, passes: int) -> np.ndarray:
    """Replace each pixel by the median of its 3×3 neighbourhood, ``passes`` times, channel by channel.

    Beyond an edge the edge pixel is repeated.
    """
    channels = [np.ascontiguousarray(channel) for channel in np.moveaxis(picture, -1, 0)]
    for _ in range(passes):
        channels = [cv2.medianBlur(channel, 3) for channel in channels]
    return np.stack(channels, -1)


def mirror_theta(theta_rad: np.ndarray) -> np.ndarray:
    """Angle of each grain in the mirror image: −θ, modulo the quarter turn.

    Examples
    --------
    >>> np.degrees(mirror_theta(np.radians([0.0, 30.0, 45.0]))).round(6)
    array([ 0., 60., 45.])
    """
    return np.mod(-np.asarray(theta_rad, float), QUARTER_RAD)


def move(images: np.ndarray, symmetry: int) -> np.ndarray:
    """Turn or mirror pictures as pictures: pixels change their places, not their values.

    Parameters
    ----------
    images : array, shape (..., h, h, channels)
    symmetry : int
        Number in `SYMMETRIES`.

    Returns
    -------
    array
        A view of the same shape.

    Examples
    --------
    >>> image = np.array([[1, 2], [3, 4]])[..., None]  # 1 bottom left, 2 bottom right
    >>> move(image, 1)[..., 0]  # a quarter turn takes the bottom right to the top right
    array([[3, 1],
           [4, 2]])
    >>> move(image, 4)[..., 0]
    array([[2, 1],
           [4, 3]])
    """
    turns, mirrored = SYMMETRIES[symmetry]
    if mirrored:
        images = np.flip(images, -2)
    return np.rot90(images, turns, axes=(-2, -3))


def move_stiffness(stiffness_gpa: np.ndarray, symmetry: int) -> np.ndarray:
    """Stiffness of the turned or mirrored SVE.

    A quarter turn exchanges directions 1 and 2 and the sign of 16 and 26; the mirror changes the sign of 16 and 26.
    With the bulk identity (C̄11 = C̄22, C̄16 = −C̄26) a quarter turn changes nothing.

    Parameters
    ----------
    stiffness_gpa : array, shape (..., 3, 3)
        Voigt order 11, 22, 12, engineering shear.
    symmetry : int
        Number in `SYMMETRIES`.

    Returns
    -------
    array, shape (..., 3, 3)
    """
    turns, mirrored = SYMMETRIES[symmetry]
    order = [1, 0, 2] if turns % 2 else [0, 1, 2]
    sign = np.array([1, 1, -1 if (turns + mirrored) % 2 else 1])
    turned = np.asarray(stiffness_gpa)[..., order, :][..., order]
    return turned * sign * sign[:, None]


def copies(film: Film, augmentation: str, **recipe) -> np.ndarray:
    """Image of one SVE, followed by its turned and mirrored copies where an augmentation asks for them.

    Parameters
    ----------
    film : Film
    augmentation : {"none", "naive", "consistent"}
        naive: the picture moves and each grain keeps its values, which makes it another material; consistent: the
        grains turn with it.
    **recipe
        pixels, encoding and median_passes of `encode`.

    Returns
    -------
    array of float32, shape (1, p, p, channels), or (8, p, p, channels) in the order of `SYMMETRIES`
    """
    if augmentation == "none":
        return encode(film, **recipe)[None]
    symmetries = range(len(SYMMETRIES))
    if augmentation == "naive":
        image = encode(film, **recipe)
        return np.stack([move(image, symmetry) for symmetry in symmetries])
    return np.stack([move(encode(film, **recipe, symmetry=s), s) for s in symmetries])


def decode(image: np.ndarray, encoding: str) -> np.ndarray:
    """θ in radians shown by each pixel of a network input, shape (p, p); between grains it is a blend.

    Examples
    --------
    >>> float(decode(harmonics([[0.7]]), "harmonic")[0, 0].round(5))
    0.7
    """
    if encoding == "grey":
        return image[..., 0] * QUARTER_RAD
    return np.mod(np.arctan2(image[..., 1], image[..., 0]) / 4, QUARTER_RAD)
