import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from structures import HARD

from polysve.base.errors import InputError
from polysve.grains.cells import cells
from polysve.grains.generators import draw_generators
from polysve.grains.raster import label_image
from polysve.grains.tessellation import voronoi

BOTH = (True, True)
CLIPPED = (False, False)


def edges(tiling):
    """Ends of all sides, in the order of their polygons."""
    loops = np.split(tiling.vertices_um, tiling.offsets[1:-1])
    return {
        (*start, *stop)
        for loop in loops
        for start, stop in zip(loop, np.roll(loop, -1, axis=0), strict=True)
    }


def check_neighbours(tiling, size_um):
    """Every side inside the window is the side of exactly one neighbour, to the last bit."""
    sides = edges(tiling)
    assert len(sides) == tiling.offsets[-1]
    for ax, ay, bx, by in sides:
        outer = any(
            a == b and a in (0.0, end) for a, b, end in ((ax, bx, size_um[0]), (ay, by, size_um[1]))
        )
        assert outer != ((bx, by, ax, ay) in sides), (ax, ay, bx, by)


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("periodic", [CLIPPED, BOTH, (True, False)])
@pytest.mark.parametrize("scale", [1.0, 3.7])
def test_hard_cells_fill_the_window_and_share_their_sides(name, periodic, scale):
    points = HARD[name] * scale
    folded = np.where((points == scale) & np.array(periodic), 0.0, points)
    points = np.unique(folded, axis=0)
    tiling = cells(points, (scale, scale), periodic=periodic)
    assert tiling.areas_um2().min() > 1e-6 * scale**2
    assert tiling.areas_um2().sum() == pytest.approx(scale**2, rel=1e-12)
    assert set(tiling.grain) == set(range(len(points)))
    if len(points) > 1:
        check_neighbours(tiling, (scale, scale))


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 3, 5, 20, 60]), st.booleans())
def test_random_cells_are_those_of_scipy(seed, count, periodic):
    random = np.random.default_rng(seed)
    points = draw_generators(random, count, (2.0, 2.0), 0.1 / count**0.5, periodic)
    tiling = cells(points, (2.0, 2.0), periodic=(periodic, periodic))
    expected = voronoi(points, 2.0, periodic)
    assert tiling.grain.tolist() == expected.grain.tolist()
    assert tiling.offsets.tolist() == expected.offsets.tolist()
    assert np.allclose(tiling.vertices_um, expected.vertices_um, atol=1e-9)
    if count > 1:
        check_neighbours(tiling, (2.0, 2.0))


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.sampled_from([1, 2, 7, 40]),
    st.sampled_from([0.05, 0.4, 3.0]),
    st.tuples(st.booleans(), st.booleans()),
    st.booleans(),
)
def test_a_pixel_is_in_the_cell_of_the_nearest_generator(seed, count, height, periodic, weighted):
    """Rectangles, periodic along one axis, and power cells, some of which are empty."""
    random = np.random.default_rng(seed)
    size = np.array([1.0, height])
    points = random.random((count, 2)) * size
    weights = 0.02 * height * random.random(count) if weighted else np.zeros(count)
    tiling = cells(points, tuple(size), weights, periodic)
    assert tiling.areas_um2().sum() == pytest.approx(height, rel=1e-12)
    where = random.random((200, 2)) * size
    # copies that a point of the window can be near to
    steps = [range(-2, 3) if along else [0] for along in periodic]
    copies = np.array([(i, j) for i in steps[0] for j in steps[1]]) * size
    from_points = where[:, None, None] - points[:, None] - copies
    power = ((from_points**2).sum(-1).min(-1)) - weights
    first, second = np.partition(power, min(1, count - 1), axis=1)[:, [0, -1 if count < 2 else 1]].T
    nearest = power.argmin(1)
    start = tiling.vertices_um
    following = np.arange(1, len(start) + 1)
    following[tiling.offsets[1:] - 1] = tiling.offsets[:-1]
    along = start[following] - start
    cross = along[:, 0] * (where[:, None, 1] - start[:, 1]) - along[:, 1] * (
        where[:, None, 0] - start[:, 0]
    )
    inside = np.minimum.reduceat(cross, tiling.offsets[:-1], axis=1) >= 0
    found = tiling.grain[inside.argmax(1)]
    clear = (second - first > 1e-9) if count > 1 else np.full(len(where), True)
    assert inside.any(1)[clear].all()
    assert (found == nearest)[clear].all()


def test_pixels_of_a_square_lattice_with_ridges_through_pixel_centres():
    points = (np.stack(np.meshgrid(*[np.arange(4)] * 2), -1).reshape(-1, 2) + 0.5) / 4
    image = label_image(cells(points * 0.7, (0.7, 0.7)), 0.7, 6)
    assert np.bincount(image.ravel(), minlength=16).min() >= 1
    assert set(np.unique(image)) == set(range(16))


def test_a_cell_covered_by_a_heavier_one_is_empty():
    points = np.array([[0.4, 0.5], [0.5, 0.5], [0.9, 0.5]])
    tiling = cells(points, (1.0, 1.0), np.array([0.2, 0.0, 0.2]))
    assert tiling.grain.tolist() == [0, 2]


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("spacing", [0.0, 0.3, 0.75])
@pytest.mark.parametrize("count", [1, 4, 90])
def test_generators_are_those_of_one_check_after_the_other(count, spacing, periodic):
    size = np.array([3.0, 2.0]) * count**0.5
    spacing *= (size.prod() / count) ** 0.5
    drawn = draw_generators(np.random.default_rng(5), count, tuple(size), spacing, periodic)
    random, expected = np.random.default_rng(5), []
    while len(expected) < count:
        for candidate in random.random((2 * count, 2)) * size:
            apart = np.abs(candidate - np.reshape(expected, (-1, 2)))
            if periodic:
                apart = np.minimum(apart, size - apart)
            if not ((apart * apart).sum(1) < spacing**2).any() and len(expected) < count:
                expected.append(candidate)
    assert np.array_equal(drawn, expected)
    tree = cKDTree(drawn, boxsize=size if periodic else None)
    assert not tree.query_pairs(spacing * (1 - 1e-9))


def test_a_spacing_beyond_the_packing_limit_is_refused():
    with pytest.raises(InputError, match=r"only \d+ of 100 generators fit"):
        draw_generators(np.random.default_rng(0), 100, (10.0, 10.0), 1.05)
