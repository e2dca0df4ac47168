"""What the report of a study without networks says."""

import json
import re

import pytest
import yaml
from studies import PERIODIC_LABELS, RATIO4, make_ensemble

from polysve.base.errors import InputError
from polysve.data import records
from polysve.settings.device import DeviceSettings
from polysve.settings.labels import HomogenizeSettings
from polysve.settings.texture import texture_settings
from polysve.stages import device, portray, report

pytestmark = pytest.mark.films

SIZES = {"window_um": 2.0, "grain_size_um": 0.5, "count": 6}
STUDY = {
    "seed": 0,
    "ensembles": {
        "silicon": SIZES | {"texture": "<111>"},
        "copper": SIZES | {"texture": "random", "material": "copper"},
    },
}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Files of two ensembles and their portraits: a <111> silicon film, whose modulus has no scatter, and copper."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    for name, material in (("silicon", "silicon"), ("copper", "copper")):
        texture = texture_settings(STUDY["ensembles"][name]["texture"])
        phase = next(iter(RATIO4.phases.values())).model_copy(update={"texture": texture})
        drawn = RATIO4.model_copy(update={"phases": {"film": phase}, "seed": 0})
        solver = HomogenizeSettings(
            boundary_conditions=("pbc",), indicator=False, material=material
        )
        make_ensemble(folder, 6, ensemble=name, drawn=drawn, **PERIODIC_LABELS | {"solver": solver})
        portray.run(folder / f"{name}.h5", folder / name)
    return folder


def write(folder, *names, **devices):
    ensembles = {name: folder / f"{name}.h5" for name in names}
    portraits = {name: folder / name / "gallery.svg" for name in names}
    report.run(
        folder / "report.html", folder / "study.yaml", ensembles, portraits, {}, {}, {}, devices
    )
    text = (folder / "report.html").read_text()
    shown = re.sub(r"<(style|script).*?</\1>", " ", text, flags=re.DOTALL)
    return text, " ".join(re.sub(r"<[^>]+>", " ", shown).split())


def test_films_without_a_network_are_compared(films):
    page, text = write(films, "silicon", "copper")
    assert "2 kinds of film" in text
    assert "168.96 ± 0.00 GPa" in text and "0.00 % (silicon)" in text
    assert "⟨111⟩ silicon" in text and "random copper" in text
    assert "Each kind of film" in text and "scatter less" not in text
    for word in ("published study", "network", "Plotly", "audit"):
        assert word not in text, word
    assert len(page) < 1_000_000
    steps = [each["stage"] for each in records.read_record(films / "report.html")["made_from"]]
    assert steps == ["portray", "portray"]


def test_one_film_is_one_answer(films):
    text = write(films, "silicon")[1]
    assert (
        "A ⟨111⟩ silicon film with grains of 0.5 µm has a Young’s modulus of 168.96 ± 0.00" in text
    )
    assert "kinds of film" not in text and "scatter less" not in text


def test_devices_are_told_with_their_figures(films):
    """Numbers of its file, in the units of the page's table; no word of devices where there is none."""
    beams = {"widths_um": [1.0, 2.0], "length_um": 20.0, "structures": 100, "beams": 100}
    limit = {"quantity": "stiffness_n_per_m", "at_least": 0.99, "of_nominal": True}
    asked = DeviceSettings(**beams, limit=limit, material="copper", bending="out_of_plane")
    folder = films / "resonator"
    device.run(folder, asked, 1)
    page, text = write(films, "silicon", resonator=folder / "beams.json")
    assert "Copper, grains of 0.5 µm; cantilevers, 20 µm long, that bend out of the plane." in text
    assert "A beam fails below 0.99 times the nominal stiffness_n_per_m" in text
    table = re.search(r'class="beams".*?</table>', page, re.DOTALL)[0]
    rows = re.findall(r'<tr><th scope="row">([\d.]+)</th>(.*?)</tr>', table)
    told = json.loads((folder / "beams.json").read_text())["widths"]
    for each, (width, cells) in zip(told, rows, strict=True):
        numbers = [float(cell) for cell in re.findall(r"<td>([\d.]+)", cells)]
        stiffness, frequency = each["stiffness_n_per_m"], each["frequency_hz"]
        assert float(width) == each["width_um"]
        assert numbers[0] == pytest.approx(stiffness["mean"], rel=1e-3)
        assert numbers[1] == pytest.approx(100 * stiffness["std"] / stiffness["mean"], abs=0.006)
        assert numbers[2] == pytest.approx(frequency["mean"] / 1000, rel=1e-3)
        assert numbers[4] == pytest.approx(each["reliability"]["failure_probability"], rel=0.01)
    assert page.count('alt="Stiffness, first frequency and deflection of the beams') == 1
    assert "Devices" not in write(films, "silicon")[1]


def test_a_changed_figure_is_refused_and_leaves_no_page(films):
    (films / "report.html").unlink(missing_ok=True)
    gallery = films / "copper/gallery.svg"
    whole = gallery.read_bytes()
    gallery.write_bytes(whole + b" ")
    with pytest.raises(InputError, match=r"gallery\.svg: differs from what"):
        write(films, "copper")
    gallery.write_bytes(whole)
    assert not (films / "report.html").exists()
