"""The Born series of the apparent stiffness on the image grid, as a Keras layer.

Bilinear elements on the pixels, one fixed homogeneous preconditioner per boundary condition, and a given number of
terms. The terms are not summed with weight one, which converges for weak contrast only, but with the weights that
minimize the energy: the method of conjugate gradients, whose n-th iterate is the best combination of the first n terms.
"""

import keras
import numpy as np
from keras import ops

from polysve.networks.head import StiffnessHead


def eigenbasis(pixels, boundary_condition, dtype="float32"):
    """Eigenvectors of linear elements on a line, and their eigenvalues.

    Parameters
    ----------
    pixels : int or scalar tensor
        Number of elements p.
    boundary_condition : {"kubc", "subc", "pbc"}
        Displacements zero at both ends, free or periodic.

    Returns
    -------
    vectors : (m, m) tensor
        Columns v with vᵀMv = 1, M the mass matrix; m = p − 1, p + 1 or p nodes.
    values : (m,) tensor
        vᵀKv, K the stiffness matrix.

    Examples
    --------
    >>> vectors, values = eigenbasis(4, "kubc")
    >>> mass = np.diag(4 * np.ones(3)) + np.diag(np.ones(2), 1) + np.diag(np.ones(2), -1)
    >>> bool(np.allclose(vectors.numpy().T @ (mass / 6) @ vectors.numpy(), np.eye(3), atol=1e-6))
    True
    """
    count = ops.cast(pixels, dtype)
    first, last = {"kubc": (1, 0), "subc": (0, 1), "pbc": (0, 0)}[boundary_condition]
    node = ops.cast(ops.arange(first, pixels + last), dtype)
    angle = (2 * np.pi if boundary_condition == "pbc" else np.pi) * node / count
    mass, stiffness = (2 + ops.cos(angle)) / 3, 2 - 2 * ops.cos(angle)
    # the product of two whole numbers is taken modulo a period: float32 sines of large arguments are poor
    period = count if boundary_condition == "pbc" else 2 * count
    phase = 2 * np.pi / period * ops.mod(node[:, None] * node[None, :], period)
    if boundary_condition == "pbc":
        vectors, norm = ops.cos(phase) + ops.sin(phase), count * ops.ones_like(node)
    elif boundary_condition == "kubc":
        vectors, norm = ops.sin(phase), count / 2 * ops.ones_like(node)
    else:
        ends = ops.cast(ops.logical_or(node == 0, node == count), dtype)
        vectors, norm = ops.cos(phase), count / 2 * (1 + ends)
    return vectors / ops.sqrt(norm * mass), stiffness / mass


def differences(nodal):
    """Mean ∂x and ∂y in each pixel and the twist ∂x∂y, for (..., rows + 1, columns + 1) nodal values."""
    lower, upper = nodal[..., :-1, :], nodal[..., 1:, :]
    a, b, c, d = lower[..., :-1], lower[..., 1:], upper[..., :-1], upper[..., 1:]
    return (b - a + d - c) / 2, (c - a + d - b) / 2, a - b - c + d


def forces(x, y, twist):
    """Adjoint of `differences`: nodal forces of pixel stresses."""
    rank = len(x.shape)

    def at(values, row, column):
        padding = [(0, 0)] * (rank - 2) + [(row, 1 - row), (column, 1 - column)]
        return ops.pad(values, padding)

    plus, minus = (x + y) / 2, (x - y) / 2
    return (
        at(twist - plus, 0, 0)
        + at(minus - twist, 0, 1)
        - at(minus + twist, 1, 0)
        + at(plus + twist, 1, 1)
    )


def spread(unknowns, boundary_condition):
    """Values at all nodes from the independent ones."""
    if boundary_condition == "kubc":
        return ops.pad(unknowns, [(0, 0)] * (len(unknowns.shape) - 2) + [(1, 1), (1, 1)])
    if boundary_condition == "pbc":
        unknowns = ops.concatenate([unknowns, unknowns[..., :1, :]], axis=-2)
        return ops.concatenate([unknowns, unknowns[..., :1]], axis=-1)
    return unknowns


def gather(nodal, boundary_condition):
    """Adjoint of `spread`."""
    if boundary_condition == "kubc":
        return nodal[..., 1:-1, 1:-1]
    if boundary_condition == "pbc":
        first = nodal[..., :1, :] + nodal[..., -1:, :]
        nodal = ops.concatenate([first, nodal[..., 1:-1, :]], axis=-2)
        first = nodal[..., :1] + nodal[..., -1:]
        return ops.concatenate([first, nodal[..., 1:-1]], axis=-1)
    return nodal


@keras.saving.register_keras_serializable(package="polysve")
class BornSeries(keras.layers.Layer):
    """Apparent stiffness (C̄11, C̄66, C̄16) in GPa of harmonic images, without any training.

    With the trace tr ε and the deviator η = (ε11 − ε22, 2ε12) the energy density is ½(K tr² + ηᵀHη),
    H = h I + δ [[c, s], [s, −c]] with c = cos 4θ, s = sin 4θ. The stiffness of a bilinear element against its twist is
    then (K + 2h)/12 whatever c and s are.

    Parameters
    ----------
    bulk_gpa : float
        K.
    shear_moduli_gpa : (float, float)
        Q66 and (Q11 − Q12)/2.
    boundary_condition : {"kubc", "subc", "pbc"}
    terms : int
        Number of terms of the series for the displacements; the energy is right to about twice as many.

    Notes
    -----
    Born series: Milton, *The Theory of Composites*, chapters 14 and 15; its acceleration by conjugate gradients:
    Zeman, Vondřejc, Novák & Marek, J. Comput. Phys. 229 (2010) 8065.
    """

    def __init__(self, bulk_gpa, shear_moduli_gpa, boundary_condition, terms, **kwargs):
        super().__init__(**kwargs)
        self.bulk_gpa = float(bulk_gpa)
        self.shear_moduli_gpa = tuple(float(modulus) for modulus in shear_moduli_gpa)
        self.boundary_condition, self.terms = boundary_condition, int(terms)
        stiff, soft = self.shear_moduli_gpa
        self.mean_shear = (stiff + soft) / 2 / self.bulk_gpa
        self.contrast = (soft - stiff) / 2 / self.bulk_gpa

    def call(self, inputs):
        """Map images (n, p, p, 2) to (n, 3) GPa."""
        dtype, pixels = inputs.dtype, ops.shape(inputs)[1]
        c, s = inputs[:, None, :, :, 0], inputs[:, None, :, :, 1]
        shear = self._pixel_shear(c, s)
        material = c, s, shear
        # the second axis holds the two load cases, mean deviators (1, 0) and (0, 1)
        first = ops.stack([shear - self.mean_shear + self.contrast * c, self.contrast * s], 2)
        second = ops.stack([self.contrast * s, shear - self.mean_shear - self.contrast * c], 2)
        excess = ops.concatenate([first, second], 1)
        residual = -self._divergence(excess)
        displacement = self._conjugate_gradients(residual, material, pixels, dtype)
        area = ops.cast(pixels * pixels, dtype)
        work = ops.einsum("niayx,njayx->nij", residual, displacement) / area
        applied = self._apply(displacement, material)
        stored = ops.einsum("niayx,njayx->nij", displacement, applied) / area
        # right to second order in the error of the displacements, also between load cases
        relaxed = work + ops.transpose(work, (0, 2, 1)) - stored
        mean, unit = ops.mean(excess, axis=(-2, -1)), self.mean_shear * ops.eye(2, dtype=dtype)
        if self.boundary_condition == "subc":
            # the strain that the unit stress would cause without anisotropy is the zeroth term
            effective = self.mean_shear**2 * ops.inv(unit - mean + relaxed)
        else:
            effective = unit + mean - relaxed
        shear = self.bulk_gpa * effective
        return ops.stack([self.bulk_gpa + shear[:, 0, 0], shear[:, 1, 1], shear[:, 0, 1]], 1)

    def _pixel_shear(self, c, s):
        """Mean shear modulus of each pixel, in units of K.

        A pixel of one grain has c² + s² = 1. One that grains share is a small polycrystal itself: its anisotropy is
        the mean one to first order, and the geometric-mean identity then says how soft it is. With the volume average
        of the stiffness in its place, an upper bound, the variance of the error is four to five times larger.
        """
        product = self.mean_shear**2 - self.contrast**2
        ratio = ((1 + self.mean_shear) ** 2 - self.contrast**2) / product
        square = self.contrast**2 * (c * c + s * s)
        return (1 + ops.sqrt(ratio + (ratio - 1) ** 2 * square)) / (ratio - 1)

    def _divergence(self, deviator, pressure=0.0, twist=None):
        """Forces on the unknowns of pixel stresses, deviator (n, 2, 2, p, p)."""
        t1, t2 = deviator[:, :, 0], deviator[:, :, 1]
        twist = (ops.zeros_like(t1), ops.zeros_like(t1)) if twist is None else twist
        nodal = [forces(pressure + t1, t2, twist[0]), forces(t2, pressure - t1, twist[1])]
        return gather(ops.stack(nodal, 2), self.boundary_condition)

    def _apply(self, unknowns, material):
        """Stiffness matrix times displacements (n, 2 loads, 2 components, m, m), in units of K."""
        c, s, shear = material
        nodal = spread(unknowns, self.boundary_condition)
        x, y, twist = differences(nodal)
        trace, d1, d2 = x[:, :, 0] + y[:, :, 1], x[:, :, 0] - y[:, :, 1], x[:, :, 1] + y[:, :, 0]
        t1 = shear * d1 + self.contrast * (c * d1 + s * d2)
        t2 = shear * d2 + self.contrast * (s * d1 - c * d2)
        stiffness = (1 + 2 * shear) / 12
        twist = stiffness * twist[:, :, 0], stiffness * twist[:, :, 1]
        return self._divergence(ops.stack([t1, t2], 2), trace, twist)

    def _preconditioner(self, pixels, dtype):
        """Inverse of the homogeneous medium without the coupling of the two displacement components."""
        basis, values = eigenbasis(pixels, self.boundary_condition, dtype)
        along, across = 1 + self.mean_shear, self.mean_shear
        x, y = values[None, :], values[:, None]
        symbol = ops.stack([along * x + across * y, across * x + along * y])
        inverse = ops.where(symbol > 1e-9, 1 / ops.maximum(symbol, 1e-9), 0.0)

        def solve(force):
            amplitude = ops.matmul(ops.transpose(basis), ops.matmul(force, basis))
            return ops.matmul(basis, ops.matmul(inverse * amplitude, ops.transpose(basis)))

        return solve

    def _conjugate_gradients(self, residual, material, pixels, dtype):
        """`terms` steps of the preconditioned method of Hestenes & Stiefel from zero, each load case for itself."""
        solve = self._preconditioner(pixels, dtype)

        def dot(a, b):
            return ops.sum(a * b, axis=(2, 3, 4), keepdims=True)

        tiny = 1e-30
        solved = solve(residual)
        direction, norm = solved, dot(residual, solved)
        displacement = ops.zeros_like(residual)
        for step in range(self.terms):
            applied = self._apply(direction, material)
            length = norm / ops.maximum(dot(direction, applied), tiny)
            displacement = displacement + length * direction
            if step == self.terms - 1:
                break
            residual = residual - length * applied
            solved = solve(residual)
            previous, norm = norm, dot(residual, solved)
            direction = solved + norm / ops.maximum(previous, tiny) * direction
        return displacement

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 3)

    def get_config(self):
        return {
            **super().get_config(),
            "bulk_gpa": self.bulk_gpa,
            "shear_moduli_gpa": self.shear_moduli_gpa,
            "boundary_condition": self.boundary_condition,
            "terms": self.terms,
        }


@keras.saving.register_keras_serializable(package="polysve")
class BornFeatures(keras.layers.Layer):
    """The Born series and what its discretization error depends on, in coordinates of the `StiffnessHead`.

    The error of the pixel grid falls with the share of pixels that hold several grains, 1 − ⟨c² + s²⟩, which knows the
    pixel size, and turns with the anisotropy.

    Returns
    -------
    vectors : (n, 2, J) tensor
        Anisotropy of the series, alone and times scalars; window mean of (c, s).
    scalars : (n, S) tensor
        Volume coordinate of the series (zero under PBC), shared pixels, squares.
    """

    def __init__(self, bulk_gpa, shear_moduli_gpa, boundary_condition, terms, **kwargs):
        super().__init__(**kwargs)
        self.series = BornSeries(bulk_gpa, shear_moduli_gpa, boundary_condition, terms)
        self.head = StiffnessHead(bulk_gpa, shear_moduli_gpa, boundary_condition == "pbc")

    def build(self, input_shape):
        self.series.build(input_shape)
        self.head.build((input_shape[0], self.head.n_coordinates))

    def call(self, inputs):
        """Map images (n, p, p, 2) to vectors (n, 2, J) and scalars (n, S)."""
        coordinates = self.head.coordinates(self.series(inputs))
        anisotropy, volume = coordinates[:, -2:], coordinates[:, :-2]
        mean = ops.mean(inputs, axis=(1, 2))
        shared = 1 - ops.mean(ops.sum(inputs * inputs, axis=-1), axis=(1, 2))[:, None]
        squares = [ops.sum(a * a, axis=1, keepdims=True) for a in (anisotropy, mean)]
        vectors = [anisotropy, mean, shared * anisotropy, shared * mean]
        vectors += [squares[0] * anisotropy, squares[1] * mean]
        return ops.stack(vectors, 2), ops.concatenate([volume, shared, *squares], 1)

    def compute_output_shape(self, input_shape):
        n = input_shape[0]
        return (n, 2, 6), (n, 1 + self.head.n_coordinates)

    def get_config(self):
        series = self.series.get_config()
        names = ("bulk_gpa", "shear_moduli_gpa", "boundary_condition", "terms")
        return {**super().get_config(), **{name: series[name] for name in names}}
