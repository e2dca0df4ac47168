"""Second-order features of an image of log Q, as a Keras layer: `spectral` for any film.

What log C̄ has beyond the window mean of log Q is, to second order, a quadratic functional of the fluctuations. Its kernel
is Green's function of an isotropic sheet: in the direction φ of the wave vector it holds exp(imφ), m = 0, ±2, ±4, and it
depends on the mean medium by K/(K + G) alone.
"""

import keras
from keras import ops

from polysve.networks.modes import USUAL_SHARE, bulk_share, modes
from polysve.networks.spectral import reverse, wave_directions

SPIN = {"k": 0, "g": 0, "2": 2, "4": 4, "2*": -2, "4*": -4}
"""Phase of each mode under a turn, in multiples of the angle; a star is the complex conjugate."""
PAIRS = [(a, b) for i, a in enumerate(SPIN) for b in list(SPIN)[i:]]
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
        moments = self._moments(inputs)
        features = []
        for name, spin in OUTPUTS.items():
            chosen = [moments[key] for key in terms(spin)]
            parts = [ops.stack(part, -1) for part in zip(*chosen, strict=True)]
            values = ops.stack(parts[: 1 if name in "kg" else 2], 1)
            features.append(ops.concatenate([values, share * values], -1))
        return features

    def _moments(self, inputs) -> dict:
        """Real and imaginary part (n,) of the moment of each pair and order."""
        pixels = ops.shape(inputs)[1]
        spectra = self._spectra(inputs - ops.mean(inputs, axis=(1, 2), keepdims=True), pixels)
        waves = wave_directions(pixels, inputs.dtype)
        table = ops.stack([ops.ones_like(waves[2][0]), *waves[2], *waves[4]], -1)
        table = ops.reshape(table, (pixels * pixels, 5))
        found = {}
        for a, b in PAIRS:
            if a.endswith("*"):
                continue
            product = _product(spectra[a], spectra[b])
            sums = [
                ops.matmul(ops.reshape(part, (-1, pixels * pixels)), table) for part in product
            ]
            for m in (-4, -2, 0, 2, 4):
                found[a, b, m] = _moment(*sums, m)
        # the moment of two conjugates is the conjugate moment
        for a, b in PAIRS:
            if a.endswith("*"):
                for m in (-4, -2, 0, 2, 4):
                    real, imaginary = found[a[0], b[0], -m]
                    found[a, b, m] = real, -imaginary
        return found

    def _spectra(self, inputs, pixels) -> dict:
        """Fourier coefficients F(k) and F(−k), as pairs of real and imaginary part, of each mode."""
        k, g, p, q, u, v = (modes(inputs)[..., i] for i in range(6))
        zero = ops.zeros_like(k)
        real, imaginary = self.transform(
            (ops.concatenate([k, g, p, u], 0), ops.concatenate([zero, zero, q, v], 0))
        )
        count = ops.cast(pixels * pixels, inputs.dtype)
        spectra = {}
        parts = zip(
            ("k", "g", "2", "4"),
            ops.split(real / count, 4),
            ops.split(imaginary / count, 4),
            strict=True,
        )
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


def _moment(real_sums, imaginary_sums, m: int):
    """Sum times exp(imφ), from the sums times 1, cos 2φ, sin 2φ, cos 4φ, sin 4φ."""
    if m == 0:
        return real_sums[:, 0], imaginary_sums[:, 0]
    column, sign = abs(m) - 1, 1 if m > 0 else -1
    cosine = real_sums[:, column], imaginary_sums[:, column]
    sine = sign * real_sums[:, column + 1], sign * imaginary_sums[:, column + 1]
    return cosine[0] - sine[1], cosine[1] + sine[0]
