"""Measures against scikit-learn and numbers known in advance; intervals that cover; the diagnosis."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_percentage_error, r2_score, root_mean_squared_error
from sklearn.preprocessing import PolynomialFeatures

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


def test_six_parameter_fit_is_a_quadratic_regression():
    random = np.random.default_rng(0)
    means, targets = random.normal(size=(60, 2)), random.normal(size=(60, 3))
    terms = PolynomialFeatures(2).fit(means)
    reference = LinearRegression(fit_intercept=False).fit(terms.transform(means), targets)
    unseen = random.normal(size=(7, 2))
    np.testing.assert_allclose(
        baselines.quadratic_fit(means, targets).predict(unseen),
        reference.predict(terms.transform(unseen)),
    )


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
