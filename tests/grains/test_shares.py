"""Shares of grains in pixels: areas, normals, and what has no share."""

import numpy as np
import pytest

from polysve.base.errors import InputError
from polysve.grains.mesh import Mesh
from polysve.grains.raster import area_average, label_image
from polysve.grains.shares import shares, shares_of_labels, shares_of_tiling
from polysve.grains.tessellation import draw_film
from polysve.grains.tiling import Tiling
from polysve.settings.labels import TessellateSettings


def film(index: int, periodic: bool = False):
    return draw_film(
        TessellateSettings(window_um=2.0, grain_size_um=0.5, periodic=periodic), "shares", index
    )


def rectangle(left, bottom, right, top):
    return [[left, bottom], [right, bottom], [right, top], [left, top]]


def test_average_is_that_of_the_other_kernel():
    for index, periodic in enumerate((False, True, True)):
        drawn = film(index, periodic)
        values = np.random.default_rng(index).standard_normal((len(drawn.phase), 3))
        for pixels in (7, 16, 61):
            mine = shares(drawn, (pixels, pixels)).average(values)
            np.testing.assert_allclose(
                mine, area_average(drawn.shape, 2.0, values, pixels), atol=2e-6
            )


def test_pixels_of_one_grain_are_labelled_and_others_sum_to_one():
    drawn = film(3, periodic=True)
    found = shares(drawn, (40, 40))
    sharp = label_image(drawn.shape, 2.0, 40)
    alone = found.labels >= 0
    assert np.array_equal(found.labels[alone], sharp[alone])
    assert np.array_equal(np.flatnonzero(~alone.ravel()), found.pixel)
    np.testing.assert_allclose(np.add.reduceat(found.share, found.first[:-1]), 1, atol=1e-9)
    # a grain that crosses the window's edge is several polygons and one entry
    assert all(
        len(set(found.grain[a:b])) == b - a
        for a, b in zip(found.first[:-1], found.first[1:], strict=True)
    )


def test_normal_of_a_slanted_boundary():
    corners = np.array(
        [[0, 0], [1.2, 0], [0.7, 1], [0, 1], [1.2, 0], [2, 0], [2, 1], [0.7, 1]], float
    )
    found = shares_of_tiling(
        Tiling(np.array([0, 1]), np.array([0, 4, 8]), corners), (2, 1), (5, 10)
    )
    expected = np.array([1, 0.5]) / np.hypot(1, 0.5)
    for begin in found.first[:-1]:
        normal = found.normal[begin] * (1 if found.grain[begin] == 0 else -1)
        np.testing.assert_allclose(normal / np.hypot(*normal), expected, atol=1e-12)
    length = sum(np.hypot(*found.normal[begin]) for begin in found.first[:-1])
    # in pixels of 0.2 × 0.2 µm
    assert length == pytest.approx(np.hypot(1, 0.5) / 0.2)


def test_triangles_of_a_grain_are_one_grain():
    nodes = np.array([[0, 0], [2, 0], [2, 2], [0, 2]], float)
    drawn = film(0)
    mesh = Mesh(nodes, np.array([[0, 1, 2], [0, 2, 3]]), np.array([5, 5]))
    found = shares(type(drawn)(mesh, (2.0, 2.0), drawn.quaternions, drawn.phase), (7, 7))
    assert (found.labels == 5).all()


def test_picture_is_shared_as_its_polygons_are():
    labels = np.array([[0, 0, 1], [2, 2, 1]])
    boxes = [(0, 0, 2, 1), (2, 0, 3, 2), (0, 1, 2, 2)]
    corners = np.array([corner for box in boxes for corner in rectangle(*box)], float)
    tiling = Tiling(np.arange(3), np.arange(0, 13, 4), corners)
    values = np.eye(3)
    for pixels in ((2, 3), (5, 7), (1, 2), (8, 12)):
        of_tiling = shares_of_tiling(tiling, (3.0, 2.0), pixels)
        of_labels = shares_of_labels(labels, pixels)
        np.testing.assert_allclose(of_tiling.average(values), of_labels.average(values), atol=1e-12)
        mine = {(p, g): n for p, g, n in _entries(of_labels)}
        for pixel, grain, normal in _entries(of_tiling):
            np.testing.assert_allclose(mine[pixel, grain], normal, atol=1e-9)


def _entries(found):
    pixel = np.repeat(found.pixel, np.diff(found.first))
    return zip(pixel.tolist(), found.grain.tolist(), found.normal, strict=True)


@pytest.mark.parametrize("boxes", [[(0, 0, 1, 2)], [(0, 0, 2, 2), (0, 0, 1, 1)]])
def test_gaps_and_overlaps_are_refused(boxes):
    corners = np.array([corner for box in boxes for corner in rectangle(*box)], float)
    tiling = Tiling(np.arange(len(boxes)), np.arange(0, 4 * len(boxes) + 1, 4), corners)
    with pytest.raises(InputError, match=r"fill \S+ of the window of 2 × 2"):
        shares_of_tiling(tiling, (2.0, 2.0), (8, 8))
