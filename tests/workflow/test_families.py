"""Families of films in the workflow: a study of films alone, its jobs, and what is made again."""

import pytest
from runs import Study, merged

from polysve.base.errors import InputError
from polysve.settings.model import parse
from polysve.settings.study import Settings
from polysve.stages import characterize

pytestmark = [pytest.mark.surrogate, pytest.mark.rerun]

CONFIG = {
    "results": "results",
    "shard_grains": 20,
    "checked_films": 0,
    "films": {"some": {"materials": ["silicon"], "textures": ["<111>"], "counts": {2: 100}}},
}
SHARDS = ("000000-000050", "000050-000100")


@pytest.fixture
def films(tmp_path, quick_jobs):
    """A study of two shards that are made."""
    file = tmp_path / "films.yaml"
    made = Study(tmp_path / "study", file)
    file.write_text("{}")
    made.configure(CONFIG)
    settings = parse(Settings, CONFIG, "test")
    folder = made.folder / "results"
    for shard in SHARDS:
        output = folder / f"films/some/2/{shard}.npz"
        characterize.run(
            output, *map(int, shard.split("-")), settings.characterize_slice("some", 2.0)
        )
    return made


def test_a_study_of_films_makes_again_what_a_change_concerns(films):
    films.configure({"films": {"some": {"counts": {2: 140}}}})
    assert films.planned() == {"characterize some 000100-000140", "tabulate", "all"}
    films.configure({"films": {"some": {"pixels_per_grain": {1: 6}}}})
    shards = (*SHARDS, "000100-000140")
    assert films.planned() == {*(f"characterize some {each}" for each in shards), "tabulate", "all"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"films": None}, ("ensembles, films or devices are needed",)),
        ({"films": {"some": {"materials": ["coper"]}}}, ("coper", "copper")),
        ({"films": {"some": {"textures": ["<1x0>"]}}}, ("<1x0>", "random")),
        ({"films": {"some": {"counts": {2: 5}}}}, ("counts", "5", "100")),
    ],
)
def test_a_wrong_family_is_refused_in_one_line(changes, words):
    with pytest.raises(InputError) as refusal:
        parse(Settings, merged(CONFIG, changes), "mine.yaml")
    assert "\n" not in str(refusal.value)
    for word in words:
        assert word in str(refusal.value)
