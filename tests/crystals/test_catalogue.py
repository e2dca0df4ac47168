import re

import numpy as np
import pytest

from polysve.base.errors import InputError
from polysve.crystals.catalogue import crystal, find, material, rows
from polysve.settings.material import catalogue, material_settings

WANTED = (
    "Si Ge Cu Ni Al Au Ag Pt Pd Fe W Cr Mo Ta Nb V TiN TiC 3C-SiC GaAs MgO Zn Ti Mg Zr Co Be ZnO AlN GaN Al2O3 SiO2 "
    "TiO2 LiNbO3 diamond sapphire"
)


def test_silicon_stays_what_it_is():
    silicon = find("silicon")
    assert silicon.symmetry == "cubic" and silicon.density_kg_m3 == 2330
    assert [silicon.stiffness_gpa[place] for place in ((0, 0), (0, 1), (3, 3))] == [
        165.64,
        63.94,
        79.51,
    ]
    assert crystal(material_settings({})).name == "silicon"


@pytest.mark.parametrize("name", WANTED.split())
def test_crystals_of_thin_films_are_there(name):
    assert find(name).name == find(f" {name}").name == find(name.replace("-", " ")).name


def test_every_entry_is_stable_and_tells_its_source():
    """Building a crystal refuses the unstable; densities and sums catch a slipped comma."""
    assert len(rows()) >= 25
    for row in rows():
        assert 1000 < row["density_kg_m3"] < 23000
        assert 0 <= row["anisotropy"] < 3
        assert any(character.isdigit() for character in row["source"]) or "CRC" in row["source"]
        assert crystal(material_settings(row["name"])).name == row["name"]


def test_bulk_moduli_of_elements():
    """Against those of Kittel's table, to 7 %: a constant at a wrong place would show."""
    measured = {
        "Si": 98.8,
        "Cu": 137,
        "W": 323.2,
        "Al": 72.2,
        "Au": 173.2,
        "Ti": 105.1,
        "Mg": 35.4,
        "Zn": 59.8,
    }
    for name, bulk in measured.items():
        compliance = np.linalg.inv(find(name).stiffness_gpa)[:3, :3].sum()
        assert 1 / compliance == pytest.approx(bulk, rel=0.07), name


def test_no_alias_names_two_crystals():
    """But tin and TiN, which their spelling tells apart."""
    owners = {}
    for name, entry in catalogue().items():
        for alias in {name, *entry["aliases"]} - {"tin", "TiN"}:
            assert owners.setdefault(re.sub("[^a-z0-9]", "", alias.lower()), name) == name
    assert find("tin").name == find("Tin").name == "tin"
    assert find("TiN").name == "titanium nitride"


@pytest.mark.parametrize(
    ("name", "nearest"), [("coper", "copper"), ("slicon", "silicon"), ("Alumnium", "aluminium")]
)
def test_nearest_names_are_told(name, nearest):
    with pytest.raises(
        InputError, match=f"'{name}' is no crystal of the catalogue; nearest: {nearest}"
    ):
        find(name)


@pytest.mark.films
def test_names_that_maps_give_their_phases():
    assert (
        find("Iron fcc").name == find("Austenite").name == find("γ-Fe").name == "austenitic steel"
    )
    assert find("Iron bcc").name == find("Ferrite, bcc (New)").name == "iron"
    assert find("Titanium-alpha").name == find("α-Ti").name == "titanium"


@pytest.mark.films
def test_material_of_the_command_line(tmp_path):
    assert material("zn").symmetry == "hexagonal"
    assert material("1,0.1,0.5").name == "cubic crystal"
    file = tmp_path / "mine.yaml"
    file.write_text(
        "{symmetry: hexagonal, c11_gpa: 10, c12_gpa: 1, c13_gpa: 2, c33_gpa: 20, c44_gpa: 3}"
    )
    mine = material(str(file))
    assert mine.stiffness_gpa[5, 5] == 4.5 and mine.stiffness_gpa[4, 4] == 3
    assert mine.stiffness_gpa[1, 2] == 2 and mine.stiffness_gpa[2, 2] == 20
