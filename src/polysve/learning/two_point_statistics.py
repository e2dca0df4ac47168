"""2-point statistics, principal components and polynomial regression: the baseline of materials informatics.

The way of PyMKS: Kalidindi, Hierarchical Materials Informatics (2015), chapters 4 and 6.
"""

from itertools import combinations_with_replacement

import numpy as np
from scipy import fft
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

LAGS = 10
COMPONENTS = 10


def two_point_statistics(pictures: np.ndarray) -> np.ndarray:
    """Periodic correlations of all pairs of channels at lags of up to `LAGS` pixels, and the window means.

    Parameters
    ----------
    pictures : array, shape (n, p, p, channels)

    Returns
    -------
    array of float32, shape (n, features)
        As many whatever p.

    Examples
    --------
    >>> picture = np.random.default_rng(1).normal(size=(1, 32, 32, 2))
    >>> shifted = np.roll(picture, (3, 5), axis=(1, 2))
    >>> bool(np.allclose(two_point_statistics(picture), two_point_statistics(shifted), atol=1e-6))
    True
    """
    n, pixels, _, channels = pictures.shape
    lags = np.arange(-LAGS, LAGS + 1) % pixels
    spectra = [fft.fft2(pictures[..., channel]) for channel in range(channels)]
    # the correlation with a constant is the mean at each lag: as many equal columns weigh as one, scaled
    columns = [pictures.mean((1, 2)) * len(lags)]
    for a, b in combinations_with_replacement(spectra, 2):
        correlation = fft.ifft2(a * b.conj()).real / pixels**2
        columns.append(correlation[:, lags[:, None], lags].reshape(n, -1))
    return np.concatenate(columns, axis=1).astype(np.float32)


class TwoPointFit:
    """Quadratic polynomial in the first principal components of 2-point statistics.

    Parameters
    ----------
    statistics : array, shape (n, features)
        Of the training SVEs; few SVEs allow few components.
    targets : array, shape (n,) or (n, k)
    """

    def __init__(self, statistics: np.ndarray, targets: np.ndarray):
        # the polynomial of k components has (k + 1)(k + 2)/2 coefficients
        count = max(1, min(COMPONENTS, int(np.sqrt(len(statistics) / 2)) - 1))
        # the covariance of the statistics of six channels would take minutes
        solver = "covariance_eigh" if statistics.shape[1] < 2000 else "randomized"
        components = PCA(count, svd_solver=solver, random_state=0)
        self.model = make_pipeline(components, PolynomialFeatures(2), LinearRegression())
        self.model.fit(np.asarray(statistics, float), targets)

    def predict(self, statistics: np.ndarray) -> np.ndarray:
        """Targets of statistics (n, features)."""
        return self.model.predict(np.asarray(statistics, float))
