"""Second-order directional features of a harmonic image, as a Keras layer.

With z = c + i s, c = cos 4θ, s = sin 4θ, the apparent stiffness of a weakly anisotropic polycrystal under periodic
boundary conditions is a second-order functional of z whose kernel depends on the direction φ of the wave vector only.
"""

import keras
from keras import ops


def wave_directions(pixels, dtype="float32"):
    """Cos mφ and sin mφ, m = 2, 4, 8, 12, of the wave vectors of a square image.

    Parameters
    ----------
    pixels : int or scalar tensor
        Image side p.

    Returns
    -------
    dict
        m to a pair of (p, p) tensors, zero at the zero wave vector. At the Nyquist wave numbers of an even p, which
        stand for both signs, the sine is their mean: zero.
    """
    index = ops.arange(pixels)
    number = ops.cast(ops.where(2 * index > pixels, index - pixels, index), dtype)
    single = ops.cast(ops.not_equal(2 * index, pixels), dtype)
    kx, ky = number[None, :], number[:, None]
    square = kx * kx + ky * ky
    nonzero = ops.cast(square > 0, dtype)
    square = ops.maximum(square, 1)
    cos2, sin2 = (kx * kx - ky * ky) / square, 2 * kx * ky / square
    cos4, sin4 = cos2 * cos2 - sin2 * sin2, 2 * sin2 * cos2
    cos8, sin8 = cos4 * cos4 - sin4 * sin4, 2 * sin4 * cos4
    cos12, sin12 = cos8 * cos4 - sin8 * sin4, sin8 * cos4 + cos8 * sin4
    odd = nonzero * single[None, :] * single[:, None]
    pairs = {2: (cos2, sin2), 4: (cos4, sin4), 8: (cos8, sin8), 12: (cos12, sin12)}
    return {m: (nonzero * cosine, odd * sine) for m, (cosine, sine) in pairs.items()}


def reverse(spectrum):
    """Value at −k of a (n, p, p) spectrum in FFT order."""
    return ops.roll(ops.flip(spectrum, axis=(1, 2)), (1, 1), axis=(1, 2))


def times(a, b):
    """Product of complex numbers given as (real, imaginary)."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _conjugate(a):
    return a[0], -a[1]


@keras.saving.register_keras_serializable(package="polysve")
class SpectralFeatures(keras.layers.Layer):
    """Features that turn with the material as C̄ does, from harmonic images of any size.

    With z̄ the window mean, ẑ the Fourier coefficients, P = |ẑ(k)|² and B = ẑ(k) ẑ(−k) summed over k ≠ 0, a turn of the
    polycrystal by α multiplies z̄ by exp(4iα), ΣP exp(imφ) by exp(imα) and ΣB exp(imφ) by exp((8+m)iα). The vector
    features are all the products up to third order that turn with exp(4iα), the scalar ones those that do not turn.
    Periodic shifts change neither; quarter turns neither (exp(4iα) = 1); a mirror image conjugates.

    Returns
    -------
    vectors : (n, 2, J) tensor
        Real and imaginary parts of J complex features.
    scalars : (n, S) tensor

    Notes
    -----
    The second-order term of the perturbation series: Milton, *The Theory of Composites*, chapter 15.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(1).normal(size=(1, 8, 8, 2))
    >>> vectors, _ = SpectralFeatures(dtype="float64")(image)
    >>> turned, _ = SpectralFeatures(dtype="float64")(np.rot90(image, axes=(1, 2)))
    >>> bool(np.allclose(vectors, turned))
    True
    """

    transform = staticmethod(ops.fft2)

    def call(self, inputs):
        """Map images (n, p, p, 2) to vectors (n, 2, J) and scalars (n, S)."""
        pixels = ops.shape(inputs)[1]
        real, imaginary = self.transform((inputs[..., 0], inputs[..., 1]))
        count = ops.cast(pixels * pixels, real.dtype)
        spectrum = real / count, imaginary / count
        mean = spectrum[0][:, 0, 0], spectrum[1][:, 0, 0]
        opposite = reverse(spectrum[0]), reverse(spectrum[1])
        power = spectrum[0] ** 2 + spectrum[1] ** 2
        pair = times(spectrum, opposite)
        waves = wave_directions(pixels, real.dtype)

        def total(values):
            return ops.sum(values, axis=(1, 2))

        # all sums over wave vectors at once, as one matrix product
        orders = (4, 8, 12)
        table = ops.stack([wave for m in orders for wave in waves[m]], axis=-1)
        table = ops.reshape(table, (pixels * pixels, 2 * len(orders)))
        power_sums, pair_sums, pair_sums_imaginary = (
            ops.matmul(ops.reshape(values, (-1, pixels * pixels)), table)
            for values in (power, *pair)
        )

        def power_moment(m):
            column = 2 * orders.index(m)
            return power_sums[:, column], power_sums[:, column + 1]

        def pair_moment(m):
            column, sign = 2 * orders.index(abs(m)), 1 if m > 0 else -1
            cosine = pair_sums[:, column], pair_sums_imaginary[:, column]
            sine = pair_sums[:, column + 1], pair_sums_imaginary[:, column + 1]
            return cosine[0] - sign * sine[1], sign * sine[0] + cosine[1]

        power0 = total(power) - power[:, 0, 0]
        pair0 = total(pair[0]) - pair[0][:, 0, 0], total(pair[1]) - pair[1][:, 0, 0]
        mean_square = mean[0] ** 2 + mean[1] ** 2
        flat = pair_moment(-8)
        vectors = [
            mean,
            power_moment(4),
            pair_moment(-4),
            _conjugate(pair_moment(-12)),
            times(mean, (mean_square, 0.0)),
            times(mean, (power0, 0.0)),
            times(_conjugate(mean), pair0),
            times(mean, flat),
            times(mean, _conjugate(flat)),
            times(_conjugate(mean), power_moment(8)),
            times(times(mean, mean), _conjugate(power_moment(4))),
        ]
        scalars = [mean_square, power0, flat[0]]
        pairs = [ops.stack([a, b], axis=1) for a, b in vectors]
        return ops.stack(pairs, axis=2), ops.stack(scalars, axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2, 11), (input_shape[0], 3)
