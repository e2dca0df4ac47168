"""A Fourier solver on the pixel image, periodic by nature: conjugate gradients preconditioned by a homogeneous medium.

Displacements sit on pixel corners and strains in pixel centres, the rotated scheme (Willot, C. R. Mécanique 343
(2015) 232); the Green operator of the mean stiffness, applied by fast Fourier transforms, is the preconditioner
(Ladecký et al., Appl. Math. Comput. 446 (2023) 127835).
"""

from importlib.metadata import version

import numpy as np
from protocol import serve
from scipy.fft import irfft2, rfft2

TOLERANCE = 1e-3  # of the residual; the moduli's error is its square


class Medium:
    """Stiffness of each pixel and the operators on periodic fields of shape (loads, components, p, p)."""

    def __init__(self, stiffness):
        """Take the stiffness (3, 3, p, p), rows of pixels along x2."""
        self.stiffness = stiffness
        pixels = stiffness.shape[-1]
        y = np.exp(2j * np.pi * np.fft.fftfreq(pixels))[:, None]
        x = np.exp(2j * np.pi * np.fft.rfftfreq(pixels))[None, :]
        dx, dy = (x - 1) * (y + 1) / 2, (x + 1) * (y - 1) / 2
        zero = np.zeros_like(dx)
        strain = np.array([[dx, zero], [zero, dy], [dy, dx]])
        mean = stiffness.mean((2, 3))
        symbol = np.einsum("iaxy,ij,jbxy->xyab", strain.conj(), mean, strain)
        # the mean and, on an even number of pixels, the hourglass mode have no strain: they stay zero
        free = np.abs(dx) + np.abs(dy) < 1e-12
        symbol[free] = np.eye(2)
        green = np.linalg.inv(symbol)
        green[free] = 0
        self.green = green.transpose(2, 3, 0, 1).copy()

    def strain(self, u):
        right, up = np.roll(u, -1, -1), np.roll(u, -1, -2)
        both = np.roll(right, -1, -2)
        dx, dy = (right - u + both - up) / 2, (up - u + both - right) / 2
        return np.stack([dx[:, 0], dy[:, 1], dy[:, 0] + dx[:, 1]], 1)

    def stress(self, strain):
        return np.einsum("ij...,lj...->li...", self.stiffness, strain)

    def force(self, stress):
        """Adjoint of `strain`."""
        dx, dy = stress[:, [0, 2]] / 2, stress[:, [2, 1]] / 2
        corner = np.roll(dx + dy, 1, -1)
        return (
            -(dx + dy)
            + (np.roll(dy - dx, 1, -2) + np.roll(dx - dy, 1, -1))
            + np.roll(corner, 1, -2)
        )

    def precondition(self, force):
        found = np.einsum("ab...,lb...->la...", self.green, rfft2(force))
        return irfft2(found, s=force.shape[-2:])


def effective_stiffness(medium):
    pixels = medium.stiffness.shape[-1]
    unit = np.broadcast_to(np.eye(3)[..., None, None], (3, 3, pixels, pixels))
    u = np.zeros((3, 2, pixels, pixels))

    def dot(one, other):
        return np.einsum("lcxy,lcxy->l", one, other)[:, None, None, None]

    residual = -medium.force(medium.stress(unit))
    step = np.zeros_like(u)
    first = last = None
    while True:
        direction = medium.precondition(residual)
        size = dot(residual, direction)
        first = size if first is None else first
        if (size <= TOLERANCE**2 * first).all():
            break
        step = direction if last is None else direction + size / last * step
        image = medium.force(medium.stress(medium.strain(step)))
        length = size / np.maximum(dot(step, image), np.finfo(float).tiny)
        u += length * step
        residual -= length * image
        last = size
    return medium.stress(unit + medium.strain(u)).mean((2, 3)).T


def homogenize(sve, boundary_conditions, watch, image):
    with watch("assembly"):
        parts = np.stack([np.ones_like(image[0]), *image])
        medium = Medium(np.einsum("kij,k...->ij...", sve.crystal_gpa, parts))
    with watch("solve pbc"):
        return {"pbc": effective_stiffness(medium)}


if __name__ == "__main__":
    serve(homogenize, {name: version(name) for name in ("scipy", "numpy")})
