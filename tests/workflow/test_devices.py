"""A device of a study: made once, made again when its settings change, told in the report."""

import json

import pytest
from command import polysve
from runs import Study, merged

from polysve.base.errors import InputError
from polysve.data import records
from polysve.learning.plan import check_study
from polysve.settings.model import parse
from polysve.settings.study import Settings

pytestmark = [pytest.mark.device, pytest.mark.rerun]

BEAMS = {
    "widths_um": [1.0],
    "length_um": 10.0,
    "width_offset_um": {"mean": -0.1, "std": 0.02},
    "structures": 100,
    "beams": 100,
    "limit": {"quantity": "frequency_hz", "at_least": 0.95, "of_nominal": True},
}
CONFIG = {"results": "results", "devices": {"resonator": BEAMS}}


@pytest.fixture(scope="module")
def made(tmp_path_factory, quick_jobs):
    """A study of one device, made by the command that its rule calls."""
    folder = tmp_path_factory.mktemp("devices")
    file = folder / "devices.yaml"
    study = Study(folder / "study", file)
    file.write_text("{}")
    study.configure(CONFIG)
    settings = parse(Settings, CONFIG, "test").device_slice("resonator").canonical_json()
    output = study.folder / "results/devices/resonator"
    answer = polysve("device", output, "--workers", 1, "--settings", settings)
    assert answer.returncode == 0, answer.stderr
    return study


def test_a_device_is_made_again_only_when_its_settings_change(made, tmp_path):
    assert made.planned() == set()
    study = made.with_config(tmp_path / "changed.yaml")
    changed = {"width_offset_um": {"mean": -0.1, "std": 0.03}}
    study.configure({"homogenize": {"element_order": 2}, "devices": {"other": BEAMS | changed}})
    assert study.planned() == {"device other", "all"}
    study.configure({"devices": {"resonator": changed, "other": None}})
    assert study.planned() == {"device resonator", "all"}


def test_a_device_says_what_the_command_of_beams_says(made, tmp_path):
    """The same numbers as of `polysve beam`, and the figures that these beams have."""
    folder = made.folder / "results/devices/resonator"
    told = json.loads((folder / "beams.json").read_text())
    (tmp_path / "beam.yaml").write_text(json.dumps(BEAMS))
    command = ("beam", tmp_path / "beam.yaml", "--material", "silicon", "--workers", 1, "--json")
    assert json.loads(polysve(*command).stdout)["widths"] == told["widths"]
    names = {file.stem for file in (folder / "figures").iterdir()}
    assert names == {"scatter", "shares", "safety", "beam"}
    for file in (folder / "beams.json", folder / "figures/beam.svg"):
        assert records.read_record(file)["stage"] == "device"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"widths_um": [0.3]}, ("devices.resonator", "0.3", "grain_size_um = 0.5")),
        ({"check": 5}, ("devices.resonator", "check = 5", "10 and more")),
        ({"prior": {}}, ("devices.resonator.prior", "unknown key")),
        ({"material": "160,60,80"}, ("devices.resonator.density_kg_m3", "a number")),
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_wrong_device_is_refused_in_one_line(changes, words):
    with pytest.raises(InputError) as refusal:
        check_study(parse(Settings, merged(CONFIG, {"devices": {"resonator": changes}}), "mine"))
    assert "\n" not in str(refusal.value)
    for word in words:
        assert word in str(refusal.value)
