"""Films of the reader's own: what is wrong with a file is said in one line."""

import time
import zipfile

import meshio
import numpy as np
import pytest
from neper_file import write_tess
from structures import draw

from polysve.base.errors import InputError
from polysve.commands.apparent import apparent
from polysve.crystals.catalogue import find
from polysve.crystals.orientation import from_theta
from polysve.fem.homogenize import homogenize
from polysve.films.readers import is_ensemble, read_film, read_films
from polysve.films.reading import Reading, named_materials
from polysve.grains.film import Film
from polysve.grains.mesh import Mesh
from polysve.settings.labels import HomogenizeSettings, MeshSettings

pytestmark = pytest.mark.films
EULER = "x_um,y_um,phi1_deg,Phi_deg,phi2_deg"


@pytest.mark.faults
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y\n1,1\n", ["x_um,y_um,theta_deg"]),
        ("x_um;y_um;theta_deg\n1;1;3\n", ["columns are parted by commas"]),
        ("x_um,y_um,theta_deg\n0.1,0.1,nan\n", ["line 2", "nan"]),
        ("x_um,y_um,theta_deg\n0.1,9,3\n", ["outside the window"]),
        ("x_um,y_um,theta_deg\n1,1,3\n1,1,4\n", ["equal"]),
        ("x_um,y_um,theta_deg\n", ["row"]),
        ("x_um,y_um,theta_deg\n0,5,1,3\n", ["line 2", "decimal point"]),
        (f"{EULER}\n0.5,0.5,1.57,0.785,0.1\n1,1,3.1,0.2,6.2\n1.5,0.4,2.2,1.1,0.3\n", ["radians"]),
        (f"{EULER},phase\n0.5,0.5,10,20,30,Cu\n1,1,10,50,60,\n", ["line 3"]),
        (f"{EULER},phase\n0.5,0.5,10,20,30,Cu\n1,1,10,50,60,unknownium\n", ["'unknownium'"]),
        ("x_um,y_um,theta_deg\n" + "1,1,3\n" * 65_536, ["more than 65535 rows"]),
    ],
)
def test_bad_points_are_one_line(tmp_path, text, words):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError) as refusal:
        read_film(path, Reading(window_um=2.0))
    for word in ["bad.csv", *words]:
        assert word in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_table_of_phases_is_made_of_them(tmp_path):
    path = tmp_path / "film.csv"
    path.write_text(f"{EULER},phase\n0.5,0.5,10,20,30,Zn\n1,1.5,10,50,60,hard\n1.5,0.4,1,2,3,Zn\n")
    film = read_film(path, Reading(2.0, materials=named_materials(["hard=tungsten"])))
    assert [crystal.name for crystal in film.crystals] == ["zinc", "tungsten"]
    assert film.phase.tolist() == [0, 1, 0]
    with pytest.raises(
        InputError, match="--material soft=…: has no such phase; there are: Zn, hard"
    ):
        read_film(path, Reading(2.0, materials=named_materials(["hard=W", "soft=Al"])))
    with pytest.raises(InputError, match="--window was not given"):
        read_film(path)


def test_bad_label_images_are_refused(tmp_path):
    path = tmp_path / "bad.npz"
    good = {"label_image": np.zeros((4, 6), int), "theta_deg": [3.0], "window_um": 3.0}
    np.savez(path, **good)
    assert read_film(path).size_um == pytest.approx((3.0, 2.0))
    for change, word in [
        ({"label_image": np.ones((4, 4), int)}, "theta_deg"),
        ({"label_image": np.zeros((4, 4))}, "whole numbers"),
        ({"theta_deg": [np.inf]}, "finite"),
        ({"window_um": 0.0}, "window_um"),
        ({"window_um": np.array(["x"])}, "window_um"),
        ({"theta_deg": np.array([{}])}, "pickle"),
        ({"phase": np.array(["Cu", "Zn"])}, "phase"),
        ({"phase": np.array([1])}, "phase"),
    ]:
        np.savez(path, **(good | change))
        with pytest.raises(InputError, match=word):
            read_film(path)
    np.savez(path, **good)
    with pytest.raises(InputError, match="window_um = 3, but --window is 2"):
        read_film(path, Reading(window_um=2.0))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("label_image.npy", bytes(300_000_000))
    with pytest.raises(InputError, match="unpacks to 300000000"):
        read_film(path)


@pytest.mark.faults
def test_archives_that_are_packed_or_locked_in_another_way_are_one_line(tmp_path):
    path = tmp_path / "film.npz"
    np.savez(path, label_image=np.zeros((4, 6), int), theta_deg=[3.0], window_um=3.0)
    content = path.read_bytes()
    # the flags and the method of compression of the first member, as its own header and the directory give them
    header, entry = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")
    for flags, method, word in ((0, 97, "compression"), (1, 0, "encrypted")):
        changed = bytearray(content)
        for place in (header + 6, entry + 8):
            changed[place : place + 4] = bytes([flags, 0, method, 0])
        path.write_bytes(changed)
        with pytest.raises(InputError, match=rf"film\.npz: cannot be read .*{word}"):
            read_film(path)


@pytest.mark.faults
def test_a_tessellation_of_other_crystals_is_not_taken_for_silicon(tmp_path):
    film, window_um = draw(2)
    path = write_tess(tmp_path / "n.tess", film, window_um)
    text = path.read_text()
    assert read_film(path).crystals[0].name == "silicon"
    told = text.replace("  *ori\n", "  *crysym\n   {}\n  *ori\n")
    path.write_text(told.format("hexagonal"))
    with pytest.raises(InputError, match=r"n\.tess: \*crysym is hexagonal, but silicon is cubic"):
        read_film(path)
    zinc = read_film(path, Reading(materials=named_materials(["zinc"])))
    assert zinc.crystals[0].name == "zinc"
    # Neper's word for "nobody has said anything"
    path.write_text(told.format("triclinic"))
    assert read_film(path).crystals[0].name == "silicon"


def test_groups_of_cells_are_phases(tmp_path):
    film, window_um = draw(2)
    path = write_tess(tmp_path / "n.tess", film, window_um)
    groups = " ".join("12"[number % 2] for number in range(9))
    path.write_text(path.read_text().replace("  *ori\n", f"  *group\n   {groups}\n  *ori\n"))
    with pytest.raises(InputError, match="phase '1'"):
        read_film(path)
    found = read_film(path, Reading(materials=named_materials(["1=copper", "2=zinc"])))
    assert [found.crystals[each].name for each in found.phase[:2]] == ["copper", "zinc"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  1 6 ", "  2 6 "),  # two cells of one number
        (" **vertex\n ", " **vertex\n 1"),
        ("euler-bunge", "euler-bunge:passive"),
    ],
)
def test_tessellations_that_do_not_fit_together_are_refused(tmp_path, old, new):
    film, window_um = draw(2)
    path = write_tess(tmp_path / "n.tess", film, window_um)
    text = path.read_text()
    faces = text[text.index("**face") :].splitlines()[2].split()
    old, new = (
        each.replace("1 6", f"1 {faces[1]}").replace("2 6", f"2 {faces[1]}") for each in (old, new)
    )
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=r"n\.tess"):
        read_film(path)


def write_mesh(path, nodes, triangles, grain):
    points = np.column_stack([nodes, np.zeros(len(nodes))])
    meshio.write(path, meshio.Mesh(points, [("triangle", triangles)], cell_data={"grain": [grain]}))


def angles_of(folder, count):
    table = folder / "angles.csv"
    table.write_text("grain,theta_deg\n" + "".join(f"{n},{20 * n + 5}\n" for n in range(count)))
    return table


HANGING = Mesh(
    np.array([[0.0, 0], [2, 0], [2, 2], [0, 2], [1, 1]]),
    # the left triangle has an edge of two of the right ones
    np.array([[0, 2, 3], [0, 1, 4], [1, 2, 4]]),
    np.array([0, 1, 1]),
)


@pytest.mark.faults
def test_hanging_nodes_are_refused(tmp_path):
    write_mesh(tmp_path / "m.vtu", *HANGING)
    reading = Reading(orientations=angles_of(tmp_path, 2))
    with pytest.raises(InputError, match=r"m\.vtu: triangles do not meet edge to edge at "):
        read_film(tmp_path / "m.vtu", reading)


@pytest.mark.faults
def test_what_no_solution_can_have_is_refused():
    """The same mesh, as if it had come past its reader: SUBC would be stiffer than KUBC."""
    film = Film(
        HANGING, (2.0, 2.0), from_theta([0.1, 0.7]), np.zeros(2, np.int64), (find("silicon"),)
    )
    with pytest.raises(InputError, match=r"order_residual = -1\.\d+, which no solution has"):
        homogenize(film)


@pytest.mark.faults
def test_triangles_without_area_are_told_as_such(tmp_path):
    nodes = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0]])
    triangles = np.array([[0, 1, 2], [0, 2, 3], [0, 4, 1]])
    write_mesh(tmp_path / "m.vtu", nodes, triangles, np.zeros(3, int))
    with pytest.raises(
        InputError, match="the smallest 0; a whole rectangle of triangles that have an area"
    ):
        read_film(tmp_path / "m.vtu", Reading(orientations=angles_of(tmp_path, 1)))


@pytest.mark.faults
def test_a_mesh_that_does_not_face_itself_is_refused_for_periodic_conditions_only(tmp_path):
    nodes = np.array([[0.0, 0], [2, 0], [2, 1], [0, 1], [1, 0], [1, 0.5], [0, 0.5]])
    triangles = [[0, 4, 5], [4, 1, 5], [1, 2, 5], [2, 3, 5], [3, 6, 5], [6, 0, 5]]
    write_mesh(tmp_path / "m.vtu", nodes, np.array(triangles), np.array([0, 1, 1, 1, 0, 0]))
    reading = Reading(orientations=angles_of(tmp_path, 2))

    def ask(*conditions):
        settings = HomogenizeSettings(boundary_conditions=conditions)
        return apparent(tmp_path / "m.vtu", reading, MeshSettings(), settings)

    found = ask("kubc", "subc")["young_modulus_gpa"]
    assert 130 < found["subc"] < found["kubc"] < 170
    with pytest.raises(
        InputError, match=r"m\.vtu: the node .* none facing it.*kubc and subc do without"
    ):
        ask("kubc", "pbc")


@pytest.mark.faults
def test_what_memory_cannot_hold_is_refused_at_once(tmp_path):
    start = time.process_time()
    np.savez(
        tmp_path / "large.npz",
        label_image=np.zeros((2000, 2000), np.uint8),
        theta_deg=[3.0],
        window_um=2.0,
    )
    film = read_film(tmp_path / "large.npz")
    with pytest.raises(InputError, match="picture of 2000 × 2000 pixels has 8000000 triangles"):
        homogenize(film)
    rows = "".join(f"{x / 2000:.6f},{x % 977},3\n" for x in range(100_000))
    (tmp_path / "many.csv").write_text("x_um,y_um,theta_deg\n" + rows)
    with pytest.raises(InputError, match="more than 65535 rows"):
        read_film(tmp_path / "many.csv", Reading(window_um=1000.0))
    assert time.process_time() - start < 20


def test_endings_decide_and_unknown_ones_are_told(tmp_path):
    for name in ("film.docx", "film"):
        (tmp_path / name).write_text("text")
        with pytest.raises(InputError, match=r"allowed are \.csv, \.npz"):
            read_film(tmp_path / name)
    (tmp_path / "film.h5").write_bytes(b"text")
    assert is_ensemble(tmp_path / "film.h5")
    with pytest.raises(InputError, match=r"film\.h5"):
        list(read_films(tmp_path / "film.h5"))
    for missing in (
        "film.csv",
        "film.npz",
        "film.ang",
        "film.ctf",
        "film.h5oina",
        "film.tess",
        "film.vtu",
    ):
        with pytest.raises(InputError, match=missing.replace(".", r"\.")):
            read_film(tmp_path / missing, Reading(2.0, orientations=tmp_path / "angles.csv"))
