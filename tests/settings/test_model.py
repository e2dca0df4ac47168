"""YAML that somebody brings: an answer or one line, at once."""

import pytest

from polysve.base.errors import InputError
from polysve.settings.device import BeamSettings, read_spec
from polysve.settings.material import read_material
from polysve.settings.model import parse, read_yaml
from polysve.settings.texture import read_texture

BOMB = "a: &a0 [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{'bcdefghij'[k]}: &a{k + 1} [{', '.join([f'*a{k}'] * 9)}]" for k in range(9)
)
WRONG = {
    "bomb": (BOMB, "its aliases stand for more than 10000 values"),
    "holds itself": ("a: &a [*a]", "its aliases"),
    "brackets": ("[" * 600, "is no YAML text"),
    "bracket": ("a: 1\nb: {c: 2\nd: 3\n", "line 3, column 2: is no YAML text"),
    "tab": ("a: 1\n\tb: 2\n", "line 2, column 1: is no YAML text"),
    "date": ("a: 2001-99-99", "is no YAML text"),
    "number": ("a: " + "1" * 5000, "is no YAML text"),
    "bell": ("a: \a", "is no YAML text"),
    "tag": ("a: !!python/object:os.system {}", "line 1, column 4: is no YAML text"),
    "long": ("a: 1\n" * 200_001, "is longer than"),
}


@pytest.mark.faults
@pytest.mark.parametrize("name", WRONG)
def test_text_that_is_no_yaml_is_told_in_one_line(tmp_path, name):
    text, told = WRONG[name]
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    for read in (read_material, read_texture, read_spec):
        with pytest.raises(InputError, match=rf"^{file}(: .*|, ){told}") as caught:
            read(str(file))
        assert "\n" not in str(caught.value)


def test_aliases_that_stand_for_little_are_read(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}\n")
    assert read_yaml(file, "") == {"a": {"x": 1}, "b": [{"x": 1}] * 2, "c": {"x": 1, "y": 2}}
    file.write_bytes(b"a: \xff")
    with pytest.raises(InputError, match="is no YAML text"):
        read_yaml(file, "")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"widths_um": 2}, "widths_um = 2: a list is needed"),
        ({"length_um": True}, "length_um = True: yes, no, true and false are not allowed here"),
        ({"widths_um": [True]}, r"widths_um = \[True\]: yes, no"),
        ({"thickness_um": {"mean": False}}, "thickness_um.mean = False: yes, no"),
        ({"limit": 3}, "limit = 3: keys with values are needed"),
        ({"limit": {"at_most": 1, "of_nominal": 7}}, "limit.of_nominal = 7"),
    ],
)
def test_what_is_needed_is_said_in_the_words_of_the_file(values, told):
    with pytest.raises(InputError, match=f"^beam.yaml: {told}"):
        parse(BeamSettings, values, "beam.yaml")
    limit = {"at_most": 1, "of_nominal": True}
    (read,) = parse(BeamSettings, {"limit": limit}, "beam.yaml").limit
    assert read.of_nominal is True
