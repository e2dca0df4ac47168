"""Scatter of many structures: statistics with known answers, and the command."""

import json

import numpy as np
import pytest
from command import assert_refused, polysve
from scipy import stats
from studies import RATIO4

from polysve.commands.reports import Characterized
from polysve.surrogate.characterize import PERCENT, control_variates, describe, fit_laws, size_law

pytestmark = pytest.mark.surrogate


def test_intervals_hold_the_truth_as_often_as_stated():
    law = stats.norm(150, 2)
    held = {"mean": 0, "std": 0, "median": 0}
    for seed in range(25):
        found = describe(law.rvs(400, random_state=seed))
        for name, interval, truth in (
            ("mean", found["mean_interval_gpa"], 150),
            ("std", found["std_interval_gpa"], 2),
            ("median", found["quantile_intervals_gpa"]["50"], 150),
        ):
            held[name] += interval[0] <= truth <= interval[1]
    for count in held.values():
        # 95 % of 25 are 24; fewer than 20 happen once in a thousand
        assert count >= 20


def test_quantiles_are_those_of_the_law():
    found = describe(stats.norm(150, 2).rvs(50_000, random_state=1))
    for percent in PERCENT:
        exact = stats.norm(150, 2).ppf(percent / 100)
        low, high = found["quantile_intervals_gpa"][f"{percent:g}"]
        assert low - 0.05 < exact < high + 0.05
        assert found["quantiles_gpa"][f"{percent:g}"] == pytest.approx(exact, abs=0.15)
    assert sum(found["histogram"]["counts"]) == 50_000


@pytest.mark.faults
def test_the_better_law_is_the_true_one():
    assert fit_laws(stats.norm(10, 3).rvs(2000, random_state=1) + 20)["better"] == "normal"
    assert fit_laws(stats.lognorm(0.5, 0, 10).rvs(2000, random_state=1))["better"] == "log_normal"
    # narrow laws look alike, and neither has two heaps at the ends
    assert fit_laws(stats.norm(150, 1).rvs(200, random_state=1))["better"] == "either"
    heaps = np.clip(stats.norm(150, 20).rvs(2000, random_state=1), 130, 169)
    assert fit_laws(heaps)["better"] == "neither"


class Predicted:
    """What `control_variates` reads of a prediction."""

    coverage = 0.9

    def __init__(self, young_modulus_gpa):
        self.young_modulus_gpa = young_modulus_gpa
        self.half_width_gpa = np.full(len(young_modulus_gpa), 0.5)


def test_control_variates_correct_a_biased_network_and_tell_their_error():
    """Over repeated studies the corrected mean scatters as stated, around the truth."""
    means, errors, stds, removed = [], [], [], []
    for seed in range(300):
        random = np.random.default_rng(seed)
        true = random.normal(150, 3, 4000)
        # biased, too narrow, and noisy: correlation 0.98
        network = Predicted(140 + 0.8 * (true - 150) + random.normal(0, 0.49, 4000))
        found = control_variates(true[:40], network)
        means.append(found["mean_gpa"])
        errors.append(found["mean_standard_error_gpa"])
        stds.append(found["std_gpa"])
        removed.append(found["variance_removed"])
    assert np.mean(means) == pytest.approx(150, abs=4 * np.std(means) / np.sqrt(300))
    assert np.std(means) == pytest.approx(np.mean(errors), rel=0.15)
    assert np.std(means) < 0.3 * 3 / np.sqrt(40)
    assert np.mean(stds) == pytest.approx(3, rel=0.02)
    assert np.mean(removed) == pytest.approx(1 - np.var(means) / (9 / 40), abs=0.02)


def test_size_law_finds_factor_and_exponent_with_its_interval():
    random = np.random.default_rng(1)
    ratios, counts = np.array([2.0, 4, 6, 10]), np.full(4, 500)
    inside = 0
    for _ in range(200):
        sample = [random.normal(0, 0.1 / r**0.9, 500).std(ddof=1) for r in ratios]
        law = size_law(ratios, np.array(sample), counts)
        low, high = law["exponent_interval"]
        inside += low < 0.9 < high
    assert 180 <= inside <= 199


def test_command_reports_all_and_matches_prediction(small_model, tmp_path):
    from polysve import load_surrogate
    from polysve.grains.tessellation import draw_film
    from polysve.surrogate.workers import ENSEMBLE

    figure = tmp_path / "law.svg"
    common = ("characterize", "--model", small_model, "--window", "2", "--grain-size", "0.5")
    options = ("--count", "120", "--check", "12", "--workers", "1", "--figure", figure, "--json")
    answer = polysve(*common, *options)
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert figure.read_text().startswith("<?xml")
    assert report["count"] == sum(report["histogram"]["counts"]) == 120
    assert report["check"]["rms_difference_gpa"] < 0.2
    assert report["check"]["variance_removed"] > 0.8
    assert report["check"]["times_as_fast"] > 0
    films = [draw_film(RATIO4, ENSEMBLE, index) for index in range(120)]
    alone = load_surrogate(small_model).predict(films).young_modulus_gpa
    assert report["mean_gpa"] == pytest.approx(alone.mean(), rel=1e-6)
    assert report["std_gpa"] == pytest.approx(alone.std(ddof=1), rel=1e-5)


def test_command_gives_the_size_effect_whatever_the_workers(small_model):
    common = ("characterize", "--model", small_model, "--windows", "1.5,3", "--grain-size", "0.5")
    answers = [
        polysve(*common, "--count", "100", "--workers", workers, "--json") for workers in (1, 2)
    ]
    one, two = (json.loads(answer.stdout) for answer in answers)
    assert [each["std_gpa"] for each in one["windows"]] == pytest.approx(
        [each["std_gpa"] for each in two["windows"]], rel=1e-6
    )
    assert one["size_effect"]["exponent"] == pytest.approx(1, abs=0.5)
    assert "window 1.5 µm: serious: window of 100 of 100 films" in answers[0].stderr


def test_textures_of_files_are_those_of_the_laws(tmp_path):
    """A law in a file is the law, and measured orientations reach the films that workers draw."""
    common = ("--window", "2", "--grain-size", "0.5", "--count", "100", "--workers", "1", "--json")
    common = ("characterize", *common, "--texture")
    law, table = tmp_path / "law.yaml", tmp_path / "measured.csv"
    law.write_text("fibre: {axis: [1, 1, 0]}")
    by_file, by_name = (polysve(*common, each) for each in (law, "<110>"))
    assert json.loads(by_file.stdout)["mean_gpa"] == json.loads(by_name.stdout)["mean_gpa"]
    # all grains nearly along the axes of the film: Ē is nearly that of one crystal, 1/S11
    table.write_text("phi1_deg,Phi_deg,phi2_deg\n0,0,0\n2,0,0\n")
    answer = polysve(*common, f"{{sample: {{file: {table}}}}}")
    assert json.loads(answer.stdout)["mean_gpa"] == pytest.approx(130.02, abs=0.3)


def test_films_without_scatter_are_answered(tmp_path, recwarn):
    """Grains of a cubic <111> film are all alike: what is left is rounding, which follows no law."""
    common = ("--grain-size", "0.5", "--texture", "<111>", "--count", "100", "--workers", "1")
    figure = tmp_path / "law.svg"
    options = ("--window", "1", "--check", "10", "--figure", figure, "--json")
    answer = polysve("characterize", *common, *options)
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert report["mean_gpa"] == pytest.approx(168.9558, abs=1e-4)
    assert report["std_gpa"] < 1e-9
    assert report["laws"] == {"better": "no_scatter"}
    assert sum(report["histogram"]["counts"]) == 100
    assert figure.read_text().startswith("<?xml")
    assert Characterized([report, report]).law is None
    assert not recwarn.list
    assert "Warning" not in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--window", "2", "--count", "5"], "--count = 5"),
        (["--window", "2", "--windows", "2,3"], "one of --window"),
        (["--windows", "2,x"], "2,x"),
        (["--window", "0.3"], "between 1 and 200"),
        (["--window", "2", "--check", "3"], "--check = 3"),
        (["--window", "2", "--figure", "law.txt"], "law.txt"),
    ],
)
def test_wrong_studies_are_one_line(small_model, arguments, word):
    answer = polysve("characterize", "--model", small_model, "--grain-size", "0.5", *arguments)
    assert_refused(answer, word)
