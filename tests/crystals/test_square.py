import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysve.crystals import square

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


@given(*[st.floats(-720, 720)] * 3)
def test_euler_angles_against_a_rotation_of_the_whole_tensor(phi1, phi, phi2):
    """Invert the 3-D compliance instead of condensing the stiffness: plane stress read off from the other side."""
    stiffness = np.zeros((3, 3, 3, 3))
    for i in range(3):
        for j in range(3):
            stiffness[i, i, j, j] += 63.94
            stiffness[i, j, i, j] += 79.51
            stiffness[i, j, j, i] += 79.51
        stiffness[i, i, i, i] += 165.64 - 63.94 - 2 * 79.51
    z1, x, z2 = np.deg2rad([phi1, phi, phi2])
    about_z = lambda a: np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])  # noqa: E731
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    turn = about_z(z1) @ about_x @ about_z(z2)
    tensor = np.einsum("ia,jb,kc,ld,abcd->ijkl", turn, turn, turn, turn, stiffness)
    first, second = np.array([0, 1, 0, 2, 1, 0]), np.array([0, 1, 1, 2, 2, 2])
    compliance = np.linalg.inv(tensor[first[:, None], second[:, None], first, second])
    expected = np.linalg.inv(compliance[:3, :3])
    assert np.allclose(
        square.euler_stiffness(165.64, 63.94, 79.51, [phi1, phi, phi2]), expected, atol=1e-9
    )


def test_directional_moduli_of_silicon():
    assert SILICON.young_modulus_100 == pytest.approx(130.02, abs=0.02)
    assert SILICON.young_modulus_110 == pytest.approx(168.96, abs=0.05)
    stiffness = SILICON.stiffness(0.3)
    around = square.young_modulus(stiffness, np.linspace(0, np.pi, 20001))
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
    expected = factor * square.young_modulus(stiffness, phi)
    assert np.allclose(square.young_modulus(corrected, phi), expected, rtol=1e-12)
    assert np.allclose(corrected @ [1, 1, 0], 2 * SILICON.bulk * np.array([1, 1, 0]), rtol=1e-12)


def test_voigt_and_reuss_of_two_crystals():
    pair = SILICON.stiffness([0.0, np.pi / 4])
    voigt, reuss = square.voigt_reuss(pair, [1, 3])
    assert np.allclose(voigt, (pair[0] + 3 * pair[1]) / 4)
    assert np.linalg.eigvalsh(voigt - reuss).min() > -1e-12
    assert voigt[2, 2] - reuss[2, 2] > 1
