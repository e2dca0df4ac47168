"""Networks of any film: head, modes, second order, and what holds whatever their weights."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structures import turned

from polysve.base.errors import InputError
from polysve.crystals.catalogue import find
from polysve.crystals.stiffness import exp_stiffness, log_stiffness, pack, plane_stress, unpack
from polysve.learning.encoding import SYMMETRIES, move, move_stiffness
from polysve.settings.experiment import NetworkSettings

pytest.importorskip("keras")

import tensorflow

from polysve.networks import architectures, physical
from polysve.networks.log_head import LogStiffnessHead
from polysve.networks.modes import modes
from polysve.networks.second_order import SecondOrder

pytestmark = pytest.mark.networks
CELLS, PIXELS = 4, 16


def stiffnesses(count, crystal="copper", seed=0):
    quaternions = np.random.default_rng(seed).normal(size=(count, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    return plane_stress(find(crystal).stiffness_gpa, quaternions)


@pytest.fixture(scope="module", autouse=True)
def plain_functions():
    """Networks that answer once or twice, as they stand: to compile them takes seconds. Other tests do."""
    tensorflow.config.run_functions_eagerly(True)
    yield
    tensorflow.config.run_functions_eagerly(False)


def patchwork(count=2, crystal="copper", seed=0):
    """Images of log Q of square grains."""
    log = log_stiffness(stiffnesses(count * CELLS**2, crystal, seed))
    cell = PIXELS // CELLS
    return log.reshape(count, CELLS, CELLS, 6).repeat(cell, 1).repeat(cell, 2).astype("float32")


@cache
def model(architecture, scale=0.3):
    """A network in GPa with weights unlike each other; tests only read it."""
    chosen = NetworkSettings(architecture=architecture, filters=(4,))
    head = LogStiffnessHead()
    network = architectures.build(chosen, patchwork(), np.zeros((2, 6)), 0, head)
    random = np.random.default_rng(1)
    network.set_weights([random.normal(0, scale, w.shape) for w in network.get_weights()])
    return physical.with_units(network, np.zeros(6), np.full(6, 0.1), head)


@given(st.lists(st.floats(-2, 2), min_size=6, max_size=6))
@settings(max_examples=50)
def test_head_is_positive_definite_whatever_the_network_says(coordinates):
    stiffness = np.asarray(LogStiffnessHead()(np.array([coordinates], "float32")))
    assert np.linalg.eigvalsh(unpack(stiffness)).min() > 0


def test_head_is_the_exponential_in_single_precision():
    stiffness = pack(stiffnesses(50, "zinc"))
    coordinates = LogStiffnessHead().label_coordinates(stiffness)
    found = LogStiffnessHead()(coordinates.astype("float32"))
    np.testing.assert_allclose(found, stiffness, atol=2e-6 * stiffness.max())


def test_label_that_is_not_positive_definite_is_named():
    with pytest.raises(InputError, match=r"label 1: .* 1, 1, 1, 2, 0, 0 GPa"):
        LogStiffnessHead().label_coordinates([[2.0, 2, 1, 0, 0, 0], [1, 1, 1, 2, 0, 0]])


@pytest.mark.parametrize("angle_rad", [0.3, np.pi / 2])
def test_a_turn_multiplies_modes_by_phases(angle_rad):
    stiffness = stiffnesses(5)
    before, after = (
        np.asarray(modes(log_stiffness(each))) for each in (stiffness, turned(stiffness, angle_rad))
    )
    np.testing.assert_allclose(after[:, :2], before[:, :2], atol=1e-9)
    for column, spin in ((2, 2), (4, 4)):
        z, expected = (m[:, column] + 1j * m[:, column + 1] for m in (after, before))
        np.testing.assert_allclose(z, expected * np.exp(1j * spin * angle_rad), atol=1e-9)


def laminate(stiffness):
    """Effective stiffness of equal layers normal to x1: they share ε22, σ11 and σ12 (Milton, §9.2)."""
    swapped = []
    for each in stiffness:
        a, b = each[np.ix_([0, 2], [0, 2])], each[[0, 2], 1]
        inverse = np.linalg.inv(a)
        swapped.append((inverse, inverse @ b, each[1, 1] - b @ inverse @ b))
    inverse, coupling, rest = (np.mean(parts, axis=0) for parts in zip(*swapped, strict=True))
    a = np.linalg.inv(inverse)
    effective = np.zeros((3, 3))
    effective[np.ix_([0, 2], [0, 2])], effective[1, 1] = a, rest + coupling @ a @ coupling
    effective[[0, 2], 1] = effective[1, [0, 2]] = a @ coupling
    return effective


def test_second_order_misses_the_third_of_a_laminate():
    mean, half = np.array([5.0, 5.0, 4.6, 0.4, 0, 0]), np.array([0.3, -0.1, 0.2, 0.1, 0.25, -0.15])
    errors = []
    for contrast in (0.4, 0.1):
        log = mean + contrast * half * np.array([[1], [-1]])
        image = log.repeat(8, 0)[None, None].repeat(16, 1)
        exact = log_stiffness(laminate(exp_stiffness(log)))
        across = exact - np.asarray(SecondOrder(dtype="float64")(image))[0]
        along = move_stiffness(unpack(exact), 1)
        moved = np.rot90(pack(move_stiffness(unpack(image), 1)), axes=(2, 1))
        other = pack(along) - np.asarray(SecondOrder(dtype="float64")(moved))[0]
        np.testing.assert_allclose(np.abs(other).max(), np.abs(across).max(), rtol=1e-6)
        errors.append(np.abs(across).max())
        first = np.abs(exact - mean).max()
        assert errors[-1] < 0.1 * first
    assert errors[1] < errors[0] / 4**2.7


@pytest.mark.parametrize("architecture", ["spectral", "pyramid"])
def test_networks_turn_with_the_film_whatever_their_weights(architecture):
    network, images = model(architecture), patchwork()
    stiffness = physical.predict_targets(network, images)
    assert np.abs(stiffness - physical.predict_targets(model(architecture, 0), images)).max() > 0.1
    for symmetry in range(len(SYMMETRIES)):
        moved = pack(move_stiffness(unpack(move(images, symmetry)), symmetry)).astype("float32")
        expected = pack(move_stiffness(unpack(stiffness), symmetry))
        np.testing.assert_allclose(physical.predict_targets(network, moved), expected, atol=5e-3)
    picture = move(images, 1)
    assert np.abs(physical.predict_targets(network, picture) - stiffness).max() > 1


@pytest.mark.parametrize("architecture", ["spectral", "pyramid"])
def test_a_film_of_one_grain_has_its_stiffness_whatever_the_weights(architecture):
    stiffness = pack(stiffnesses(3, "zinc"))
    images = np.broadcast_to(log_stiffness(unpack(stiffness))[:, None, None], (3, 16, 16, 6))
    found = physical.predict_targets(model(architecture), images.astype("float32"))
    np.testing.assert_allclose(found, stiffness, atol=4e-3)  # of single precision


@pytest.mark.parametrize("architecture", ["spectral", "pyramid", "cnn", "resnet"])
def test_networks_know_no_unit(architecture):
    images = patchwork()
    twice = images + np.log(2) * np.array([1, 1, 1, 0, 0, 0], "float32")
    network = model(architecture, 0.05)
    found, doubled = (physical.predict_targets(network, each) for each in (images, twice))
    np.testing.assert_allclose(doubled, 2 * found, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("architecture", ["spectral", "pyramid", "cnn"])
def test_saved_networks_load_in_safe_mode_and_predict_the_same(architecture, tmp_path):
    network, images = model(architecture), patchwork()
    network.save(tmp_path / "model.keras")
    loaded = physical.load(tmp_path / "model.keras")
    expected = physical.predict_targets(network, images)
    np.testing.assert_array_equal(physical.predict_targets(loaded, images), expected)
    assert isinstance(physical.stiffness_head(loaded), LogStiffnessHead)
