"""Chains of sections against textbooks, integrals and the transfer matrix."""

import numpy as np
import pytest
from scipy import integrate, optimize
from scipy.linalg import expm

from polysve.base.errors import InputError
from polysve.device.chain import Beams, flexibility, solve

pytestmark = [pytest.mark.device, pytest.mark.verification]

LAMBDA = {"cantilever": 1.8751040687119611, "clamped": 4.730040744862704}
MASS, LENGTH = 4660.0, 60.0  # kg/m³·µm², µm


def beams(bending, support="cantilever", shear=1e9, gyration=1e-9, tension=0.0, ends=None):
    """Beams of bending stiffness (slices,) that nothing but bending softens, unless said."""
    bending = np.asarray(bending, float)
    stiffness = np.zeros((1, len(bending), 2, 2))
    stiffness[0, :, 0, 0], stiffness[0, :, 1, 1] = 400.0, bending
    ends = LENGTH / len(bending) * np.arange(1, len(bending) + 1) if ends is None else ends
    return Beams(
        stiffness,
        np.full((1, len(bending)), shear),
        np.asarray(ends, float),
        2.0,
        np.full(1, MASS),
        np.full(1, gyration),
        np.full(1, tension),
        np.zeros((1, 2, 3, 3)),
        np.zeros((1, 3, 3)),
        support,
    )


@pytest.mark.parametrize("slices", [1, 7])
@pytest.mark.parametrize("support", LAMBDA)
def test_uniform_beam_has_the_frequency_and_stiffness_of_the_textbook(support, slices):
    found = solve(beams(np.full(slices, 100.0), support))
    root = np.sqrt(100e-15 / (MASS * 1e-12 * (LENGTH * 1e-6) ** 4))
    expected = LAMBDA[support] ** 2 / (2 * np.pi) * root
    assert found.frequency_hz[0] == pytest.approx(expected, rel=1e-5)
    factor = {"cantilever": 3, "clamped": 192}[support]
    expected = factor * 100e-15 / (LENGTH * 1e-6) ** 3
    assert found.stiffness_n_per_m[0] == pytest.approx(expected, rel=1e-6)


def transfer(piece, size, omega, shear, gyration):
    """State (deflection, slope, moment, shear force) over a piece of Timoshenko's beam, GPa and µm."""
    inertia = MASS * omega**2 / 1e21
    step = np.zeros((4, 4))
    step[0, 1], step[0, 3] = 1, -1 / shear
    step[1, 2] = 1 / piece
    step[2, 1], step[2, 3] = -inertia * gyration, 1
    step[3, 0] = inertia
    return expm(step * size)


@pytest.mark.parametrize("support", LAMBDA)
@pytest.mark.parametrize(("shear", "gyration", "error"), [(1e9, 1e-9, 1e-5), (128.0, 1 / 3, 3e-4)])
def test_uneven_beam_has_the_frequency_of_the_transfer_matrix(support, shear, gyration, error):
    pieces, ends = [100.0, 300.0, 50.0, 200.0], [10.0, 30.0, 45.0, 60.0]
    found = solve(beams(pieces, support, shear, gyration, ends=ends)).frequency_hz[0]
    free = slice(2, 4) if support == "cantilever" else slice(0, 2)

    def residual(frequency):
        state = np.eye(4)
        for piece, size in zip(pieces, np.diff(ends, prepend=0), strict=True):
            state = transfer(piece, size, 2 * np.pi * frequency, shear, gyration) @ state
        return np.linalg.det(state[free, 2:])

    exact = optimize.brentq(residual, 0.97 * found, 1.03 * found, xtol=1e-3)
    assert found == pytest.approx(exact, rel=error)
    lower = [residual(share * found) for share in np.linspace(0.01, 0.96, 40)]
    assert np.all(np.sign(lower) == np.sign(lower[0]))


def test_uneven_cantilever_bends_as_the_integral_of_its_flexibility():
    pieces, ends = np.array([100.0, 300.0, 50.0]), np.array([13.0, 20.0, 60.0])
    parts = -np.diff((LENGTH - ends) ** 3, prepend=LENGTH**3) / (3 * pieces)
    found = solve(beams(pieces, shear=128.0, ends=ends)).stiffness_n_per_m[0]
    assert found == pytest.approx(1e3 / (parts.sum() + LENGTH / 128), rel=1e-6)


def test_flexibility_is_the_work_of_unit_forces_on_each_other():
    """A piece that ends within slices, with coupled tension and bending."""
    random = np.random.default_rng(1)
    half = random.normal(size=(4, 2, 2))
    stiffness = half @ half.transpose(0, 2, 1) + np.eye(2)
    shear, ends = np.array([2.0, 3.0, 4.0, 5.0]), np.array([1.0, 2.5, 3.0, 6.0])
    edges = np.array([0.0, 0.7, 4.2, 6.0])
    found = flexibility(stiffness[None], shear[None], ends, edges)[0, 1]

    def density(x, one, other):
        which = np.searchsorted(ends, x)
        forces = np.array([[1, 0], [0, edges[2] - x], [0, 1.0]])  # N and M of N, V and M
        work = forces[one] @ np.linalg.inv(stiffness[which]) @ forces[other]
        return work + (one == other == 1) / shear[which]

    for one, other in np.ndindex(3, 3):
        exact = integrate.quad(density, 0.7, 4.2, (one, other), points=[1, 2.5, 3])[0]
        assert found[one, other] == pytest.approx(exact, rel=1e-7)


def test_tension_stiffens_and_compression_buckles():
    """A clamped beam buckles at 4π² EI/L²; on the way there its squared frequency falls about linearly."""
    critical = 4 * np.pi**2 * 100 / LENGTH**2 * 1e3  # µN
    free, loaded = (
        solve(beams([100.0], "clamped", tension=-share * critical)).frequency_hz[0]
        for share in (0, 0.5)
    )
    assert (loaded / free) ** 2 == pytest.approx(0.5, abs=0.02)
    solve(beams([100.0], "clamped", tension=-0.999 * critical))
    with pytest.raises(InputError, match="buckles"):
        solve(beams([100.0], "clamped", tension=-1.001 * critical))
