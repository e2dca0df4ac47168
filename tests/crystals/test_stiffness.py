from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from polysve.crystals import stiffness as plane
from polysve.crystals.catalogue import find
from polysve.crystals.crystal import Crystal
from polysve.crystals.orientation import from_euler, from_theta
from polysve.settings.material import material_settings

CRYSTALS = {
    "cubic": {"c11": 168, "c12": 121, "c44": 75},
    "hexagonal": {"c11": 164, "c12": 36, "c13": 53, "c33": 63, "c44": 39},
    "tetragonal": {"c11": 145, "c12": 66, "c13": 45, "c33": 126, "c44": 37, "c66": 45, "c16": 13},
    "trigonal": {"c11": 87, "c12": 7, "c13": 12, "c33": 106, "c44": 58, "c14": -18, "c15": 11},
    "orthorhombic": {
        "c11": 160,
        "c12": 37,
        "c13": 2,
        "c22": 87,
        "c23": 16,
        "c33": 85,
        "c44": 41,
        "c55": 26,
        "c66": 43,
    },
}
TRICLINIC = np.random.default_rng(3).normal(size=(6, 6)) * 5
TRICLINIC = TRICLINIC @ TRICLINIC.T + np.diag([150, 120, 100, 40, 50, 60])
SMALLER = {"tetragonal 4/mmm": ("tetragonal", {"c16": 0}), "trigonal -3m": ("trigonal", {"c15": 0})}
PAIRS = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]


def crystal(name):
    if name == "triclinic":
        return Crystal(name, name, TRICLINIC)
    symmetry, changed = SMALLER.get(name, (name, {}))
    values = {f"{key}_gpa": value for key, value in (CRYSTALS[symmetry] | changed).items()}
    return Crystal.from_settings(material_settings({"symmetry": symmetry, **values}), name)


ALL = [*CRYSTALS, *SMALLER, "triclinic"]


def random_quaternions(seed, count):
    drawn = np.random.default_rng(seed).normal(size=(count, 4))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def expected(stiffness, quaternion):
    """Turn the tensor of fourth order index by index, and read plane stress off the inverse."""
    w, x, y, z = quaternion
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + 2 * w * cross + 2 * cross @ cross
    tensor = np.empty((3, 3, 3, 3))
    for row, (i, j) in enumerate(PAIRS):
        for column, (k, m) in enumerate(PAIRS):
            for a, b in ((i, j), (j, i)):
                tensor[a, b, k, m] = tensor[a, b, m, k] = stiffness[row, column]
    tensor = np.einsum("ia,jb,kc,ld,abcd->ijkl", turn, turn, turn, turn, tensor)
    turned = np.array([[tensor[i, j, k, m] for k, m in PAIRS] for i, j in PAIRS])
    inside = [0, 1, 5]
    return np.linalg.inv(np.linalg.inv(turned)[np.ix_(inside, inside)])


@pytest.mark.films
@pytest.mark.parametrize("name", ALL)
def test_plane_stress_against_the_turned_tensor(name):
    stiffness = crystal(name).stiffness_gpa
    quaternions = random_quaternions(1, 20)
    found = plane.plane_stress(stiffness, quaternions)
    for each, quaternion in zip(found, quaternions, strict=True):
        np.testing.assert_allclose(each, expected(stiffness, quaternion), rtol=0, atol=1e-10)


@pytest.mark.films
@pytest.mark.parametrize("name", ALL)
def test_orientations_that_the_point_group_makes_equal_have_equal_stiffness(name):
    """Constants at a wrong place, or with a wrong sign, would break it: orix knows nothing of stiffness."""
    chosen = crystal(name)
    operations = chosen.point_group.proper_subgroup
    matrices = np.einsum(
        "pij,sjk->psik",
        Rotation.from_quat(random_quaternions(2, 10), scalar_first=True).as_matrix(),
        operations.to_matrix(),
    )
    quaternions = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_quat(scalar_first=True)
    found = plane.plane_stress(chosen.stiffness_gpa, quaternions).reshape(10, -1, 3, 3)
    assert found.shape[1] == operations.size
    np.testing.assert_allclose(found, found[:, :1] + 0 * found, rtol=0, atol=1e-10)


@pytest.mark.films
def test_a_larger_group_than_the_crystal_s_is_noticed():
    """The test above can fail: sevenfold constants are not invariant under the group of six."""
    chosen = crystal("trigonal")
    half = Rotation.from_rotvec([np.pi, 0, 0])
    start = Rotation.from_quat(random_quaternions(4, 1), scalar_first=True)
    pair = np.concatenate([each.as_quat(scalar_first=True) for each in (start, start * half)])
    one, two = plane.plane_stress(chosen.stiffness_gpa, pair)
    assert np.abs(one - two).max() > 1


@pytest.mark.films
@pytest.mark.parametrize("name", ALL)
def test_turning_the_film_turns_its_stiffness(name):
    stiffness, angle = crystal(name).stiffness_gpa, 0.7
    quaternions = random_quaternions(5, 8)
    start = Rotation.from_quat(quaternions, scalar_first=True)
    turned = (Rotation.from_rotvec([0, 0, angle]) * start).as_quat(scalar_first=True)
    before = plane.plane_stress(stiffness, quaternions)
    after = plane.plane_stress(stiffness, turned)
    for phi in np.linspace(0, np.pi, 7):
        np.testing.assert_allclose(
            plane.young_modulus(after, phi + angle), plane.young_modulus(before, phi), rtol=1e-12
        )
    averages = [plane.log_stiffness(each).mean(0) for each in (before, after)]
    mandel = [plane.unpack(each) for each in averages]
    for one, two in zip(*[np.linalg.eigvalsh(each) for each in mandel], strict=True):
        assert one == pytest.approx(two, rel=1e-10)


def fibre(axis, count=16):
    """Crystals with a direction along the film normal, turned about it in equal steps."""
    upright = Rotation.align_vectors([[0, 0, 1]], [axis])[0]
    angles = 2 * np.pi * np.arange(count) / count
    turns = Rotation.from_rotvec(np.stack([0 * angles, 0 * angles, angles], -1)) * upright
    return turns.as_quat(scalar_first=True)


@pytest.mark.films
@pytest.mark.parametrize(
    ("axis", "reuss", "voigt", "smallest", "largest", "scatter"),
    [
        ([1, 0, 0], 146.96, 151.29, 130.0, 169.0, 13.7),
        ([1, 1, 0], 162.86, 168.03, 130.0, 187.7, 19.3),
        ([1, 1, 1], 168.96, 168.96, 168.96, 168.96, 0),
        ([3, 1, 1], 156.56, 159.94, 140.8, 183.5, 13.3),
    ],
)
def test_silicon_fibre_films(axis, reuss, voigt, smallest, largest, scatter):
    stiffness = plane.plane_stress(find("silicon").stiffness_gpa, fibre(axis, 720))
    bounds = plane.voigt_reuss(stiffness, np.ones(720))
    moduli = plane.young_modulus(stiffness)
    assert plane.young_modulus(bounds[0]) == pytest.approx(voigt, abs=0.01)
    assert plane.young_modulus(bounds[1]) == pytest.approx(reuss, abs=0.01)
    assert (moduli.min(), moduli.max()) == pytest.approx((smallest, largest), abs=0.06)
    assert moduli.std() == pytest.approx(scatter, abs=0.06)


@pytest.mark.films
def test_random_columnar_silicon():
    """By quadrature over all orientations; the Reuss bound is that of the crystal in space, 159.41 GPa."""
    cosines, weights = np.polynomial.legendre.leggauss(24)
    angles = 18 * np.arange(20), np.degrees(np.arccos(cosines)), 15 * np.arange(24)
    grid = np.stack(np.meshgrid(*angles, indexing="ij"), -1)
    stiffness = plane.plane_stress(find("silicon").stiffness_gpa, from_euler(grid.reshape(-1, 3)))
    weight = np.broadcast_to(weights[None, :, None], grid.shape[:3]).ravel()
    voigt, reuss = plane.voigt_reuss(stiffness, weight)
    assert plane.young_modulus(voigt) == pytest.approx(163.1008, abs=1e-3)
    assert plane.young_modulus(reuss) == pytest.approx(159.4098, abs=1e-3)
    moduli = plane.young_modulus(stiffness)
    spread = np.sqrt(np.cov(moduli, aweights=weight, bias=True))
    assert spread == pytest.approx(15.2185, abs=0.005)


@pytest.mark.films
@pytest.mark.parametrize(("name", "axis"), [("silicon", [1, 1, 1]), ("zinc", [0, 0, 1])])
def test_isotropic_films_have_one_stiffness(name, axis):
    stiffness = plane.plane_stress(find(name).stiffness_gpa, fibre(axis, 12))
    np.testing.assert_allclose(stiffness, stiffness[:1] + 0 * stiffness, rtol=0, atol=1e-12 * 200)
    assert plane.shear_modulus(stiffness[0]) == pytest.approx(
        plane.young_modulus(stiffness[0]) / 2 / (1 + plane.poisson_ratio(stiffness[0])), rel=1e-12
    )


def test_silicon_111_film_in_fractions():
    c11, c12, c44 = Fraction("165.64"), Fraction("63.94"), Fraction("79.51")
    determinant = (c11 - c12) * (c11 + 2 * c12)
    s11, s12, s44 = (c11 + c12) / determinant, -c12 / determinant, 1 / c44
    exact = 1 / (s11 - (s11 - s12 - s44 / 2) / 2)
    stiffness = plane.plane_stress(find("Si").stiffness_gpa, fibre([1, 1, 1], 1))
    assert float(exact) == pytest.approx(168.95584, abs=1e-5)
    assert plane.young_modulus(stiffness[0]) == pytest.approx(float(exact), rel=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_logarithm_and_back(seed):
    stiffness = plane.plane_stress(TRICLINIC, random_quaternions(seed, 3))
    np.testing.assert_allclose(
        plane.exp_stiffness(plane.log_stiffness(stiffness)), stiffness, rtol=0, atol=1e-10
    )


def test_logarithm_of_the_compliance_has_the_opposite_sign():
    """So it is in Mandel form, √2 on shear in both, and not in Voigt's."""
    shear = np.diag([1, 1, 2])
    stiffness = plane.plane_stress(TRICLINIC, random_quaternions(6, 1))[0]
    # a stiffness whose Mandel form is the inverse of the other's
    inverse = np.linalg.inv(shear @ stiffness @ shear)
    np.testing.assert_allclose(
        plane.log_stiffness(inverse), -plane.log_stiffness(stiffness), rtol=1e-10, atol=1e-10
    )


def test_geometric_mean_of_two_square_crystals():
    """The average of logarithms of silicon's two extremes is the film that duality gives."""
    stiffness = plane.plane_stress(find("Si").stiffness_gpa, from_theta([0, np.pi / 4]))
    mean = plane.exp_stiffness(plane.log_stiffness(stiffness).mean(0))
    assert mean[2, 2] == pytest.approx((mean[0, 0] - mean[0, 1]) / 2, rel=1e-12)
    assert mean[2, 2] == pytest.approx(np.sqrt(79.51 * 101.7 / 2), rel=1e-12)


def test_packing_is_undone():
    matrices = np.random.default_rng(1).normal(size=(2, 4, 3, 3))
    matrices = matrices + matrices.swapaxes(-1, -2)
    np.testing.assert_array_equal(plane.unpack(plane.pack(matrices)), matrices)
    np.testing.assert_array_equal(
        plane.pack([[11, 12, 16], [12, 22, 26], [16, 26, 66]]), [11, 22, 66, 12, 16, 26]
    )
