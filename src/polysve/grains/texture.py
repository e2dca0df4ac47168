"""Orientations drawn from the law of a texture."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.orientation import from_euler, from_theta
from polysve.settings.texture import (
    ComponentSettings,
    FibreSettings,
    OrientationLawSettings,
    TextureSettings,
)


class Orientations(NamedTuple):
    """Orientations of crystals."""

    quaternions: Array
    """Unit quaternions w, x, y, z that turn crystal axes into window axes, shape (n, 4)."""
    theta_rad: Array | None
    """Angle of a <100> axis from x1 in [0, π/2), shape (n,), where the law leaves no other freedom."""


class Measured(NamedTuple):
    """Orientations of a measured film, each with the area that it has."""

    quaternions: Array
    area: Array


def draw(
    texture: TextureSettings,
    random: np.random.Generator,
    count: int,
    symmetry: str = "cubic",
    measured: Mapping[str, Measured] | None = None,
) -> Orientations:
    """Draw the orientations of some crystals, one after the other and independent of each other.

    Parameters
    ----------
    texture : TextureSettings
    random : numpy.random.Generator
    count : int
    symmetry : str
        Of the crystal. A fourfold axis along the film normal makes a quarter turn of angles enough.
    measured : mapping, optional
        By file, for the samples among the laws.

    Examples
    --------
    >>> from polysve.settings.texture import texture_settings
    >>> drawn = draw(texture_settings("<100>"), np.random.default_rng(1), 3)
    >>> np.degrees(drawn.theta_rad).round(2)
    array([46.06, 85.54, 12.97])
    """
    laws = texture.shares
    if is_upright(texture, symmetry):
        theta = random.uniform(0, np.pi / 2, count)
        return Orientations(from_theta(theta), theta)
    chosen = _choice(random, [getattr(law, "weight", 1.0) for law in laws], count)
    quaternions = np.empty((count, 4))
    for number, law in enumerate(laws):
        those = np.flatnonzero(chosen == number)
        quaternions[those] = _draw_law(law, random, len(those), measured or {})
    return Orientations(quaternions, None)


def is_upright(texture: TextureSettings, symmetry: str) -> bool:
    """Whether a texture puts a fourfold axis of all crystals exactly along the film normal."""
    law, *others = texture.shares
    if others or law.fibre is None or law.fibre.spread_deg > 0:
        return False
    along = [number for number, part in enumerate(law.fibre.axis) if part]
    return (symmetry == "cubic" and len(along) == 1) or (symmetry == "tetragonal" and along == [2])


def _choice(random: np.random.Generator, weights: list[float], count: int):
    """Numbers of the parts that crystals belong to; a single part takes no random number."""
    if len(weights) == 1:
        return np.zeros(count, int)
    return random.choice(len(weights), count, p=np.array(weights) / np.sum(weights))


def _draw_law(
    law: OrientationLawSettings,
    random: np.random.Generator,
    count: int,
    measured: Mapping[str, Measured],
) -> Array:
    """Quaternions, shape (n, 4), of one law."""
    if law.fibre:
        return _fibre(law.fibre, random, count)
    if law.components:
        return _components(law.components, random, count)
    if law.sample:
        sample = measured[law.sample.file]
        rows = random.choice(len(sample.area), count, p=sample.area / np.sum(sample.area))
        return sample.quaternions[rows]
    # four independent normal numbers have no preferred direction
    normal = random.normal(size=(count, 4))
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _fibre(fibre: FibreSettings, random: np.random.Generator, count: int) -> Array:
    """A direction of the crystal along the normal but for its tilt, turned about it by any angle."""
    from scipy.spatial.transform import Rotation

    axis = np.array(fibre.axis) / np.linalg.norm(fibre.axis)
    turn = random.uniform(0, 2 * np.pi, count)
    turns = Rotation.from_euler("Z", turn[:, None]) * _upturn(axis)
    if fibre.spread_deg:
        # von Mises-Fisher law on the sphere, its cosine by inversion (G. Ulrich, Applied Statistics 33 (1984) 158)
        concentration = 1 / np.radians(fibre.spread_deg) ** 2
        share = 1 - random.random(count)
        missing = -np.log(share + (1 - share) * np.exp(-2 * concentration)) / concentration
        tilt = 2 * np.arcsin(np.sqrt(np.clip(missing / 2, 0, 1)))
        about = random.uniform(0, 2 * np.pi, count)
        tilts = tilt[:, None] * np.stack([np.cos(about), np.sin(about), 0 * about], -1)
        turns = Rotation.from_rotvec(tilts) * turns
    return turns.as_quat(scalar_first=True)


def _upturn(axis: Array):
    """Rotation that brings a unit vector to x3 on the shortest way, about x1 if it points down."""
    from scipy.spatial.transform import Rotation

    x, y, z = axis
    sine = np.hypot(x, y)
    about = np.array([y, -x, 0]) / sine if sine else np.array([1.0, 0, 0])
    return Rotation.from_rotvec(np.arctan2(sine, z) * about)


def _components(
    components: tuple[ComponentSettings, ...], random: np.random.Generator, count: int
) -> Array:
    """Crystals about some orientations, each off by a rotation vector of normal components."""
    from scipy.spatial.transform import Rotation

    chosen = _choice(random, [component.weight for component in components], count)
    centres = from_euler([component.euler_deg for component in components])[chosen]
    spreads = np.radians([component.spread_deg for component in components])[chosen]
    off = Rotation.from_rotvec(spreads[:, None] * random.normal(size=(count, 3)))
    return (off * Rotation.from_quat(centres, scalar_first=True)).as_quat(scalar_first=True)
