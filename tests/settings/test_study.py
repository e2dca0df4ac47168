"""Phases of a film: each of a crystal, all together the film."""

import pytest

from polysve.base.errors import InputError
from polysve.settings.model import parse
from polysve.settings.study import Settings

ZINC = {"material": "zinc", "fraction": 0.5}


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        ({"a": {"fraction": 0.5}, "b": ZINC}, "phases.a.material: Field required"),
        ({"a": ZINC, "b": ZINC | {"fraction": 0.4}}, r"sum to 0.9 \(a 0.5, b 0.4\); 1 is needed"),
        ({"a": ZINC, "b": ZINC | {"fraction": 0}}, "phases.b.fraction = 0"),
        ({"a": ZINC | {"material": "unobtainium"}, "b": ZINC}, "'unobtainium' is no crystal"),
    ],
)
def test_phases_that_are_no_film_are_refused_in_one_line(phases, told):
    ensemble = {"window_um": 2, "grain_size_um": 0.5, "count": 1, "phases": phases}
    with pytest.raises(InputError, match=rf"^config.yaml: ensembles.x.*{told}") as caught:
        parse(Settings, {"ensembles": {"x": ensemble}}, "config.yaml")
    assert "\n" not in str(caught.value)


def test_grain_sizes_reach_the_structures_of_an_ensemble():
    ensemble = {"window_um": 2, "grain_size_um": 0.5, "count": 1}
    study = parse(
        Settings,
        {"ensembles": {"x": ensemble | {"size_scatter": 0.3, "aspect_ratio": 2}, "y": ensemble}},
        "config.yaml",
    )
    asked, usual = study.tessellate_slice("x"), study.tessellate_slice("y")
    assert (asked.size_scatter, asked.aspect_ratio) == (0.3, 2)
    assert (usual.size_scatter, usual.aspect_ratio) == (None, 1)
