"""What the report of a study without networks says."""

import re

import pytest
import yaml
from studies import PERIODIC_LABELS, RATIO4, make_ensemble

from polysve.base.errors import InputError
from polysve.data import records
from polysve.settings.labels import HomogenizeSettings
from polysve.settings.texture import texture_settings
from polysve.stages import portray, report

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


def write(folder, *names):
    ensembles = {name: folder / f"{name}.h5" for name in names}
    portraits = {name: folder / name / "gallery.svg" for name in names}
    report.run(folder / "report.html", folder / "study.yaml", ensembles, portraits, {}, {}, {})
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


def test_a_changed_figure_is_refused_and_leaves_no_page(films):
    (films / "report.html").unlink(missing_ok=True)
    gallery = films / "copper/gallery.svg"
    whole = gallery.read_bytes()
    gallery.write_bytes(whole + b" ")
    with pytest.raises(InputError, match=r"gallery\.svg: differs from what"):
        write(films, "copper")
    gallery.write_bytes(whole)
    assert not (films / "report.html").exists()
