"""Linear networks fitted in closed form."""

import keras
import numpy as np

from polysve.networks import physical
from polysve.networks.modes import modes

HEADS = {
    "vector_head": slice(-2, None),
    "scalar_head": slice(0, 1),
    "k_head": slice(0, 1),
    "g_head": slice(1, 2),
    "2_head": slice(2, 4),
    "4_head": slice(4, 6),
}
"""Linear heads of networks, and which of the targets, or of their modes, each is for."""


def solve(network, train: list) -> None:
    """Fit the linear heads of a network in closed form, by least squares of the training error.

    Features are scaled by their spread. Directions too weak for single precision, or of the many features of log Q
    for the SVEs to tell, get no weight.

    Parameters
    ----------
    network : keras.Model
        With the linear layers that `HEADS` names.
    train : list of training.Samples
        With normalized targets.
    """
    heads = [layer for layer in network.layers if layer.name in HEADS]
    features = keras.Model(network.input, {head.name: head.input for head in heads})
    parts = [
        features.predict(part.images, batch_size=physical.batch_size(part.images), verbose=0)
        for part in train
    ]
    targets = np.concatenate([part.targets for part in train]).astype(float)
    too_weak = 1e-7
    if targets.shape[1] == 6:
        targets, too_weak = np.asarray(modes(targets)), 1e-3
    for head in heads:
        values = np.concatenate([np.asarray(part[head.name], float) for part in parts])
        matrix = values.reshape(-1, values.shape[-1])
        if head.use_bias:
            matrix = np.column_stack([matrix, np.ones(len(matrix))])
        scale = np.sqrt(np.mean(matrix**2, axis=0))
        scale[scale == 0] = 1
        solution = (
            np.linalg.lstsq(matrix / scale, targets[:, HEADS[head.name]].ravel(), rcond=too_weak)[0]
            / scale
        )
        weights = [solution[: values.shape[-1], None]]
        head.set_weights([*weights, solution[-1:]] if head.use_bias else weights)
