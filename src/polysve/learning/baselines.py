"""Simple predictors that every network is judged against."""

import numpy as np


def quadratic_terms(means: np.ndarray) -> np.ndarray:
    """The six terms 1, c, s, c², cs, s² of window means.

    Parameters
    ----------
    means : (n, 2) array
        Window means of cos 4θ and sin 4θ.

    Returns
    -------
    (n, 6) array

    Examples
    --------
    >>> quadratic_terms(np.array([[2.0, 3.0]])).tolist()
    [[1.0, 2.0, 3.0, 4.0, 6.0, 9.0]]
    """
    c, s = np.asarray(means, float).T
    return np.stack([np.ones_like(c), c, s, c * c, c * s, s * s], axis=1)


class SixParameterFit:
    """The baseline every network is judged by: least squares of the targets on `quadratic_terms`.

    Examples
    --------
    >>> means = np.random.default_rng(1).normal(size=(50, 2))
    >>> fit = SixParameterFit(means, 3 + means[:, :1] * means[:, 1:])
    >>> np.round(fit.predict(np.array([[2.0, 5.0]])), 9).tolist()
    [[13.0]]
    """

    def __init__(self, means: np.ndarray, targets: np.ndarray):
        self.coefficients = np.linalg.lstsq(quadratic_terms(means), targets, rcond=None)[0]

    def predict(self, means: np.ndarray) -> np.ndarray:
        """Targets (n, k) of window means (n, 2)."""
        return quadratic_terms(means) @ self.coefficients
