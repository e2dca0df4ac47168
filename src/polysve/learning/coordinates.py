"""What a network learns to tell: its targets in unconstrained coordinates, and their normalization."""

import numpy as np

from polysve.base.errors import InputError
from polysve.networks import physical
from polysve.networks.log_head import LogStiffnessHead
from polysve.networks.second_order import SecondOrder


def coordinates(
    images: np.ndarray, targets_gpa: np.ndarray, head: physical.Head | None
) -> np.ndarray:
    """What the network is to tell of each sample, in double precision, before its normalization."""
    if head is None:
        return np.asarray(targets_gpa, float)
    found = head.label_coordinates(targets_gpa)
    if isinstance(head, LogStiffnessHead):
        found = found - second_order(images)
    return found


def second_order(images: np.ndarray) -> np.ndarray:
    """What networks of any film add to: log C̄ (n, 6) of images of log Q without training."""
    layer, size = SecondOrder(), physical.batch_size(images)
    parts = [np.asarray(layer(images[i : i + size])) for i in range(0, len(images), size)]
    return np.concatenate(parts).astype(float)


def normalization(targets: np.ndarray, head: physical.Head | None):
    """Offset and scale (k,) of the training targets.

    The two components of the anisotropy keep their origin and share one scale, for the network to turn with the
    material. So do all components of what log C̄ has beyond the second order: a film of one grain has none of it.
    """
    offset, scale = targets.mean(axis=0), targets.std(axis=0)
    if isinstance(head, LogStiffnessHead):
        offset, scale = 0 * offset, np.full_like(scale, np.sqrt(np.mean(targets**2)))
    elif head is not None:
        offset[-2:], scale[-2:] = 0, np.sqrt(np.mean(targets[:, -2:] ** 2))
    if not (scale > 0).all():
        raise InputError(f"the training targets do not vary (standard deviations {scale.tolist()})")
    return offset, scale
