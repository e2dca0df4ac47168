"""2-point statistics: what they are by definition, and what can be learned from them."""

import numpy as np
import pytest

from polysve.learning.two_point_statistics import LAGS, TwoPointFit, two_point_statistics

pytestmark = pytest.mark.networks


def test_statistics_are_means_of_products_of_shifted_pictures():
    picture = np.random.default_rng(0).normal(size=(24, 24, 2))
    found = two_point_statistics(picture[None])[0, 2:].reshape(3, 2 * LAGS + 1, 2 * LAGS + 1)
    for number, (a, b) in enumerate([(0, 0), (0, 1), (1, 1)]):
        for row, column in [(0, 0), (3, -7), (-10, 10)]:
            shifted = np.roll(picture[..., b], (row, column), axis=(0, 1))
            expected = np.mean(picture[..., a] * shifted)
            assert found[number, row + LAGS, column + LAGS] == pytest.approx(expected, abs=1e-6)


def test_a_second_order_property_is_learned_and_noise_is_not():
    random = np.random.default_rng(1)
    coarse = random.normal(size=(600, 4, 4, 1))
    pictures = coarse.repeat(4, 1).repeat(4, 2)
    statistics = two_point_statistics(pictures)
    means, squares = pictures.mean((1, 2, 3)), (pictures**2).mean((1, 2, 3))
    for target, low, high in ((means + squares, 0.8, 1), (random.normal(size=600), -1, 0.05)):
        fit = TwoPointFit(statistics[:400], target[:400])
        error = fit.predict(statistics[400:]) - target[400:]
        assert low <= 1 - np.mean(error**2) / np.var(target[400:]) <= high


def test_few_samples_are_enough():
    statistics = np.random.default_rng(2).normal(size=(4, 50))
    assert TwoPointFit(statistics, np.arange(4.0)).predict(statistics).shape == (4,)
