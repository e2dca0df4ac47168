"""The trained network as a tool: the same numbers as its parts give, honest intervals, refusals."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from command import assert_refused, polysve
from structures import pictured
from studies import PERIODIC_LABELS, RATIO4, make_ensemble, make_model

from polysve.base.errors import InputError
from polysve.crystals.square import plane_stress
from polysve.crystals.stiffness import young_modulus

pytestmark = pytest.mark.surrogate


@pytest.fixture
def ensemble(small_ensemble):
    return small_ensemble


@pytest.fixture
def model(small_model):
    return small_model


@pytest.fixture(scope="session")
def one_output(tmp_path_factory, small_ensemble):
    """A grey network of one output, bound to one image size."""
    preprocess = {
        "encoding": "grey",
        "target": "young_modulus",
        "pixels": 32,
        "constant_pitch": False,
    }
    network = {
        "architecture": "cnn",
        "filters": (2, 2),
        "dense_nodes": 4,
        "pooling": "flatten",
    }
    return make_model(tmp_path_factory.mktemp("grey"), small_ensemble, preprocess, network)


@pytest.fixture(scope="session")
def surrogate(small_model):
    from polysve import load_surrogate

    return load_surrogate(small_model)


@pytest.fixture
def points(tmp_path):
    """Generators of the first SVE of another ensemble, and its path."""
    from polysve.grains.tessellation import draw_film

    drawn = draw_film(RATIO4, "other", 0)
    path = tmp_path / "points.csv"
    rows = np.column_stack([drawn.generators_um, np.degrees(drawn.theta_rad)])
    np.savetxt(path, rows, delimiter=",", header="x_um,y_um,theta_deg", comments="", fmt="%.17g")
    return path


# ---- prediction ----


def test_ensemble_prediction_is_that_of_the_evaluated_network(surrogate, ensemble, model):
    """Stored films go through the same steps as in preprocessing."""
    from polysve.networks import physical

    with h5py.File(model.with_name("inputs.h5")) as file:
        order, images = file["small/index"][:], file["small/images"][:]
    expected = physical.young_modulus(
        surrogate.model, physical.predict_targets(surrogate.model, images)
    )
    prediction = surrogate.predict(ensemble)
    assert np.array_equal(order, np.arange(140))
    np.testing.assert_allclose(prediction.young_modulus_gpa, expected, rtol=1e-6)


def test_prediction_of_generators_is_close_to_finite_elements(surrogate, points):
    from polysve.fem.homogenize import homogenize
    from polysve.films.readers import read_film
    from polysve.films.reading import Reading

    solved = homogenize(read_film(points, Reading(2.0))).stiffness_gpa["pbc"]
    with pytest.raises(InputError, match="--window was not given"):
        surrogate.predict(points)
    prediction = surrogate.predict(points, 2.0)
    scatter = 3.6
    np.testing.assert_allclose(
        prediction.young_modulus_gpa, young_modulus(solved), atol=scatter / 50
    )
    np.testing.assert_allclose(prediction.stiffness_gpa[0], solved, atol=scatter / 50)


def test_prediction_obeys_the_identities(surrogate, ensemble):
    crystal = plane_stress(165.64, 63.94, 79.51)
    prediction = surrogate.predict(ensemble)
    bulk = prediction.stiffness_gpa @ [1, 1, 0]
    np.testing.assert_allclose(bulk, np.tile([2, 2, 0], (140, 1)) * crystal.bulk, atol=1e-4)
    moduli = prediction.directional_gpa(np.linspace(0, np.pi, 1000))
    product = np.sqrt(moduli.min(1) * moduli.max(1))
    np.testing.assert_allclose(product, crystal.geometric_mean, rtol=1e-5)
    np.testing.assert_allclose(
        prediction.young_modulus_gpa, young_modulus(prediction.stiffness_gpa), rtol=1e-6
    )


def test_picture_and_generators_agree(surrogate, points, tmp_path):
    from polysve.films.readers import read_film
    from polysve.films.reading import Reading
    from polysve.grains.raster import grain_numbers

    film = read_film(points, Reading(2.0))
    path = tmp_path / "film.npz"
    labels, theta_deg = grain_numbers(film, 2048), np.degrees(film.theta_rad)
    np.savez_compressed(path, label_image=labels, theta_deg=theta_deg, window_um=2.0)
    exact, picture = surrogate.predict(points, 2.0), surrogate.predict(path)
    np.testing.assert_allclose(picture.young_modulus_gpa, exact.young_modulus_gpa, atol=2e-3)


def test_network_of_one_output_has_no_directions(one_output, points, tmp_path):
    from polysve import load_surrogate

    prediction = load_surrogate(one_output).predict(points, 2.0)
    assert prediction.stiffness_gpa is None
    assert prediction.young_modulus_gpa.shape == (1,)
    with pytest.raises(InputError, match="Ē alone"):
        prediction.directional_gpa(0.0)
    polar = tmp_path / "polar.svg"
    given = ("predict", points, "--window", 2, "--model", one_output)
    assert_refused(polysve(*given, "--polar", polar), "Ē alone")
    assert not polar.exists()


# ---- intervals ----


def test_interval_covers_what_it_states(surrogate, tmp_path_factory):
    """On SVEs never seen, at the stated 80 % less three binomial deviations."""
    from polysve.data.ensemble import Ensemble

    settings = RATIO4.model_copy(update={"seed": 9})
    path = make_ensemble(tmp_path_factory.mktemp("unseen"), 60, drawn=settings, **PERIODIC_LABELS)
    prediction = surrogate.predict(path, coverage=0.8)
    true = young_modulus(Ensemble(path).stiffness("pbc"))
    low, high = prediction.interval_gpa.T
    covered = np.mean((low <= true) & (true <= high))
    # 21 validation SVEs calibrate: their own scatter adds to that of the 60
    assert covered > 0.8 - 3 * np.sqrt(0.16 / 60 + 0.16 / 21)
    assert prediction.half_width_gpa.max() < 0.2


def test_conformal_quantile_covers_exactly():
    """Exchangeable scores: a further one is covered with probability ⌈(n + 1)c⌉/(n + 1)."""
    from polysve.learning.model_card import conformal_quantile

    random = np.random.default_rng(1)
    scores = random.exponential(size=(20_000, 20))
    covered = [each[-1] <= conformal_quantile(each[:-1], 0.9) for each in scores]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_coverage_beyond_the_validation_set_is_refused(surrogate, points):
    with pytest.raises(InputError, match=r"coverage = 0\.99"):
        surrogate.predict(points, 2.0, coverage=0.99)


def test_evaluation_measures_the_coverage(model, ensemble, surrogate):
    from polysve.settings.experiment import EvaluateSettings
    from polysve.stages import evaluate

    folder = model.parent / "judged"
    folder.mkdir()
    evaluate.run(
        model.with_name("inputs.h5"),
        model,
        model.with_name("history.csv"),
        {"small": ensemble},
        folder,
        EvaluateSettings(bootstrap_samples=2),
    )
    found = json.loads((folder / "metrics.json").read_text())["ensembles"]["small"]
    rows = np.genfromtxt(folder / "predictions/small.csv", delimiter=",", names=True, dtype=None)
    tested = rows["split"] == "test"
    error = np.abs(rows["predicted_gpa"] - rows["young_modulus_gpa"])[tested]
    half_width = surrogate.predict(ensemble).half_width_gpa
    inside = np.mean(error <= half_width[rows["index"][tested]] + 1e-6)
    assert found["coverage_90"] == pytest.approx(inside)


# ---- outside the training ----


def test_flags_tell_what_lies_outside_the_training(surrogate, ensemble):
    from polysve.grains.tessellation import draw_film

    def flags(settings, **changes):
        film = replace(draw_film(settings, "flags", 0), **changes)
        outside = surrogate.predict(film).outside
        return {name for name, flag in outside.items() if flag[0]}

    assert surrogate.predict(ensemble).outside["window"].sum() == 0
    assert flags(RATIO4) == set()
    assert "window" in flags(RATIO4.model_copy(update={"window_um": 3.0}))
    assert "grain_count" in flags(RATIO4.model_copy(update={"grain_size_um": 0.25}))
    assert flags(RATIO4, theta_rad=np.full(16, 0.3)) == {"texture"}
    coarse = pictured(np.arange(16).reshape(4, 4), np.linspace(0, 1.4, 16))
    assert surrogate.predict(coarse).outside["pixel_pitch"][0]


def test_more_contrast_than_it_was_validated_on_is_told(surrogate, ensemble):
    from polysve.surrogate.network import Surrogate

    largest = surrogate.card.validated_spread
    for known, told in ((largest / 1.4, False), (largest / 1.6, True)):
        card = surrogate.card.model_copy(update={"validated_spread": known})
        prediction = Surrogate(surrogate.model, card).predict(ensemble)
        assert prediction.outside["contrast"].any() == told
        words = f"contrast of the grains of {prediction.outside['contrast'].sum()} of "
        assert any(words in line for line in prediction.warnings("SVE")) == told


def test_card_tells_which_films_the_network_is_for(surrogate):
    told = surrogate.card.scope()
    assert told["crystals"] == "silicon"
    assert told["textures"] == "⟨100⟩"
    assert told["trained at L/s"] == "4"
    assert told["boundary condition"] == "PBC"
    low, high = map(float, told["effective grains"].split(" to "))
    assert 5 < low < high < 17
    assert 1e-2 < float(told["contrast"].removeprefix("spread of log Q up to ")) < 0.3


@pytest.mark.faults
def test_intervals_hold_the_truth_far_from_the_training(surrogate, one_output):
    """Fifty grains across, trained at four: one network carries there, of another one any answer is feared."""
    from polysve import load_surrogate
    from polysve.crystals.catalogue import find
    from polysve.grains.tessellation import draw_film
    from polysve.learning.model_card import Facts
    from polysve.surrogate.network_input import network_input
    from polysve.surrogate.training_free import Series

    settings = RATIO4.model_copy(update={"window_um": 25.0})
    film = draw_film(settings, "far", 0).made_of(find("silicon"))
    true = Series(film.crystals).predict([film]).young_modulus_gpa[0]
    for network, grade in ((surrogate, "note: window"), (load_surrogate(one_output), "window")):
        found = network.predict(film)
        assert abs(found.young_modulus_gpa[0] - true) < found.half_width_gpa[0] + 0.01
        assert any(grade in line for line in found.warnings("film"))
    # what the published recipe said of such a film, and as much too little
    seen = network_input(film, surrogate.card)
    facts = Facts(*np.array([seen.log_mean]).T, np.array([seen.effective_grains]))
    usual = surrogate.predict(film).half_width_gpa[0]
    for wrong in (true - 10.8, true + 10.8):
        half = surrogate.card.half_width_gpa(0.9, facts, np.array([wrong]))[0]
        assert usual < 0.1 < abs(wrong - true) < half < abs(wrong - true) + 2


def test_warning_on_stderr_and_flag_in_json(model, points):
    answer = polysve("predict", points, "--model", model, "--window", "3.5", "--json")
    assert answer.returncode == 0
    report = json.loads(answer.stdout)
    assert report["outside"]["window"] is True
    assert report["young_modulus_gpa"].keys() == {"pbc"}
    assert "window" in answer.stderr
    assert "3.5" not in json.dumps(report["outside"])


# ---- maps ----


def test_map_of_a_film_holds_the_predictions_of_its_windows(surrogate, tmp_path):
    from polysve.commands.predict import predict
    from polysve.films.reading import Reading
    from polysve.grains.film import LabelImage
    from polysve.grains.raster import grain_numbers
    from polysve.grains.tessellation import draw_film

    settings = RATIO4.model_copy(update={"window_um": 4.0})
    drawn = draw_film(settings, "map", 0)
    labels = grain_numbers(drawn, 256)
    path = tmp_path / "film.npz"
    np.savez(path, label_image=labels, theta_deg=np.degrees(drawn.theta_rad), window_um=4.0)
    result = predict(surrogate, path, Reading())
    assert result.field.young_modulus_gpa.shape == (3, 3)
    np.testing.assert_allclose(result.field.x_um, [1, 2, 3])
    # the window right of the centre at the bottom, cut by hand
    shape = LabelImage(labels[:128, 128:], 4.0 / 256)
    window = replace(drawn, shape=shape, size_um=(2.0, 2.0))
    alone = surrogate.predict(window).young_modulus_gpa[0]
    assert result.field.young_modulus_gpa[0, 2] == pytest.approx(alone, rel=1e-6)
    assert np.std(result.field.young_modulus_gpa) > 0.1
    picture, array = tmp_path / "map.svg", tmp_path / "map.npz"
    result.map_figure(picture)
    result.map_array(array)
    assert picture.read_text().startswith("<?xml")
    np.testing.assert_array_equal(
        np.load(array)["young_modulus_gpa"], result.field.young_modulus_gpa
    )


# ---- ONNX ----


@pytest.mark.faults
def test_onnx_gives_the_same_numbers(surrogate, one_output, tmp_path, capfd):
    import onnxruntime

    from polysve import load_surrogate
    from polysve.networks import physical
    from polysve.surrogate.onnx_export import export_onnx

    random = np.random.default_rng(1)
    for number, (each, sizes) in enumerate(
        [(surrogate, (64, 65, 96)), (load_surrogate(one_output), (32,))]
    ):
        path = tmp_path / f"{number}.onnx"
        export_onnx(each, path)
        assert capfd.readouterr() == ("", "")
        session = onnxruntime.InferenceSession(path)
        assert json.loads(session.get_modelmeta().custom_metadata_map["polysve"])["windows_um"]
        names = [end[0].name for end in (session.get_inputs(), session.get_outputs())]
        assert names == ["images", ("stiffness_gpa", "young_modulus_gpa")[number]]
        for pixels in sizes:
            channels = each.model.input_shape[-1]
            images = random.uniform(-1, 1, (3, pixels, pixels, channels)).astype(np.float32)
            found = session.run(None, {session.get_inputs()[0].name: images})[0]
            expected = physical.predict_targets(each.model, images)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * 150)
