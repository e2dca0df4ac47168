import numpy as np
import pytest

from polysve.base.errors import InputError
from polysve.crystals.catalogue import find
from polysve.crystals.crystal import LAYOUTS, Crystal


def isotropic(young=200.0, poisson=0.3):
    shear = young / 2 / (1 + poisson)
    stiffness = np.diag([2 * shear] * 3 + [shear] * 3)
    stiffness[:3, :3] += young * poisson / (1 + poisson) / (1 - 2 * poisson)
    return stiffness


@pytest.mark.parametrize("symmetry", LAYOUTS)
def test_isotropic_crystal_is_of_any_symmetry_and_without_anisotropy(symmetry):
    assert Crystal("glass", symmetry, isotropic()).anisotropy == pytest.approx(0, abs=1e-12)


def test_anisotropy_of_a_cubic_crystal_in_closed_form():
    """6/5 (√A - 1/√A)², with the ratio A = 2 C44/(C11 - C12)."""
    root = np.sqrt(2 * 75.4 / (168.4 - 121.4))
    assert find("Cu").anisotropy == pytest.approx(6 / 5 * (root - 1 / root) ** 2, rel=1e-12)


@pytest.mark.films
def test_anisotropy_does_not_depend_on_the_axes():
    """Quartz with its axes turned by a quarter about x1, so that constants change their places."""
    quartz = find("quartz")
    places, signs = [0, 2, 1, 3, 5, 4], np.array([1, 1, 1, -1, -1, 1])
    turned = quartz.stiffness_gpa[np.ix_(places, places)] * np.outer(signs, signs)
    assert Crystal("turned", "triclinic", turned).anisotropy == pytest.approx(quartz.anisotropy)


@pytest.mark.parametrize(
    ("symmetry", "stiffness", "told"),
    [
        ("cubik", isotropic(), "symmetry = 'cubik': allowed are cubic, hexagonal"),
        ("cubic", np.eye(3), "no 6×6 matrix"),
        ("cubic", isotropic() * np.nan, "finite"),
        ("cubic", isotropic() + np.triu(np.ones((6, 6)), 1), "not symmetric"),
        ("triclinic", np.diag([1.0, 1, 1, 1, 1, -1]), "eigenvalues from -1 to 1"),
        ("triclinic", np.diag([1e9, 1, 1, 1, 1, 1]), "eigenvalues from 1 to 1e"),
        ("cubic", isotropic() + np.diag([0, 0, 9, 0, 0, 0]), "not that of a cubic crystal"),
        ("hexagonal", isotropic() + np.diag([0, 0, 9, 0, 0, 5]), "not that of a hexagonal"),
    ],
)
def test_wrong_stiffness_is_refused(symmetry, stiffness, told):
    with pytest.raises(InputError, match=f"^mine: .*{told}"):
        Crystal("mine", symmetry, stiffness)


def test_stiffness_cannot_be_changed_behind_the_checks():
    given = isotropic()
    crystal = Crystal("glass", "cubic", given)
    given[0, 0] = -1
    assert crystal.stiffness_gpa[0, 0] > 0
    with pytest.raises(ValueError, match="read-only"):
        crystal.stiffness_gpa[0, 0] = -1


def test_seven_constants_have_a_smaller_point_group():
    sapphire = find("sapphire")
    assert sapphire.point_group.name == "-3m"
    more = np.array(sapphire.stiffness_gpa)
    for row, column, sign in ((0, 4, 1), (1, 4, -1), (3, 5, -1)):
        more[row, column] = more[column, row] = 10 * sign
    assert Crystal("more", "trigonal", more).point_group.name == "-3"
