"""What the commands of films say: of which film, crystal and condition; and one line where there is no answer."""

import json
import resource

import numpy as np
import pytest
from command import assert_refused, polysve
from structures import draw

import polysve as package
from polysve.crystals.stiffness import young_modulus

pytestmark = [pytest.mark.faults, pytest.mark.films]


def write_table(path, film, columns="phi1_deg,Phi_deg,phi2_deg"):
    from polysve.crystals.orientation import to_euler

    angles = {
        "theta_deg": lambda: np.degrees(film.theta_rad)[:, None],
        "phi1_deg,Phi_deg,phi2_deg": lambda: to_euler(film.quaternions),
    }[columns]()
    rows = np.hstack([film.generators_um, angles])
    np.savetxt(path, rows, "%.12g", ",", header=f"x_um,y_um,{columns}", comments="")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Films of a folder: upright.csv (1.5 µm), map.npz (4 × 4 µm), rectangle.npz (1.6 × 0.8 µm)."""
    folder = tmp_path_factory.mktemp("films")
    write_table(folder / "upright.csv", draw(1)[0], "theta_deg")
    labels = np.kron(np.arange(16).reshape(4, 4), np.ones((16, 16), int))
    arrays = {"theta_deg": np.linspace(0, 85, 16), "window_um": 4.0}
    np.savez(folder / "map.npz", label_image=labels, **arrays)
    arrays["window_um"] = 1.6
    np.savez(folder / "rectangle.npz", label_image=labels[:32], **arrays)
    return folder


# ---- of what an answer is ----


@pytest.mark.parametrize(
    "command",
    [
        "apparent upright.csv --window 1.5",
        "predict upright.csv --window 1.5",
        "characterize --window 1.5 --grain-size 0.5 --count 100 --workers 1",
    ],
)
def test_every_answer_names_crystal_condition_and_window(folder, command):
    command = f"{command} --bc subc --material nickel".split()
    if command[0] != "characterize":  # its processes take long to start
        text = polysve(*command, cwd=folder).stdout
        assert "nickel" in text and "SUBC" in text and "1.5" in text
    found = json.loads(polysve(*command, "--json", cwd=folder).stdout)
    assert found["crystals"] == ["nickel"]
    assert np.ravel(found["window_um"])[0] == 1.5
    assert found.get("boundary_condition", "subc") == "subc"
    assert "subc" in json.dumps(found)


@pytest.mark.parametrize("command", ["apparent", "predict"])
def test_several_files_are_answered_each_by_its_name(folder, command):
    options = "--bc", "pbc", "--material", "nickel"
    names = "map.npz", "rectangle.npz"
    alone = [
        json.loads(polysve(command, name, *options, "--json", cwd=folder).stdout) for name in names
    ]
    both = polysve(command, *names, *options, "--json", cwd=folder)
    found = json.loads(both.stdout)
    assert [each.pop("file") for each in found] == list(names)
    assert [each["young_modulus_gpa"] for each in found] == [
        each["young_modulus_gpa"] for each in alone
    ]
    assert found[0]["young_modulus_gpa"] != found[1]["young_modulus_gpa"]
    lines = polysve(command, *names, *options, cwd=folder).stdout.splitlines()
    assert [line.split(": ")[0] for line in lines if ".npz: " in line] == list(names)
    assert_refused(polysve(command, names[0], "absent.csv", *options, cwd=folder), "absent.csv")


def test_all_sves_of_an_ensemble_are_predicted(tmp_path, small_ensemble):
    """Without a model, too; a figure shows one film."""
    from polysve.data.ensemble import Ensemble

    found = json.loads(polysve("predict", small_ensemble, "--json").stdout)
    ensemble = Ensemble(small_ensemble)
    true = young_modulus(ensemble.stiffness("pbc"))
    assert found["n"] == len(ensemble)
    assert np.allclose(found["young_modulus_gpa"]["pbc"], true, rtol=2e-4)
    for option in ("--polar", "--map", "--array"):
        answer = polysve("predict", small_ensemble, option, tmp_path / "figure.svg")
        assert_refused(answer, f"{option} = ", "shows one film")
    answer = polysve("predict", *2 * [small_ensemble], "--polar", tmp_path / "figure.svg")
    assert_refused(answer, "--polar = ", "several files")
    assert not list(tmp_path.iterdir())


def test_a_film_has_its_own_modulus_and_its_windows_have_theirs(folder):
    text = polysve("predict", "map.npz", "--sve", "2", cwd=folder).stdout
    assert "Young's modulus along x1 of the film: " in text and "9 windows of 2 µm in it: " in text
    found = json.loads(polysve("predict", "map.npz", "--sve", "2", "--json", cwd=folder).stdout)
    whole = found["young_modulus_gpa"]["pbc"]
    solved = package.homogenize(package.read_film(folder / "map.npz")).stiffness_gpa["pbc"]
    assert whole == pytest.approx(young_modulus(solved), abs=0.15)
    assert abs(np.mean(found["map"]["young_modulus_gpa"]) - whole) > 0.05


@pytest.mark.parametrize("tilt_deg", [3.0, 9.5, 60.0])
def test_tilted_grains_are_not_taken_for_upright_ones(tmp_path, small_model, tilt_deg):
    texture = {"fibre": {"axis": [1, 0, 0], "spread_deg": tilt_deg}}
    film = package.draw(1.5, 0.5, texture)
    path = write_table(tmp_path / "film.csv", film)
    common = ("predict", path, "--window", "1.5")
    found = json.loads(polysve(*common, "--json").stdout)
    solved = young_modulus(package.homogenize(film).stiffness_gpa["pbc"])
    low, high = found["interval_gpa"]
    assert low - 0.02 < solved < high + 0.02
    assert_refused(polysve(*common, "--model", small_model), "<100> axis along the normal")


def test_a_network_that_sees_angles_answers_for_its_crystal_alone(folder, small_model):
    common = ("predict", "upright.csv", "--window", "1.5", "--model", small_model)
    refused = polysve(*common, "--material", "copper", cwd=folder)
    assert_refused(refused, "film of copper", "trained on silicon")
    answered = [polysve(*common, *more, cwd=folder) for more in ((), ("--material", "silicon"))]
    assert "grains of silicon" in answered[0].stdout
    assert answered[0].stdout == answered[1].stdout


def test_a_film_without_a_crystal_is_of_the_network_s(tmp_path):
    from polysve.crystals.catalogue import find
    from polysve.films.readers import read_film
    from polysve.films.reading import Reading, named_materials

    path = write_table(tmp_path / "film.csv", draw(1)[0], "theta_deg")
    copper, silicon = find("copper"), named_materials(["silicon"])

    def name(**told):
        return read_film(path, Reading(1.5, **told)).crystals[0].name

    assert name() == name(materials=silicon, unnamed=copper) == "silicon"
    assert name(unnamed=copper) == "copper"


# ---- no answer ----

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("predict upright.csv", ["upright.csv", "--window was not given"]),
        ("predict upright.csv --window -1", ["--window = -1"]),
        ("predict map.npz --sve 1 --step -1", ["--step = -1"]),
        ("predict map.npz --sve 1 --step nan", ["--step = nan"]),
        ("predict map.npz --sve 1 --step 1e-9", ["step of 1e-09 µm", "pixel"]),
        ("predict map.npz --sve -1", ["--sve = -1"]),
        ("predict map.npz --step 1", ["--step = 1", "--sve"]),
        ("apparent upright.csv --window 1.5 --bc xyz", ["xyz", "kubc"]),
        ("apparent upright.csv --window 1.5 --material 1e-300,0,1e-300", ["c11_gpa = '1e-300'"]),
        ("apparent upright.csv --window 1.5 --material 165640,63940,79510", ["Pa or MPa"]),
        ("apparent upright.csv --window 1.5 --material bomb.yaml", ["bomb.yaml", "alias"]),
        (
            "characterize --window 2 --grain-size 0.5 --texture bomb.yaml",
            ["bomb.yaml", "alias"],
        ),
        ("beam bomb.yaml", ["bomb.yaml", "alias"]),
        ("apparent broken.yaml", ["broken.yaml", ".csv"]),
        ("beam broken.yaml", ["broken.yaml, line 3"]),
        ("predict absent.csv", ["absent.csv"]),
        ("predict rectangle.npz --model MODEL --material silicon", ["1.6 × 0.8 µm", "--sve"]),
    ],
)
def test_no_answer_is_one_line(folder, request, command, words):
    (folder / "bomb.yaml").write_text(BOMB)
    (folder / "broken.yaml").write_text("length_um: 60\nwidths_um: [2\n")
    if "MODEL" in command:
        command = command.replace("MODEL", str(request.getfixturevalue("small_model")))
    assert_refused(polysve(*command.split(), cwd=folder), *words)


LARGE = [
    ("apparent upright.csv --window 1.5 --element-size 1e-4", "element_size"),
    ("apparent large.npz", "8000000 triangles"),
    ("characterize --window 5000 --grain-size 500 --count 100 --model MODEL", "5000 µm"),
    ("characterize --window 100 --grain-size 0.4 --count 100", "between 1 and 200"),
    ("characterize --window 2 --grain-size 0.5 --workers 1000", "--workers = 1000"),
    ("predict upright.csv --window 1.5 --sve 1e-5 --model MODEL", "makes a picture"),
    ("predict large.npz --sve 0.02 --step 0.001", "windows"),
]


@pytest.fixture(scope="module")
def loaded(small_model):
    """The network, with TensorFlow in memory."""
    from polysve import load_surrogate

    load_surrogate(small_model)
    return small_model


@pytest.mark.parametrize(("command", "word"), LARGE)
def test_what_memory_cannot_hold_is_refused_before_it_is_taken(folder, request, command, word):
    labels = np.zeros((2000, 2000), np.uint8)
    np.savez_compressed(folder / "large.npz", label_image=labels, theta_deg=[3.0], window_um=2.0)
    if "MODEL" in command:
        command = command.replace("MODEL", str(request.getfixturevalue("loaded")))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert_refused(polysve(*command.split(), cwd=folder), word)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kilobytes
