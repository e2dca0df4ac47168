import numpy as np
import pytest
from scipy import stats
from scipy.spatial.transform import Rotation

from polysve.grains.texture import draw
from polysve.settings.texture import DEFAULT_TEXTURE, texture_settings

pytestmark = pytest.mark.films
COUNT = 20_000
LEAST_P = 1e-3
"""Seeds are fixed: these tests pass always or never, and a law that is off by a tenth has p below 1e-10."""


def drawn(texture, seed=1, symmetry="cubic", count=COUNT):
    found = draw(texture_settings(texture), np.random.default_rng(seed), count, symmetry)
    np.testing.assert_allclose(np.linalg.norm(found.quaternions, axis=1), 1, rtol=1e-12)
    return Rotation.from_quat(found.quaternions, scalar_first=True)


def follows(values, cumulative):
    return stats.kstest(values, cumulative).pvalue > LEAST_P


def test_default_texture_is_bitwise_what_it_was():
    random, same = np.random.default_rng(5), np.random.default_rng(5)
    found = draw(DEFAULT_TEXTURE, random, 16)
    theta = same.uniform(0, np.pi / 2, 16)
    np.testing.assert_array_equal(found.theta_rad, theta)
    np.testing.assert_array_equal(
        found.quaternions,
        np.stack([np.cos(theta / 2), 0 * theta, 0 * theta, np.sin(theta / 2)], -1),
    )
    assert random.random() == same.random()


@pytest.mark.parametrize("axis", ["<100>", "<010>", "<00-1>"])
def test_equal_axes_of_a_cubic_crystal_are_one_texture(axis):
    one = draw(texture_settings(axis), np.random.default_rng(5), 16)
    np.testing.assert_array_equal(
        one.theta_rad, draw(DEFAULT_TEXTURE, np.random.default_rng(5), 16)[1]
    )


@pytest.mark.parametrize(
    ("symmetry", "axis", "has_theta"),
    [("tetragonal", "<001>", True), ("tetragonal", "<100>", False), ("hexagonal", "basal", False)],
)
def test_fourfold_axes_of_other_crystals(symmetry, axis, has_theta):
    found = draw(texture_settings(axis), np.random.default_rng(5), 16, symmetry)
    assert (found.theta_rad is not None) == has_theta


def test_random_orientations_have_no_preference():
    turns = drawn("random")
    matrices = turns.as_matrix()
    for row in range(3):
        for column in range(3):
            # each component of a direction without preference is uniform (Archimedes)
            assert follows(matrices[:, row, column], stats.uniform(-1, 2).cdf)
    assert follows(turns.magnitude(), lambda angle: (angle - np.sin(angle)) / np.pi)


@pytest.mark.parametrize("axis", [[1, 1, 0], [3, 1, 1], [-1, 2, -3], [0, 0, -2]])
def test_fibre_puts_its_axis_along_the_normal_at_any_angle(axis):
    turns = drawn({"fibre": {"axis": axis}}, symmetry="triclinic")
    unit = np.array(axis) / np.linalg.norm(axis)
    np.testing.assert_allclose(turns.apply(unit), [[0, 0, 1]] * COUNT, atol=1e-12)
    across = np.cross(unit, [0.3, 0.5, 0.8])
    x, y, _ = turns.apply(across).T
    assert follows(np.arctan2(y, x), stats.uniform(-np.pi, 2 * np.pi).cdf)


@pytest.mark.parametrize("spread_deg", [3.0, 30.0, 180.0])
def test_tilt_of_a_fibre_follows_von_mises_and_fisher(spread_deg):
    turns = drawn({"fibre": {"axis": [1, 1, 0], "spread_deg": spread_deg}})
    direction = turns.apply(np.array([1, 1, 0]) / np.sqrt(2))
    concentration = 1 / np.radians(spread_deg) ** 2
    theirs = stats.vonmises_fisher([0, 0, 1], concentration).rvs(COUNT, np.random.default_rng(2))
    assert stats.ks_2samp(direction[:, 2], theirs[:, 2]).pvalue > LEAST_P
    assert follows(np.arctan2(*direction[:, :2].T), stats.uniform(-np.pi, 2 * np.pi).cdf)
    if spread_deg == 3:
        assert direction[:, :2].std(0) == pytest.approx(np.radians(spread_deg), rel=0.02)


def test_crystals_about_one_orientation():
    euler, spread = [40.0, 60.0, 10.0], np.radians(8)
    turns = drawn({"components": [{"euler_deg": euler, "spread_deg": 8}]})
    off = turns * Rotation.from_euler("ZXZ", euler, degrees=True).inv()
    vectors = off.as_rotvec()
    for part in vectors.T:
        assert follows(part, stats.norm(0, spread).cdf)
    assert np.abs(np.corrcoef(vectors.T) - np.eye(3)).max() < 0.03


def test_components_and_mixtures_have_their_shares():
    components = [
        {"euler_deg": [0, 0, 0], "weight": 1},
        {"euler_deg": [30, 0, 0], "weight": 3},
        {"euler_deg": [60, 0, 0], "weight": 0},
    ]
    mixture = [{"weight": 2, "components": components}, {"weight": 6, "fibre": {"axis": [1, 1, 0]}}]
    matrices = drawn({"mixture": mixture}).as_matrix()
    upright = matrices[:, 2, 2] > 0.999
    angle = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])).round(6)
    # the standard deviation of a share is at most 0.0035
    assert upright.mean() == pytest.approx(0.25, abs=0.012)
    for number, share in ((0, 0.0625), (30, 0.1875), (60, 0)):
        assert (upright & (angle == number)).mean() == pytest.approx(share, abs=0.012)


def test_crystals_of_a_mixture_are_independent_of_their_neighbours():
    """As many of the same law follow each other as chance wants, not blocks of it."""
    mixture = [{"random": True}, {"fibre": {"axis": [1, 0, 0]}}]
    found = drawn({"mixture": mixture}).as_matrix()[:, 2, 0] > 0.999
    assert (found[1:] == found[:-1]).mean() == pytest.approx(0.5, abs=0.02)
