"""EBSD maps written by others' conventions give back the film they were made from."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest

from polysve.base.errors import InputError
from polysve.films.ebsd import in_plane_angle, read_map
from polysve.grains.raster import label_image
from polysve.grains.tessellation import draw_film
from polysve.settings.labels import TessellateSettings

pytestmark = pytest.mark.surrogate

PIXELS, WINDOW_UM = 60, 3.0
CTF = """Channel Text File
Prj\ttest
JobMode\tGrid
XCells\t{n}
YCells\t{n}
XStep\t{step}
YStep\t{step}
AcqE1\t0
AcqE2\t0
AcqE3\t0
Euler angles refer to Sample Coordinate system (CS0)!
Phases\t1
5.43;5.43;5.43\t90;90;90\tSilicon\t{laue}\t0\t3803863129_5.0.6.3\t-1\t
Phase\tX\tY\tBands\tError\tEuler1\tEuler2\tEuler3\tMAD\tBC\tBS
"""


@pytest.fixture(scope="module")
def film():
    """Labels with row 0 at the bottom, and angles (degrees) of which no two are alike."""
    drawn = draw_film(TessellateSettings(window_um=WINDOW_UM, grain_size_um=0.75), "e", 0)
    theta_deg = np.random.default_rng(2).permutation(len(drawn.theta_rad)) * 90 / 16 + 1
    assert len(theta_deg) == 16
    return label_image(drawn.shape, WINDOW_UM, PIXELS), theta_deg


def eulers(film, tilt_deg=0.0, noise_deg=0.3):
    """Bunge angles of all pixels, top row first, as the files list them; φ2 turns by symmetry."""
    labels, theta_deg = film
    random = np.random.default_rng(1)
    theta = theta_deg[labels][::-1].ravel() + random.normal(0, noise_deg, labels.size)
    return np.stack(
        [theta, np.full(labels.size, tilt_deg), 90.0 * random.integers(0, 4, labels.size)], 1
    )


def places():
    step = WINDOW_UM / PIXELS
    y, x = np.mgrid[:PIXELS, :PIXELS] * step
    return x.ravel(), y.ravel()


def write_ctf(path, angles, laue=11, lost=()):
    x, y = places()
    phase = np.ones(len(x), int)
    phase[list(lost)] = 0
    lines = [
        f"{p}\t{a:.4f}\t{b:.4f}\t8\t0\t{e[0]:.4f}\t{e[1]:.4f}\t{e[2]:.4f}\t0.5\t100\t100"
        for p, a, b, e in zip(phase, x, y, angles, strict=True)
    ]
    header = CTF.format(n=PIXELS, step=WINDOW_UM / PIXELS, laue=laue)
    path.write_text(header + "\n".join(lines) + "\n")


def write_ang(path, angles):
    from orix import io as orix_io
    from orix.crystal_map import CrystalMap, Phase, PhaseList
    from orix.quaternion import Rotation

    x, y = places()
    crystal_map = CrystalMap(
        Rotation.from_euler(angles, degrees=True),
        x=x,
        y=y,
        phase_list=PhaseList(Phase("silicon", point_group="m-3m")),
        scan_unit="um",
    )
    with redirect_stdout(io.StringIO()):
        orix_io.save(str(path), crystal_map, overwrite=True)


def difference_deg(one, other):
    """Between angles modulo the quarter turn."""
    return np.abs(np.degrees(np.angle(np.exp(4j * np.radians(one - other)))) / 4)


@pytest.mark.parametrize("kind", ["ang", "ctf"])
def test_film_comes_back(film, tmp_path, kind, capsys):
    path = tmp_path / f"map.{kind}"
    {"ang": write_ang, "ctf": write_ctf}[kind](path, eulers(film))
    found = read_map(path, misorientation_deg=2.5)  # the grains' angles are 5.6° apart or more
    assert capsys.readouterr().out == ""
    labels, theta_deg = film
    assert found.labels.shape == labels.shape
    assert found.size_um == pytest.approx((WINDOW_UM, WINDOW_UM), rel=1e-3)
    error = difference_deg(np.degrees(found.theta_rad)[found.labels], theta_deg[labels])
    assert np.mean(error < 0.5) > 0.99
    assert found.n_grains == len(np.unique(labels))


def test_frame_that_looks_into_the_film_turns_the_angles_around(film, tmp_path):
    path = tmp_path / "map.ctf"
    write_ctf(path, eulers(film))
    up, down = read_map(path), read_map(path, normal="down")
    np.testing.assert_array_equal(up.labels, down.labels)
    turned = difference_deg(np.degrees(up.theta_rad), -np.degrees(down.theta_rad))
    np.testing.assert_allclose(turned, 0, atol=1e-9)


def test_small_tilt_is_taken_and_a_large_one_refused(film, tmp_path):
    path = tmp_path / "map.ctf"
    write_ctf(path, eulers(film, tilt_deg=6))
    found = read_map(path)
    labels, theta_deg = film
    error = difference_deg(np.degrees(found.theta_rad)[found.labels], theta_deg[labels])
    assert np.median(error) < 1.5
    write_ctf(path, eulers(film, tilt_deg=14))
    with pytest.raises(InputError, match=r"map\.ctf.*14\.0° off.*allowed is 10°"):
        read_map(path)
    assert read_map(path, largest_tilt_deg=15).n_grains > 1


def test_lost_pixels_go_to_the_nearest_grain_up_to_a_share(film, tmp_path):
    path = tmp_path / "map.ctf"
    random = np.random.default_rng(5)
    few = random.choice(PIXELS**2, PIXELS**2 // 20, replace=False)
    write_ctf(path, eulers(film), lost=few)
    whole, holed = tmp_path / "whole.ctf", read_map(path)
    write_ctf(whole, eulers(film))
    theta = [each.theta_rad[each.labels] for each in (holed, read_map(whole))]
    assert np.mean(difference_deg(*np.degrees(theta)) < 0.5) > 0.97
    write_ctf(path, eulers(film), lost=range(PIXELS**2 // 3))
    with pytest.raises(InputError, match="33 % of the pixels"):
        read_map(path)


def test_misorientation_decides_what_is_one_grain(film, tmp_path):
    path = tmp_path / "map.ctf"
    write_ctf(path, eulers(film))
    assert read_map(path, misorientation_deg=40).n_grains < read_map(path).n_grains


def test_wrong_maps_are_refused(film, tmp_path):
    path = tmp_path / "map.ctf"
    write_ctf(path, eulers(film), laue=9)
    with pytest.raises(InputError, match="point group"):
        read_map(path)
    whole = tmp_path / "whole.ctf"
    write_ctf(whole, eulers(film))
    lines = whole.read_text().splitlines()
    cut = tmp_path / "cut.ctf"
    for text in ("", "text", "\n".join(lines[:-7]), "\n".join(lines[:15])):
        cut.write_text(text + "\n")
        with pytest.raises(InputError, match=r"cut\.ctf"):
            read_map(cut)


def test_in_plane_angle_knows_all_symmetric_descriptions():
    from orix.quaternion import Rotation
    from orix.quaternion.symmetry import O

    turn = Rotation.from_axes_angles([0, 0, 1], -np.radians(27))
    for operation in O:
        matrix = (Rotation(operation.data) * turn).to_matrix()[0]
        theta, tilt = in_plane_angle(matrix)
        assert tilt == pytest.approx(0, abs=1e-7)
        assert (
            difference_deg(np.degrees(theta), np.degrees(in_plane_angle(turn.to_matrix()[0])[0]))
            < 1e-9
        )
