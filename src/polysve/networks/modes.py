"""Angular modes of the logarithm of a plane stiffness: the parts that a turn of the film multiplies by a phase.

A symmetric matrix in Mandel form has six: the logarithms k and g of the bulk and shear modulus, which no turn
changes; and z2 = p + i q and z4 = u + i v, which a turn by α multiplies by exp(2iα) and exp(4iα). A mirror takes
their conjugates.
"""

import keras
import numpy as np
from keras import ops

HALF, ROOT = 0.5, np.sqrt(0.5)
TO_MODES = np.array(
    [  # of 11, 22, 66, 12, 16, 26
        [HALF, HALF, 0, 1, 0, 0],  # k
        [HALF / 2, HALF / 2, HALF, -HALF, 0, 0],  # g
        [HALF, -HALF, 0, 0, 0, 0],  # p
        [0, 0, 0, 0, ROOT, ROOT],  # q
        [HALF / 2, HALF / 2, -HALF, -HALF, 0, 0],  # u
        [0, 0, 0, 0, ROOT, -ROOT],  # v
    ]
)
FROM_MODES = np.linalg.inv(TO_MODES)
USUAL_SHARE = 0.6
"""K/(K + G) of most crystals: what depends on it is counted from there."""


def modes(log):
    """k, g, p, q, u, v of components 11, 22, 66, 12, 16, 26, both along the last axis.

    Examples
    --------
    >>> twice_bulk, twice_shear = np.log(180.0), np.log(120.0)
    >>> isotropic = [(twice_bulk + twice_shear) / 2] * 2 + [
    ...     twice_shear,
    ...     (twice_bulk - twice_shear) / 2,
    ...     0,
    ...     0,
    ... ]
    >>> bool(np.allclose(modes(np.array(isotropic)), [twice_bulk, twice_shear, 0, 0, 0, 0]))
    True
    """
    return ops.matmul(log, ops.convert_to_tensor(TO_MODES.T, log.dtype))


@keras.saving.register_keras_serializable(package="polysve")
class FromModes(keras.layers.Layer):
    """Inverse of `modes`."""

    def call(self, inputs):
        """Map (n, 6) to (n, 6)."""
        return ops.matmul(inputs, ops.convert_to_tensor(FROM_MODES.T, inputs.dtype))

    def compute_output_shape(self, input_shape):
        return input_shape


def bulk_share(mean):
    """K/(K + G) of modes (..., 6) of the mean, which Green's function depends on, shape (..., 1)."""
    return ops.sigmoid(mean[..., :1] - mean[..., 1:2])


@keras.saving.register_keras_serializable(package="polysve")
class WithoutUnit(keras.layers.Layer):
    """Images of log Q less the mean of its three eigenvalues over the window: the same in any unit of stiffness."""

    def call(self, inputs):
        """Map (n, p, p, 6) to the same shape."""
        unit = ops.mean(inputs[..., :3], axis=(1, 2, 3))[:, None, None, None]
        return inputs - unit * ops.convert_to_tensor([1, 1, 1, 0, 0, 0], inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="polysve")
class MeanMedium(keras.layers.Layer):
    """What the answer of a medium depends on beside its unit: K/(K + G) and the anisotropy p, q, u, v of its log Q."""

    def call(self, inputs):
        """Map means (n, 6) of log Q to (n, 5)."""
        mean = modes(inputs)
        return ops.concatenate([bulk_share(mean) - USUAL_SHARE, mean[..., 2:]], -1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 5)
