"""Films over devices: drawings that are read and refused, stiffness of elements, decks that real CalculiX solves."""

import re
import shutil
import subprocess
import sys

import meshio
import numpy as np
import pytest
from command import assert_refused, polysve
from runs import ROOT

from polysve.crystals import catalogue
from polysve.crystals.stiffness import log_stiffness, plane_stress, unpack
from polysve.device import whole
from polysve.device.device_mesh import KINDS, DeviceMesh, areas, read_device
from polysve.device.field import draw_field, homogenised_field
from polysve.device.strip import FilmLaw
from polysve.grains.cells import cells
from polysve.grains.shares import shares_of_tiling
from polysve.settings.texture import texture_settings

pytestmark = pytest.mark.device

PIXEL = 0.25
BEAM = f"""\
Point(1) = {{0, 0, 0}}; Point(2) = {{8, 0, 0}}; Point(3) = {{8, 2, 0}}; Point(4) = {{0, 2, 0}};
Line(1) = {{1, 2}}; Line(2) = {{2, 3}}; Line(3) = {{3, 4}}; Line(4) = {{4, 1}};
Curve Loop(1) = {{1, 2, 3, 4}}; Plane Surface(1) = {{1}};
Transfinite Curve {{1, 3}} = {8 / PIXEL + 1}; Transfinite Curve {{2, 4}} = {2 / PIXEL + 1};
Transfinite Surface {{1}}; Recombine Surface {{1}};
Physical Surface("film") = {{1}}; Physical Curve("root") = {{4}}; Physical Curve("the tip") = {{2}};
"""
SQUARE = """\
$MeshFormat
2.2 0 8
$EndMeshFormat
$Nodes
5
1 0 0 0
2 {size} 0 0
3 {size} {size} 0
4 0 {size} 0
5 {middle} {middle} {height}
$EndNodes
$Elements
4
{elements}
$EndElements
"""
FAN = ["1 2 5", "2 3 5", "3 4 5", "4 1 5"]


def square(path, corners=FAN, tags="2 1 1", kind=2, size=1.0, height=0.0):
    elements = "\n".join(f"{n} {kind} {tags} {each}" for n, each in enumerate(corners, 1))
    middle = size / 2
    path.write_text(SQUARE.format(elements=elements, size=size, middle=middle, height=height))
    return path


def law(material="copper", texture="random", grain_size=0.5):
    return FilmLaw(catalogue.find(material), texture_settings(texture), grain_size, 0.5)


def grid(along, across, side):
    """Device of square elements, numbered across first."""
    x, y = np.meshgrid(np.arange(along + 1), np.arange(across + 1), indexing="ij")
    first = (np.arange(along)[:, None] * (across + 1) + np.arange(across)).ravel()
    nodes = first[:, None] + np.array([0, across + 1, across + 2, 1])
    return DeviceMesh(side * np.stack([x, y], -1).reshape(-1, 2), ((KINDS[1], nodes),), {})


@pytest.fixture(scope="module")
def beam(tmp_path_factory):
    """Two films over a beam of square elements, as the command writes them."""
    folder = tmp_path_factory.mktemp("beam")
    (folder / "beam.geo").write_text(BEAM)
    answer = polysve(
        *("field", "--mesh", folder / "beam.geo", "--grain-size", 0.5, "--output", folder),
        *("--material", "copper", "--texture", "random", "--thickness", 0.5, "--count", 2),
    )
    assert answer.returncode == 0, answer.stderr
    return folder


def calculix(folder, deck):
    """Forces of a deck's first step by CalculiX, that it prints as totals."""
    if not shutil.which("ccx"):
        pytest.skip("ccx missing: apt-get install calculix-ccx")
    (folder / "run.inp").write_text(deck)
    done = subprocess.run(["ccx", "-i", "run"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    lines = (folder / "run.dat").read_text().splitlines()
    row = next(number for number, line in enumerate(lines) if "total force" in line)
    return np.array(lines[row + 2].split(), float)


def pulled(deck, held, moved, load):
    """Deck of a film that is held on one line and bent at another."""
    return (
        f"*INCLUDE, INPUT={deck}\n*BOUNDARY\n{held}, 1, 3\n*STEP\n*STATIC\n{load}\n"
        f"*NODE PRINT, NSET={moved}, TOTALS=ONLY\nRF\n*END STEP\n"
    )


@pytest.mark.verification
def test_calculix_bends_a_beam_as_the_whole_beam(beam):
    """Copper turned at random, the same bilinear elements and forces at the tip."""
    read = meshio.read(beam / "field_0001.vtu")
    quads = read.cells_dict["quad"]
    centres = read.points[quads].mean(1)[:, :2]
    order = np.lexsort(np.round(centres.T[::-1], 6))
    q = unpack(read.cell_data_dict["stiffness_11_22_66_12_16_26_gpa"]["quad"])
    across = round(2 / PIXEL)
    log_q = log_stiffness(q[order]).reshape(-1, across, 6)
    expected = 0.5e3 * whole.solve(log_q, PIXEL).stiffness  # µN/µm of a film 0.5 µm thick

    at_tip = np.flatnonzero(read.points[:, 0] > 8 - 1e-9)
    share = np.where((read.points[at_tip, 1] % 2) == 0, 0.5, 1) / across
    loads = "\n".join(f"{node + 1}, 2, {each}" for node, each in zip(at_tip, share, strict=True))
    deck = pulled("field_0001.inp", "ROOT", "ROOT", f"*CLOAD\n{loads}")
    deck = deck.replace("*END STEP", "*NODE PRINT, NSET=THE_TIP\nU\n*END STEP")
    force = calculix(beam, deck)
    assert force[1] == pytest.approx(-1, rel=1e-6)
    rows = re.findall(r"^ +(\d+) +\S+ +(\S+) +\S+$", (beam / "run.dat").read_text(), re.MULTILINE)
    moved = {int(node) - 1: float(v) for node, v in rows}
    deflection = sum(moved[node] * each for node, each in zip(at_tip, share, strict=True))
    assert 1 / deflection == pytest.approx(expected, rel=1e-5)


def test_calculix_bends_a_folded_spring(tmp_path):
    """Silicon <111> is one isotropic film, whatever the grains: springs of two seeds are equally stiff; <100> ones
    are not, and softer."""
    drawing = (ROOT / "docs/howto/folded_spring.geo").read_text()
    (tmp_path / "spring.geo").write_text(drawing.replace("MeshSizeMax = 0.5", "MeshSizeMax = 1.5"))
    found = {}
    for texture, seed in (("<111>", 1), ("<111>", 2), ("<100>", 1), ("<100>", 2)):
        answer = polysve(
            *("field", "--mesh", tmp_path / "spring.geo", "--grain-size", 1, "--seed", seed),
            *("--texture", texture, "--output", tmp_path),
        )
        assert answer.returncode == 0, answer.stderr
        deck = pulled("field_0000.inp", "ANCHOR", "ANCHOR", "*BOUNDARY\nTIP, 2, 2, 0.01")
        found[texture, seed] = -calculix(tmp_path, deck)[1]
    assert found["<111>", 1] == pytest.approx(found["<111>", 2], rel=1e-6)
    # moduli of both films
    for seed in (1, 2):
        assert found["<100>", seed] / found["<111>", seed] == pytest.approx(
            148.2 / 168.96, rel=0.05
        )
    assert found["<100>", 1] != pytest.approx(found["<100>", 2], rel=1e-4)


def test_deck_has_a_material_for_each_grain_and_for_each_element_of_several(beam, tmp_path):
    deck = (beam / "field_0000.inp").read_text()
    read = meshio.read(beam / "field_0000.vtu")
    names = re.findall(r"\*MATERIAL, NAME=(\w+)", deck)
    assert len(names) == len(set(names))
    elements = [int(name[7:]) - 1 for name in names if name.startswith("ELEMENT")]
    assert 0 < len(elements) < len(read.cells_dict["quad"])
    polysve(
        *("field", "--mesh", beam / "beam.geo", "--grain-size", 0.5, "--output", tmp_path),
        *("--material", "copper", "--texture", "random", "--cut", "centre"),
    )
    grain = meshio.read(tmp_path / "field_0000.vtu").cell_data_dict["grain"]["quad"]
    deck = (tmp_path / "field_0000.inp").read_text()
    assert re.findall(r"\*MATERIAL, NAME=(\w+)", deck) == [f"GRAIN{n}" for n in np.unique(grain)]


def test_field_is_a_function_of_seed_and_index(beam, tmp_path):
    answer = polysve(
        *("field", "--mesh", beam / "beam.geo", "--grain-size", 0.5, "--output", tmp_path),
        *("--material", "copper", "--texture", "random", "--thickness", 0.5, "--count", 1),
    )
    assert answer.returncode == 0
    first, other = ((beam / f"field_000{n}.inp").read_bytes() for n in (0, 1))
    assert (tmp_path / "field_0000.inp").read_bytes() == first != other


def test_elements_take_the_mean_of_their_grains():
    """Against exact areas of Voronoi cells."""
    found = draw_field(law(), grid(32, 8, PIXEL), 3, 1)
    film = law()
    q = plane_stress(film.crystal.stiffness_gpa, found.quaternions)
    size = 10.0, 4.0  # two grains more on each side
    shares = shares_of_tiling(cells(found.generators_um + 1, size), size, (16, 40))
    exact = shares.average(log_stiffness(q))[4:-4, 4:-4].transpose(1, 0, 2).reshape(-1, 6)
    error = log_stiffness(found.stiffness_gpa) - exact
    spread = (exact - exact.mean(0)).std()
    assert np.sqrt((error**2).mean()) < 0.03 * spread
    np.testing.assert_allclose(found.stiffness_gpa[found.own], q[found.grain[found.own]])


def test_homogenised_windows_correlate_as_far_as_they_share_grains():
    mesh = grid(24, 1, 1.0)
    films = [homogenised_field(law(grain_size=1.0), mesh, 5, index, 3.0) for index in range(5)]
    stiffness = np.array([film.stiffness_gpa[:, 0, 0] for film in films])
    off = (stiffness - stiffness.mean()) / stiffness.std()
    near, far = ((off[:, :-step] * off[:, step:]).mean() for step in (1, 6))
    assert near > 0.5
    assert abs(far) < 0.3
    log_mean = draw_field(law(grain_size=1.0), mesh, 5, 1).stiffness_gpa.mean(0)
    assert stiffness.mean() == pytest.approx(log_mean[0, 0], rel=0.05)
    isotropic = homogenised_field(law("silicon", "<111>", 1.0), grid(2, 1, 1.0), 1, 0, 3.0)
    np.testing.assert_allclose(np.linalg.inv(isotropic.stiffness_gpa)[:, 0, 0], 1 / 168.963, 1e-4)


def test_groups_are_read_where_tensorflow_is_loaded(tmp_path):
    """In a process of its own, since it matters which of the two is loaded first."""
    (tmp_path / "beam.geo").write_text(BEAM)
    program = (
        "import sys, tensorflow; from polysve.device.device_mesh import read_device; "
        "print(*sorted(read_device(sys.argv[1]).node_sets))"
    )
    command = [sys.executable, "-c", program, tmp_path / "beam.geo"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["FILM", "ROOT", "THE_TIP"]), done.stderr


def test_step_file_is_meshed_in_micrometres(tmp_path):
    """A ring drawn in millimetres, as STEP files are."""
    import gmsh

    gmsh.initialize(interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        occ = gmsh.model.occ
        occ.cut(
            [(2, occ.addDisk(0, 0, 0, 0.020, 0.020))], [(2, occ.addDisk(0, 0, 0, 0.016, 0.016))]
        )
        occ.synchronize()
        gmsh.write(str(tmp_path / "ring.step"))
    finally:
        gmsh.finalize()
    ring = read_device(tmp_path / "ring.step", 2.0)
    assert [kind.deck for kind, _ in ring.blocks] == ["CPS6"]
    assert set(ring.node_sets) == {"FILM", "EDGE1", "EDGE2"}
    radius = np.hypot(*ring.nodes_um[ring.node_sets["EDGE1"]].T)
    np.testing.assert_allclose(radius, radius[0])
    area = areas(ring.corners_um()).sum()
    assert area == pytest.approx(np.pi * (20**2 - 16**2), rel=0.03)
    assert_refused(
        polysve("field", "--mesh", tmp_path / "ring.step", "--grain-size", 1, "--output", tmp_path),
        "--element-size",
        "STEP",
    )


def test_surfaces_drawn_from_below_are_turned(tmp_path):
    clockwise = [" ".join(each.split()[::-1]) for each in FAN]
    mesh = read_device(square(tmp_path / "below.msh", clockwise))
    np.testing.assert_allclose(areas(mesh.corners_um()), 0.25)


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ({"corners": [*FAN[:3], "1 4 5"]}, [], ["1 of 4 elements", "inverted"]),
        ({"tags": "2 0 1"}, [], ["no physical surface"]),
        ({"corners": ["1 2 3 5"] * 4, "kind": 4, "height": 1}, [], ["only solids"]),
        ({"height": 0.5}, [], ["not flat"]),
        ({"size": 20.0}, [], ["side of 10 µm", "--window"]),
        ({"size": 0.001}, [], ["less than a grain", "in µm"]),
        ({}, ["--cut", "other"], ["--cut = other", "average"]),
        ({}, ["--window", 0.1], ["--window = 0.1"]),
        ({}, ["--thickness", 0], ["--thickness = 0"]),
        ({}, ["--element-size", 1], ["--element-size = 1"]),
    ],
)
def test_wrong_devices_are_refused(tmp_path, given, options, words):
    mesh = square(tmp_path / "device.msh", **given)
    answer = polysve(
        *("field", "--mesh", mesh, "--grain-size", 0.5, "--output", tmp_path / "out", *options)
    )
    assert_refused(answer, *words)
    assert not list(tmp_path.rglob("*.inp"))


def test_a_file_that_is_no_mesh_is_refused(tmp_path):
    for name, text in (("a.msh", "no mesh"), ("a.geo", "Point(1) = {0, 0"), ("a.stl", "")):
        (tmp_path / name).write_text(text)
        answer = polysve(
            *("field", "--mesh", tmp_path / name, "--grain-size", 1, "--output", tmp_path / "out")
        )
        assert_refused(answer, name)
