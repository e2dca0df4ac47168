"""Failure probabilities: counted, and of models whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from polysve.device import grain_law
from polysve.device.counting import counted, effective_count
from polysve.device.failure import Model, modelled
from polysve.device.reliability import reliability
from polysve.device.scatter import Sources, at_scores
from polysve.device.tail import tail
from polysve.settings.device import LawSettings, LimitSettings

pytestmark = pytest.mark.device

FREQUENCY, STIFFNESS = "frequency_hz", "stiffness_n_per_m"


def model(grains=0.01, width=0.01, strips=50, beams=4000, skewed=False):
    """Beams whose stiffness goes with the width and whose frequency goes with its root; grains do the same to both."""
    random = np.random.default_rng(11)
    chosen = random.integers(strips, size=(beams, 4))
    drawn = random.gamma(4, size=strips) / 2 if skewed else random.normal(size=strips)
    logs = grains * (drawn[chosen] - drawn.mean()).sum(1) / drawn.std() / 2
    laws = {name: LawSettings(mean=1.0) for name in Sources._fields}
    laws["width_um"] = LawSettings(mean=1.0, std=width)

    def film(sources):
        return {STIFFNESS: sources.width_um, FREQUENCY: np.sqrt(sources.width_um)}

    return Model(film, laws, {STIFFNESS: logs, FREQUENCY: logs / 2}, chosen)


def test_counting_of_a_case_with_a_known_answer():
    sample = {STIFFNESS: np.random.default_rng(3).normal(150, 4, 50_000)}
    found = reliability(sample, [LimitSettings(quantity=STIFFNESS, at_least=142.0)])
    low, high = found["reliability_index_interval"]
    assert found["method"] == "counted"
    assert low < 2 < high < low + 0.1
    assert found["cornell_index"] == pytest.approx(2, abs=0.03)
    low, high = found["failure_probability_interval"]
    assert low < stats.norm.cdf(-2) < high


def test_no_failure_and_no_model_give_a_one_sided_answer():
    sample = {FREQUENCY: 5 + np.arange(1000) * 1e-6}
    found = reliability(sample, [LimitSettings(at_most=9.0)])
    assert found["failed"] == 0
    assert found["reliability_index"] is None
    assert found["failure_probability_interval"][1] == pytest.approx(1 - 0.025 ** (1 / 1000))
    assert found["reliability_index_interval"][1] is None


def test_beams_fail_beyond_any_limit_and_a_curl_both_ways():
    values = {FREQUENCY: np.array([1.0, 2, 3, 2, 2]), "curl_um": np.array([0, 0, 0, 5, -5.0])}
    limits = [LimitSettings(at_least=1.5), LimitSettings(at_most=2.5)]
    assert reliability(values, limits)["failed"] == 2
    limits.append(LimitSettings(quantity="curl_um", at_most=4.0))
    assert reliability(values, limits)["failed"] == 4


def test_beams_of_the_same_strips_count_less():
    """Of 50 strips with one beam each 100 times, 50 are independent; with a strip each, all are."""
    random = np.random.default_rng(4)
    margins, strips = random.normal(size=50), np.arange(50)
    shared = effective_count(np.tile(margins, 100), np.tile(strips, 100)[:, None])
    assert 30 < shared < 90
    alone = random.normal(size=5000)
    assert effective_count(alone, np.arange(5000)[:, None]) > 2500
    narrow = counted(np.tile(margins, 100) + 1, None, 0.95)["failure_probability_interval"]
    wide = counted(np.tile(margins, 100) + 1, np.tile(strips, 100)[:, None], 0.95)
    assert np.ptp(wide["failure_probability_interval"]) > 4 * np.ptp(narrow)


@pytest.mark.parametrize("beta", [2.0, 3.0, 4.75])
def test_sampling_finds_small_probabilities_of_a_plane(beta):
    found = tail(lambda u: beta - u @ [[0.6], [0.8]], 2, 1, seed=1)
    assert found.form[0] == pytest.approx(stats.norm.sf(beta), rel=1e-3)
    half = 3 * found.coefficient_of_variation * found.probability
    assert found.probability == pytest.approx(stats.norm.sf(beta), abs=half)


def test_second_order_and_sampling_see_a_bent_side():
    """A parabola: exact by integration over its other direction."""
    other = np.linspace(-9, 9, 20_001)
    exact = np.trapezoid(stats.norm.pdf(other) * stats.norm.sf(4 - 0.1 * other**2), other)
    found = tail(lambda u: 4 - u[:, :1] - 0.1 * u[:, 1:] ** 2, 2, 1, seed=1)
    assert exact > 2 * found.form[0]
    assert found.sorm[0] == pytest.approx(exact, rel=0.2)
    half = 3 * found.coefficient_of_variation * found.probability
    assert found.probability == pytest.approx(exact, abs=half)


def test_sampling_holds_all_limits():
    def margins(scores):
        return np.stack([4 - scores[:, 0], 4.2 + scores[:, 0]], 1)

    found = tail(margins, 1, 2, seed=1)
    exact = stats.norm.sf(4) + stats.norm.sf(4.2)
    assert found.probability == pytest.approx(exact, rel=0.2)
    assert found.form.sum() == pytest.approx(exact, rel=1e-2)


@pytest.mark.parametrize("margin", [1.0, 40.0, -1.0])
def test_what_never_fails_has_no_tail(margin):
    assert tail(lambda u: np.full((len(u), 1), abs(margin)), 2, 1, seed=1) is None


def test_law_of_grains_has_the_quantiles_of_a_gamma_law():
    law = grain_law.fit(np.random.default_rng(1).gamma(9, size=(200_000, 1)))
    scores = np.array([[-4.0], [-1], [0], [1], [4]])
    exact = stats.gamma(9).ppf(stats.norm.cdf(scores))
    np.testing.assert_allclose(law.at(scores), exact, rtol=0.05)


def test_law_of_grains_keeps_correlations():
    random = np.random.default_rng(1)
    one = random.normal(size=5000)
    logs = np.stack([one, -2 * one, one + random.normal(size=5000)], 1)
    drawn = grain_law.fit(logs).at(random.normal(size=(20_000, 3)))
    np.testing.assert_allclose(
        np.corrcoef(drawn, rowvar=False), np.corrcoef(logs, rowvar=False), atol=0.03
    )


def test_model_agrees_with_counting_where_that_counts():
    """Three hundred thousand draws of the model itself; and its limits on both quantities are nearly one limit."""
    case = model(width=0.02)
    limits = [LimitSettings(at_least=0.97), LimitSettings(quantity=STIFFNESS, at_least=0.94)]
    found = modelled(case, limits, 0.95, seed=1)
    random = np.random.default_rng(2)
    law = grain_law.fit(case.logs[STIFFNESS][:, None])
    grains = law.at(random.normal(size=(300_000, 1)))[:, 0]
    width = at_scores(case.laws, random.normal(size=(300_000, 1))).width_um
    stiffness = width * np.exp(grains)
    exact = ((np.sqrt(stiffness) < 0.97) | (stiffness < 0.94)).mean()
    assert 1e-3 < exact < 1e-2
    assert found["failure_probability"] == pytest.approx(exact, rel=0.15)
    low, high = found["failure_probability_interval"]
    assert low < exact < high


def test_importance_tells_grains_from_sources():
    found = modelled(model(0.004, 0.02), [LimitSettings(at_least=0.96)], 0.95, seed=1)
    assert found["importance"]["width_um"] == pytest.approx(
        0.02**2 / (0.02**2 + 0.004**2), abs=0.03
    )
    assert sum(found["importance"].values()) == pytest.approx(1)
    assert not found["beyond_sample"]


def test_answer_that_rests_on_the_law_of_the_grains_says_so_and_is_wide():
    """Nothing but grains scatters, and no sampled beam is near failing."""
    found = modelled(model(0.01, 0.0, skewed=True), [LimitSettings(at_least=0.983)], 0.95, seed=1)
    skewed, normal = found["of_grain_laws"]["skewed"], found["of_grain_laws"]["normal"]
    assert found["beyond_sample"]
    assert skewed < 0.1 * normal
    low, high = found["failure_probability_interval"]
    assert low < skewed < normal < high
    assert high > 100 * low


def test_law_that_ends_before_a_failure_leaves_it_possible():
    found = modelled(model(0.01, 0.0, skewed=True), [LimitSettings(at_least=0.97)], 0.95, seed=1)
    assert found["of_grain_laws"]["skewed"] is None
    low, high = found["failure_probability_interval"]
    assert low == 0
    assert high > found["failure_probability"] == found["of_grain_laws"]["normal"]


def test_grains_that_follow_no_law_leave_what_counting_leaves():
    """Two kinds of strips: no failure is likely or unlikely by a law of one hump."""
    case = model(0.01, 0.0, strips=400)
    logs = np.where(case.strips[:, 0] % 2, 0.02, -0.02) + 0.1 * case.logs[STIFFNESS]
    case = case._replace(logs={STIFFNESS: logs, FREQUENCY: logs / 2})
    limits = [LimitSettings(quantity=STIFFNESS, at_least=0.95)]
    values = {STIFFNESS: np.exp(logs)}
    found = reliability(values, limits, case.strips, case)
    assert found["failed"] == 0
    assert found["model"]["law_in_doubt"]
    low, high = found["failure_probability_interval"]
    assert low == 0
    assert high >= found["counted"]["failure_probability_interval"][1]


def test_failures_that_are_many_are_counted():
    case = model(0.01, 0.0)
    values = {FREQUENCY: np.exp(case.logs[FREQUENCY])}
    found = reliability(values, [LimitSettings(at_least=1.0)], case.strips, case)
    assert found["method"] == "counted"
    assert found["model"] is None
    assert found["independent_beams"] < 500


def test_scores_are_those_of_the_laws():
    laws = {name: LawSettings(mean=2.0) for name in Sources._fields}
    laws["width_um"] = LawSettings(mean=2.0, std=0.3)
    laws["thickness_um"] = LawSettings(mean=2.0, std=0.3, law="log_normal")
    found = at_scores(laws, np.random.default_rng(1).normal(size=(200_000, 2)))
    for each in (found.width_um, found.thickness_um):
        assert each.mean() == pytest.approx(2, abs=0.005)
        assert each.std() == pytest.approx(0.3, abs=0.005)
    assert np.log(found.thickness_um).std() == pytest.approx(np.sqrt(np.log(1 + 0.0225)), rel=0.01)
    assert at_scores(laws, np.full((1, 2), -50.0)).width_um > 0
