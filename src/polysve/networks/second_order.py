"""Second-order perturbation of the apparent stiffness of an image of log Q, as a Keras layer without weights."""

import keras
import numpy as np
from keras import ops

from polysve.networks.modes import FROM_MODES, modes
from polysve.networks.spectral import wave_directions

TO_MATRIX = np.array(
    [  # of k, g, p, q, u, v, in the basis (1, 1, 0)/√2, (1, −1, 0)/√2, (0, 0, 1)
        [1, 0, 0, 0, 0, 0],  # 11
        [0, 0, 1, 0, 0, 0],  # 12
        [0, 0, 0, 1, 0, 0],  # 13
        [0, 1, 0, 0, 1, 0],  # 22
        [0, 1, 0, 0, -1, 0],  # 33
        [0, 0, 0, 0, 0, 1],  # 23
    ]
)
PLACES = np.array([[0, 1, 2], [1, 3, 5], [2, 5, 4]])
PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (2, 2), (1, 2))
NODES, WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(5))
NODES = NODES + 0.5


@keras.saving.register_keras_serializable(package="polysve")
class SecondOrder(keras.layers.Layer):
    """log C̄ under PBC to second order in the fluctuations of log Q, whatever the film.

    With C0 the isotropic part of exp⟨log Q⟩ and δ the fluctuation of log Q, C = C0 + D1 δ + D2 δδ to second order,
    and C̄ = C0 + ⟨D2 δδ⟩ − Σ (D1 δ)(k)* Γ(k) (D1 δ)(k), with Green's operator Γ of C0. Its two parts are projections
    on the strains n⊗n and n⊗t of each wave vector's direction n. D1 and D2 are divided differences of the
    exponential, written as integrals over C0's ratio of eigenvalues, which are smooth where these are equal.

    Notes
    -----
    Milton, *The Theory of Composites*, chapters 14 and 15; Higham, *Functions of Matrices*, chapter 3.

    Examples
    --------
    >>> image = np.random.default_rng(1).normal(0, 0.1, (1, 8, 8, 6)) + [5, 5, 4, 1, 0, 0]
    >>> layer = SecondOrder(dtype="float64")
    >>> unit = np.array([1, 1, 1, 0, 0, 0])
    >>> bool(np.allclose(layer(image + unit), layer(image) + unit))
    True
    """

    transform = staticmethod(ops.fft2)

    def call(self, inputs):
        """Map images (n, p, p, 6) to (n, 6)."""
        mean = ops.mean(inputs, axis=(1, 2), keepdims=True)
        bulk = modes(mean[:, 0, 0])[:, :2]
        ratio = bulk[:, :1] - bulk[:, 1:2]
        fields = ops.matmul(modes(inputs - mean), ops.convert_to_tensor(TO_MATRIX.T, inputs.dtype))
        fields = ops.transpose(fields, (0, 3, 1, 2))
        first = _integral(ratio, lambda s: 1.0)
        shear = ops.ones_like(ratio)
        # D1 by component, in units of the shear modulus
        factors = ops.concatenate([ops.exp(ratio), first, first, shear, shear, shear], 1)
        local = _local(fields, ratio)
        relaxed = self._relaxed(fields * factors[:, :, None, None], ratio)
        found = (local - relaxed) / factors
        k, p, q, a, b, v = (found[:, i] for i in range(6))
        values = ops.stack([k, (a + b) / 2, p, q, (a - b) / 2, v], -1)
        beyond = ops.matmul(values, ops.convert_to_tensor(FROM_MODES.T, inputs.dtype))
        return mean[:, 0, 0] + beyond

    def _relaxed(self, stress, ratio):
        """Σ W* Γ W of stresses W (n, 6, p, p) per unit strain."""
        pixels = ops.shape(stress)[-1]
        flat = ops.reshape(stress, (-1, pixels, pixels))
        spectrum = self.transform((flat, ops.zeros_like(flat)))
        cosine, sine = wave_directions(pixels, stress.dtype)[2]
        weight = 2 / (1 + ops.exp(ratio))
        total = 0.0
        for part in spectrum:
            rows = ops.reshape(part, ops.shape(stress)) / ops.cast(pixels**2, stress.dtype)
            rows = [[rows[:, PLACES[i, j]] for j in range(3)] for i in range(3)]
            along = [(row[0] + row[1] * cosine + row[2] * sine) / np.sqrt(2) for row in rows]
            across = [row[2] * cosine - row[1] * sine for row in rows]
            total = total + weight * _products(along) + _products(across)
        return total

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 6)


def _integral(ratio, density):
    """Integral of density(s) exp(s · ratio) over s from 0 to 1, by Gauss's rule."""
    return sum(
        weight * density(node) * ops.exp(node * ratio)
        for node, weight in zip(NODES.tolist(), WEIGHTS.tolist(), strict=True)
    )


def _local(fields, ratio):
    """Window mean of the second-order term of the exponential of fields (n, 6, p, p)."""
    rows = [[fields[:, PLACES[i, j]] for j in range(3)] for i in range(3)]
    by_bulk = _products([row[0] for row in rows]) / ops.cast(
        ops.shape(fields)[-1] ** 2, fields.dtype
    )
    by_shear = sum(_products([row[j] for row in rows]) for j in (1, 2)) / ops.cast(
        ops.shape(fields)[-1] ** 2, fields.dtype
    )
    twice, once = _integral(ratio, lambda s: s), _integral(ratio, lambda s: 1 - s)
    bulk, shear = ops.exp(ratio) / 2, ops.ones_like(ratio) / 2
    of_bulk = ops.concatenate([bulk, twice, twice, once, once, once], 1)
    of_shear = ops.concatenate([twice, once, once, shear, shear, shear], 1)
    return of_bulk * by_bulk + of_shear * by_shear


def _products(parts):
    """Sums over the pixels of the products of three fields (n, p, p), shape (n, 6)."""
    return ops.stack([ops.sum(parts[i] * parts[j], axis=(1, 2)) for i, j in PAIRS], -1)
