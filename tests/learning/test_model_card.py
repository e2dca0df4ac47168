"""Intervals of trained networks: units of the film, width beyond what was validated, cards of format 1."""

import numpy as np
import pytest

from polysve.learning.model_card import Facts, ModelCard, fitted_powers, unit_gpa
from polysve.settings.model import parse

pytestmark = pytest.mark.surrogate
COMMON = {
    "preprocess": {"train_ensembles": ["ratio4"]},
    "boundary_condition": "pbc",
    "material": {"c11_gpa": 165.64, "c12_gpa": 63.94, "c44_gpa": 79.51},
    "windows_um": [2.0],
    "grain_sizes_um": [0.5],
    "effective_grains": [8.0, 16.0],
    "texture": 3.0,
}
LIMITS = {"validated_grains": [8.0, 400.0], "decay": 0.5, "surplus": [-1.0, 1.0]}


def facts(grains, spread=0.02):
    ones = np.ones(len(grains))
    return Facts(150 * ones, spread * ones, np.asarray(grains, float))


def test_intervals_follow_the_number_of_grains_no_further_than_validated():
    card = ModelCard(**COMMON, **LIMITS, scores={"young_modulus": np.arange(1.0, 100)})
    widths = card.half_width_gpa(0.9, facts([4, 8, 32, 400, 2500]), np.full(5, 150.0))
    np.testing.assert_allclose(widths[1] / widths, [1, 1, 2, 50**0.5, 50**0.5])
    assert widths[1] == pytest.approx(90 * 150 * 0.02 / 8**0.5)


def test_a_prediction_that_the_grains_do_not_allow_gets_an_interval_that_reaches_back():
    card = ModelCard(**COMMON, **LIMITS, scores={"young_modulus": [1e-4] * 99})
    predicted = np.array([150.0, 152.9, 158.0, 140.0])
    beyond = card.beyond_gpa(facts([400] * 4), predicted)
    np.testing.assert_allclose(beyond, [0, 0, 5, 7])
    widths = card.half_width_gpa(0.9, facts([400] * 4), predicted)
    # across all that they allow, 147 to 153
    assert (predicted - widths)[2] <= 147 and (predicted + widths)[3] >= 153


def test_powers_of_errors_are_found_and_give_equal_scores():
    random = np.random.default_rng(3)
    grains = np.exp(random.uniform(np.log(10), np.log(400), 4000))
    spread = np.exp(random.uniform(np.log(0.001), np.log(0.1), 4000))
    known = Facts(np.full(4000, 150.0), spread, grains)
    errors = np.abs(random.normal(size=4000)) * 150 * spread**1.5 * grains**-0.3
    growth, decay = fitted_powers(errors, known)
    assert (growth, decay) == (pytest.approx(1.5, abs=0.04), pytest.approx(0.3, abs=0.04))
    scores = errors / unit_gpa(known, growth, decay, (10, 400))
    few = grains < 60
    assert np.quantile(scores[few], 0.9) == pytest.approx(np.quantile(scores[~few], 0.9), rel=0.1)


def test_card_of_the_first_format_is_read_with_its_constant_width():
    scores = {"young_modulus": [0.1] * 50 + [0.2] * 49}
    card = parse(ModelCard, {**COMMON, "format": 1, "scores_gpa": scores}, "old.keras")
    widths = card.half_width_gpa(0.9, facts([10, 1000]), np.array([150.0, 400.0]))
    np.testing.assert_array_equal(widths, [0.2, 0.2])
