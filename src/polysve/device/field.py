"""Grains over a device of any outline, and the stiffness of its elements.

Elements that grains cut take the exponential of the mean log Q over their area; larger ones can take the apparent
stiffness of a window around them. As neighbouring windows share grains, the stiffness of a homogenised device has the
correlation of the film's own random field.
"""

from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.progress import track
from polysve.base.types import Array, Integers
from polysve.crystals.stiffness import exp_stiffness, log_stiffness, plane_stress
from polysve.device.device_mesh import DeviceMesh, areas
from polysve.device.strip import FilmLaw
from polysve.grains.film import Film, LabelImage
from polysve.grains.generators import draw_generators
from polysve.grains.texture import draw

POINTS = 8
"""Along each side of an element, where grains are looked up: shares of its area are right to about one percent."""
PAD_GRAINS = 2
"""What the film is larger than the device on each side, so that no grain feels where it ends."""
MOST_GRAINS = 10**7
LARGEST_ELEMENT = 2.0
"""Side of an element over the grain size, up to which the mean of log Q does for its grains."""
WINDOWS = 2.0, 40.0
"""Sides of windows over the grain size that are homogenised."""
WINDOW_PIXELS = 24
"""Of the picture of a window, along a grain."""


class Field(NamedTuple):
    """One random film over a device."""

    generators_um: Array
    """Voronoi points, shape (grains, 2)."""
    quaternions: Array
    """Shape (grains, 4)."""
    grain: Integers
    """Grain that has most of each element, shape (elements,)."""
    own: Array
    """Whether an element has that grain's stiffness itself, shape (elements,), bool."""
    stiffness_gpa: Array
    """Q of each element, shape (elements, 3, 3)."""


def draw_field(
    law: FilmLaw, mesh: DeviceMesh, seed: int, index: int, cut: str = "average"
) -> Field:
    """Draw a film over a device; it is a function of the seed and the index.

    Parameters
    ----------
    law : FilmLaw
    mesh : DeviceMesh
    seed, index : int
    cut : {"average", "centre"}
        Elements that grains cut take the exponential of their mean log Q, or the grain at their centre.

    Raises
    ------
    InputError
        If elements are much larger than grains, or the device is smaller than one.
    """
    corners = mesh.corners_um()
    side = np.sqrt(areas(corners).max())
    if side > LARGEST_ELEMENT * law.grain_size_um:
        raise InputError(
            f"--mesh: an element has a side of {side:.3g} µm, the grains are {law.grain_size_um:g} µm; allowed is "
            f"{LARGEST_ELEMENT:g} times the grain size, or --window to homogenise"
        )
    generators, turns = _draw_film(law, mesh, seed, index)
    q = plane_stress(law.crystal.stiffness_gpa, turns)
    if cut == "centre":
        grain = _nearest(generators, corners.mean(1))
        return Field(generators, turns, grain, np.ones(len(grain), bool), q[grain])
    points, weight = _points(corners)
    at = _nearest(generators, points)
    whole = (at == at[:, :1]).all(1)
    stiffness = q[at[:, 0]]
    grains, weight = at[~whole], weight[~whole]
    log_q = np.einsum("ep,epc->ec", weight, log_stiffness(q)[grains])
    stiffness[~whole] = exp_stiffness(log_q)
    grain = at[:, 0].copy()
    grain[~whole] = [
        each[np.argmax((each[:, None] == each) @ share)]
        for each, share in zip(grains, weight, strict=True)
    ]
    return Field(generators, turns, grain, whole, stiffness)


def homogenised_field(
    law: FilmLaw, mesh: DeviceMesh, seed: int, index: int, window_um: float
) -> Field:
    """Draw a film over a device whose elements have the apparent stiffness of the windows around their centres.

    By the training-free series under periodic boundary conditions.

    Parameters
    ----------
    law : FilmLaw
    mesh : DeviceMesh
    seed, index : int
    window_um : float
        Side of a window; about that of an element, so that no part of the film counts for none or for many.

    Raises
    ------
    InputError
        If a window is smaller or larger than what is homogenised.
    """
    from polysve.surrogate.born import apparent

    corners = mesh.corners_um()
    low, high = (each * law.grain_size_um for each in WINDOWS)
    if not low <= window_um <= high:
        raise InputError(
            f"--window = {window_um:g}: allowed are {low:g} to {high:g} µm, {WINDOWS[0]:g} to {WINDOWS[1]:g} grains"
        )
    generators, turns = _draw_film(law, mesh, seed, index, window_um / 2)
    pixels = int(np.ceil(WINDOW_PIXELS * window_um / law.grain_size_um))
    steps = (np.arange(pixels) + 0.5) / pixels - 0.5
    window = np.stack(np.meshgrid(steps, steps), -1) * window_um
    centres = corners.mean(1)
    stiffness = np.empty((len(centres), 3, 3))
    for number, centre in enumerate(track(centres, "windows", len(centres))):
        grains, labels = np.unique(_nearest(generators, centre + window), return_inverse=True)
        image = LabelImage(labels.reshape(pixels, pixels).astype(np.uint16), window_um / pixels)
        phase = np.zeros(len(grains), int)
        film = Film(image, (window_um, window_um), turns[grains], phase, (law.crystal,))
        stiffness[number] = apparent(film, ("pbc",))["pbc"].stiffness_gpa
    grain = _nearest(generators, centres)
    return Field(generators, turns, grain, np.zeros(len(grain), bool), stiffness)


def _draw_film(
    law: FilmLaw, mesh: DeviceMesh, seed: int, index: int, beyond_um: float = 0.0
) -> tuple[Array, Array]:
    """Generators and orientations of a film that is larger than the device."""
    low, high = mesh.nodes_um.min(0), mesh.nodes_um.max(0)
    if (high - low).max() < law.grain_size_um:
        raise InputError(
            f"--mesh: the device is {(high - low).max():g} µm long, less than a grain of {law.grain_size_um:g} µm; a "
            "mesh in µm is needed"
        )
    pad = PAD_GRAINS * law.grain_size_um + beyond_um
    size = tuple(high - low + 2 * pad)
    count = round(size[0] * size[1] / law.grain_size_um**2)
    if count > MOST_GRAINS:
        raise InputError(
            f"--grain-size = {law.grain_size_um:g}: {count} grains on {size[0]:g} × {size[1]:g} µm; allowed are "
            f"{MOST_GRAINS}"
        )
    random = np.random.default_rng([seed, index])
    spacing = law.spacing_fraction * law.grain_size_um
    generators = draw_generators(random, count, size, spacing) + low - pad
    turns = draw(law.texture, random, count, law.crystal.symmetry, law.measured).quaternions
    return generators, turns


def _nearest(generators: Array, points: Array) -> Integers:
    """Grain at points of shape (..., 2)."""
    from scipy.spatial import cKDTree

    return cKDTree(generators).query(points)[1]


def _points(corners: Array) -> tuple[Array, Array]:
    """Points of elements, shape (elements, POINTS², 2), and the shares of the areas that they stand for."""
    steps = (np.arange(POINTS) + 0.5) / POINTS
    x, y = (each.ravel()[:, None] for each in np.meshgrid(steps, steps))
    one, two, three, four = np.moveaxis(corners, 1, 0)[:, :, None]
    points = (1 - x) * (1 - y) * one + x * (1 - y) * two + x * y * three + (1 - x) * y * four
    along = (1 - y) * (two - one) + y * (three - four)
    across = (1 - x) * (four - one) + x * (three - two)
    area = along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0]
    return points, area / area.sum(1, keepdims=True)
