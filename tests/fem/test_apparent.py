import numpy as np
import pytest
import skfem
from skfem.models.elasticity import linear_elasticity
from structures import GMSH, GRAIN_UM, draw, meshed

from polysve.fem import apparent, boundary, elements, system
from polysve.fem.condensation import fan_stiffnesses, find_fans
from polysve.fem.mesh import mesh_tiling
from polysve.grains.mesh import Mesh
from polysve.grains.tessellation import voronoi
from polysve.settings.labels import MeshSettings


def full_matrix(system):
    lower = system.matrix.toarray()
    return lower + lower.T - np.diag(np.diag(lower))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_element_matrices_against_scikit_fem(order):
    """Isotropic material, form by form, quadrature and all."""
    mesh, _ = meshed(0, GMSH)
    lame, shear = 40.0, 50.0
    isotropic = np.array([[lame + 2 * shear, lame, 0], [lame, lame + 2 * shear, 0], [0, 0, shear]])
    space = elements.lagrange_space(mesh, order)
    assembled = system.assemble(space, np.broadcast_to(isotropic, (len(mesh.triangles), 3, 3)))
    element = [skfem.ElementTriP1, skfem.ElementTriP2, skfem.ElementTriP3][order - 1]()
    skmesh = skfem.MeshTri1(mesh.nodes_um.T.copy(), mesh.triangles.T.copy(), sort_t=True)
    basis = skfem.Basis(skmesh, skfem.ElementVector(element), intorder=2 * order)
    expected = linear_elasticity(lame, shear).assemble(basis).toarray()
    mine = full_matrix(assembled)
    # the same energy for the same displacements, whatever the numbering
    random = np.random.default_rng(0)
    for _ in range(3):
        wave = random.normal(size=(2, 2))
        field = lambda x: np.stack([np.sin(wave[0] @ x), np.cos(wave[1] @ x)])  # noqa: B023, E731
        mine_u = field(space.points_um.T).T.ravel()
        their_u = np.zeros(basis.N)
        for name, component in (("u^1", 0), ("u^2", 1)):
            dofs = basis.get_dofs(elements=True).all(name)
            their_u[dofs] = field(basis.doflocs[:, dofs])[component]
        assert mine_u @ mine @ mine_u == pytest.approx(their_u @ expected @ their_u, rel=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [2.0, 0.4])
def test_condensed_fans_give_what_the_whole_mesh_gives(order, size):
    mesh, stiffness = meshed(2, MeshSettings(element_size_fraction=size), ratio=4)
    whole = system.assemble(elements.lagrange_space(mesh, order), stiffness)
    condensed = fan_stiffnesses(find_fans(mesh), stiffness, order, tuple(boundary.SOLVERS))
    for name, solver in boundary.SOLVERS.items():
        assert np.allclose(condensed[name], solver(whole)[0], rtol=1e-10)


def test_other_meshes_are_not_taken_for_fans():
    mesh, _ = meshed(0, GMSH)
    assert find_fans(mesh) is None
    fan, _ = meshed(0)
    shuffled = Mesh(fan.nodes_um, fan.triangles[:, [1, 2, 0]], fan.grain)
    assert find_fans(shuffled) is None
    assert find_fans(fan) is not None


def test_a_mesh_whose_edges_do_not_face_each_other_is_refused_under_pbc_alone():
    film, window_um = draw(0)
    mesh = mesh_tiling(film.shape, window_um, GRAIN_UM, MeshSettings(element_size_fraction=0.5))
    nodes = mesh.nodes_um.copy()
    moved = np.flatnonzero((nodes[:, 0] == 0) & (nodes[:, 1] > 0) & (nodes[:, 1] < window_um))[0]
    nodes[moved, 1] += 1e-3
    crooked = mesh._replace(nodes_um=nodes)
    stiffness = film.stiffness_gpa[mesh.grain]
    apparent.apparent_stiffness(crooked, stiffness, ("kubc", "subc"))
    with pytest.raises(ValueError, match="none facing it on the opposite edge"):
        apparent.apparent_stiffness(crooked, stiffness, ("pbc",))


def test_a_stiffness_that_is_not_positive_definite_is_an_error():
    mesh, stiffness = meshed(0)
    with pytest.raises(ArithmeticError):
        apparent.apparent_stiffness(mesh, -stiffness)


def test_two_strips_of_a_laminate_by_hand():
    """Without lateral contraction a stress across the strips and a strain along them are each uniform."""
    tiling = voronoi(np.array([[0.25, 0.5], [0.75, 0.5]]), 1.0)
    mesh = mesh_tiling(tiling, 1.0, 0.5, MeshSettings())
    pair = np.stack([np.diag([100.0, 100.0, 40.0]), np.diag([200.0, 200.0, 80.0])])
    found = apparent.apparent_stiffness(mesh, pair[mesh.grain], ("subc", "kubc"))
    # springs in a row
    assert found["subc"][0, 0] == pytest.approx(2 / (1 / 100 + 1 / 200), rel=1e-9)
    # springs side by side
    assert found["kubc"][1, 1] == pytest.approx(150.0, rel=1e-9)
