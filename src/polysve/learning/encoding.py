"""Label image to network input: resizing, median filter, encodings and the symmetries of the square.

An image array has its row 0 at the bottom (y up), so that ``image[row, column]`` lies at ``y[row], x[column]``. A label
image holds grain numbers; what a network reads is derived from it and from θ each time, never stored in its place.
"""

import cv2
import numpy as np

from polysve.base.errors import InputError

QUARTER_RAD = np.pi / 2
CHANNELS = {"grey": 1, "harmonic": 2}
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


def paint(label_image: np.ndarray, grain_values: np.ndarray) -> np.ndarray:
    """Give each pixel the values of its grain.

    Parameters
    ----------
    label_image : array of unsigned integers, shape (h, w)
        Grain number of each pixel.
    grain_values : array of float32, shape (grains, 1 or 2)
        Values of each grain.

    Returns
    -------
    array of float32, shape (h, w, 1 or 2)
    """
    values = np.ascontiguousarray(grain_values, np.float32)
    # One complex number is taken in one step, two floats in two.
    whole = values.view(np.complex64) if values.shape[-1] == 2 else values
    return whole[:, 0][label_image][..., None].view(np.float32)


def resize(picture: np.ndarray, pixels: int) -> np.ndarray:
    """Shrink a square picture to ``pixels`` a side; each new pixel is the exact mean over its area.

    Parameters
    ----------
    picture : array of float32, shape (h, h, channels)
    pixels : int
        At most h, and no divisor of it is needed: pixels that straddle a border count by their share.

    Returns
    -------
    array of float32, shape (pixels, pixels, channels)

    Raises
    ------
    InputError
        More pixels are asked for than there are: nothing would be averaged.

    Examples
    --------
    >>> resize(np.arange(9, dtype=np.float32).reshape(3, 3, 1), 2)[..., 0].round(2)
    array([[1.33, 2.67],
           [5.33, 6.67]], dtype=float32)
    """
    height, width, channels = picture.shape
    if height != width or pixels > height:
        raise InputError(
            f"pixels = {pixels}: the label image has {width} x {height}; "
            "it must be square and is only ever shrunk"
        )
    small = cv2.resize(picture, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return small.reshape(pixels, pixels, channels)


def median_filter(picture: np.ndarray, passes: int) -> np.ndarray:
    """Replace each pixel by the median of its 3×3 neighbourhood, ``passes`` times, channel by channel.

    Beyond an edge the edge pixel is repeated.
    """
    channels = [np.ascontiguousarray(channel) for channel in np.moveaxis(picture, -1, 0)]
    for _ in range(passes):
        channels = [cv2.medianBlur(channel, 3) for channel in channels]
    return np.stack(channels, -1)


def encode(
    label_image: np.ndarray,
    theta_rad: np.ndarray,
    pixels: int,
    encoding: str = "harmonic",
    median_passes: int = 0,
) -> np.ndarray:
    """Network input of one SVE.

    Parameters
    ----------
    label_image : array of unsigned integers, shape (h, h)
        Grain number of each pixel, row 0 at the bottom.
    theta_rad : array, shape (grains,)
        Angle of each grain.
    pixels : int
        Side of the input, at most h.
    encoding : {"harmonic", "grey"}
        cos 4θ and sin 4θ, whose area averages are exact volume averages of the local stiffness; or the grey level
        θ/(π/2) of the published study, whose averages across a grain boundary mean nothing and which jumps where θ
        passes 90° = 0°.
    median_passes : int
        How often the 3×3 median filter follows (five times in the published study).

    Returns
    -------
    array of float32, shape (pixels, pixels, channels)

    Examples
    --------
    >>> labels = np.array([[0, 0], [0, 1]], np.uint16)
    >>> encode(labels, np.radians([0.0, 45.0]), 1)[0, 0].round(6) + 0.0
    array([0.5, 0. ], dtype=float32)
    >>> encode(labels, np.radians([0.0, 45.0]), 1, "grey")[0, 0]
    array([0.125], dtype=float32)
    """
    values = harmonics(theta_rad) if encoding == "harmonic" else grey_levels(theta_rad)
    return median_filter(resize(paint(label_image, values), pixels), median_passes)


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


def copies(
    label_image: np.ndarray, theta_rad: np.ndarray, augmentation: str, **encoding
) -> np.ndarray:
    """Image of one SVE, followed by its turned and mirrored copies where an augmentation asks for them.

    Parameters
    ----------
    label_image : array of unsigned integers, shape (h, h)
    theta_rad : array, shape (grains,)
    augmentation : {"none", "naive", "consistent"}
        naive: a mirror image keeps the grey level of each grain, which makes it another material; consistent: its
        grains get −θ.
    **encoding
        pixels, encoding and median_passes of `encode`.

    Returns
    -------
    array of float32, shape (1, p, p, channels), or (8, p, p, channels) in the order of `SYMMETRIES`
    """
    image = encode(label_image, theta_rad, **encoding)
    if augmentation == "none":
        return image[None]
    mirrored = image
    if augmentation == "consistent":
        mirrored = encode(label_image, mirror_theta(theta_rad), **encoding)
    return np.stack(
        [move(mirrored if mirror else image, s) for s, (_, mirror) in enumerate(SYMMETRIES)]
    )


def decode(image: np.ndarray, encoding: str) -> np.ndarray:
    """θ in radians shown by each pixel of a network input, shape (p, p); between grains it is a blend.

    Examples
    --------
    >>> labels = np.zeros((2, 2), np.uint16)
    >>> [round(float(decode(encode(labels, [0.7], 1, e), e)[0, 0]), 5) for e in CHANNELS]
    [0.7, 0.7]
    """
    if encoding == "grey":
        return image[..., 0] * QUARTER_RAD
    return np.mod(np.arctan2(image[..., 1], image[..., 0]) / 4, QUARTER_RAD)
