"""Sections of strips against closed forms and a dense solution of the same elements."""

import numpy as np
import pytest

from polysve.crystals.stiffness import exp_stiffness, log_stiffness
from polysve.device.section import sections
from polysve.device.whole import element_stiffness

pytestmark = [pytest.mark.device, pytest.mark.verification]


def isotropic(young: float, poisson: float) -> np.ndarray:
    q = [[1, poisson, 0], [poisson, 1, 0], [0, 0, (1 - poisson) / 2]]
    return log_stiffness(young / (1 - poisson**2) * np.array(q))


def random_film(shape: tuple[int, int], seed: int) -> np.ndarray:
    """Pixels of any stiffness, shape (1, along, across, 6)."""
    spread = np.random.default_rng(seed).normal(size=(1, *shape, 6))
    return isotropic(150.0, 0.25) + 0.3 * spread


def test_uniform_crystal_has_the_modulus_along_the_axis():
    log_q = np.array([5.0, 4.6, 4.9, 0.3, 0.4, -0.3])
    found = sections(np.tile(log_q, (1, 6, 16, 1)), 0.125, 3)
    modulus = 1 / np.linalg.inv(exp_stiffness(log_q))[0, 0]
    np.testing.assert_allclose(found.axial, 2 * modulus, rtol=1e-6)
    # the shear that bilinear elements have in bending: (h/W)² of G over E
    np.testing.assert_allclose(found.bending, modulus * 2**3 / 12, rtol=2 / 16**2)
    assert found.shear.shape == (1, 2)
    shear = 1 / np.linalg.inv(exp_stiffness(log_q))[2, 2]
    np.testing.assert_allclose(found.shear, 2 * shear * 5 / 6, rtol=2 / 16**2)


def test_stiffer_side_pulls_the_axis_to_itself():
    """Two materials side by side, Timoshenko's transformed section; y grows from the middle to the stiffer one."""
    log_q = np.concatenate(
        [np.tile(isotropic(e, 0.2), (1, 4, 32, 1)) for e in (100.0, 300.0)], axis=2
    )
    found = sections(log_q, 1 / 32, 4).stiffness[0, 0]
    np.testing.assert_allclose(found[0, 0], 400.0, rtol=1e-6)
    np.testing.assert_allclose(found[0, 1], -300 * 0.5 + 100 * 0.5, rtol=1e-3)
    np.testing.assert_allclose(found[1, 1], 400 / 3, rtol=1e-3)


def test_slices_in_series_keep_their_own_compliance():
    """Without Poisson's effect the stress of theory is exact, whatever stands beside a slice."""
    log_q = np.concatenate(
        [np.tile(isotropic(e, 0.0), (1, 8, 32, 1)) for e in (100.0, 300.0)], axis=1
    )
    found = sections(log_q, 1 / 32, 8)
    np.testing.assert_allclose(found.axial[0], [100, 300], rtol=1e-6)
    np.testing.assert_allclose(found.bending[0], np.array([100, 300]) / 12, rtol=1e-3)


@pytest.mark.parametrize("shape", [(6, 5), (5, 4)])
def test_same_energy_as_a_dense_solution(shape):
    log_q = random_film(shape, 3)
    found = sections(log_q, 0.5, 1).stiffness[0]
    whole = np.linalg.inv(np.linalg.inv(found).mean(0))
    np.testing.assert_allclose(whole, dense(exp_stiffness(log_q[0]), 0.5), rtol=1e-6)


def dense(q: np.ndarray, pixel: float) -> np.ndarray:
    """S from one matrix of all elements, with the displacements of e and κ at the corners of each."""
    along, across = q.shape[:2]
    stiffness = element_stiffness(q)
    number = np.arange(along * (across + 1) * 2).reshape(along, across + 1, 2)
    matrix = np.zeros((number.size, number.size))
    load, energy = np.zeros((number.size, 2)), np.zeros((2, 2))
    for i, j in np.ndindex(along, across):
        rows = number[[i, i, (i + 1) % along, (i + 1) % along], [j, j + 1, j, j + 1]].ravel()
        x = np.array([-0.5, -0.5, 0.5, 0.5]) * pixel
        y = (np.array([0, 1, 0, 1]) + j - across / 2) * pixel
        mean = np.stack([np.stack([x, 0 * x], 1), np.stack([-x * y, x * x / 2], 1)], -1)
        mean = mean.reshape(8, 2)
        matrix[np.ix_(rows, rows)] += stiffness[i, j]
        load[rows] += stiffness[i, j] @ mean
        energy += mean.T @ stiffness[i, j] @ mean
    moved = np.linalg.lstsq(matrix, -load, rcond=1e-12)[0]
    return (energy + load.T @ moved) / (along * pixel)


def test_turning_the_film_by_half_a_turn_mirrors_the_coupling_alone():
    log_q = random_film((8, 6), 5)
    one = sections(log_q, 1.0, 2).stiffness[0]
    other = sections(log_q[:, ::-1, ::-1], 1.0, 2).stiffness[0, ::-1]
    np.testing.assert_allclose(other, one * [[1, -1], [-1, 1]], rtol=1e-4, atol=1e-3)
    assert np.abs(one[:, 0, 1]).max() > 1


def test_sandwich_has_the_shear_stiffness_of_its_shear_flow():
    """Skins twice as stiff as the core, without Poisson's ratio: the shear stress is the static moment of E y over EI
    (Jourawski), and the work of it is that of V on 1/GA."""
    across = 48
    modulus = np.where(np.abs(np.arange(across) - (across - 1) / 2) < across / 4, 100.0, 200.0)
    layers = modulus[:, None, None] * np.diag([1, 1, 0.5])
    log_q = np.broadcast_to(log_stiffness(layers), (1, 4, across, 6))
    found = sections(log_q, 1 / across, 2)
    y, step = np.linspace(-0.5, 0.5, 200_001, retstep=True)
    young = np.where(np.abs(y) < 0.25, 100.0, 200.0)
    bending = (young * y**2).sum() * step
    stress = -np.cumsum(young * y) * step / bending
    compliance = (stress**2 / (young / 2)).sum() * step
    np.testing.assert_allclose(found.shear, 1 / compliance, rtol=2e-3)
    assert abs(found.shear[0, 0] * compliance - 1) < 0.1 * abs(5 / 6 * 75 * compliance - 1)
