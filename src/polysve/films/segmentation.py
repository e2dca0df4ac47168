"""Grains of a map of orientations."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polysve.base.types import Array, Integers

SMALLEST_GRAIN_PIXELS = 5
CHUNK = 200_000
"""Pairs whose 24 equivalent descriptions are compared at once."""


class Grains(NamedTuple):
    """Grains of a map."""

    labels: Integers
    """Grain of each pixel, numbered from 0, shape (rows, columns)."""
    own: NDArray[np.bool_]
    """Pixels that were measured to be of their grain, not given to it."""
    specks: int
    """Regions that were too small to be grains."""


def segment(
    quaternions: Array, phase: Integers, point_groups: list, misorientation_deg: float
) -> Grains:
    """Find the connected regions in which neighbours differ by less than a misorientation.

    Pixels without orientation, and regions of less than 5 pixels, go to the nearest grain.

    Parameters
    ----------
    quaternions : array, shape (rows, columns, 4)
        Turns of crystal axes into one frame, whichever.
    phase : int array, shape (rows, columns)
        -1 without orientation; one pixel at least has one.
    point_groups : list of orix.quaternion.Symmetry
        Of the phases.
    misorientation_deg : float
    """
    indexed = phase >= 0
    measured = _nearest(indexed)
    regions = _regions(quaternions[measured], phase[measured], point_groups, misorientation_deg)
    sizes = np.bincount(regions[indexed], minlength=regions.max() + 1)
    own = indexed & (sizes[regions] >= SMALLEST_GRAIN_PIXELS)
    if not own.any():
        own = indexed
    specks = len(np.unique(regions[indexed & ~own]))
    labels = np.unique(regions[_nearest(own)], return_inverse=True)[1].reshape(phase.shape)
    return Grains(labels, own, specks)


def _nearest(some: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Row and column of the nearest of some pixels, for all pixels."""
    from scipy.ndimage import distance_transform_edt

    return tuple(distance_transform_edt(~some, return_distances=False, return_indices=True))


def _regions(
    quaternions: Array, phase: Integers, point_groups: list, misorientation_deg: float
) -> Integers:
    """Number of the connected region of each pixel."""
    number = np.arange(phase.size).reshape(phase.shape)
    flat = quaternions.reshape(-1, 4)
    pairs = []
    for one, other in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        for each, group in enumerate(point_groups):
            alike = (phase[one] == each) & (phase[other] == each)
            first, second = number[one][alike], number[other][alike]
            angle = misorientations_deg(flat[first], flat[second], group)
            pairs.append(np.stack([first, second])[:, angle < misorientation_deg])
    first, second = np.concatenate(pairs, axis=1)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(phase.size,) * 2)
    return connected_components(graph, directed=False)[1].reshape(phase.shape)


def misorientations_deg(one: Array, other: Array, point_group) -> Array:
    """Smallest angle between orientations (n, 4) and (n, 4) of one kind of crystal, over equivalent descriptions.

    Examples
    --------
    >>> from orix.quaternion.symmetry import Oh
    >>> quarter = np.sqrt(0.5) * np.array([[1, 0, 0, 1]])
    >>> misorientations_deg(np.array([[1, 0, 0, 0]]), quarter, Oh).round(6)
    array([0.])
    """
    from scipy.spatial.transform import Rotation

    operations = point_group.proper_subgroup.data
    angle = np.empty(len(one))
    for start in range(0, len(one), CHUNK):
        part = np.s_[start : start + CHUNK]
        first, second = (Rotation.from_quat(each[part], scalar_first=True) for each in (one, other))
        off = (first.inv() * second).as_quat(scalar_first=True)
        cosine = np.abs(off @ operations.T).max(1)
        angle[part] = 2 * np.degrees(np.arccos(np.minimum(cosine, 1)))
    return angle
