import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from polysve.base.errors import InputError
from polysve.crystals import orientation
from polysve.crystals.catalogue import find


def about(axis, angle_deg):
    """Matrix of a turn about a coordinate axis, written out."""
    one, two = {"z": (0, 1), "x": (1, 2)}[axis]
    cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    matrix = np.eye(3)
    matrix[one, one] = matrix[two, two] = cos
    matrix[one, two], matrix[two, one] = -sin, sin
    return matrix


def matrices(quaternions):
    return Rotation.from_quat(quaternions, scalar_first=True).as_matrix()


@given(*[st.floats(-720, 720)] * 3)
def test_bunge_angles_turn_crystal_into_window_axes(phi1, phi, phi2):
    expected = about("z", phi1) @ about("x", phi) @ about("z", phi2)
    quaternion = orientation.from_euler([phi1, phi, phi2])
    np.testing.assert_allclose(matrices(quaternion), expected, atol=1e-12)
    angles = orientation.to_euler(quaternion)
    assert (angles >= 0).all() and angles[1] <= 180 and (angles[[0, 2]] < 360).all()
    # the inverse cosine of an angle next to 0 or 180 keeps eight digits
    np.testing.assert_allclose(matrices(orientation.from_euler(angles)), expected, atol=1e-7)


@pytest.mark.films
def test_orix_means_the_inverse():
    from orix.quaternion import Rotation as OrixRotation

    angles = np.random.default_rng(1).uniform(0, [360, 180, 360], (20, 3))
    theirs = OrixRotation.from_euler(angles, degrees=True).to_matrix()
    np.testing.assert_allclose(
        matrices(orientation.from_euler(angles)), theirs.swapaxes(-1, -2), atol=1e-12
    )


def test_shapes_are_kept():
    angles = np.zeros((2, 3, 3))
    assert orientation.from_euler(angles).shape == (2, 3, 4)
    assert orientation.to_euler(orientation.from_euler(angles)).shape == (2, 3, 3)
    np.testing.assert_allclose(
        orientation.from_theta([0.3, 1.2]),
        orientation.from_euler([[np.degrees(0.3), 0, 0], [np.degrees(1.2), 0, 0]]),
        atol=1e-15,
    )


@pytest.mark.parametrize(
    ("quaternions", "told"),
    [
        ([[1, 0, 0, 0], [1, 1, 0, 0]], r"quaternion 1 = \[1, 1, 0, 0\] has length 1.414"),
        ([[0, 0, 0, 0]], "length 0"),
        ([[np.nan, 0, 0, 1]], "length nan"),
        ([[1, 0, 0]], "four numbers each"),
    ],
)
def test_quaternions_that_are_no_rotations(quaternions, told):
    with pytest.raises(InputError, match=f"film: .*{told}"):
        orientation.checked(quaternions, "film")


def test_rounded_quaternions_become_unit():
    rounded = np.round(orientation.from_euler([[10.0, 20.0, 30.0]]), 4)
    assert np.linalg.norm(orientation.checked(rounded, "film")) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("count", [1, 5, 200])
def test_radians_are_noticed(count):
    angles = np.random.default_rng(count).uniform(0, [360, 180, 360], (count, 3))
    assert orientation.look_like_radians(np.deg2rad(angles))
    assert not orientation.look_like_radians(angles)
    assert not orientation.look_like_radians(np.zeros((count, 3)))


@pytest.mark.films
@pytest.mark.parametrize("name", ["Si", "Zn", "sapphire", "rutile"])
def test_mean_orientation_whatever_description_each_pixel_has(name):
    """Pixels scattered by a few degrees about two orientations, each described in a random equivalent way."""
    random = np.random.default_rng(7)
    group = find(name).point_group.proper_subgroup
    symmetric = Rotation.from_quat(group.data, scalar_first=True)
    true = Rotation.random(2, rng=random)
    grain = random.integers(0, 2, 4000)
    noise = Rotation.from_rotvec(np.radians(2) * random.normal(size=(4000, 3)))
    pixels = noise * true[grain] * symmetric[random.integers(0, len(symmetric), 4000)]
    mean, spread = orientation.mean_orientations(pixels.as_quat(scalar_first=True), grain, group)
    found = Rotation.from_quat(mean, scalar_first=True)
    for each in range(2):
        off = [(true[each].inv() * found[each] * turn).magnitude() for turn in symmetric]
        assert np.degrees(min(off)) < 0.2
    # mean length of a vector of three normal numbers: 2 √(2/π)
    assert spread == pytest.approx(2 * 2 * np.sqrt(2 / np.pi), rel=0.03)


@given(st.floats(0, 89.9), st.floats(0, 8), st.integers(0, 23))
def test_in_plane_angle_of_a_tilted_cubic_crystal(theta, tilt, operation):
    """Tilted about its own x2 axis, which stays in the plane: the two others' mean angle does not move."""
    equivalents = Rotation.create_group("O")
    crystal = Rotation.from_euler("Z", theta, degrees=True) * Rotation.from_euler(
        "y", tilt, degrees=True
    )
    quaternion = (crystal * equivalents[operation]).as_quat(scalar_first=True)
    found, off = orientation.in_plane_angle(quaternion)
    assert np.degrees(off) == pytest.approx(tilt, abs=1e-9)
    difference = np.degrees(found) - theta
    assert (difference + 45) % 90 - 45 == pytest.approx(0, abs=1e-9)
    assert 0 <= found < np.pi / 2


def test_in_plane_angle_of_a_tetragonal_crystal_is_about_its_c_axis():
    lying = orientation.from_euler([[30.0, 90.0, 0.0], [30.0, 0.0, 0.0]])
    theta, tilt = np.degrees(orientation.in_plane_angle(lying, "tetragonal"))
    assert tilt == pytest.approx([90, 0])
    assert theta[1] == pytest.approx(30)


@pytest.mark.films
@pytest.mark.parametrize(
    ("direction", "euler", "colour"),
    [
        ((0, 0, 1), [20.0, 0.0, 0.0], [1, 0, 0]),
        ((0, 0, 1), [20.0, 45.0, 0.0], [0, 1, 0]),
        ((0, 0, 1), [20.0, np.degrees(np.arccos(1 / np.sqrt(3))), 45.0], [0, 0, 1]),
        ((1, 0, 0), [45.0, 0.0, 0.0], [0, 1, 0]),
    ],
)
def test_corners_of_the_colour_key(direction, euler, colour):
    """<100> red, <110> green, <111> blue along the direction."""
    quaternions = orientation.from_euler([euler])
    found = orientation.ipf_colours(quaternions, find("Cu").point_group, direction)
    np.testing.assert_allclose(found, [colour], atol=0.02)
