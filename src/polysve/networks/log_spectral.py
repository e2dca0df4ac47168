"""Second-order features of an image of log Q, as a Keras layer: `spectral` for any film.

What log C̄ has beyond the window mean of log Q is, to second order, a quadratic functional of the fluctuations. Its kernel
is Green's function of an isotropic sheet: in the direction φ of the wave vector it holds exp(imφ), m = 0, ±2, ±4, and it
depends on the mean medium by K/(K + G) alone.
"""

import keras
import numpy as np
from keras import ops

from polysve.networks.modes import USUAL_SHARE, bulk_share, modes
from polysve.networks.spectral import reverse, wave_directions

SPIN = {"k": 0, "g": 0, "2": 2, "4": 4, "2*": -2, "4*": -4}
"""Phase of each mode under a turn, in multiples of the angle; a star is the complex conjugate."""
PAIRS = [(a, b) for i, a in enumerate(SPIN) for b in list(SPIN)[i:]]
SUMMED = [(a, b) for a, b in PAIRS if not a.endswith("*")]
COLUMNS = 5
OUTPUTS = {"k": 0, "g": 0, "2": 2, "4": 4}
HIGHEST = 4


def terms(spin: int) -> list[tuple[str, str, int]]:
    """Pairs of modes and orders m whose moment turns with a spin.

    Examples
    --------
    >>> len(terms(0)), len(terms(2)), len(terms(4))
    (17, 15, 13)
    """
    orders = [(a, b, spin - SPIN[a] - SPIN[b]) for a, b in PAIRS]
    return [(a, b, m) for a, b, m in orders if abs(m) <= HIGHEST]


@keras.saving.register_keras_serializable(package="polysve")
class LogSpectralFeatures(keras.layers.Layer):
    """Moments of the spectra of the modes of log Q, from images of any size.

    With F_a the Fourier coefficients of mode a, the features are Σ F_a(k) F_b(−k) exp(imφ) over k ≠ 0, alone and times
    K/(K + G): for each mode of log C̄ those that turn as it does.

    Returns
    -------
    list of tensors
        For k and g (n, 1, J), for z2 and z4 (n, 2, J): real and imaginary part.

    Notes
    -----
    Second-order perturbation: Milton, *The Theory of Composites*, chapters 14 and 15.
    """

    transform = staticmethod(ops.fft2)

    def call(self, inputs):
        """Map images (n, p, p, 6) of log Q to features of the four modes."""
        mean = modes(ops.mean(inputs, axis=(1, 2)))
        share = bulk_share(mean)[:, :, None] - USUAL_SHARE
        sums = self._sums(inputs - ops.mean(inputs, axis=(1, 2), keepdims=True))
        features = []
        for name, spin in OUTPUTS.items():
            parts = _moments(*sums, spin)
            values = ops.stack(parts[: 1 if name in "kg" else 2], 1)
            features.append(ops.concatenate([values, share * values], -1))
        return features

    def _sums(self, fluctuations):
        """Sums of F_a(k) F_b(−k) times 1, cos 2φ, sin 2φ, cos 4φ, sin 4φ: real and imaginary part, shape (n, 5 · pairs)."""
        pixels = ops.shape(fluctuations)[1]
        waves = wave_directions(pixels, fluctuations.dtype)
        table = ops.stack([ops.ones_like(waves[2][0]), *waves[2], *waves[4]], -1)
        table = ops.reshape(table, (pixels * pixels, COLUMNS))
        spectra = self._spectra(fluctuations, pixels)
        products = [_product(spectra[a], spectra[b]) for a, b in SUMMED]
        found = []
        for parts in zip(*products, strict=True):
            rows = ops.reshape(ops.stack(parts, 1), (-1, len(SUMMED), pixels * pixels))
            found.append(ops.reshape(ops.matmul(rows, table), (-1, len(SUMMED) * COLUMNS)))
        return found

    def _spectra(self, fluctuations, pixels) -> dict:
        """Fourier coefficients F(k) and F(−k), as pairs of real and imaginary part, of each mode."""
        k, g, p, q, u, v = (modes(fluctuations)[..., i] for i in range(6))
        zero = ops.zeros_like(k)
        real, imaginary = self.transform(
            (ops.concatenate([k, g, p, u], 0), ops.concatenate([zero, zero, q, v], 0))
        )
        count = ops.cast(pixels * pixels, fluctuations.dtype)
        parts = zip(
            OUTPUTS, ops.split(real / count, 4), ops.split(imaginary / count, 4), strict=True
        )
        spectra = {}
        for name, re, im in parts:
            opposite = reverse(re), reverse(im)
            spectra[name] = (re, im), opposite
            spectra[name + "*"] = (opposite[0], -opposite[1]), (re, -im)
        return spectra

    def compute_output_shape(self, input_shape):
        counts = {name: 2 * len(terms(spin)) for name, spin in OUTPUTS.items()}
        n = input_shape[0]
        return [(n, 1 if name in "kg" else 2, counts[name]) for name in OUTPUTS]


def _product(first, second):
    """F_a(k) F_b(−k)."""
    (a, b), (c, d) = first[0], second[1]
    return a * c - b * d, a * d + b * c


def _moments(real_sums, imaginary_sums, spin: int):
    """Real and imaginary part (n, J) of the sums times exp(imφ) that turn with a spin."""
    cosine, sine, sign, conjugate = (
        np.array(each) for each in zip(*map(_place, terms(spin)), strict=True)
    )

    def at(sums, columns):
        return ops.take(sums, columns, axis=1)

    real = at(real_sums, cosine) - sign * at(imaginary_sums, sine)
    imaginary = at(imaginary_sums, cosine) + sign * at(real_sums, sine)
    return real, conjugate * imaginary


def _place(term: tuple[str, str, int]) -> tuple[int, int, float, float]:
    """Columns of the cosine and sine of a term among the sums, sign of the sine, -1 if the whole is a conjugate."""
    a, b, m = term
    conjugate = (a, b) not in SUMMED
    if conjugate:  # the moment of two conjugates is that of -m, conjugate
        a, b, m = a[0], b[0], -m
    first = COLUMNS * SUMMED.index((a, b))
    column = max(0, abs(m) - 1)
    return first + column, first + column + (m != 0), float(np.sign(m)), -1.0 if conjugate else 1.0
