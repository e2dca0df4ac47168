"""Networks: identities, symmetries and exact solutions of their fixed layers; files; sizes."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structures import SILICON, draw

from polysve.base.errors import InputError
from polysve.crystals.catalogue import find
from polysve.crystals.square import extreme_moduli, plane_stress
from polysve.fem.homogenize import homogenize
from polysve.learning import encoding
from polysve.settings.experiment import NetworkSettings
from polysve.settings.labels import HomogenizeSettings

keras = pytest.importorskip("keras")

import tensorflow  # noqa: E402

from polysve.networks import architectures, born, physical, spectral  # noqa: E402
from polysve.networks.head import StiffnessHead  # noqa: E402

pytestmark = pytest.mark.networks
CONDITIONS = ("kubc", "subc", "pbc")
COPPER = plane_stress(168.4, 121.4, 75.4)


def constants(crystal):
    return crystal.bulk, (crystal.q66, (crystal.q11 - crystal.q12) / 2)


def whole(stiffness, bulk):
    """(n, 3, 3) from C11, C66, C16 by the bulk identity."""
    c11, c66, c16 = np.asarray(stiffness, float).T
    matrix = np.array([[c11, 2 * bulk - c11, c16], [2 * bulk - c11, c11, -c16], [c16, -c16, c66]])
    return np.moveaxis(matrix, -1, 0)


def reduced(matrix):
    return matrix[..., [0, 2, 0], [0, 2, 2]]


@pytest.fixture(scope="module", autouse=True)
def plain_functions():
    """Networks that answer once or twice, as they stand: to compile them takes seconds. Other tests do."""
    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


def patchwork(seed=0, count=3, cells=4, pixels=16):
    """Harmonic images of square grains."""
    theta = np.random.default_rng(seed).uniform(0, np.pi / 2, (count, cells, cells))
    return encoding.harmonics(theta.repeat(pixels // cells, 1).repeat(pixels // cells, 2))


def mirrored(pictures):
    """Mirror image of the same material: x → −x and θ → −θ."""
    return pictures[:, :, ::-1] * np.array([1, -1], np.float32)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
@settings(max_examples=50)
def test_head_is_positive_definite_whatever_the_network_says(coordinates):
    head = StiffnessHead(*constants(SILICON), geometric_mean=False, dtype="float64")
    values = np.linalg.eigvalsh(whole(head(np.array([coordinates])), SILICON.bulk))
    assert values.min() > 0


@given(st.lists(st.floats(-1.5, 1.5), min_size=2, max_size=2))
@settings(max_examples=50)
def test_head_keeps_the_geometric_mean_whatever_the_network_says(coordinates):
    head = StiffnessHead(*constants(COPPER), geometric_mean=True, dtype="float64")
    matrix = whole(head(np.array([coordinates])), COPPER.bulk)
    smallest, largest = extreme_moduli(matrix)
    assert np.linalg.eigvalsh(matrix).min() > 0
    np.testing.assert_allclose(np.sqrt(smallest * largest), COPPER.geometric_mean, rtol=1e-6)


@pytest.mark.parametrize("geometric_mean", [False, True])
def test_coordinates_undo_the_head(geometric_mean):
    head = StiffnessHead(*constants(SILICON), geometric_mean, dtype="float64")
    coordinates = np.random.default_rng(0).normal(0, 0.1, (20, head.n_coordinates))
    np.testing.assert_allclose(head.label_coordinates(head(coordinates)), coordinates, atol=1e-7)


def test_label_that_is_not_positive_definite_is_named():
    head = StiffnessHead(*constants(SILICON), geometric_mean=True)
    labels = np.array([[150.0, 70.0, 0.0], [150.0, 1.0, 20.0]])
    with pytest.raises(InputError, match=r"label 1.*150, 1, 20"):
        head.label_coordinates(labels)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_eigenbasis_diagonalizes_linear_elements(condition):
    stiffness, mass = np.zeros((9, 9)), np.zeros((9, 9))
    for element in range(8):
        pair = np.ix_([element, element + 1], [element, element + 1])
        stiffness[pair] += [[1, -1], [-1, 1]]
        mass[pair] += np.array([[2, 1], [1, 2]]) / 6
    spread = {"kubc": np.eye(9)[:, 1:-1], "subc": np.eye(9), "pbc": np.eye(9)[:, :-1].copy()}
    spread["pbc"][8, 0] = 1
    fold = spread[condition]
    vectors, values = (np.asarray(part) for part in born.eigenbasis(8, condition, "float64"))
    np.testing.assert_allclose(
        vectors.T @ fold.T @ mass @ fold @ vectors, np.eye(len(values)), atol=1e-12
    )
    np.testing.assert_allclose(
        vectors.T @ fold.T @ stiffness @ fold @ vectors, np.diag(values), atol=1e-12
    )


def test_forces_are_the_adjoint_of_differences():
    random = np.random.default_rng(0)
    nodal, pixel = random.normal(size=(6, 6)), random.normal(size=(3, 5, 5))
    work = sum(
        (p * np.asarray(d)).sum() for p, d in zip(pixel, born.differences(nodal), strict=True)
    )
    assert (nodal * np.asarray(born.forces(*pixel))).sum() == pytest.approx(work)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("crystal", [SILICON, COPPER])
def test_born_series_of_one_crystal_is_the_crystal(crystal, condition):
    theta = np.radians([0.0, 20.0, 45.0, 77.0])
    pictures = np.broadcast_to(encoding.harmonics(theta)[:, None, None], (4, 8, 8, 2))
    layer = born.BornSeries(*constants(crystal), condition, terms=12, dtype="float64")
    np.testing.assert_allclose(layer(pictures), reduced(crystal.stiffness(theta)), atol=1e-5)


def test_born_series_of_a_laminate_is_exact():
    """Layers normal to x1 share ε22, σ11 and σ12 (Milton, The Theory of Composites, §9.2)."""
    theta = np.radians([10.0, 70.0])
    picture = encoding.harmonics(theta)[None, None].repeat(8, 1).repeat(4, 2)
    swapped = []
    for stiffness in COPPER.stiffness(theta):
        a, b = stiffness[np.ix_([0, 2], [0, 2])], stiffness[[0, 2], 1]
        inverse = np.linalg.inv(a)
        swapped.append((inverse, inverse @ b, stiffness[1, 1] - b @ inverse @ b))
    inverse, coupling, rest = (np.mean(parts, axis=0) for parts in zip(*swapped, strict=True))
    a = np.linalg.inv(inverse)
    c11, c16, c66 = a[0, 0], a[0, 1], a[1, 1]
    assert rest + coupling @ a @ coupling == pytest.approx(c11)
    layer = born.BornSeries(*constants(COPPER), "pbc", terms=20, dtype="float64")
    np.testing.assert_allclose(np.asarray(layer(picture))[0], [c11, c66, c16], rtol=1e-7)


def test_boundary_conditions_are_ordered():
    stiffness = {
        name: whole(
            born.BornSeries(*constants(COPPER), name, terms=25, dtype="float64")(patchwork()),
            COPPER.bulk,
        )
        for name in CONDITIONS
    }
    for soft, stiff in (("subc", "pbc"), ("pbc", "kubc")):
        values = np.linalg.eigvalsh(stiffness[stiff] - stiffness[soft])
        assert values.min() > -1e-6
        assert values.max() > 0.1


@pytest.mark.parametrize("condition", CONDITIONS)
def test_born_series_meets_the_finite_elements_untrained(condition):
    """The grid's own error is 0.03 % for copper at 32 pixels on 9 grains."""
    pictures, labels = [], []
    for index in range(3):
        film = draw(index)[0].made_of(find("copper"))
        label = homogenize(film, HomogenizeSettings(indicator=False))
        labels.append(label.stiffness_gpa[condition])
        pictures.append(encoding.encode(film, 64))
    layer = born.BornSeries(*constants(COPPER), condition, terms=10)
    np.testing.assert_allclose(layer(np.array(pictures)), reduced(np.array(labels)), atol=0.4)


@cache
def linear_network(architecture, condition="pbc"):
    """A network with weights unlike each other, in GPa; tests only read it."""
    head = StiffnessHead(*constants(SILICON), condition == "pbc")
    chosen = NetworkSettings(architecture=architecture, terms=8)
    network = architectures.build(chosen, patchwork(), np.zeros((3, 2)), 0, head, condition)
    for name in ("vector_head", "scalar_head")[: 1 if condition == "pbc" else 2]:
        layer = network.get_layer(name)
        layer.set_weights(
            [np.linspace(-0.3, 0.4, w.size).reshape(w.shape) for w in layer.get_weights()]
        )
    return physical.with_units(
        network, np.zeros(head.n_coordinates), np.ones(head.n_coordinates), head
    )


@pytest.mark.parametrize(
    ("architecture", "condition", "pixels"),
    [
        ("spectral", "pbc", 16),
        ("spectral", "pbc", 15),
        ("spectral", "kubc", 16),
        ("born", "pbc", 12),
        ("born", "kubc", 12),
        ("born", "subc", 12),
    ],
)
def test_linear_networks_turn_with_the_window(architecture, condition, pixels):
    model = linear_network(architecture, condition)
    pictures = patchwork(cells=3 if pixels == 15 else 4, pixels=pixels)
    stiffness = physical.predict_targets(model, pictures)
    assert np.abs(stiffness[:, 2]).min() > 0.01
    turned = physical.predict_targets(model, np.rot90(pictures, axes=(1, 2)))
    np.testing.assert_allclose(turned, stiffness, atol=2e-3)
    mirror = physical.predict_targets(model, mirrored(pictures))
    np.testing.assert_allclose(mirror, stiffness * [1, 1, -1], atol=2e-3)
    picture = pictures[:, :, ::-1]
    assert np.abs(physical.predict_targets(model, picture) - mirror).max() > 0.01


def test_pyramid_starts_from_the_fit_of_the_means_and_ignores_shifts():
    pictures = patchwork(count=40)
    c, s = pictures.mean((1, 2)).T
    targets = np.stack([c + 0.3 * c * s - s**3, 2 * s - c * c], 1)
    network = architectures.build(NetworkSettings(architecture="pyramid"), pictures, targets, 0)
    np.testing.assert_allclose(physical.predict_targets(network, pictures), targets, atol=1e-5)
    rest = network.get_layer("rest")
    rest.set_weights([np.linspace(-9e5, 9e5, w.size).reshape(w.shape) for w in rest.get_weights()])
    expected = physical.predict_targets(network, pictures)
    assert np.abs(expected - targets).max() > 0.01
    shifted = np.roll(pictures, (8, 8), axis=(1, 2))
    np.testing.assert_allclose(
        physical.predict_targets(network, shifted), expected, rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("architecture", ["spectral", "born"])
def test_linear_networks_ignore_periodic_shifts(architecture):
    model, pictures = linear_network(architecture), patchwork()
    shifted = physical.predict_targets(model, np.roll(pictures, (3, 5), axis=(1, 2)))
    np.testing.assert_allclose(shifted, physical.predict_targets(model, pictures), atol=2e-3)


def test_vector_features_turn_with_the_polycrystal():
    """One eighth of a turn: every grain's angle and, in a window that is its own image, the grains."""
    pictures = patchwork()
    waves = spectral.wave_directions(16)
    cosine, sine = (np.asarray(part) for part in waves[4])
    assert np.abs(cosine**2 + sine**2 - 1)[1:8, 1:8].max() < 1e-6
    turned = np.stack([-pictures[..., 1], pictures[..., 0]], -1)  # θ + 22.5°: z → i z
    layer = spectral.SpectralFeatures(dtype="float64")
    vectors, scalars = (np.asarray(part) for part in layer(pictures.astype(float)))
    other, same = (np.asarray(part) for part in layer(turned.astype(float)))
    np.testing.assert_allclose(other[:, 0, 0], -vectors[:, 1, 0], atol=1e-12)
    np.testing.assert_allclose(same[:, :2], scalars[:, :2], atol=1e-12)


@pytest.mark.parametrize(
    "architecture", ["cnn", "resnet", "densenet", "mlp", "pyramid", "spectral", "born"]
)
def test_saved_networks_load_in_safe_mode_and_predict_the_same(architecture, tmp_path):
    head = StiffnessHead(*constants(SILICON), geometric_mean=True)
    chosen = NetworkSettings(architecture=architecture, filters=(4, 6), terms=3)
    network = architectures.build(chosen, patchwork(), np.eye(3)[:, :2], 0, head)
    model = physical.with_units(network, np.zeros(2), np.full(2, 0.02), head)
    model.save(tmp_path / "model.keras")
    loaded = physical.load(tmp_path / "model.keras")
    pictures = patchwork()
    expected = physical.predict_targets(model, pictures)
    np.testing.assert_array_equal(physical.predict_targets(loaded, pictures), expected)
    assert physical.stiffness_head(loaded).bulk_gpa == head.bulk_gpa
    if architecture != "mlp":
        assert physical.predict_targets(loaded, patchwork(pixels=24)).shape == (3, 3)
    else:
        with pytest.raises(InputError, match=r"\(24, 24, 2\).*\(16, 16, 2\)"):
            physical.predict_targets(loaded, patchwork(pixels=24))


def test_file_that_is_no_network_is_refused(tmp_path):
    (tmp_path / "model.keras").write_text("nothing")
    with pytest.raises(InputError, match=r"model\.keras"):
        physical.load(tmp_path / "model.keras")


def test_more_stages_than_the_image_can_be_halved_are_refused():
    chosen = NetworkSettings(architecture="cnn", filters=(4,) * 5)
    with pytest.raises(InputError, match=r"5 stages.*16 x 16 pixels allow 4"):
        architectures.build(chosen, np.zeros((1, 16, 16, 1)), np.zeros((1, 1)), 0)


def test_initial_weights_depend_on_the_seed_alone():
    chosen = NetworkSettings(architecture="resnet", filters=(4,))
    first, again, other = (
        architectures.build(chosen, np.zeros((1, 8, 8, 1)), np.zeros((1, 1)), seed).get_weights()[0]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_sixteen_bit_products_train_weights_of_32_bits_and_answer_in_32():
    pictures = np.random.default_rng(1).normal(size=(2, 16, 16, 2)).astype("float32")
    made = {
        precision: architectures.build(
            NetworkSettings(architecture="resnet", filters=(4, 8), precision=precision),
            pictures,
            np.zeros((2, 1)),
            seed=1,
        )
        for precision in ("float32", "bfloat16")
    }
    found = {name: network.predict(pictures, verbose=0) for name, network in made.items()}
    assert {weight.dtype for weight in made["bfloat16"].weights} == {"float32"}
    assert found["bfloat16"].dtype == np.float32
    assert 0 < np.abs(found["bfloat16"] - found["float32"]).max() < 0.05
    assert keras.config.dtype_policy().name == "float32"


def test_physical_networks_refuse_sixteen_bits():
    with pytest.raises(InputError, match=r"network\.precision = 'bfloat16'"):
        architectures.build(
            NetworkSettings(architecture="spectral", precision="bfloat16"),
            np.zeros((1, 8, 8, 2)),
            np.zeros((1, 3)),
            seed=1,
        )
