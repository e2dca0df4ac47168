"""Last layer of the networks that predict C̄ of any film: six unconstrained numbers to a positive definite stiffness."""

import keras
import numpy as np
from keras import ops

from polysve.base.errors import InputError
from polysve.crystals.stiffness import MANDEL, PACKED, log_stiffness, unpack, young_modulus

SQUARINGS = 3
TERMS = 8


@keras.saving.register_keras_serializable(package="polysve")
class LogStiffnessHead(keras.layers.Layer):
    """Apparent stiffness (11, 22, 66, 12, 16, 26) in GPa from the six components of its logarithm, in Mandel form.

    The exponential of a symmetric matrix is positive definite, and each positive definite C̄ has one logarithm. Its mean
    eigenvalue, the unit of the stiffness, is taken out; the rest is divided by 8, its power series summed to the eighth
    term, and squared three times: each squaring doubles the rounding error, and a square stays positive definite.

    Notes
    -----
    Scaling and squaring: Moler & Van Loan, SIAM Rev. 45 (2003) 3, method 3.

    Examples
    --------
    >>> head = LogStiffnessHead()
    >>> coordinates = head.label_coordinates([[150.0, 150.0, 60.0, 50.0, 0.0, 0.0]])
    >>> np.asarray(head(coordinates.astype("float32"))).round(3).tolist()
    [[150.0, 150.0, 60.0, 50.0, 0.0, 0.0]]
    """

    n_coordinates = 6

    def call(self, inputs):
        """Map coordinates (n, 6) to (n, 6) GPa."""
        unit = ops.mean(inputs[..., :3], axis=-1)[..., None, None]
        a, b, c, d, e, f = (inputs[..., i] for i in range(6))
        rows = [ops.stack(row, -1) for row in ((a, d, e), (d, b, f), (e, f, c))]
        identity = ops.eye(3, dtype=inputs.dtype)
        matrix = (ops.stack(rows, -2) - unit * identity) / 2**SQUARINGS
        power = identity + matrix / TERMS
        for term in range(TERMS - 1, 0, -1):
            power = identity + ops.matmul(matrix, power) / term
        for _ in range(SQUARINGS):
            power = ops.matmul(power, power)
        return _packed(ops.exp(unit) * power / ops.convert_to_tensor(MANDEL, inputs.dtype))

    def label_coordinates(self, labels_gpa: np.ndarray) -> np.ndarray:
        """Inverse of `call`, in double precision.

        Raises
        ------
        InputError
            If a label is not positive definite.
        """
        stiffness = unpack(labels_gpa)
        bad = np.flatnonzero(~(np.linalg.eigvalsh(stiffness) > 0).all(-1))
        if len(bad):
            values = ", ".join(f"{value:g}" for value in np.asarray(labels_gpa)[bad[0]])
            raise InputError(
                f"stiffness label {bad[0]}: C11, C22, C66, C12, C16, C26 = {values} GPa is not positive definite"
            )
        return log_stiffness(stiffness)

    def stiffness(self, targets_gpa: np.ndarray) -> np.ndarray:
        """C̄ (n, 3, 3) of outputs (n, 6), GPa."""
        return unpack(targets_gpa)

    def young_modulus(self, targets_gpa: np.ndarray) -> np.ndarray:
        """Ē (n,) in GPa of outputs (n, 6)."""
        return young_modulus(unpack(targets_gpa))

    def compute_output_shape(self, input_shape):
        return input_shape


def _packed(matrix):
    """Components of (n, 3, 3) tensors as `crystals.stiffness.pack` orders them."""
    return ops.stack([matrix[..., i, j] for i, j in zip(*PACKED, strict=True)], -1)
