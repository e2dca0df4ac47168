"""The trained network as a tool: the same numbers as its parts give, honest intervals, refusals."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from surrogate_model import COUNT, TESSELLATE, make_ensemble, train

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
    return train(tmp_path_factory.mktemp("grey"), small_ensemble, preprocess, network)


@pytest.fixture(scope="session")
def surrogate(small_model):
    from polysve import load_surrogate

    return load_surrogate(small_model)


@pytest.fixture
def points(tmp_path):
    """Generators of the first SVE of another ensemble, and its path."""
    from polysve.grains.tessellation import draw_film

    drawn = draw_film(TESSELLATE, "other", 0)
    path = tmp_path / "points.csv"
    rows = np.column_stack([drawn.generators_um, np.degrees(drawn.theta_rad)])
    np.savetxt(path, rows, delimiter=",", header="x_um,y_um,theta_deg", comments="", fmt="%.17g")
    return path


def polysve(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "polysve", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
    )


# ---- images ----


def test_exact_image_is_what_finer_and_finer_label_images_tend_to():
    from polysve.grains.raster import area_average, label_image
    from polysve.grains.tessellation import draw_film
    from polysve.learning import encoding

    for settings in (TESSELLATE, TESSELLATE.model_copy(update={"periodic": True})):
        drawn = draw_film(settings, "image", 3)
        values = encoding.harmonics(drawn.theta_rad)
        exact = area_average(drawn.shape, 2.0, values, 30)
        errors = []
        for pixels in (240, 960, 3840):
            labels = label_image(drawn.shape, 2.0, pixels)
            averaged = encoding.resize(encoding.paint(labels, values), 30)
            errors.append(np.sqrt(np.mean((averaged - exact) ** 2)))
        assert errors[2] < 3e-4
        assert errors[0] / errors[2] > 10


def test_exact_image_keeps_the_volume_average():
    from polysve.grains.raster import area_average
    from polysve.grains.tessellation import draw_film

    drawn = draw_film(TESSELLATE, "image", 4)
    image = area_average(drawn.shape, 2.0, np.cos(4 * drawn.theta_rad)[:, None], 17)
    area = np.bincount(drawn.shape.grain, drawn.shape.areas_um2(), 16) / 4
    assert image.mean() == pytest.approx(area @ np.cos(4 * drawn.theta_rad), abs=1e-6)


# ---- prediction ----


def test_ensemble_prediction_is_that_of_the_evaluated_network(surrogate, ensemble, model):
    """The label images go through the same steps as in preprocessing."""
    from polysve.networks import physical

    with h5py.File(model.with_name("inputs.h5")) as file:
        order, images = file["small/index"][:], file["small/images"][:]
    expected = physical.young_modulus(
        surrogate.model, physical.predict_targets(surrogate.model, images)
    )
    prediction = surrogate.predict(ensemble)
    assert np.array_equal(order, np.arange(COUNT))
    np.testing.assert_allclose(prediction.young_modulus_gpa, expected, rtol=1e-6)


def test_prediction_of_generators_is_close_to_finite_elements(surrogate, points):
    from polysve.commands.apparent import apparent
    from polysve.settings.labels import HomogenizeSettings, MeshSettings

    solved = apparent(points, 2.0, False, None, MeshSettings(), HomogenizeSettings())
    prediction = surrogate.predict(points)
    scatter = 3.6
    np.testing.assert_allclose(
        prediction.young_modulus_gpa, solved["young_modulus_gpa"]["pbc"], atol=scatter / 50
    )
    np.testing.assert_allclose(
        prediction.stiffness_gpa[0], solved["stiffness_gpa"]["pbc"], atol=scatter / 50
    )


def test_prediction_obeys_the_identities(surrogate, ensemble):
    crystal = plane_stress(165.64, 63.94, 79.51)
    prediction = surrogate.predict(ensemble)
    bulk = prediction.stiffness_gpa @ [1, 1, 0]
    np.testing.assert_allclose(bulk, np.tile([2, 2, 0], (COUNT, 1)) * crystal.bulk, atol=1e-4)
    moduli = prediction.directional_gpa(np.linspace(0, np.pi, 1000))
    product = np.sqrt(moduli.min(1) * moduli.max(1))
    np.testing.assert_allclose(product, crystal.geometric_mean, rtol=1e-5)
    np.testing.assert_allclose(
        prediction.young_modulus_gpa, young_modulus(prediction.stiffness_gpa), rtol=1e-6
    )


def test_picture_and_generators_agree(surrogate, points, tmp_path):
    from polysve.films.readers import read_films

    film = next(read_films(points, 2.0))
    fine = film.to_pixels(2048)
    path = tmp_path / "film.npz"
    np.savez_compressed(
        path, label_image=fine.labels, theta_deg=np.degrees(fine.theta_rad), window_um=2.0
    )
    exact, picture = surrogate.predict(points), surrogate.predict(path)
    np.testing.assert_allclose(picture.young_modulus_gpa, exact.young_modulus_gpa, atol=2e-3)


def test_network_of_one_output_has_no_directions(one_output, points, tmp_path):
    from polysve import load_surrogate

    prediction = load_surrogate(one_output).predict(points)
    assert prediction.stiffness_gpa is None
    assert prediction.young_modulus_gpa.shape == (1,)
    with pytest.raises(InputError, match="Ē alone"):
        prediction.directional_gpa(0.0)
    answer = polysve("predict", points, "--model", one_output, "--polar", tmp_path / "polar.svg")
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert not (tmp_path / "polar.svg").exists()


# ---- intervals ----


def test_interval_covers_what_it_states(surrogate, tmp_path_factory):
    """On SVEs never seen, at the stated 80 % less three binomial deviations."""
    from polysve.data.ensemble import Ensemble

    settings = TESSELLATE.model_copy(update={"seed": 9})
    path = make_ensemble(tmp_path_factory.mktemp("unseen"), settings, 60)
    prediction = surrogate.predict(path, coverage=0.8)
    true = young_modulus(Ensemble(path).stiffness("pbc"))
    low, high = prediction.interval_gpa.T
    covered = np.mean((low <= true) & (true <= high))
    # 21 validation SVEs calibrate: their own scatter adds to that of the 60
    assert covered > 0.8 - 3 * np.sqrt(0.16 / 60 + 0.16 / 21)
    assert prediction.half_width_gpa < 0.2


def test_conformal_quantile_covers_exactly():
    """Exchangeable scores: a further one is covered with probability ⌈(n + 1)c⌉/(n + 1)."""
    from polysve.learning.model_card import conformal_quantile

    random = np.random.default_rng(1)
    scores = random.exponential(size=(20_000, 20))
    covered = [each[-1] <= conformal_quantile(each[:-1], 0.9) for each in scores]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_coverage_beyond_the_validation_set_is_refused(surrogate, points):
    with pytest.raises(InputError, match=r"coverage = 0\.99"):
        surrogate.predict(points, coverage=0.99)


def test_evaluation_measures_the_coverage(model, ensemble, surrogate):
    from polysve.settings.experiment import EvaluateSettings
    from polysve.stages import evaluate

    folder = model.parent / "judged"
    folder.mkdir()
    evaluate.run(
        model.with_name("inputs.h5"),
        model,
        model.with_name("history.csv"),
        folder,
        EvaluateSettings(bootstrap_samples=2),
    )
    found = json.loads((folder / "metrics.json").read_text())["ensembles"]["small"]
    rows = np.genfromtxt(folder / "predictions/small.csv", delimiter=",", names=True, dtype=None)
    tested = rows["split"] == "test"
    error = np.abs(rows["predicted_gpa"] - rows["young_modulus_gpa"])[tested]
    inside = np.mean(error <= surrogate.card.half_width_gpa(0.9) + 1e-6)
    assert found["coverage_90"] == pytest.approx(inside)


# ---- outside the training ----


def test_flags_tell_what_lies_outside_the_training(surrogate, ensemble):
    from polysve.grains.film import CellMap, GrainMap
    from polysve.grains.tessellation import draw_film

    def flags(settings, theta=None):
        drawn = draw_film(settings, "flags", 0)
        theta = drawn.theta_rad if theta is None else theta
        film = CellMap(drawn.shape, theta, settings.window_um)
        outside = surrogate.predict(film).outside
        return {name for name, flag in outside.items() if flag[0]}

    assert surrogate.predict(ensemble).outside["window"].sum() == 0
    assert flags(TESSELLATE) == set()
    assert "window" in flags(TESSELLATE.model_copy(update={"window_um": 3.0}))
    assert "grain_count" in flags(TESSELLATE.model_copy(update={"grain_size_um": 0.25}))
    assert flags(TESSELLATE, np.full(16, 0.3)) == {"texture"}
    coarse = GrainMap(np.arange(16, dtype=np.uint16).reshape(4, 4), np.linspace(0, 1.4, 16), 0.5)
    assert surrogate.predict(coarse).outside["pixel_pitch"][0]


def test_warning_on_stderr_and_flag_in_json(model, points):
    answer = polysve("predict", points, "--model", model, "--window", "3.5", "--json")
    assert answer.returncode == 0
    report = json.loads(answer.stdout)
    assert report["outside_training"]["window"] is True
    assert report["young_modulus_gpa"].keys() == {"pbc"}
    assert "window" in answer.stderr
    assert "3.5" not in json.dumps(report["outside_training"])


# ---- maps ----


def test_map_of_a_film_holds_the_predictions_of_its_windows(surrogate, tmp_path):
    from polysve.commands.predict import Reading, predict
    from polysve.grains.film import GrainMap
    from polysve.grains.raster import label_image
    from polysve.grains.tessellation import draw_film

    settings = TESSELLATE.model_copy(update={"window_um": 4.0})
    drawn = draw_film(settings, "map", 0)
    labels = label_image(drawn.shape, 4.0, 256)
    path = tmp_path / "film.npz"
    np.savez(path, label_image=labels, theta_deg=np.degrees(drawn.theta_rad), window_um=4.0)
    result = predict(surrogate, path, Reading())
    assert result.field.young_modulus_gpa.shape == (3, 3)
    np.testing.assert_allclose(result.field.x_um, [1, 2, 3])
    # the window right of the centre at the bottom, cut by hand
    window = GrainMap(labels[:128, 128:], drawn.theta_rad, 4.0 / 256)
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


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_onnx_gives_the_same_numbers(surrogate, one_output, tmp_path):
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
        session = onnxruntime.InferenceSession(path)
        assert json.loads(session.get_modelmeta().custom_metadata_map["polysve"])["windows_um"]
        for pixels in sizes:
            channels = each.model.input_shape[-1]
            images = random.uniform(-1, 1, (3, pixels, pixels, channels)).astype(np.float32)
            found = session.run(None, {session.get_inputs()[0].name: images})[0]
            expected = physical.predict_targets(each.model, images)
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * 150)
