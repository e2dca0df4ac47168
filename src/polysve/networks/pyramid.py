"""A convolutional network that carries to larger windows: one set of filters for all octaves of the image.

The stiffness of a polycrystal knows no length: the directional kernel of the second-order functional is the same for
short and long waves. Filters learned per stage see each wave length of the training window alone and fail on the longer
waves of a larger one; shared filters do not.
"""

import keras
import numpy as np
from keras import ops

from polysve.networks.modes import MeanMedium
from polysve.networks.symmetry import averaged


@keras.saving.register_keras_serializable(package="polysve")
class PeriodicPadding(keras.layers.Layer):
    """Repeat the first rows and columns after the last, as the window is repeated under PBC.

    Examples
    --------
    >>> padded = PeriodicPadding(1)(np.arange(4.0).reshape(1, 2, 2, 1))
    >>> np.asarray(padded)[0, :, :, 0].astype(int).tolist()
    [[0, 1, 0], [2, 3, 2], [0, 1, 0]]
    """

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = int(width)

    def call(self, inputs):
        """Pad (n, p, p, channels) to (n, p + width, p + width, channels)."""
        inputs = ops.concatenate([inputs, inputs[:, : self.width]], axis=1)
        return ops.concatenate([inputs, inputs[:, :, : self.width]], axis=2)

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable(package="polysve")
class Monomials(keras.layers.Layer):
    """c, s, c², cs, s², c³, c²s, cs², s³ of window means (n, 2)."""

    def call(self, inputs):
        """Map (n, 2) to (n, 9)."""
        c, s = inputs[:, 0], inputs[:, 1]
        terms = [c, s, c * c, c * s, s * s, c**3, c * c * s, c * s * s, s**3]
        return ops.stack(terms, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 9)


@keras.saving.register_keras_serializable(package="polysve")
class Interactions(keras.layers.Layer):
    """Features (n, k) and their products with window means (n, m): (n, (1 + m)k)."""

    def call(self, inputs):
        """Map [(n, k), (n, m)] to (n, (1 + m)k)."""
        features, means = inputs
        products = [features * means[:, j : j + 1] for j in range(means.shape[1])]
        return ops.concatenate([features, *products], axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], (1 + input_shape[1][1]) * input_shape[0][1])


def build(filters: int, images: np.ndarray, targets: np.ndarray):
    """Network for harmonic images of any size: a polynomial of the window means, and local features for the rest.

    Parameters
    ----------
    filters : int
        Number of 3×3 filters.
    images : (n, p, p, 2) array
        Training images; p sets the number of octaves.
    targets : (n, k) array
        Normalized targets. The polynomial starts as their least-squares fit, and the features, zero at first, are
        scaled to what it leaves over: a network that starts with both at random learns the means and gets stuck.
    """
    inputs = keras.Input((None, None, 2))
    means = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    fields = keras.layers.Subtract()([inputs, means])
    means = keras.layers.Flatten()(means)
    terms = Monomials()(means)
    polynomial = keras.layers.Dense(targets.shape[1], name="polynomial")
    trend = polynomial(terms)

    values = keras.Model(inputs, terms).predict(images, batch_size=64, verbose=0)
    matrix = np.column_stack([values, np.ones(len(values))])
    solution = np.linalg.lstsq(matrix, targets, rcond=None)[0]
    polynomial.set_weights([solution[:-1], solution[-1]])
    left_over = float(np.std(targets - matrix @ solution))

    features = _responses(fields, filters, images.shape[1])
    features = keras.layers.BatchNormalization(momentum=0.9)(features)
    rest = keras.layers.Dense(targets.shape[1], kernel_initializer="zeros", name="rest")(
        Interactions()([features, means])
    )
    rest = keras.layers.Rescaling(left_over)(rest)
    return keras.Model(inputs, keras.layers.Add()([trend, rest]))


def _responses(fields, filters: int, pixels: int):
    """Mean squared responses of one set of 3×3 filters on each octave of fields (n, p, p, channels)."""
    convolution = keras.layers.Conv2D(filters, 3, padding="valid", use_bias=False, name="filters")
    powers = []
    for _ in range(int(np.log2(pixels))):
        response = convolution(PeriodicPadding(2)(fields))
        square = keras.layers.Multiply()([response, response])
        powers.append(keras.layers.GlobalAveragePooling2D()(square))
        fields = keras.layers.AveragePooling2D(2)(fields)
    # the two finest octaves feel the pixels; the others add up, each wave length in one of them
    octaves = [*powers[:2], keras.layers.Add()(powers[2:])] if len(powers) > 3 else powers
    return keras.layers.Concatenate()(octaves)


def build_for_any_film(filters: int, images: np.ndarray, targets: np.ndarray):
    """Network for images of log Q of any size: what log C̄ has beyond the window mean, by squared responses alone.

    The squares are a second-order functional, as the theory asks for, and zero for a film of one grain. Without unit:
    their coefficients depend on the mean medium. Quarter turns and mirrors are exact.

    Parameters
    ----------
    filters : int
        Number of 3×3 filters.
    images : (n, p, p, 6) array
        Training images; p sets the number of octaves, their fluctuations the scale of the responses.
    targets : (n, 6) array
    """
    inputs = keras.Input((None, None, images.shape[-1]))
    means = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    fields = keras.layers.Subtract()([inputs, means])
    fluctuation = float(np.std(images - images.mean((1, 2), keepdims=True)))
    fields = keras.layers.Rescaling(1 / fluctuation)(fields)
    medium = MeanMedium()(keras.layers.Flatten()(means))
    features = Interactions()([_responses(fields, filters, images.shape[1]), medium])
    rest = keras.layers.Dense(
        targets.shape[1], use_bias=False, kernel_initializer="zeros", name="rest"
    )
    return averaged(keras.Model(inputs, rest(features)))
