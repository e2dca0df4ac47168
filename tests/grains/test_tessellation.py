import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from structures import HARD

from polysve.base.errors import InputError
from polysve.grains.generators import draw_generators
from polysve.grains.raster import label_image
from polysve.grains.tessellation import draw_film, grain_count, voronoi
from polysve.settings.labels import TessellateSettings


def nearest(points, window_um, pixels, periodic):
    centre = (np.arange(pixels) + 0.5) / pixels * window_um
    where = np.stack(np.meshgrid(centre, centre), -1).reshape(-1, 2)
    tree = cKDTree(points, boxsize=window_um if periodic else None)
    distance, grain = tree.query(where, k=min(2, len(points)))
    return distance.reshape(pixels, pixels, -1), grain.reshape(pixels, pixels, -1)


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("scale", [1.0, 3.7])
def test_hard_tilings_fill_the_window_and_match_the_nearest_generator(name, periodic, scale):
    points = HARD[name]
    if periodic and name in ("square grid with generators on the edge", "corners", "edge"):
        with pytest.raises(InputError, match="are equal"):
            voronoi(points * scale, scale, periodic)
        return
    tiling = voronoi(points * scale, scale, periodic)
    assert tiling.areas_um2().sum() == pytest.approx(scale**2, rel=1e-12)
    assert set(tiling.grain) == set(range(len(points)))
    distance, grain = nearest(points * scale, scale, 64, periodic)
    image = label_image(tiling, scale, 64)
    tie = np.zeros((64, 64), bool) if len(points) == 1 else np.ptp(distance, axis=2) < 1e-9 * scale
    assert (image == grain[:, :, 0])[~tie].all()


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([1, 1.5, 2, 4, 6]), st.booleans())
def test_random_tilings(index, ratio, periodic):
    drawn = TessellateSettings(window_um=ratio * 0.5, grain_size_um=0.5, periodic=periodic)
    film = draw_film(drawn, "any", index)
    assert len(film.generators_um) == len(film.theta_rad) == grain_count(drawn)
    assert film.shape.areas_um2().sum() == pytest.approx(drawn.window_um**2, rel=1e-12)
    tree = cKDTree(film.generators_um, boxsize=drawn.window_um if periodic else None)
    assert not tree.query_pairs(0.999999 * drawn.spacing_fraction * 0.5)
    _, grain = nearest(film.generators_um, drawn.window_um, 50, periodic)
    assert (label_image(film.shape, drawn.window_um, 50) == grain[:, :, 0]).mean() > 0.999


def test_neighbours_share_their_corners_to_the_last_bit():
    film = draw_film(TessellateSettings(window_um=2, grain_size_um=0.5), "any", 3)
    vertices, count = np.unique(film.shape.vertices_um, axis=0, return_counts=True)
    inside = ((vertices > 0) & (vertices < 2)).all(1)
    assert (count[inside] == 3).all()
    on_side = ~inside & ~np.isin(vertices, [0.0, 2.0]).all(1)
    assert (count[on_side] == 2).all()


def test_angles_are_uniform_and_structures_differ():
    drawn = TessellateSettings(window_um=2, grain_size_um=0.5)
    theta = np.concatenate([draw_film(drawn, "any", index).theta_rad for index in range(200)])
    assert theta.min() >= 0 and theta.max() < np.pi / 2
    assert abs(theta.mean() - np.pi / 4) < 4 * np.pi / 2 / np.sqrt(12 * len(theta))
    assert len(np.unique(theta)) == len(theta)
    other = draw_film(drawn, "other", 0).theta_rad
    assert not np.isin(other, theta).any()


def test_spacing_at_the_packing_limit_and_beyond():
    random = np.random.default_rng(0)
    points = draw_generators(random, 100, (10.0, 10.0), 0.75)
    assert len(cKDTree(points).query_pairs(0.7499)) == 0
    with pytest.raises(InputError, match=r"only \d+ of 100 generators fit"):
        draw_generators(random, 100, (10.0, 10.0), 1.05)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.empty((0, 2)), "at least 1"),
        (np.array([[0.5, np.nan]]), "finite"),
        (np.array([[0.5, 1.2]]), "outside the window"),
        (np.array([[-1e-9, 0.5]]), "outside the window"),
        (np.array([[0.2, 0.2], [0.7, 0.1], [0.2, 0.2]]), "generators 1 and 3 are equal"),
    ],
)
def test_wrong_generators_are_refused(points, message):
    with pytest.raises(InputError, match=message):
        voronoi(points, 1.0)
