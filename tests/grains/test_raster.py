"""Pictures of films: exact averages over pixels, whatever the grains are made of."""

import numpy as np
import pytest
from structures import FAN, GRAIN_UM, draw

from polysve.fem.mesh import mesh_tiling
from polysve.grains.raster import grain_numbers, paint, pixelated


@pytest.mark.parametrize("periodic", [False, True])
def test_exact_averages_are_what_finer_and_finer_pictures_tend_to(periodic):
    film, _ = draw(3, 4, periodic)
    values = np.column_stack([np.cos(4 * film.theta_rad), np.sin(4 * film.theta_rad)])
    exact = paint(film, values, 30)
    errors = []
    for pixels in (240, 960, 3840):
        averaged = paint(pixelated(film, pixels), values, 30)
        errors.append(np.sqrt(np.mean((averaged - exact) ** 2)))
    assert errors[2] < 3e-4
    assert errors[0] / errors[2] > 10


def test_averages_are_those_of_the_areas():
    film, window_um = draw(4, 4)
    values = np.cos(4 * film.theta_rad)[:, None]
    area = np.bincount(film.shape.grain, film.shape.areas_um2(), 16) / window_um**2
    assert paint(film, values, 17).mean() == pytest.approx(area @ values[:, 0], abs=1e-6)
    np.testing.assert_allclose(film.area_fractions, area)


def test_triangles_show_what_their_grains_show():
    film, window_um = draw(5)
    values = np.eye(len(film.phase))
    mesh = mesh_tiling(film.shape, window_um, GRAIN_UM, FAN)
    from_mesh = type(film)(mesh, film.size_um, film.quaternions, film.phase)
    np.testing.assert_allclose(paint(from_mesh, values, 20), paint(film, values, 20), atol=2e-3)
    assert np.mean(grain_numbers(from_mesh, 100) != grain_numbers(film, 100)) < 2e-3


def test_a_picture_has_its_own_pixels():
    film, _ = draw(6)
    picture = pixelated(film, 64)
    assert grain_numbers(picture, 10) is picture.shape.labels
    assert picture.shape.labels.shape == (64, 64)
    share = np.bincount(picture.shape.labels.ravel(), minlength=9) / 64**2
    np.testing.assert_allclose(picture.area_fractions, share)
