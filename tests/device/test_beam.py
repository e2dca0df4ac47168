"""Beams of SVEs against closed forms, the transfer matrix and a case whose reliability is known."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.linalg import expm

from polysve.base.errors import InputError
from polysve.device.beam import (
    BeamSettings,
    LimitSettings,
    beams,
    bending_stiffness,
    deflection,
    first_frequency,
    nominal,
    read_spec,
    reliability,
)

pytestmark = pytest.mark.beam

LAMBDA = {"cantilever": 1.8751040687119611, "clamped": 4.730040744862704}
MASS = 2e-9  # kg/m


@pytest.mark.parametrize("along", [1, 2, 5, 12])
@pytest.mark.parametrize("support", LAMBDA)
def test_uniform_beam_has_the_frequency_and_deflection_of_the_textbook(support, along):
    stiffness, length, force = 100.0, 40.0, 3.0  # GPa µm⁴, µm, µN
    expected = LAMBDA[support] ** 2 / (2 * np.pi)
    expected *= np.sqrt(stiffness * 1e-15 / (MASS * (length * 1e-6) ** 4))
    found = first_frequency(np.full((2, along), stiffness), length, MASS, support)
    np.testing.assert_allclose(found, expected, rtol=2e-6)
    factor = {"cantilever": 3, "clamped": 192}[support]
    expected = (force * 1e-6) * (length * 1e-6) ** 3 / (factor * stiffness * 1e-15) * 1e6
    found = deflection(np.full((2, along), stiffness), length, force, support)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def transfer_matrix(pieces, size, omega, mass):
    """State (deflection, slope, moment, shear) over a beam, by the exponential of the beam equation."""
    whole = np.eye(4)
    for stiffness in pieces:
        step = np.zeros((4, 4))
        step[0, 1], step[1, 2], step[2, 3] = 1, 1 / stiffness, 1
        step[3, 0] = mass * omega**2
        whole = expm(step * size) @ whole
    return whole


@pytest.mark.parametrize("support", LAMBDA)
def test_uneven_beam_has_the_frequency_of_the_transfer_matrix(support):
    pieces, length = np.array([1.0, 3.0, 0.5, 2.0]), 2.0
    found = first_frequency(pieces[None], length, MASS, support)[0]
    # in the units of first_frequency: ω² = quotient · 10⁹/mass
    free = slice(2, 4) if support == "cantilever" else slice(0, 2)

    def residual(omega):
        return np.linalg.det(transfer_matrix(pieces, length / 4, omega, 1.0)[free, 2:])

    omega = found * 2 * np.pi / np.sqrt(1e9 / MASS)
    exact = optimize.brentq(residual, 0.98 * omega, 1.02 * omega, xtol=1e-12)
    assert omega == pytest.approx(exact, rel=1e-5)
    lower = [residual(each) for each in np.linspace(0.01, 0.97, 40) * omega]
    assert np.all(np.sign(lower) == np.sign(lower[0]))


def test_uneven_cantilever_bends_as_the_integral_of_its_flexibility():
    pieces = np.array([1.0, 3.0, 0.5, 2.0])
    ends = np.linspace(0, 8.0, 5)
    exact = sum(
        ((8 - a) ** 3 - (8 - b) ** 3) / (3 * stiffness)
        for a, b, stiffness in zip(ends, ends[1:], pieces, strict=False)
    )
    assert deflection(pieces[None], 8.0, 1e3)[0] == pytest.approx(exact, rel=1e-9)


def test_section_of_strips():
    uniform = np.full((1, 4), 150.0)
    assert bending_stiffness(uniform, 4.0, 2.0, "in_plane")[0] == pytest.approx(150 * 2 * 64 / 12)
    assert bending_stiffness(uniform, 4.0, 2.0, "out_of_plane")[0] == pytest.approx(
        150 * 4 * 8 / 12
    )
    # two materials side by side, Timoshenko's transformed section, written out by hand
    one, other, width = 100.0, 300.0, 2.0
    axis = (one * 0.5 + other * 1.5) / (one + other)
    own = 1 / 12
    exact = one * (own + (0.5 - axis) ** 2) + other * (own + (1.5 - axis) ** 2)
    found = bending_stiffness(np.array([[one, other]]), width, 1.0, "in_plane")[0]
    assert found == pytest.approx(exact)


def test_reliability_of_a_case_with_a_known_answer():
    """One SVE along a cantilever: its stiffness is 3 E I/L³ with a normal E, so β = (mean − limit)/scatter."""
    mean, scatter, limit = 150.0, 4.0, 142.0
    moduli = np.random.default_rng(3).normal(mean, scatter, 200_000)
    settings = BeamSettings(
        widths_um=(2.0,), length_um=2.0, sve_um=2.0, thickness_um=1.0, beams=50_000
    )
    sample = beams(moduli, 2.0, settings)["stiffness_n_per_m"]
    factor = 3 * 1.0 * 2.0**3 / 12 / 2.0**3 * 1e3  # µN/µm for each GPa
    np.testing.assert_allclose(sample.mean(), factor * mean, rtol=1e-3)
    found = reliability(
        sample, LimitSettings(quantity="stiffness_n_per_m", at_least=factor * limit)
    )
    beta = (mean - limit) / scatter
    low, high = found["reliability_index_interval"]
    assert low < beta < high
    assert high - low < 0.1
    assert found["cornell_index"] == pytest.approx(beta, abs=0.03)
    probability = stats.norm.cdf(-beta)
    low, high = found["failure_probability_interval"]
    assert low < probability < high


def test_no_failure_gives_a_one_sided_answer():
    found = reliability(np.full(1000, 5.0) + np.arange(1000) * 1e-6, LimitSettings(at_most=9.0))
    assert found["failed"] == 0
    assert found["reliability_index"] is None
    assert found["failure_probability_interval"][1] == pytest.approx(1 - 0.025 ** (1 / 1000))
    assert found["reliability_index_interval"][1] is None


def test_scatter_falls_with_the_number_of_independent_sves():
    """The end deflection weighs piece i with ((n−i)³ − (n−i−1)³)/n³; the scatter follows for small scatter."""
    moduli = np.random.default_rng(4).normal(150, 1.5, 100_000)
    for along in (1, 4, 16):
        settings = BeamSettings(length_um=2.0 * along, widths_um=(2.0,), beams=4000)
        sample = beams(moduli, 2.0, settings)["deflection_um"]
        left = np.arange(along + 1)[::-1] / along
        weights = left[:-1] ** 3 - left[1:] ** 3
        expected = 0.01 * np.sqrt((weights**2).sum())
        assert sample.std() / sample.mean() == pytest.approx(expected, rel=0.05)


def test_nominal_limit_is_a_share_of_the_uniform_beam():
    settings = BeamSettings()
    uniform = nominal(148.2, 2.0, settings)
    inertia = settings.thickness_um * 2.0**3 / 12
    expected = 3 * 148.2e3 * inertia / settings.length_um**3
    assert uniform["stiffness_n_per_m"] == pytest.approx(expected, rel=1e-9)
    limit = LimitSettings(quantity="frequency_hz", at_least=0.99, of_nominal=True)
    assert limit.times(uniform["frequency_hz"]).at_least == 0.99 * uniform["frequency_hz"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("length_um: -1", "length_um"),
        ("length: 3", "unknown key"),
        ("limit: {quantity: frequency_hz}", "at_least"),
        ("- 1", "keys"),
        ("a: [", "YAML"),
    ],
)
def test_wrong_beams_are_refused(tmp_path, text, word):
    path = tmp_path / "beam.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=word):
        read_spec(path)


def test_beams_that_sves_do_not_fill_are_refused(tmp_path):
    path = tmp_path / "beam.yaml"
    path.write_text("")
    assert read_spec(path).widths_um == (2.0, 5.0)
    with pytest.raises(InputError, match="whole multiples"):
        BeamSettings(length_um=61.0).sves(2.0)
