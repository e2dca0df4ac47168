import gmsh
import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from structures import FAN, GMSH, GRAIN_UM, HARD, draw

from polysve.fem.gmsh_mesh import gmsh_mesh
from polysve.fem.mesh import grain_area_change, mesh_tiling
from polysve.fem.outline import Outline, _clusters, clean_outline
from polysve.grains.tessellation import draw_film, voronoi
from polysve.settings.labels import MeshSettings, TessellateSettings


def facing(mesh, window_um):
    """Largest distance between nodes that face each other; infinite if their numbers differ."""
    worst = 0.0
    for axis in (0, 1):
        sides = [
            np.sort(mesh.nodes_um[np.abs(mesh.nodes_um[:, axis] - at) < 1e-12, 1 - axis])
            for at in (0, window_um)
        ]
        if len(sides[0]) != len(sides[1]):
            return np.inf
        worst = max(worst, np.abs(sides[0] - sides[1]).max())
    return worst


def sound(mesh, tiling, window_um):
    area = mesh.signed_areas_um2()
    assert area.min() > 0
    assert area.sum() == pytest.approx(window_um**2, rel=1e-9)
    assert facing(mesh, window_um) < 1e-9
    # conforming: an edge has two triangles inside and one on the window's edge
    edges = np.sort(mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    pairs, count = np.unique(edges, axis=0, return_counts=True)
    ends = mesh.nodes_um[pairs]
    on_edge = ((np.abs(ends) < 1e-12).all(1) | (np.abs(ends - window_um) < 1e-12).all(1)).any(1)
    assert (count == np.where(on_edge, 1, 2)).all()
    assert set(mesh.grain) <= set(tiling.grain)


@pytest.mark.parametrize("settings", [FAN, GMSH], ids=["fan", "gmsh"])
@pytest.mark.parametrize("periodic", [False, True])
def test_random_meshes(settings, periodic):
    for index in range(5):
        film, window_um = draw(index, 4, periodic)
        mesh = mesh_tiling(film.shape, window_um, GRAIN_UM, settings)
        sound(mesh, film.shape, window_um)
        assert grain_area_change(film.shape, mesh) < 1e-3


@pytest.mark.parametrize("settings", [FAN, GMSH], ids=["fan", "gmsh"])
@pytest.mark.parametrize("name", HARD)
def test_hard_meshes(settings, name):
    tiling = voronoi(HARD[name], 1.0)
    size = 1 / np.sqrt(len(HARD[name]))
    sound(mesh_tiling(tiling, 1.0, size, settings), tiling, 1.0)


@pytest.mark.parametrize("settings", [FAN, GMSH], ids=["fan", "gmsh"])
def test_element_size_is_kept_on_grain_boundaries(settings):
    film, window_um = draw(0, 4)
    for fraction in (0.5, 0.25):
        changed = settings.model_copy(update={"element_size_fraction": fraction})
        mesh = mesh_tiling(film.shape, window_um, GRAIN_UM, changed)
        ends = mesh.nodes_um[mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)]
        grains = {}
        for pair, grain in zip(
            np.sort(mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1),
            np.repeat(mesh.grain, 3),
            strict=True,
        ):
            grains.setdefault(tuple(pair), set()).add(grain)
        length = {
            tuple(sorted(pair)): np.hypot(*(end[1] - end[0]))
            for pair, end in zip(
                mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).tolist(), ends, strict=True
            )
        }
        boundary = [length[pair] for pair, both in grains.items() if len(both) == 2]
        assert 0.5 * fraction * GRAIN_UM < max(boundary) <= fraction * GRAIN_UM * 1.0001


def test_short_edges_vanish_and_grains_stay():
    """Four generators around a point: the vertex splits into two at a tiny distance."""
    points = np.array([[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7 + 1e-4]])
    tiling = voronoi(points, 1.0)
    fine = clean_outline(tiling, 1.0, 1e-9)
    coarse = clean_outline(tiling, 1.0, 1e-3)
    inside = lambda outline: int(((outline.nodes_um > 0) & (outline.nodes_um < 1)).all(1).sum())  # noqa: E731
    assert (inside(fine), inside(coarse)) == (2, 1)
    mesh = mesh_tiling(tiling, 1.0, 0.5, MeshSettings(merge_fraction=2e-3))
    assert 0 < grain_area_change(tiling, mesh) < 1e-3


def test_an_exception_in_gmsh_leaves_the_next_mesh_as_it_was():
    film, window_um = draw(1)
    outline = clean_outline(film.shape, window_um, 1e-4)
    before = gmsh_mesh(outline, 0.2)
    broken = Outline(outline.nodes_um, outline.loops[::-1].copy(), outline.offsets, outline.grain)
    broken.loops[:3] = broken.loops[0]
    with pytest.raises(Exception, match=r".+"):
        gmsh_mesh(broken, 0.2)
    assert gmsh.model.list() in ([], [""])
    after = gmsh_mesh(outline, 0.2)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("distance", [0.0, 0.02, 0.07, 2.0])
def test_points_are_joined_as_by_scipy(distance):
    points = np.random.default_rng(1).random((200, 2))
    points[50:60, 0] = 0.5
    points = points[np.lexsort(points.T[::-1])]
    pairs = cKDTree(points).query_pairs(distance, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(200, 200))
    assert np.array_equal(_clusters(points, distance), connected_components(links, False)[1])


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_grain_that_joining_leaves_without_area_is_refused():
    settings = TessellateSettings(window_um=0.6, grain_size_um=0.3, periodic=True)
    structure = draw_film(settings, "ratio2", 67)
    coarse = MeshSettings(merge_fraction=0.05, element_size_fraction=0.3)
    with pytest.raises(ValueError, match="the mesh covers nan"):
        mesh_tiling(structure.shape, 0.6, 0.3, coarse)
