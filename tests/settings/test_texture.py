import pytest

from polysve.base.errors import InputError
from polysve.settings.model import Model, parse
from polysve.settings.texture import DEFAULT_TEXTURE, Texture, read_texture, texture_settings

pytestmark = pytest.mark.films


class Film(Model):
    texture: Texture = DEFAULT_TEXTURE


def test_default_is_a_fibre_without_spread():
    fibre = Film().texture.fibre
    assert (fibre.axis, fibre.spread_deg) == ((1.0, 0.0, 0.0), 0.0)
    assert texture_settings("<100>") == DEFAULT_TEXTURE


@pytest.mark.parametrize(
    ("name", "axis"),
    [
        ("<110>", (1, 1, 0)),
        ("<311>", (3, 1, 1)),
        ("<11-2>", (1, 1, -2)),
        ("<1, 1, -12>", (1, 1, -12)),
        ("[001]", (0, 0, 1)),
        ("Basal", (0, 0, 1)),
        ("prismatic", (1, 0, 0)),
    ],
)
def test_names_of_fibres(name, axis):
    assert texture_settings(name).fibre.axis == axis


def test_settings_survive_their_own_text():
    mixture = [
        {"weight": 0.3, "random": True},
        {"fibre": {"axis": [1, 1, 0], "spread_deg": 5}},
        {"components": [{"euler_deg": [1, 2, 3], "spread_deg": 4, "weight": 5}]},
        {"sample": {"file": "measured.csv"}},
    ]
    film = parse(Film, {"texture": {"mixture": mixture}}, "mine")
    assert parse(Film, film.canonical_json(), "mine") == film
    assert [share.weight for share in film.texture.shares] == [0.3, 1, 1, 1]
    tilted = Film().substituted({"texture.fibre.spread_deg": 5}, "mine")
    assert tilted.texture.fibre.spread_deg == 5


def test_texture_of_the_command_line(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("fibre: {axis: [1, 1, 0], spread_deg: 5}")
    told = "{fibre: {axis: [1, 1, 0], spread_deg: 5}}"
    assert read_texture(str(file)) == read_texture(told)
    assert read_texture("random").random
    with pytest.raises(InputError, match=r"no.yaml: cannot be read"):
        read_texture(str(tmp_path / "no.yaml"))
    with pytest.raises(InputError, match="--texture, line 1, column 6: is no YAML"):
        read_texture("{a: [")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("fibrous", "= 'fibrous': .*allowed are random, basal, prismatic"),
        ("<000>", "fibre.axis = .*no direction"),
        ({"fibre": {"axis": [0, 0, 0]}}, r"fibre.axis = \[0, 0, 0\]: has no direction"),
        ({"fibre": {"axis": [1, 0, float("nan")]}}, "fibre.axis.2 = nan"),
        ({"fibre": {"spread_deg": -1}}, "fibre.spread_deg = -1"),
        ({"fibre": {"spread_deg": 181}}, "fibre.spread_deg = 181"),
        ({"fibre": {}, "random": True}, "names random and fibre; one is needed"),
        ({}, "names no law"),
        ({"components": []}, "components"),
        ({"components": [{"euler_deg": [0, 0, 0], "weight": 0}]}, "weights sum to nothing"),
        ({"components": [{"euler_deg": [0, 0, 0], "weight": -1}]}, "components.0.weight = -1"),
        ({"mixture": [{"weight": 0, "random": True}]}, "weights sum to nothing"),
        ({"mixture": [{"weight": 1}]}, "mixture.0: names no law"),
        ({"fiber": {}}, "fiber: unknown key; allowed: components, fibre"),
        (3, "a name or a law by key"),
    ],
)
def test_wrong_textures_are_refused_in_one_line(value, told):
    with pytest.raises(InputError, match=f"^f.yaml: texture.*{told}") as caught:
        parse(Film, {"texture": value}, "f.yaml")
    assert "\n" not in str(caught.value)
