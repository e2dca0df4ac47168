import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysve.base.errors import InputError
from polysve.crystals.crystal import Crystal
from polysve.settings.material import (
    SYMMETRIES,
    CubicSettings,
    Material,
    material_settings,
    read_material,
)
from polysve.settings.model import Model, parse


class Film(Model):
    material: Material = CubicSettings()


def test_old_materials_mean_what_they_meant():
    assert Film().material == material_settings(
        {"c11_gpa": 165.64, "c12_gpa": 63.94, "c44_gpa": 79.51}
    )
    film = parse(Film, {"material": {"c44_gpa": 80}}, "mine")
    assert film.material.constants() == {"c11_gpa": 165.64, "c12_gpa": 63.94, "c44_gpa": 80.0}
    assert film.material.symmetry == "cubic"


def test_settings_survive_their_own_text():
    film = parse(Film, {"material": "sapphire"}, "mine")
    assert parse(Film, film.canonical_json(), "mine") == film
    changed = film.substituted({"material.c14_gpa": 20}, "mine").material
    assert (changed.c14_gpa, changed.c33_gpa, changed.symmetry) == (20.0, 498.1, "trigonal")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("coper", " = 'coper': .*nearest: copper"),
        ("1,2", "three numbers C11,C12,C44 are needed"),
        ("165,x,79", "c12_gpa = 'x'"),
        (7, "a name, C11,C12,C44 or constants by key"),
        ({"symmetry": "hex"}, "symmetry = 'hex': allowed are cubic, hexagonal"),
        ({"symmetry": "hexagonal", "c11_gpa": 1}, "c12_gpa: Field required"),
        ({"c11_gpa": 165.64e9}, "c11_gpa = .*Pa or MPa"),
        ({"c12_gpa": 63940}, "c12_gpa = 63940: .*Pa or MPa"),
        ({"c44_gpa": 1e-300}, "c44_gpa = 1e-300: .*at least 0.001"),
        ({"c44_gpa": float("inf")}, "c44_gpa = inf"),
        (
            {"c12_gpa": 170},
            "c11_gpa = 165.64, c12_gpa = 170 is not positive definite: c11 - c12 > 0",
        ),
        ({"c13_gpa": 1}, "c13_gpa = 1: unknown key; allowed: c11_gpa"),
        ({"density_kg_m3": 2.33}, "density_kg_m3 = 2.33"),
    ],
)
def test_wrong_materials_are_refused_in_one_line(value, told):
    with pytest.raises(InputError, match=f"^f.yaml: material.*{told}") as caught:
        parse(Film, {"material": value}, "f.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("[1, 2]", "holds no keys"),
        ("{a: [", "is no YAML text"),
        ("c11_gpa: -1", "c11_gpa = -1"),
    ],
)
def test_wrong_files_are_refused(tmp_path, text, told):
    file = tmp_path / "mine.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=rf"mine.yaml.*: .*{told}"):
        read_material(str(file))


NUMBERS = st.floats(-120, 120)


@pytest.mark.films
@pytest.mark.parametrize("symmetry", SYMMETRIES)
@given(data=st.data())
def test_stable_is_what_has_positive_eigenvalues(symmetry, data):
    """The criteria in closed form against the eigenvalues of the whole matrix, layout included."""
    fields = [key for key in SYMMETRIES[symmetry].model_fields if key.endswith("_gpa")]
    values = {
        key: data.draw(st.floats(1, 200) if key[1] == key[2] else NUMBERS, key) for key in fields
    }
    matrix = np.zeros((6, 6))
    for key, value in filled(symmetry, values).items():
        row, column = int(key[1]) - 1, int(key[2]) - 1
        matrix[row, column] = matrix[column, row] = value
    smallest = np.linalg.eigvalsh(matrix)[0]
    if abs(smallest) < 1e-3:
        return
    if smallest < 0:
        with pytest.raises(InputError, match="not positive definite"):
            material_settings({"symmetry": symmetry, **values})
    else:
        settings = material_settings({"symmetry": symmetry, **values})
        built = Crystal.from_settings(settings, "drawn").stiffness_gpa
        np.testing.assert_allclose(built, matrix, rtol=0, atol=1e-12)


def filled(symmetry, c):
    """All 21 constants, written out."""
    c = {key.removesuffix("_gpa"): value for key, value in c.items()}
    if symmetry == "cubic":
        c |= dict.fromkeys(("c22", "c33"), c["c11"]) | dict.fromkeys(("c13", "c23"), c["c12"])
        c |= dict.fromkeys(("c55", "c66"), c["c44"])
    if symmetry in ("hexagonal", "tetragonal", "trigonal"):
        c |= {"c22": c["c11"], "c23": c["c13"], "c55": c["c44"]}
    if symmetry == "tetragonal":
        c |= {"c26": -c["c16"]}
    if symmetry in ("hexagonal", "trigonal"):
        c |= {"c66": (c["c11"] - c["c12"]) / 2}
    if symmetry == "trigonal":
        c |= {"c24": -c["c14"], "c56": c["c14"], "c25": -c["c15"], "c46": -c["c15"]}
    return c
