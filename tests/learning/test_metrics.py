"""Measures against scikit-learn and numbers known in advance; intervals that cover; the diagnosis."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_percentage_error, r2_score, root_mean_squared_error
from structures import SILICON

from polysve.crystals.stiffness import exp_stiffness, log_stiffness, pack, young_modulus
from polysve.learning import baselines, metrics


@pytest.fixture
def pair():
    random = np.random.default_rng(3)
    true = random.normal(150, 3, 200)
    return true, true + random.normal(0.2, 1, 200)


def test_measures_are_those_of_scikit_learn(pair):
    assert metrics.r2(*pair) == pytest.approx(r2_score(*pair))
    assert metrics.rmse(*pair) == pytest.approx(root_mean_squared_error(*pair))
    assert metrics.mape_percent(*pair) == pytest.approx(100 * mean_absolute_percentage_error(*pair))


def test_summary_has_the_keys_that_others_rely_on(pair):
    entry = metrics.summary(*pair, ratio=4)
    assert list(entry) == [
        *("n", "ratio", "r2", "mape_percent", "bias_percent"),
        *("std_true_gpa", "std_pred_gpa", "sdape_percent"),
    ]
    assert entry["bias_percent"] == pytest.approx(100 * (pair[1].mean() / pair[0].mean() - 1))
    spread = 100 * abs(entry["std_pred_gpa"] / entry["std_true_gpa"] - 1)
    assert entry["sdape_percent"] == pytest.approx(spread)


def test_quadratic_fit_of_two_means_has_six_coefficients():
    random = np.random.default_rng(0)
    means, targets = random.normal(size=(60, 2)), random.normal(size=(60, 3))

    def terms(c, s):
        return np.stack([np.ones_like(c), c, s, c * c, c * s, s * s], 1)

    coefficients = np.linalg.lstsq(terms(*means.T), targets, rcond=None)[0]
    unseen = random.normal(size=(7, 2))
    found = baselines.quadratic_fit(means, targets).predict(unseen)
    np.testing.assert_allclose(found, terms(*unseen.T) @ coefficients)


def test_quadratic_fit_of_logarithms_answers_in_gpa():
    random = np.random.default_rng(1)
    means = log_stiffness(SILICON.stiffness(0.2)) + random.normal(0, 0.1, (80, 6))
    law = random.normal(0, 0.1, (6, 6, 6))
    log = means + np.einsum("ni,nj,ijk->nk", means - means.mean(0), means - means.mean(0), law)
    stiffness = exp_stiffness(log)
    fit = baselines.QuadraticFit(means[:60], young_modulus(stiffness[:60]), pack(stiffness[:60]))
    np.testing.assert_allclose(fit.targets(means[60:]), pack(stiffness[60:]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(fit.young_modulus(means[60:]), young_modulus(stiffness[60:]))


def test_bootstrap_intervals_cover_as_often_as_they_say():
    random, covered = np.random.default_rng(1), 0
    for trial in range(200):
        low, high = metrics.bootstrap_interval(
            np.mean, random.normal(size=40), samples=200, level=0.8, seed=trial
        )
        covered += low < 0 < high
    assert 0.7 < covered / 200 < 0.88


def test_bootstrap_keeps_pairs_together(pair):
    true, _ = pair
    assert metrics.bootstrap_interval(metrics.r2, true, true, samples=50) == (1, 1)


@pytest.mark.parametrize(
    ("loss", "validation", "verdict"),
    [
        ([1, 0.5, 0.2, 0.1], [1, 0.5, 0.2, 0.1], "underfitting"),
        ([1, 0.1, 0.01, 0.001], [1, 0.3, 0.2, 0.5], "overfitting"),
        ([1, 0.1, 0.01, 0.009], [1, 0.1, 0.011, 0.0105], "just right"),
        ([1e-5], [1.2e-5], "just right"),
    ],
)
def test_diagnosis_reads_the_curves(loss, validation, verdict):
    answer = metrics.diagnose({"loss": loss, "val_loss": validation})
    assert answer["verdict"] == verdict
    assert answer["symptoms"]
    assert bool(answer["remedies"]) == (verdict != "just right")
    assert answer["best_epoch"] == 1 + int(np.argmin(validation))
