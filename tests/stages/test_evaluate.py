"""The judgement of a network against the same judgement made with scikit-learn from the written predictions."""

import csv
import json
import shutil

import h5py
import numpy as np
import pytest
from command import polysve
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_percentage_error, r2_score
from sklearn.preprocessing import PolynomialFeatures

from polysve.base.errors import InputError
from polysve.data.inputs import Split
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.settings.experiment import (
    EvaluateSettings,
    NetworkSettings,
    PreprocessSlice,
    TrainSettings,
)
from polysve.stages import compare, evaluate, preprocess, train

FILES = ("ratio4", "ratio6")
SETTINGS = EvaluateSettings(bootstrap_samples=50)
COUNTS = {
    "ratio4": {"training": 28, "validation": 6, "test": 6},
    "ratio6": {"test": 11, "calibration": 1},
}
FIXED = {"n", "ratio", "r2", "mape_percent", "bias_percent"}
FIXED |= {"std_true_gpa", "std_pred_gpa", "sdape_percent"}


@pytest.fixture(scope="module")
def judged(ensembles, tmp_path_factory):
    """A spectral network, solved in closed form on augmented SVEs, and its evaluation."""
    folder = tmp_path_factory.mktemp("experiments") / "spectral"
    recipe = PreprocessSlice(train_ensembles=["ratio4"], pixels=32, augmentation="consistent")
    preprocess.run(folder / "inputs.h5", ensembles, recipe)
    network = TrainSettings(network=NetworkSettings(architecture="spectral"))
    train.run(folder / "inputs.h5", folder / "model.keras", folder / "history.csv", network)
    evaluate.run(*files(folder), ensembles, folder, SETTINGS)
    return folder


def files(folder):
    return [folder / name for name in ("inputs.h5", "model.keras", "history.csv")]


def predictions(folder, ensemble, split):
    with open(folder / f"predictions/{ensemble}.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == split]
    columns = {
        name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "split"
    }
    return columns | {"index": columns["index"].astype(int)}


def test_metrics_are_those_of_the_predictions(judged):
    results = json.loads((judged / "metrics.json").read_text())
    assert results["experiment"] == "spectral"
    assert results["scope"]["crystals"] == "silicon" and results["scope"]["textures"] == "⟨100⟩"
    assert results["n_parameters"] > 0 and results["train_seconds"] > 0
    parts = [("ratio4", "test", results["ensembles"]), ("ratio6", "test", results["ensembles"])]
    parts += [("ratio4", split, results[split]) for split in ("training", "validation")]
    assert set(results["ensembles"]) == {"ratio4", "ratio6"}
    for ensemble, split, entry in parts:
        values, found = predictions(judged, ensemble, split), entry[ensemble]
        true, predicted = values["young_modulus_gpa"], values["predicted_gpa"]
        assert set(found) >= FIXED
        assert found["n"] == len(true) == COUNTS[ensemble][split]
        assert found["ratio"] == float(ensemble[-1])
        assert found["r2"] == pytest.approx(r2_score(true, predicted), abs=1e-5)
        assert found["mape_percent"] == pytest.approx(
            100 * mean_absolute_percentage_error(true, predicted), abs=1e-5
        )
        assert found["bias_percent"] == pytest.approx(
            100 * (predicted.mean() / true.mean() - 1), abs=1e-5
        )
        assert found["std_true_gpa"] == pytest.approx(true.std(), abs=1e-5)
        assert found["sdape_percent"] == pytest.approx(
            100 * abs(predicted.std() / true.std() - 1), abs=1e-4
        )
    assert results["ensembles"]["ratio4"]["r2"] > 0.99


def test_baseline_is_a_regression_on_window_means_of_the_training_split(judged):
    with h5py.File(judged / "inputs.h5") as inputs:
        group = inputs["ratio4"]
        chosen = (group["split"][:] == 0) & (group["symmetry"][:] == 0)
        means, moduli = group["window_means"][:][chosen], group["young_modulus"][:][chosen]
        other = inputs["ratio6/window_means"][:][inputs["ratio6/split"][:] == Split.TEST]
    terms = PolynomialFeatures(2)
    fit = LinearRegression().fit(terms.fit_transform(means), moduli)
    written = predictions(judged, "ratio6", "test")["quadratic_fit_gpa"]
    assert np.allclose(written, fit.predict(terms.transform(other)), atol=1e-4)
    results = json.loads((judged / "metrics.json").read_text())
    baseline = results["baselines"]["quadratic_fit"]["ratio6"]
    assert baseline["r2"] == pytest.approx(
        r2_score(predictions(judged, "ratio6", "test")["young_modulus_gpa"], written), abs=1e-4
    )
    assert results["baselines"]["mean"]["ratio6"]["std_pred_gpa"] < 1e-9


def test_the_series_answers_for_the_films_that_were_not_trained_on(judged, ensembles):
    """Without training; its numbers are those that the command gives for the same films."""
    results = json.loads((judged / "metrics.json").read_text())
    assert results["n_training"] == COUNTS["ratio4"]["training"]
    for name in FILES:
        values = predictions(judged, name, "test")
        command = polysve("predict", ensembles[name], "--bc", "pbc", "--json")
        said = np.array(json.loads(command.stdout)["young_modulus_gpa"]["pbc"])[values["index"]]
        series, true = results["baselines"]["series"][name], values["young_modulus_gpa"]
        assert series["std_pred_gpa"] == pytest.approx(said.std(), rel=1e-6)
        assert series["r2"] == pytest.approx(r2_score(true, said), abs=1e-6)
        assert series["r2"] > 0.999


def test_share_of_a_component_is_relative_to_the_fit_of_that_component(judged):
    with h5py.File(judged / "inputs.h5") as inputs:
        learned, unseen = inputs["ratio4"], inputs["ratio6"]
        chosen = (learned["split"][:] == 0) & (learned["symmetry"][:] == 0)
        terms = PolynomialFeatures(2)
        fit = LinearRegression().fit(
            terms.fit_transform(learned["window_means"][:][chosen]), learned["targets"][:][chosen]
        )
        tested = unseen["split"][:] == Split.TEST
        baseline = fit.predict(terms.transform(unseen["window_means"][:][tested]))
        true = unseen["targets"][:][tested]
    found = predictions(judged, "ratio6", "test")
    shares = json.loads((judged / "metrics.json").read_text())["rmse_share"]["ratio6"]
    for column, component in enumerate(("c11", "c66", "c16")):
        error = found[f"predicted_{component}_gpa"] - true[:, column]
        expected = np.sqrt(np.mean(error**2) / np.mean((baseline - true)[:, column] ** 2))
        assert shares[component] == pytest.approx(expected, rel=1e-3)


def test_intervals_hold_the_values(judged):
    results = json.loads((judged / "metrics.json").read_text())
    for name, intervals in results["intervals_95"].items():
        shares = results["rmse_share"][name].items()
        values = results["ensembles"][name] | {
            f"rmse_share_{kind}": share for kind, share in shares
        }
        assert {f"rmse_share_{kind}" for kind in ("young_modulus", "c11", "c66", "c16")} <= set(
            intervals
        )
        for measure, (low, high) in intervals.items():
            assert low <= high
            if measure != "sdape_percent":
                assert low <= values[measure] <= high, (name, measure)


def test_every_sve_is_predicted_once(judged):
    for ensemble, counts in COUNTS.items():
        splits = [predictions(judged, ensemble, split)["index"] for split in counts]
        assert sorted(np.concatenate(splits)) == list(range(sum(counts.values())))


def test_figures_and_nothing_unfinished(judged):
    names = {file.name for file in (judged / "figures").iterdir()}
    per_ensemble = {f"{kind}_{e}.svg" for kind in ("parity", "residuals", "worst") for e in FILES}
    whole = {"loss.svg", "distributions.svg", "size_effect.svg", "coverage.svg"}
    assert names == whole | per_ensemble
    assert {file.name for file in judged.iterdir()} == {
        *("inputs.h5", "model.keras", "history.csv", "train.provenance.json"),
        *("metrics.json", "predictions", "figures", "evaluate.provenance.json"),
    }


def test_a_second_judgement_is_the_same(judged, ensembles, tmp_path):
    evaluate.run(*files(judged), ensembles, tmp_path / "spectral", SETTINGS)
    for file in [judged / "metrics.json", *(judged / "predictions").iterdir()]:
        again = tmp_path / "spectral" / file.relative_to(judged)
        assert again.read_bytes() == file.read_bytes()


def test_damaged_inputs_are_refused_and_leave_nothing(judged, ensembles, tmp_path):
    damaged = tmp_path / "inputs.h5"
    shutil.copy(judged / "inputs.h5", damaged)
    with h5py.File(damaged) as file:
        chunk = file["ratio6/images"].id.get_chunk_info(0)
    with open(damaged, "rb+") as file:
        file.seek(chunk.byte_offset + 100)
        file.write(b"\xff" * 8)
    with pytest.raises(InputError, match=r"inputs.h5: damaged"):
        evaluate.run(damaged, *files(judged)[1:], ensembles, tmp_path / "out", SETTINGS)
    assert not (tmp_path / "out").exists()


def test_comparison_lists_best_first_with_baselines_and_the_study(judged, tmp_path):
    good = json.loads((judged / "metrics.json").read_text())
    bad = json.loads((judged / "metrics.json").read_text())
    bad["experiment"] = "worse"
    for values in bad["ensembles"].values():
        values["r2"] -= 0.5
    paths = []
    for metrics in (bad, good):
        paths.append(tmp_path / f"{metrics['experiment']}.json")
        paths[-1].write_text(json.dumps(metrics))
    write_record(tmp_path / f"evaluate{RECORD_SUFFIX}", "evaluate", "{}", paths, [])
    compare.run(tmp_path / "comparison.csv", paths)
    rows = list(csv.DictReader((tmp_path / "comparison.csv").open()))
    methods = {"network", "mean", "log_mean", "quadratic_fit", "two_point_statistics"}
    count = len(methods) * len(FILES)
    assert [row["experiment"] for row in rows[:count]] == ["spectral"] * count
    assert {(row["method"], row["ensemble"]) for row in rows[:count]} == {
        (method, ensemble) for method in methods for ensemble in FILES
    }
    study = {
        (row["experiment"], float(row["ratio"])): float(row["sdape_percent"])
        for row in rows
        if row["method"] == "published study"
    }
    assert sorted(study.values()) == [2.4, 5.7, 8.8, 16.0, 25.8, 48.7]
