"""EBSD maps written by others' conventions give back the film they were made from."""

from dataclasses import replace

import numpy as np
import pytest
from ebsd_maps import (
    WRITERS,
    Map,
    cells,
    hexagons,
    noisy,
    write_ang,
    write_ctf,
    write_emsoft,
    write_h5oina,
)
from scipy.spatial.transform import Rotation

from polysve.base.errors import InputError
from polysve.commands.apparent import apparent
from polysve.crystals.catalogue import find
from polysve.crystals.stiffness import plane_stress
from polysve.films.grid import squares
from polysve.films.readers import read_film
from polysve.films.reading import Reading, named_materials
from polysve.settings.labels import HomogenizeSettings, MeshSettings

pytestmark = [pytest.mark.films, pytest.mark.filterwarnings("error::UserWarning")]
SHAPE, STEP_UM = (40, 56), 0.05
PHASES = (("Copper", "cubic"), ("zinc", "hexagonal"))
CRYSTALS = ("copper", "zinc")


def random_map(seed=3, noise_deg=0.3, phases=PHASES, count=14):
    """A map and the grain of each of its points."""
    grain = cells(SHAPE, count, seed).ravel()
    turns = Rotation.random(count, random_state=seed)
    phase = np.arange(count) % len(phases) + 1
    return Map(SHAPE, STEP_UM, noisy(turns[grain], noise_deg), phase[grain], phases), grain


def stiffness_of(scan, crystals=CRYSTALS):
    """Plane stiffness at each point, bottom row first."""
    found = np.empty((len(scan.phase), 3, 3))
    quaternions = scan.turns.as_quat(scalar_first=True)
    for number, name in enumerate(crystals, 1):
        mine = scan.phase == number
        found[mine] = plane_stress(find(name).stiffness_gpa, quaternions[mine])
    return found.reshape(*scan.shape, 3, 3)[::-1]


def error_of(film, truth):
    """Largest difference of the stiffness at each pixel, over C11."""
    return np.abs(film.stiffness_gpa[film.shape.labels] - truth).max((2, 3)) / truth[..., 0, 0]


@pytest.mark.parametrize("name", WRITERS)
def test_film_comes_back(tmp_path, name, capsys):
    scan, grain = random_map()
    WRITERS[name](tmp_path / name, scan)
    film = read_film(tmp_path / name)
    assert capsys.readouterr().out == ""
    assert film.shape.labels.shape == SHAPE
    assert film.size_um == pytest.approx((SHAPE[1] * STEP_UM, SHAPE[0] * STEP_UM), rel=1e-5)
    assert [crystal.name for crystal in film.crystals] == list(CRYSTALS)
    assert film.n_grains == len(np.unique(grain))
    assert np.mean(error_of(film, stiffness_of(random_map(noise_deg=0)[0])) < 0.01) > 0.99
    assert any("0.4" in note or "0.5" in note for note in film.notes if "inside a grain" in note)


@pytest.mark.parametrize("name", WRITERS)
def test_lost_points_go_to_the_nearest_grain_up_to_a_share(tmp_path, name):
    whole, _ = random_map(noise_deg=0)
    random = np.random.default_rng(5)
    lost = random.choice(len(whole.phase), len(whole.phase) // 10, replace=False)
    WRITERS[name](tmp_path / name, whole.without(lost))
    film = read_film(tmp_path / name)
    assert np.mean(error_of(film, stiffness_of(whole)) < 1e-3) > 0.97
    assert film.n_grains == 14
    assert any("10 % without orientation" in note for note in film.notes)
    with pytest.raises(InputError, match="10 % of the pixels have no orientation; allowed is 5 %"):
        read_film(tmp_path / name, Reading(largest_unindexed=0.05))


def test_a_dictionary_of_emsoft_is_read(tmp_path):
    scan, _ = random_map(noise_deg=0, phases=PHASES[1:])
    write_emsoft(tmp_path / "m.h5", scan)
    film = read_film(tmp_path / "m.h5")
    assert film.n_grains == 14
    np.testing.assert_allclose(error_of(film, stiffness_of(scan, CRYSTALS[1:])), 0, atol=1e-6)


@pytest.mark.faults
@pytest.mark.parametrize("columns", [8, 10, 11, 14])
def test_lost_points_of_edax_in_files_of_any_version(tmp_path, columns):
    """Four columns decide how the program marks them: 4π with a confidence of -1, or with 0 in a file of ten."""
    whole, _ = random_map(phases=PHASES[:1], noise_deg=0)
    lost = np.arange(0, len(whole.phase), 9)
    write_ang(tmp_path / "m.ang", whole.without(lost), columns)
    film = read_film(tmp_path / "m.ang")
    assert film.n_grains == 14
    assert np.mean(error_of(film, stiffness_of(whole)) < 1e-3) > 0.97


def test_points_with_angles_but_without_deviation_are_lost_in_a_channel_text_file(tmp_path):
    whole, _ = random_map(noise_deg=0)
    write_ctf(tmp_path / "m.ctf", whole)
    lines = (tmp_path / "m.ctf").read_text().splitlines()
    for row in range(16, len(lines), 7):
        fields = lines[row].split("\t")
        lines[row] = "\t".join(["1", *fields[1:5], "12", "34", "56", "0", *fields[9:]])
    (tmp_path / "m.ctf").write_text("\n".join(lines))
    film = read_film(tmp_path / "m.ctf")
    assert film.n_grains == 14
    # no deviation at all is no mark
    write_ctf(tmp_path / "m.ctf", whole, deviation=0)
    assert "without" not in " ".join(read_film(tmp_path / "m.ctf").notes)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("name", "phi1_deg"), [("m.ang", 180), ("m.ctf", 90), ("m.h5oina", 90), ("bruker.h5", 90)]
)
def test_x1_is_x1(tmp_path, name, phi1_deg):
    """Zinc with its soft c axis along the map's x, to the right, by the angles each vendor's program gives it.

    EDAX counts from an axis that points down the map, the others from one to the right.
    """
    zinc = (("zinc", "hexagonal"),)
    frame = {"m.ang": "edax"}.get(name, "oxford")
    turns = Rotation.from_euler("ZXZ", np.tile([90, 90, 0], (100, 1)), degrees=True)
    scan = Map((10, 10), 1.0, turns, np.ones(100, int), zinc)
    assert np.degrees(scan.euler_rad(frame)[0, 0]) % 360 == pytest.approx(phi1_deg)
    WRITERS[name](tmp_path / name, scan)
    found = apparent(tmp_path / name, Reading(), MeshSettings(), HomogenizeSettings())
    along_c = 1 / np.linalg.inv(find("zinc").stiffness_gpa)[2, 2]
    assert found["young_modulus_gpa"]["pbc"] == pytest.approx(along_c, rel=1e-4)
    assert any(f"axes of {frame}" in note for note in found["notes"])
    # turned by a right angle it is the stiff axis
    other = Reading(frame="oxford" if frame == "edax" else "edax")
    across = apparent(tmp_path / name, other, MeshSettings(), HomogenizeSettings())
    assert across["young_modulus_gpa"]["pbc"] > 2 * along_c


def test_frames_differ_by_what_they_say(tmp_path):
    """A c axis 30° above the map's x is 30° below it, if the angles' y axis points down, too."""
    turns = Rotation.from_euler("ZXZ", np.tile([120, 90, 0], (100, 1)), degrees=True)
    scan = Map((10, 10), 1.0, turns, np.ones(100, int), (("zinc", "hexagonal"),))
    write_ctf(tmp_path / "m.ctf", scan)
    up, down = (
        read_film(tmp_path / "m.ctf", Reading(frame=frame)).stiffness_gpa[0]
        for frame in ("oxford", "map")
    )
    assert abs(up[0, 2]) > 5
    np.testing.assert_allclose(down, up * [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-6)
    with pytest.raises(InputError, match="frame = 'up': allowed are edax, oxford, map"):
        read_film(tmp_path / "m.ctf", Reading(frame="up"))


def test_trigonal_crystals_have_their_x_axis_along_a(tmp_path):
    """Oxford takes y along b: its angles are 30° about c from EDAX's, and the sign of C14 hangs on it."""
    turns = Rotation.from_euler("ZXZ", np.tile([20, 70, 40], (100, 1)), degrees=True)
    scan = Map((10, 10), 1.0, turns, np.ones(100, int), (("sapphire", "trigonal"),))
    # a at -30° from an x axis along a*
    oxford = scan._replace(turns=turns * Rotation.from_euler("Z", 30, degrees=True))
    write_ang(tmp_path / "m.ang", scan)
    write_ctf(tmp_path / "m.ctf", oxford)
    write_h5oina(tmp_path / "m.h5oina", oxford)
    truth = plane_stress(find("sapphire").stiffness_gpa, turns.as_quat(scalar_first=True)[:1])
    wrong = plane_stress(
        find("sapphire").stiffness_gpa, oxford.turns.as_quat(scalar_first=True)[:1]
    )
    assert np.abs(wrong - truth).max() > 5
    for name in ("m.ang", "m.ctf", "m.h5oina"):
        found = read_film(tmp_path / name).stiffness_gpa
        np.testing.assert_allclose(found, truth, atol=0.05)


def test_hexagonal_grids_become_squares_of_the_right_area(tmp_path):
    shape = (60, 80)
    x, y = hexagons(shape, STEP_UM)
    random = np.random.default_rng(4)
    points = random.random((12, 2)) * [x.max(), y.max()]
    grain = ((np.stack([x, y], -1)[:, None] - points) ** 2).sum(-1).argmin(1)
    turns = Rotation.random(12, random_state=4)
    scan = Map(shape, STEP_UM, turns[grain], np.ones(len(x), int), (("Cu", "cubic"),))
    write_ang(tmp_path / "m.ang", scan, hexagonal=(x, y))
    film = read_film(tmp_path / "m.ang")
    assert film.size_um == pytest.approx((80 * STEP_UM, 60 * np.sqrt(0.75) * STEP_UM), rel=0.01)
    assert any("grid of hexagons" in note for note in film.notes)
    assert film.n_grains == 12
    truth = plane_stress(find("copper").stiffness_gpa, turns.as_quat(scalar_first=True))
    share = np.bincount(grain) / len(grain)
    mean = np.einsum("g,gij->ij", film.area_fractions, film.stiffness_gpa)
    np.testing.assert_allclose(mean, np.einsum("g,gij->ij", share, truth), rtol=5e-3, atol=0.3)
    # the lower half of the map is the lower half of the film
    lower = film.shape.labels[: film.shape.labels.shape[0] // 2]
    part = film.stiffness_gpa[lower].mean((0, 1))
    expected = truth[grain[y > y.max() / 2]].mean(0)
    np.testing.assert_allclose(part, expected, rtol=0.01, atol=0.5)


@pytest.mark.faults
def test_rectangular_steps_become_squares(tmp_path):
    scan, _ = random_map(noise_deg=0)
    write_ctf(tmp_path / "m.ctf", scan)
    text = (tmp_path / "m.ctf").read_text().splitlines()
    rows = [line.split("\t") for line in text[16:]]
    for row in rows:
        row[1] = f"{2 * float(row[1]):.4f}"
    (tmp_path / "m.ctf").write_text("\n".join([*text[:16], *("\t".join(row) for row in rows)]))
    film = read_film(tmp_path / "m.ctf")
    assert film.size_um == pytest.approx((2 * SHAPE[1] * STEP_UM, SHAPE[0] * STEP_UM), rel=0.02)
    assert any("grid of rectangles" in note for note in film.notes)


def test_misorientation_decides_what_is_one_grain(tmp_path):
    grain = cells(SHAPE, 14, 3).ravel()
    turns = Rotation.from_euler("Z", 3.0 * np.arange(14)[:, None], degrees=True)
    scan = Map(SHAPE, STEP_UM, turns[grain], np.ones(len(grain), int), PHASES[:1])
    write_ctf(tmp_path / "m.ctf", scan)
    # neighbours differ by 3° or more
    assert read_film(tmp_path / "m.ctf", Reading(misorientation_deg=2)).n_grains == 14
    assert read_film(tmp_path / "m.ctf", Reading(misorientation_deg=40)).n_grains == 1
    for wrong in (0, 45, np.nan):
        with pytest.raises(InputError, match="misorientation"):
            read_film(tmp_path / "m.ctf", Reading(misorientation_deg=wrong))


@pytest.mark.faults
def test_a_speck_does_not_refuse_a_map(tmp_path):
    scan, _ = random_map(noise_deg=0, phases=PHASES[:1])
    quaternions = scan.turns.as_quat()
    quaternions[[500, 501, 502]] = Rotation.from_euler("X", 33, degrees=True).as_quat()
    scan = scan._replace(turns=Rotation.from_quat(quaternions))
    write_ang(tmp_path / "m.ang", scan)
    film = read_film(tmp_path / "m.ang")
    assert film.n_grains == 14
    assert any("1 regions of less than 5 pixels" in note for note in film.notes)


@pytest.mark.faults
def test_phases_are_made_of_what_is_said_of_them(tmp_path):
    scan, _ = random_map(phases=(("ferrite/ferrite", "cubic"), ("Mystery", "cubic")))
    write_ang(tmp_path / "m.ang", scan)
    with pytest.raises(InputError, match=r"m\.ang: .*phase 'Mystery'.*--material Mystery="):
        read_film(tmp_path / "m.ang")
    given = named_materials(["mystery=200,130,120"])
    film = read_film(tmp_path / "m.ang", Reading(materials=given))
    assert [crystal.name for crystal in film.crystals] == ["iron", "cubic crystal"]
    given |= named_materials(["Ferrite=230,135,117"])
    film = read_film(tmp_path / "m.ang", Reading(materials=given))
    assert film.crystals[0].stiffness_gpa[0, 0] == 230
    with pytest.raises(InputError, match="--material gold=…: has no such phase; there are: "):
        read_film(tmp_path / "m.ang", Reading(materials=given | named_materials(["gold=Au"])))
    # a phase of a few stray points needs no crystal
    few = np.where(scan.phase == 2, 1, scan.phase)
    few[[3, 900]] = 2
    write_ang(tmp_path / "m.ang", scan._replace(phase=few))
    assert len(read_film(tmp_path / "m.ang").crystals) == 1


@pytest.mark.faults
def test_crystals_of_another_symmetry_are_refused(tmp_path):
    scan, _ = random_map(phases=(("Titanium", "cubic"),))
    write_ctf(tmp_path / "m.ctf", scan)
    with pytest.raises(InputError, match=r"m\.ctf.*'Titanium' is cubic, but titanium is hexagonal"):
        read_film(tmp_path / "m.ctf")


@pytest.mark.faults
def test_angles_in_the_wrong_unit_are_refused(tmp_path):
    scan, _ = random_map()
    write_ang(tmp_path / "m.ang", scan, degrees=True)
    with pytest.raises(InputError, match=r"m\.ang: Euler angles reach 3\d\d.*radians"):
        read_film(tmp_path / "m.ang")
    write_ctf(tmp_path / "m.ctf", scan, radians=True)
    with pytest.raises(InputError, match=r"m\.ctf: all Euler angles are below 6\.\d*, as radians"):
        read_film(tmp_path / "m.ctf")
    write_h5oina(tmp_path / "m.h5oina", scan, degrees=True)
    with pytest.raises(InputError, match=r"m\.h5oina: Euler angles reach.*radians"):
        read_film(tmp_path / "m.h5oina")
    # crystals that all stand almost upright are no mistake
    near = Rotation.from_euler("ZXZ", np.full((len(scan.phase), 3), [2.25, 1.5, 0.5]), degrees=True)
    write_ctf(tmp_path / "m.ctf", scan._replace(turns=near))
    assert read_film(tmp_path / "m.ctf").n_grains > 1


@pytest.mark.faults
def test_decimal_commas_and_places_of_the_header_are_read(tmp_path):
    scan, _ = random_map()
    write_ctf(tmp_path / "point.ctf", scan)
    write_ctf(tmp_path / "comma.ctf", scan, comma=True)
    write_h5oina(tmp_path / "m.h5oina", scan, places=False)
    point, comma, oxford = (
        read_film(tmp_path / name) for name in ("point.ctf", "comma.ctf", "m.h5oina")
    )
    np.testing.assert_array_equal(point.quaternions, comma.quaternions)
    np.testing.assert_array_equal(point.shape.labels, oxford.shape.labels)


def test_unfinished_and_other_files_are_refused(tmp_path):
    scan, _ = random_map()
    for name in ("m.ang", "m.ctf"):
        WRITERS[name](tmp_path / name, scan)
        lines = (tmp_path / name).read_text().splitlines()
        # a whole row missing, part of one, half a line, the header alone, nothing, another text
        texts = [
            lines[: -SHAPE[1]],
            lines[:-7],
            [*lines[:-1], lines[-1][:20]],
            lines[:15],
            [],
            ["text"],
        ]
        for text in texts:
            (tmp_path / name).write_text("\n".join(text))
            with pytest.raises(InputError, match=name.replace(".", r"\.")):
                read_film(tmp_path / name)
    write_h5oina(tmp_path / "m.h5oina", scan)
    whole = (tmp_path / "m.h5oina").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"text"):
        (tmp_path / "m.h5oina").write_bytes(content)
        with pytest.raises(InputError, match=r"m\.h5oina"):
            read_film(tmp_path / "m.h5oina")


def test_points_off_any_grid_are_refused():
    y, x = np.mgrid[:6, :5] * 0.1
    x, y = x.ravel(), y.ravel()
    assert squares(x, y, "m").point[0].tolist() == [25, 26, 27, 28, 29]
    shuffled = np.random.default_rng(1).permutation(30)
    found = squares(x[shuffled], y[shuffled], "m").point
    np.testing.assert_array_equal(shuffled[found].ravel(), squares(x, y, "m").point.ravel())
    shifted = x + 0.03 * (np.arange(30) // 5 % 2)
    wrong = [
        (np.delete(x, 13), np.delete(y, 13)),
        (x[:-1], y[:-1]),
        (x, np.zeros(30)),
        (np.zeros(30), y),
        (shifted, y),
        (x, np.where(y > 0.35, y + 0.05, y)),
        (np.where(x > 0.25, x + 0.05, x), y),
        (np.where(x == 0, np.nan, x), y),
    ]
    for points in wrong:
        with pytest.raises(InputError, match=r"m: .*(grid|rows|finite)"):
            squares(*points, "m")


def test_finite_elements_of_a_map_are_those_of_its_film(tmp_path):
    scan, grain = random_map(noise_deg=0)
    write_ctf(tmp_path / "m.ctf", scan)
    settings = MeshSettings(), HomogenizeSettings(element_order=1, indicator=False)
    found = apparent(tmp_path / "m.ctf", Reading(), *settings)
    first = np.unique(grain, return_index=True)[1]
    euler_deg = np.degrees(scan.turns[first].as_euler("ZXZ"))
    np.savez(
        tmp_path / "m.npz",
        label_image=np.unique(grain, return_inverse=True)[1].reshape(SHAPE)[::-1],
        euler_deg=euler_deg,
        phase=np.array(CRYSTALS)[scan.phase[first] - 1],
        window_um=SHAPE[1] * STEP_UM,
    )
    other = apparent(tmp_path / "m.npz", Reading(), *settings)
    for name, stiffness in other["stiffness_gpa"].items():
        np.testing.assert_allclose(found["stiffness_gpa"][name], stiffness, atol=0.01)
    assert found["window_um"] == pytest.approx(other["window_um"])
    assert replace(read_film(tmp_path / "m.ctf"), notes=()).notes == ()
