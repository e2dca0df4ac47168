"""The picture of a grain structure against its definition: exact averages, and the group of the square."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from scipy.spatial.transform import Rotation
from structures import SILICON, pictured, tiled

from polysve.base.errors import InputError
from polysve.crystals.orientation import from_theta
from polysve.learning import encoding


def overlaps(old: int, new: int) -> np.ndarray:
    """Share of each old pixel in the mean of each new one, along one axis, by interval arithmetic."""
    edges = np.arange(new + 1) * old / new
    starts = np.arange(old)
    length = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return np.clip(length, 0, None) * new / old


@st.composite
def structures(draw):
    """A label image and the angle of each of its grains."""
    side = draw(st.integers(8, 48))
    grains = draw(st.integers(1, 12))
    labels = draw(arrays(np.uint16, (side, side), elements=st.integers(0, grains - 1)))
    seed = draw(st.integers(0, 2**32 - 1))
    return labels, np.random.default_rng(seed).uniform(0, np.pi / 2, grains)


@given(structures(), st.data())
@settings(max_examples=60)
def test_harmonic_pixels_are_volume_averages(structure, data):
    labels, theta = structure
    # also more pixels than there are: a pixel of a coarse picture is a square of one grain
    pixels = data.draw(st.integers(1, 2 * len(labels)))
    image = encoding.encode(pictured(labels, theta), pixels)
    share = overlaps(len(labels), pixels)
    for channel, function in enumerate((np.cos, np.sin)):
        field = function(4 * theta[labels])
        # OpenCV adds up to 48² single-precision numbers, one after the other.
        assert np.abs(image[..., channel] - share @ field @ share.T).max() < 2e-5
        assert abs(image[..., channel].mean() - field.mean()) < 2e-5


@pytest.mark.parametrize("pixels", [64, 96, 160, 512])
def test_full_size_label_images(pixels):
    """512 to 160 pixels and the like: factors that are no whole numbers, at the size that is used."""
    random = np.random.default_rng(3)
    points, theta = random.uniform(0, 512, (40, 2)), random.uniform(0, np.pi / 2, 40)
    grid = np.stack(np.meshgrid(np.arange(512), np.arange(512), indexing="ij"), -1) + 0.5
    labels = ((grid[:, :, None] - points) ** 2).sum(-1).argmin(-1).astype(np.uint16)
    share = overlaps(512, pixels)
    exact = np.stack([share @ f(4 * theta[labels]) @ share.T for f in (np.cos, np.sin)], -1)
    assert np.abs(encoding.encode(pictured(labels, theta), pixels) - exact).max() < 2e-6


def test_linear_stiffness_is_averaged_exactly():
    """The window means of the two channels give the Voigt average of the local stiffness."""
    random = np.random.default_rng(5)
    labels, theta = random.integers(0, 9, (64, 64)), random.uniform(0, np.pi / 2, 9)
    local = SILICON.stiffness(theta)[labels].mean((0, 1))
    c, s = encoding.encode(pictured(labels, theta), 20).mean((0, 1), dtype=float)
    assert np.allclose(SILICON.stiffness_from_harmonics(c, s), local, atol=1e-4)


@given(structures())
@settings(max_examples=30)
def test_grey_is_theta_over_quarter_turn(structure):
    labels, theta = structure
    grey = encoding.encode(pictured(labels, theta), len(labels), "grey")[..., 0]
    assert np.allclose(grey, theta[labels] / (np.pi / 2), atol=1e-6)
    assert grey.min() >= 0 and grey.max() < 1


def test_right_angle_is_black_in_grey_and_nothing_new_in_harmonics():
    right, none = (pictured(np.zeros((8, 8)), [theta]) for theta in (np.pi / 2, 0.0))
    assert encoding.encode(right, 4, "grey").max() == 0
    assert np.allclose(encoding.encode(right, 4), encoding.encode(none, 4))


@given(structures(), st.integers(0, 4), st.sampled_from(["grey", "harmonic", "log_stiffness"]))
@settings(max_examples=30)
def test_median_filter_is_that_of_scipy(structure, passes, shown):
    film, side = pictured(*structure), len(structure[0]) // 2
    expected = encoding.encode(film, side, shown)
    for _ in range(passes):
        expected = ndimage.median_filter(expected, size=(3, 3, 1), mode="nearest")
    assert np.array_equal(encoding.encode(film, side, shown, passes), expected)


def test_logarithm_shows_any_film_and_angles_upright_ones_alone():
    random = np.random.default_rng(4)
    turns = Rotation.random(3, random).as_quat(scalar_first=True)
    film = tiled(random.uniform(0, 1, (3, 2)), turns)
    picture = encoding.encode(film, 16, "log_stiffness")
    assert picture.shape == (16, 16, 6)
    log = encoding.log_stiffness(film.stiffness_gpa)
    assert np.allclose(picture.mean((0, 1)), film.area_fractions @ log, atol=1e-5)
    for shown in ("harmonic", "grey"):
        with pytest.raises(InputError, match=f"encoding = {shown}: .*log_stiffness shows any"):
            encoding.encode(film, 16, shown)


def test_symmetries_form_the_group_of_the_square():
    """Eight different elements, closed, each with its inverse; a mirror undoes itself."""
    probe = np.arange(9.0).reshape(3, 3, 1)
    moved = [encoding.move(probe, s) for s in range(8)]
    names = {m.tobytes(): s for s, m in enumerate(moved)}
    assert len(names) == 8 and np.array_equal(moved[0], probe)
    table = [[names[encoding.move(m, s).tobytes()] for s in range(8)] for m in moved]
    for row in table:
        assert sorted(row) == list(range(8))
    turns = [s for s in range(8) if not encoding.SYMMETRIES[s][1]]
    assert all(table[a][b] in turns for a in turns for b in turns)
    assert all(table[a][a] == 0 for a in range(8) if a not in turns)


def test_a_quarter_turn_is_counter_clockwise():
    """Row 0 is the bottom: what lies right of the centre comes to lie above it."""
    image = np.zeros((5, 5, 1))
    image[2, 4] = 1
    assert encoding.move(image, 1)[4, 2] == 1
    mirror = encoding.SYMMETRIES.index((0, True))
    assert encoding.move(image, mirror)[2, 0] == 1


def rotation(degrees: float, mirrored: bool) -> np.ndarray:
    """Voigt transformation of stiffness for x -> R x, from the definition C'_ijkl = R_ia R_jb R_kc R_ld C_abcd."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s], [s, c]])
    return turn @ np.diag([-1.0, 1.0]) if mirrored else turn


@pytest.mark.parametrize("symmetry", range(8))
def test_stiffness_follows_the_fourth_order_tensor(symmetry):
    matrix = np.random.default_rng(symmetry).normal(size=(3, 3))
    matrix = matrix + matrix.T
    pairs = {(0, 0): 0, (1, 1): 1, (0, 1): 2, (1, 0): 2}
    tensor = np.empty((2, 2, 2, 2))
    for (i, j), p in pairs.items():
        for (k, m), q in pairs.items():
            tensor[i, j, k, m] = matrix[p, q]
    turns, mirrored = encoding.SYMMETRIES[symmetry]
    r = rotation(90 * turns, mirrored)
    turned = np.einsum("ia,jb,kc,ld,abcd->ijkl", r, r, r, r, tensor)
    voigt = [(0, 0), (1, 1), (0, 1)]
    expected = np.array([[turned[a + b] for b in voigt] for a in voigt])
    assert np.allclose(encoding.move_stiffness(matrix, symmetry), expected, atol=1e-12)


def moved_points(points, symmetry):
    """Points of the unit window after a symmetry, and the turn about its centre."""
    turns, mirrored = encoding.SYMMETRIES[symmetry]
    turn = rotation(90 * turns, mirrored)
    return (points - 0.5) @ turn.T + 0.5, turn


@pytest.mark.parametrize("symmetry", range(8))
@pytest.mark.parametrize("shown", ["grey", "harmonic"])
def test_consistent_copies_are_those_of_the_structure_drawn_anew(symmetry, shown):
    """Move the generators and the angles instead of the picture, and draw again."""
    random = np.random.default_rng(11)
    generators, theta = random.uniform(0, 1, (14, 2)), random.uniform(0, np.pi / 2, 14)
    how = {"pixels": 20, "encoding": shown, "median_passes": 2}
    turns, mirrored = encoding.SYMMETRIES[symmetry]
    moved, _ = moved_points(generators, symmetry)
    angle = np.mod((-theta if mirrored else theta) + turns * np.pi / 2, np.pi / 2)
    film = tiled(generators, from_theta(theta), theta_rad=theta)
    anew = encoding.encode(tiled(moved, from_theta(angle), theta_rad=angle), **how)
    copies = encoding.copies(film, "consistent", **how)
    assert np.abs(copies[symmetry] - anew).max() < 2e-6


@pytest.mark.parametrize("symmetry", range(8))
def test_consistent_copies_of_any_film_are_those_of_the_crystals_turned(symmetry):
    """The mirror image of a crystal with a centre is the crystal turned by half about the mirror's normal."""
    random = np.random.default_rng(12)
    generators, turns = random.uniform(0, 1, (9, 2)), Rotation.random(9, random)
    how = {"pixels": 20, "encoding": "log_stiffness"}
    moved, turn = moved_points(generators, symmetry)
    window = np.eye(3)
    window[:2, :2] = turn
    window *= np.linalg.det(window)
    anew = (Rotation.from_matrix(window) * turns).as_quat(scalar_first=True)
    copies = encoding.copies(
        tiled(generators, turns.as_quat(scalar_first=True)), "consistent", **how
    )
    assert np.abs(copies[symmetry] - encoding.encode(tiled(moved, anew), **how)).max() < 5e-6


@pytest.mark.parametrize("shown", ["grey", "harmonic"])
def test_naive_mirror_is_another_material(shown):
    """The naive copies are the picture moved; of the consistent ones only the turned are."""
    random = np.random.default_rng(2)
    film = pictured(random.integers(0, 6, (24, 24)), random.uniform(0, 1.5, 6))
    how = {"pixels": 12, "encoding": shown}
    naive = encoding.copies(film, "naive", **how)
    consistent = encoding.copies(film, "consistent", **how)
    for symmetry, (_, mirrored) in enumerate(encoding.SYMMETRIES):
        assert np.array_equal(naive[symmetry], encoding.move(naive[0], symmetry))
        assert np.array_equal(naive[symmetry], consistent[symmetry]) is not mirrored
    assert np.array_equal(encoding.copies(film, "none", **how), naive[:1])


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5))
def test_mirror_of_theta_flips_the_sine(theta):
    mirrored = encoding.mirror_theta(theta)
    assert np.all((mirrored >= 0) & (mirrored < np.pi / 2 + 1e-15))
    assert np.allclose(encoding.harmonics(mirrored), encoding.harmonics(theta) * [1, -1], atol=1e-5)
