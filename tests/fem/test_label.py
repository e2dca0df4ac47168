"""Labels of any film against theory, and their estimated errors against true ones."""

from itertools import pairwise

import numpy as np
import pytest
import skfem
from scipy.spatial.transform import Rotation
from structures import FAN, GMSH, GRAIN_UM, draw, turned

from polysve.crystals import catalogue
from polysve.crystals.crystal import Crystal
from polysve.crystals.stiffness import plane_stress, voigt_reuss, young_modulus
from polysve.fem.apparent import apparent_stiffness
from polysve.fem.convergence import affordable_order, converge
from polysve.fem.label import label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.grains.mesh import Mesh
from polysve.grains.tessellation import voronoi
from polysve.settings.labels import HomogenizeSettings

pytestmark = [pytest.mark.verification, pytest.mark.films]
CONDITIONS = ("kubc", "subc", "pbc")
MESHERS = pytest.mark.parametrize("mesher", [FAN, GMSH], ids=["fan", "gmsh"])


def orientations(count, seed):
    turns = Rotation.random(count, rng=np.random.default_rng(seed))
    return turns.as_quat(scalar_first=True)


def film(name, index, ratio=3):
    """Mesh of a small random film, its grains' stiffness and its window."""
    structure, window_um = draw(index, ratio)
    mesh = mesh_tiling(structure.shape, window_um, GRAIN_UM, FAN)
    turns = orientations(len(structure.phase), index)
    return mesh, plane_stress(catalogue.find(name).stiffness_gpa, turns), window_um


def triclinic():
    random = np.random.default_rng(0).normal(size=(6, 6))
    return Crystal("any", "triclinic", random @ random.T + 20 * np.eye(6), None, "")


def crystals():
    """A crystal of each symmetry class: the first of the catalogue, and a triclinic one."""
    found = {}
    for row in catalogue.rows():
        found.setdefault(row["symmetry"], catalogue.find(row["name"]))
    return [*found.values(), triclinic()]


@MESHERS
@pytest.mark.parametrize("crystal", crystals(), ids=lambda crystal: crystal.symmetry)
def test_film_of_one_orientation_has_the_stiffness_of_the_crystal(mesher, crystal):
    structure, window_um = draw(0)
    mesh = mesh_tiling(structure.shape, window_um, GRAIN_UM, mesher)
    one_grain = mesh_tiling(voronoi(np.array([[0.3, 0.6]]), 1.0), 1.0, 1.0, mesher)
    for turn in orientations(3, 1):
        grain = plane_stress(crystal.stiffness_gpa, turn)
        for each in (mesh, one_grain):
            equal = np.broadcast_to(grain, (int(each.grain.max()) + 1, 3, 3))
            found = label_mesh(each, equal, HomogenizeSettings())
            for name in CONDITIONS:
                assert np.allclose(found.stiffness_gpa[name], grain, rtol=1e-9, atol=1e-8)
            assert found.quality["element_order"] == 3
            assert found.quality["bounds_residual"] > -1e-9


def test_symmetry_classes_are_all_there():
    assert {crystal.symmetry for crystal in crystals()} >= {
        "cubic",
        "hexagonal",
        "tetragonal",
        "trigonal",
        "triclinic",
    }


@MESHERS
@pytest.mark.parametrize("crystal", crystals(), ids=lambda crystal: crystal.symmetry)
def test_laminate_of_any_crystals_is_exact_under_pbc(mesher, crystal):
    tiling = voronoi(np.array([[0.25, 0.5], [0.75, 0.5]]), 1.0)
    mesh = mesh_tiling(tiling, 1.0, 0.7, mesher)
    pair = plane_stress(crystal.stiffness_gpa, orientations(2, 2))
    found = label_mesh(mesh, pair, HomogenizeSettings(boundary_conditions=("pbc",)))
    expected = laminate(*pair)
    assert np.abs(expected - pair.mean(0)).max() > 1e-3 * expected[0, 0]
    assert np.allclose(found.stiffness_gpa["pbc"], expected, rtol=1e-9, atol=1e-8)


def laminate(first, second):
    """Two equal layers stacked along x1: stress 11 and 12 and strain 22 are the same in both (Milton, ch. 9)."""
    across, along = [0, 2], [1]
    total, weight = np.zeros((3, 3)), 1 / 2
    for stiffness in (first, second):
        soft = np.linalg.inv(stiffness[np.ix_(across, across)])
        coupling = soft @ stiffness[np.ix_(across, along)]
        part = np.zeros((3, 3))
        part[:2, :2], part[:2, 2:] = soft, coupling
        part[2:, 2:] = stiffness[1, 1] - stiffness[np.ix_(along, across)] @ coupling
        total += weight * part
    stiff = np.linalg.inv(total[:2, :2])
    result = np.empty((3, 3))
    result[np.ix_(across, across)] = stiff
    result[np.ix_(across, along)] = stiff @ total[:2, 2:]
    result[np.ix_(along, across)] = result[np.ix_(across, along)].T
    result[np.ix_(along, along)] = total[2:, 2:] + total[:2, 2:].T @ stiff @ total[:2, 2:]
    return result


@pytest.mark.parametrize(
    ("name", "axis"), [("silicon", [1, 1, 1]), ("zinc", [0, 0, 1])], ids=["Si <111>", "Zn basal"]
)
def test_films_isotropic_in_their_plane_have_no_scatter(name, axis):
    structure, window_um = draw(2)
    mesh = mesh_tiling(structure.shape, window_um, GRAIN_UM, FAN)
    crystal = catalogue.find(name)
    upright, _ = Rotation.align_vectors([[0, 0, 1]], [axis])
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, len(structure.phase))
    turns = Rotation.from_rotvec(angles[:, None] * [0, 0, 1]) * upright
    grains = plane_stress(crystal.stiffness_gpa, turns.as_quat(scalar_first=True))
    found = label_mesh(mesh, grains, HomogenizeSettings())
    # Nye, Physical Properties of Crystals (1957): 1/E = S11 - 2 (S11 - S12 - S44/2) (l²m² + m²n² + n²l²) for cubic
    # crystals, S11 normal to the axis of hexagonal ones
    compliance = np.linalg.inv(crystal.stiffness_gpa)
    s11, s12, s44 = compliance[0, 0], compliance[0, 1], compliance[3, 3]
    # every direction normal to [111] has l²m² + m²n² + n²l² = 1/4
    modulus = 1 / (s11 - (s11 - s12 - s44 / 2) / 2 if name == "silicon" else s11)
    for stiffness in found.stiffness_gpa.values():
        for direction in np.linspace(0, np.pi, 7):
            assert young_modulus(stiffness, direction) == pytest.approx(modulus, rel=1e-9)


@pytest.mark.parametrize("name", ["copper", "zinc"])
def test_turning_the_film_by_a_quarter_turns_the_label(name):
    structure, window_um = draw(3)
    points = structure.generators_um
    there = np.column_stack([window_um - points[:, 1], points[:, 0]])
    grains = plane_stress(catalogue.find(name).stiffness_gpa, orientations(len(points), 3))
    upright, tilted = (
        label_mesh(
            mesh_tiling(voronoi(each, window_um), window_um, GRAIN_UM, FAN),
            stiffness,
            # the same orders for both: what is small against C11 need not be so against C22
            HomogenizeSettings(tolerance=0.5),
        )
        for each, stiffness in ((points, grains), (there, turned(grains, np.pi / 2)))
    )
    for condition in CONDITIONS:
        expected = turned(upright.stiffness_gpa[condition], np.pi / 2)
        assert np.allclose(tilted.stiffness_gpa[condition], expected, rtol=1e-9, atol=1e-8)
        assert not np.allclose(expected, upright.stiffness_gpa[condition], rtol=1e-4)


@pytest.mark.parametrize("name", ["silicon", "copper", "zinc", "titanium"])
def test_labels_keep_their_order_within_the_bounds(name):
    for index in range(3):
        mesh, grains, _ = film(name, index)
        found = label_mesh(mesh, grains, HomogenizeSettings())
        area = np.bincount(mesh.grain, mesh.signed_areas_um2(), len(grains))
        voigt, reuss = voigt_reuss(grains, area)
        labels = found.stiffness_gpa
        gaps = [
            np.linalg.eigvalsh(stiff - soft).min() / labels["kubc"][0, 0]
            for stiff, soft in pairwise(
                [voigt, *(labels[n] for n in ("kubc", "pbc", "subc")), reuss]
            )
        ]
        assert min(gaps) > 0
        assert found.quality["bounds_residual"] == pytest.approx(
            min(gaps) * labels["kubc"][0, 0] / voigt[0, 0], rel=1e-6
        )
        assert found.quality["order_residual"] > 0


def test_labels_out_of_order_are_told():
    """Far from converged: extrapolation crosses the conditions of nearly equal strips, and the quality says so."""
    mesh = mesh_tiling(voronoi(np.array([[0.25, 0.5], [0.75, 0.5]]), 1.0), 1.0, 2.0, FAN)
    pair = plane_stress(catalogue.find("zinc").stiffness_gpa, orientations(2, 5))
    found = label_mesh(mesh, pair, HomogenizeSettings(tolerance=0.5, element_order=2))
    labels = found.stiffness_gpa
    smallest = min(
        np.linalg.eigvalsh(labels[stiff] - labels[soft]).min()
        for stiff, soft in (("kubc", "pbc"), ("pbc", "subc"))
    )
    voigt, _ = voigt_reuss(pair, [1, 1])
    assert found.quality["bounds_residual"] <= smallest / voigt[0, 0] + 1e-12


def voigt_form(stiffness_of_triangle):
    """Elastic energy as scikit-fem integrates it, stiffness (3, 3, triangles)."""

    @skfem.BilinearForm
    def form(u, v, w):
        strain_u, strain_v = (
            (f.grad[0, 0], f.grad[1, 1], f.grad[0, 1] + f.grad[1, 0]) for f in (u, v)
        )
        return sum(w["c"][i, j] * strain_u[j] * strain_v[i] for i in range(3) for j in range(3))

    return form, stiffness_of_triangle


@pytest.mark.parametrize("order", [2, 4])
def test_scikit_fem_gives_the_same_on_the_same_mesh(order):
    """KUBC by scikit-fem's own basis, assembly, condensation and solution, anisotropic grains."""
    structure, window_um = draw(1, 2)
    mesh = mesh_tiling(structure.shape, window_um, GRAIN_UM, GMSH)
    grains = plane_stress(
        catalogue.find("zinc").stiffness_gpa, orientations(len(structure.phase), 4)
    )
    element = {2: skfem.ElementTriP2, 4: skfem.ElementTriP4}[order]()
    skmesh = skfem.MeshTri1(mesh.nodes_um.T.copy(), mesh.triangles.T.copy(), sort_t=True)
    basis = skfem.Basis(skmesh, skfem.ElementVector(element), intorder=2 * order - 2)
    form, _ = voigt_form(grains)
    moduli = np.moveaxis(grains[mesh.grain], 0, 2)[..., None]
    matrix = skfem.asm(form, basis, c=np.broadcast_to(moduli, (*moduli.shape[:3], len(basis.W))))
    edge = basis.get_dofs()
    strains = [[[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0.5], [0.5, 0]]]
    solutions = []
    for strain in strains:
        value = np.zeros(basis.N)
        for axis in (0, 1):
            dofs = edge.all(f"u^{axis + 1}")
            value[dofs] = np.array(strain)[axis] @ basis.doflocs[:, dofs]
        solutions.append(skfem.solve(*skfem.condense(matrix, x=value, D=edge)))
    u = np.stack(solutions, 1)
    expected = u.T @ (matrix @ u) / window_um**2
    found = apparent_stiffness(mesh, grains[mesh.grain], ("kubc",), order)["kubc"]
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_estimated_errors_bound_true_ones_of_hard_films():
    """Random zinc, against order 8 extrapolated: its error, 1e-5, is a tenth of the tolerance."""
    true, estimated, orders = [], [], []
    for index in range(6):
        mesh, grains, _ = film("zinc", index)
        reference = label_mesh(mesh, grains, HomogenizeSettings(element_order=8)).stiffness_gpa
        found = label_mesh(mesh, grains, HomogenizeSettings())
        for name in CONDITIONS:
            difference = np.abs(found.stiffness_gpa[name] - reference[name]).max()
            true.append(difference / reference[name][0, 0])
            estimated.append(found.quality[f"error_{name}"])
        orders.append(found.quality["element_order"])
    true, estimated = np.array(true), np.array(estimated)
    assert max(estimated) <= 1e-4
    assert (true < estimated).all()
    assert np.median(estimated / true) < 20
    assert min(orders) >= 4
    assert max(orders) <= 6


def test_a_looser_tolerance_is_cheaper_and_none_leaves_the_solution_as_it_is():
    mesh, grains, _ = film("zinc", 0)
    loose = label_mesh(mesh, grains, HomogenizeSettings(tolerance=2e-3))
    single = label_mesh(mesh, grains, HomogenizeSettings(tolerance=None))
    assert loose.quality["element_order"] == single.quality["element_order"] == 3
    raw = apparent_stiffness(mesh, grains[mesh.grain], CONDITIONS, 3)
    for name in CONDITIONS:
        assert np.array_equal(single.stiffness_gpa[name], raw[name])
        assert np.array_equal(loose.raw_stiffness_gpa[name], raw[name])
        assert (np.linalg.eigvalsh(raw[name] - loose.stiffness_gpa[name]) > 0).all()
    assert "error_pbc" in loose.quality
    assert "error_pbc" not in single.quality


def test_a_power_law_is_extrapolated_to_its_limit():
    limit = np.diag([3.0, 2.0, 1.0])
    solved = []

    def solve(order):
        solved.append(order)
        return {"pbc": limit + np.diag([1.0, 0, 0]) * order**-3.35}

    found = converge(solve, 3, 1e-4, 8)
    assert np.allclose(found.extrapolated["pbc"], limit, rtol=1e-12)
    # 0.0252 is left at order 3, 0.4 of that over 3.0 is the estimate: 33 times the tolerance, 2.8 times the order
    assert solved == [2, 3, 8]
    assert found.error["pbc"] == pytest.approx(0.4 * 8**-3.35 / (3 + 8**-3.35))
    solved.clear()
    assert converge(solve, 1, 1e-9, 1).error == {}
    assert solved == [1]


def test_refinement_ends_where_memory_does():
    triangles = np.zeros((100_000, 3), int)
    assert affordable_order(Mesh(np.zeros((1, 2)), triangles, triangles[:, 0])) == 1
    assert affordable_order(Mesh(np.zeros((1, 2)), triangles[:100], triangles[:100, 0])) == 8


def test_old_settings_mean_what_they_meant():
    assert HomogenizeSettings(indicator=False).tolerance is None
    assert HomogenizeSettings(indicator=True) == HomogenizeSettings()
    assert HomogenizeSettings(indicator=False, tolerance=1e-3).tolerance == 1e-3
