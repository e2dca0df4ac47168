import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysve.crystals import square
from polysve.crystals.catalogue import find
from polysve.crystals.orientation import from_euler
from polysve.crystals.stiffness import plane_stress, voigt_reuss, young_modulus

SILICON = square.plane_stress(165.64, 63.94, 79.51)


def rotate(stiffness, angle):
    """Rotate a plane stiffness through its fourth-order tensor."""
    voigt = np.array([[0, 2], [2, 1]])
    tensor = stiffness[voigt[:, :, None, None], voigt]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    tensor = np.einsum("ia,jb,kc,ld,abcd->ijkl", turn, turn, turn, turn, tensor)
    first, second = np.array([0, 1, 0]), np.array([0, 1, 1])
    return tensor[first[:, None], second[:, None], first, second]


@given(st.floats(-10, 10))
def test_rotated_crystal_is_the_rotated_tensor(theta):
    assert np.allclose(SILICON.stiffness(theta), rotate(SILICON.stiffness(0.0), theta), rtol=1e-12)


@given(st.floats(0, 360))
def test_upright_crystals_in_closed_form_and_turned(turn_deg):
    turned = plane_stress(find("silicon").stiffness_gpa, from_euler([turn_deg, 0, 0]))
    np.testing.assert_allclose(SILICON.stiffness(np.radians(turn_deg)), turned, atol=1e-11)


def test_directional_moduli_of_silicon():
    assert SILICON.young_modulus_100 == pytest.approx(130.02, abs=0.02)
    assert SILICON.young_modulus_110 == pytest.approx(168.96, abs=0.05)
    stiffness = SILICON.stiffness(0.3)
    around = young_modulus(stiffness, np.linspace(0, np.pi, 20001))
    smallest, largest = square.extreme_moduli(stiffness)
    assert (
        around.min()
        == pytest.approx(smallest, rel=1e-7)
        == pytest.approx(SILICON.young_modulus_100)
    )
    assert (
        around.max() == pytest.approx(largest, rel=1e-7) == pytest.approx(SILICON.young_modulus_110)
    )


@given(st.floats(0.9, 1.1), st.floats(0, np.pi / 2))
def test_correction_scales_every_directional_modulus_and_keeps_the_bulk_identity(factor, theta):
    stiffness = SILICON.stiffness([theta, theta + 0.2, 0.1]).mean(0)
    corrected = square.restore_geometric_mean(stiffness, factor, SILICON.bulk)
    phi = np.linspace(0, np.pi, 7)
    expected = factor * young_modulus(stiffness, phi)
    assert np.allclose(young_modulus(corrected, phi), expected, rtol=1e-12)
    assert np.allclose(corrected @ [1, 1, 0], 2 * SILICON.bulk * np.array([1, 1, 0]), rtol=1e-12)


def test_voigt_and_reuss_of_two_crystals():
    pair = SILICON.stiffness([0.0, np.pi / 4])
    voigt, reuss = voigt_reuss(pair, [1, 3])
    assert np.allclose(voigt, (pair[0] + 3 * pair[1]) / 4)
    assert np.linalg.eigvalsh(voigt - reuss).min() > -1e-12
    assert voigt[2, 2] - reuss[2, 2] > 1


def film(name, axis_euler, count=5, seed=1):
    """Stiffness of crystals with an axis along the film normal, turned about it at random."""
    turns = np.random.default_rng(seed).uniform(0, 360, count)
    phi, phi2 = axis_euler
    quaternions = from_euler([[turn, phi, phi2] for turn in turns])
    return plane_stress(find(name).stiffness_gpa, quaternions)


@pytest.mark.films
@pytest.mark.parametrize("name", ["silicon", "rutile"])
def test_square_symmetry_of_upright_crystals(name):
    stiffness = film(name, (0, 0))
    found = square.square_symmetry(stiffness)
    upright = square.upright(find(name).stiffness_gpa)
    assert found.bulk_gpa == pytest.approx(upright.bulk, rel=1e-12)
    assert found.geometric_mean == pytest.approx(upright.geometric_mean, rel=1e-12)
    assert found.shear_gpa == pytest.approx(
        sorted([upright.q66, (upright.q11 - upright.q12) / 2]), rel=1e-12
    )
    assert not found.isotropic


@pytest.mark.films
@pytest.mark.parametrize(
    ("name", "axis"), [("silicon", (np.degrees(np.arccos(1 / np.sqrt(3))), 45)), ("zinc", (0, 0))]
)
def test_isotropic_films_are_known_as_such(name, axis):
    stiffness = film(name, axis)
    found = square.square_symmetry(stiffness)
    assert found.isotropic
    assert found.geometric_mean == pytest.approx(young_modulus(stiffness[0]), rel=1e-10)


@pytest.mark.films
def test_two_crystals_of_one_bulk_modulus_have_square_symmetry_and_no_geometric_mean():
    stiffer = square.PlaneStress(SILICON.q11 + 10, SILICON.q12 - 10, SILICON.q66)
    both = np.concatenate([SILICON.stiffness([0.1, 0.7]), stiffer.stiffness([0.3])])
    found = square.square_symmetry(both)
    assert found.bulk_gpa == pytest.approx(SILICON.bulk, rel=1e-12)
    assert found.shear_gpa is None and found.geometric_mean is None and not found.isotropic


@pytest.mark.films
@pytest.mark.parametrize(
    ("name", "axis"),
    [("silicon", (45, 0)), ("silicon", (1e-3, 0)), ("zinc", (90, 0)), ("quartz", (40, 10))],
)
def test_films_without_square_symmetry(name, axis):
    """Also one whose crystals are off the normal by a thousandth of a degree."""
    assert square.square_symmetry(film(name, axis)) is None


def test_two_bulk_moduli_are_no_square_symmetry():
    other = square.PlaneStress(SILICON.q11 + 1e-6, SILICON.q12 + 1e-6, SILICON.q66)
    assert square.square_symmetry(np.stack([SILICON.stiffness(0.1), other.stiffness(0.1)])) is None
