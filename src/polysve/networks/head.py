"""Last layer of the networks that predict C̄: unconstrained numbers to a stiffness that obeys the identities."""

import keras
import numpy as np
from keras import ops

from polysve.base.errors import InputError
from polysve.crystals.stiffness import unpack


@keras.saving.register_keras_serializable(package="polysve")
class StiffnessHead(keras.layers.Layer):
    """Apparent stiffness (C̄11, C̄66, C̄16) in GPa from two or three unconstrained coordinates.

    The bulk identity C̄·(1,1,0) = 2K·(1,1,0) leaves the symmetric matrix of shear moduli
    H = [[C̄11 − K, C̄16], [C̄16, C̄66]], and C̄ is positive definite exactly if H is. In general H = g·exp(t)·exp(V) with
    V = [[v1, v2], [v2, −v1]] and coordinates (t, v1, v2). Under PBC the geometric-mean identity ties t to |v|: the
    coordinates are (v1, v2), the extreme directional moduli are E0·exp(±ρ) with E0² = E<100>·E<110> and ρ the
    length of v, kept below ln(4K/E0), where a modulus would need an infinite shear stiffness.

    Parameters
    ----------
    bulk_gpa : float
        Plane bulk modulus K = (Q11 + Q12)/2.
    shear_moduli_gpa : (float, float)
        Q66 and (Q11 − Q12)/2 of the crystal, its shear moduli in plane stress.
    geometric_mean : bool
        Build in the identity of periodic boundary conditions.

    Notes
    -----
    Milton, *The Theory of Composites*, chapters 3 and 4 (duality and exact relations of plane elasticity).

    Examples
    --------
    >>> head = StiffnessHead(90.108, (79.51, 50.85), geometric_mean=True)
    >>> c11, c66, c16 = np.asarray(head(np.array([[0.02, -0.01]], "float32")))[0]
    >>> np.round(head.label_coordinates(np.array([[c11, c66, c16]])), 4).tolist()
    [[0.02, -0.01]]
    """

    def __init__(self, bulk_gpa, shear_moduli_gpa, geometric_mean, **kwargs):
        super().__init__(**kwargs)
        self.bulk_gpa = float(bulk_gpa)
        self.shear_moduli_gpa = tuple(float(modulus) for modulus in shear_moduli_gpa)
        self.geometric_mean = bool(geometric_mean)
        shear = np.array(self.shear_moduli_gpa)
        self.mean_shear_gpa = float(np.sqrt(shear.prod()))
        self.mean_young_gpa = float(np.sqrt(np.prod(self._young(shear))))
        self.largest_log = float(np.log(4 * self.bulk_gpa / self.mean_young_gpa))

    @property
    def n_coordinates(self) -> int:
        """Two under PBC, else three."""
        return 2 if self.geometric_mean else 3

    def _young(self, shear_gpa):
        """Young's modulus where the shear modulus is an eigenvalue of H: 1/E = 1/(4K) + 1/(4h)."""
        return 4 * self.bulk_gpa * shear_gpa / (self.bulk_gpa + shear_gpa)

    def _shear(self, young_gpa):
        """Inverse of `_young`."""
        return self.bulk_gpa * young_gpa / (4 * self.bulk_gpa - young_gpa)

    def call(self, inputs):
        """Map coordinates (n, 2 or 3) to (n, 3) GPa."""
        v1, v2 = inputs[..., -2], inputs[..., -1]
        length = ops.sqrt(v1 * v1 + v2 * v2 + 1e-12)
        if self.geometric_mean:
            rho = self.largest_log * ops.tanh(length / self.largest_log)
            stiff = self._shear(self.mean_young_gpa * ops.exp(rho))
            soft = self._shear(self.mean_young_gpa * ops.exp(-rho))
        else:
            scale = self.mean_shear_gpa * ops.exp(inputs[..., 0])
            stiff, soft = scale * ops.exp(length), scale * ops.exp(-length)
        mean, slope = (stiff + soft) / 2, (stiff - soft) / (2 * length)
        return ops.stack([self.bulk_gpa + mean + slope * v1, mean - slope * v1, slope * v2], -1)

    def coordinates(self, stiffness_gpa):
        """Inverse of `call`: coordinates (n, 2 or 3) of (n, 3) C̄11, C̄66, C̄16 in GPa."""
        c11, c66, c16 = stiffness_gpa[..., 0], stiffness_gpa[..., 1], stiffness_gpa[..., 2]
        mean, half = (c11 - self.bulk_gpa + c66) / 2, (c11 - self.bulk_gpa - c66) / 2
        radius = ops.sqrt(half * half + c16 * c16 + 1e-12)
        stiff, soft = mean + radius, mean - radius
        if self.geometric_mean:
            rho = ops.log(self._young(stiff) / self._young(soft)) / 2
            length = self.largest_log * ops.arctanh(rho / self.largest_log)
        else:
            length = ops.log(stiff / soft) / 2
        pair = [length * half / radius, length * c16 / radius]
        if self.geometric_mean:
            return ops.stack(pair, -1)
        return ops.stack([ops.log(stiff * soft / self.mean_shear_gpa**2) / 2, *pair], -1)

    def label_coordinates(self, labels_gpa: np.ndarray) -> np.ndarray:
        """`coordinates` of labels in double precision.

        Raises
        ------
        InputError
            If a label is not positive definite.
        """
        c11, c66, c16 = np.asarray(labels_gpa, float).T
        determinant = (c11 - self.bulk_gpa) * c66 - c16**2
        bad = np.flatnonzero(~((c66 > 0) & (determinant > 0)))
        if len(bad):
            values = ", ".join(f"{value:g}" for value in labels_gpa[bad[0]])
            raise InputError(
                f"stiffness label {bad[0]}: C11, C66, C16 = {values} GPa is not positive definite"
            )
        return ops.convert_to_numpy(self.coordinates(ops.convert_to_tensor(labels_gpa, "float64")))

    def stiffness(self, targets_gpa: np.ndarray) -> np.ndarray:
        """C̄ (n, 3, 3) of outputs (n, 3) by the bulk identity, GPa.

        Examples
        --------
        >>> head = StiffnessHead(90.0, (79.51, 50.85), geometric_mean=True)
        >>> head.stiffness(np.array([[150.0, 70.0, 3.0]]))[0] @ [1, 1, 0]
        array([180., 180.,   0.])
        """
        c11, c66, c16 = np.asarray(targets_gpa, float).T
        return unpack(np.stack([c11, c11, c66, 2 * self.bulk_gpa - c11, c16, -c16], -1))

    def young_modulus(self, targets_gpa: np.ndarray) -> np.ndarray:
        """Ē (n,) in GPa of stiffness (n, 3) C̄11, C̄66, C̄16: 1/Ē = 1/(4K) + (H⁻¹)₁₁/4."""
        c11, c66, c16 = np.asarray(targets_gpa, float).T
        compliance = c66 / ((c11 - self.bulk_gpa) * c66 - c16**2)
        return 4 / (1 / self.bulk_gpa + compliance)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 3)

    def get_config(self):
        return {
            **super().get_config(),
            "bulk_gpa": self.bulk_gpa,
            "shear_moduli_gpa": self.shear_moduli_gpa,
            "geometric_mean": self.geometric_mean,
        }
