"""Simple predictors that every network is judged against."""

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from polysve.crystals.stiffness import exp_stiffness, log_stiffness, pack, unpack, young_modulus


def quadratic_fit(means: np.ndarray, values: np.ndarray) -> Pipeline:
    """Least squares of values (n,) or (n, k) on all products of window means (n, m) up to the second order.

    Six coefficients for the window means of cos 4θ and sin 4θ, 28 for those of log Q.

    Examples
    --------
    >>> means = np.random.default_rng(1).normal(size=(50, 2))
    >>> fit = quadratic_fit(means, 3 + means[:, :1] * means[:, 1:])
    >>> np.round(fit.predict(np.array([[2.0, 5.0]])), 9).tolist()
    [[13.0]]
    """
    return make_pipeline(PolynomialFeatures(2), LinearRegression()).fit(means, values)


class QuadraticFit:
    """The baseline every network is judged by: `quadratic_fit` of Ē and of the targets.

    Where the means are those of log Q, it is fitted to log C̄.

    Parameters
    ----------
    means : array, shape (n, 2 or 6)
        Window means of the training SVEs.
    moduli_gpa : array, shape (n,)
        Ē.
    targets_gpa : array, shape (n, k)
    """

    def __init__(self, means: np.ndarray, moduli_gpa: np.ndarray, targets_gpa: np.ndarray):
        self.of_logarithms = means.shape[1] == 6
        if self.of_logarithms:
            self._targets = quadratic_fit(means, log_stiffness(unpack(targets_gpa)))
        else:
            self._targets = quadratic_fit(means, targets_gpa)
            self._moduli = quadratic_fit(means, moduli_gpa)

    def targets(self, means: np.ndarray) -> np.ndarray:
        """Targets (n, k) in GPa."""
        found = self._targets.predict(means)
        return pack(exp_stiffness(found)) if self.of_logarithms else found

    def young_modulus(self, means: np.ndarray) -> np.ndarray:
        """Ē (n,) in GPa."""
        if self.of_logarithms:
            return young_modulus(exp_stiffness(self._targets.predict(means)))
        return self._moduli.predict(means)
