"""The audit's own finite elements: gmsh and scikit-fem against theory and against labels, right and wrong ones."""

import numpy as np
import pytest
from structures import FAN, GRAIN_UM, HARD, draw

from polysve.crystals import catalogue
from polysve.crystals.stiffness import plane_stress
from polysve.fem.audit import planar_graph, reference, triangles
from polysve.fem.label import label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.grains.tessellation import voronoi
from polysve.settings.labels import HomogenizeSettings

pytestmark = pytest.mark.verification
CONDITIONS = ("kubc", "subc", "pbc")
TOLERANCE = 3e-4


def zinc(count):
    turns = np.random.default_rng(0).normal(size=(count, 4))
    turns /= np.linalg.norm(turns, axis=1)[:, None]
    return plane_stress(catalogue.find("zinc").stiffness_gpa, turns)


def difference(audited, label):
    return max(
        np.abs(audited.stiffness_gpa[name] - label.stiffness_gpa[name]).max()
        / audited.stiffness_gpa[name][0, 0]
        for name in CONDITIONS
    )


@pytest.mark.parametrize("periodic", [False, True])
def test_labels_pass_and_a_grain_turned_by_two_degrees_does_not(periodic):
    film, window_um = draw(0, 2, periodic)
    mesh = mesh_tiling(film.shape, window_um, GRAIN_UM, FAN)
    audited = reference(film.shape, window_um, film.stiffness_gpa, CONDITIONS)
    right = label_mesh(mesh, film.stiffness_gpa, HomogenizeSettings())
    turn = np.deg2rad(2) / 2
    quaternions = film.quaternions.copy()
    w, x, y, z = quaternions[0]
    c, s = np.cos(turn), np.sin(turn)
    quaternions[0] = c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w
    planted = plane_stress(film.crystals[0].stiffness_gpa, quaternions)
    wrong = label_mesh(mesh, planted, HomogenizeSettings())
    assert max(audited.error.values()) < TOLERANCE / 3
    assert difference(audited, right) < TOLERANCE / 3
    assert difference(audited, wrong) > TOLERANCE


def test_labels_of_zinc_pass():
    film, window_um = draw(1, 2)
    grains = zinc(len(film.phase))
    mesh = mesh_tiling(film.shape, window_um, GRAIN_UM, FAN)
    audited = reference(film.shape, window_um, grains, CONDITIONS)
    assert difference(audited, label_mesh(mesh, grains, HomogenizeSettings())) < TOLERANCE
    best = label_mesh(mesh, grains, HomogenizeSettings(tolerance=1e-6))
    assert best.quality["element_order"] == 8
    # the estimate is on the safe side, and triangles are halved once more where it is too large
    assert difference(audited, best) < max(audited.error.values()) <= TOLERANCE
    finer = reference(film.shape, window_um, grains, CONDITIONS, max(audited.error.values()) / 2)
    assert finer.n_triangles == 4 * audited.n_triangles
    assert difference(finer, best) < max(finer.error.values()) < max(audited.error.values())


def test_one_grain_is_exact():
    grain = zinc(1)
    found = reference(voronoi(np.array([[0.3, 0.6]]), 1.0), 1.0, grain, CONDITIONS)
    for name in CONDITIONS:
        assert np.allclose(found.stiffness_gpa[name], grain[0], rtol=1e-9, atol=1e-8)
        assert found.error[name] < 1e-9


def test_strips_without_contraction_by_hand():
    """Springs in a row under a stress across the strips, springs side by side under a strain along them."""
    tiling = voronoi(np.array([[0.25, 0.5], [0.75, 0.5]]), 1.0)
    pair = np.stack([np.diag([100.0, 100.0, 40.0]), np.diag([200.0, 200.0, 80.0])])
    found = reference(tiling, 1.0, pair, ("subc", "kubc")).stiffness_gpa
    assert found["subc"][0, 0] == pytest.approx(2 / (1 / 100 + 1 / 200), rel=1e-9)
    assert found["kubc"][1, 1] == pytest.approx(150.0, rel=1e-9)


@pytest.mark.parametrize("name", HARD)
def test_hard_structures_are_meshed_whole_and_alike_on_opposite_edges(name):
    tiling = voronoi(HARD[name], 1.0)
    mesh, grain = triangles(tiling, 1.0)
    (x, y) = mesh.p[:, mesh.t]
    # scikit-fem sorts the corners of a triangle
    area = np.abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])) / 2
    drawn = np.bincount(tiling.grain, tiling.areas_um2())
    assert np.allclose(np.bincount(grain, area), drawn, atol=1e-6)
    for axis in (0, 1):
        sides = [np.sort(mesh.p[1 - axis, np.isclose(mesh.p[axis], at)]) for at in (0, 1)]
        assert np.allclose(*sides, atol=1e-9)
    nodes, loops, offsets = planar_graph(tiling)
    assert len(offsets) == len(tiling.grain) + 1
    assert np.array_equal(np.unique(loops), np.arange(len(nodes)))
