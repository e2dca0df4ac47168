"""Experiments that cannot work are refused before anything is computed."""

import pytest

from polysve.base.errors import InputError
from polysve.learning.plan import check_study
from polysve.settings.study import Settings

WINDOW = {"window_um": 2.0, "grain_size_um": 0.5, "count": 40}
ENSEMBLES = {
    "silicon": WINDOW,
    "copper": {**WINDOW, "material": "copper"},
    "tilted": {**WINDOW, "texture": "<110>"},
    "mixed": {
        **WINDOW,
        "phases": {
            "a": {"material": "copper", "fraction": 0.5},
            "b": {"material": "nickel", "fraction": 0.5},
        },
    },
}


def study(ensembles, encoding="harmonic", architecture="cnn", target="stiffness"):
    experiment = {
        "train_ensembles": ensembles[:1],
        "test_ensembles": ensembles[1:],
        "preprocess": {"encoding": encoding, "target": target},
        "train": {"network": {"architecture": architecture}},
    }
    return Settings(ensembles=ENSEMBLES, experiments={"mine": experiment})


@pytest.mark.faults
@pytest.mark.surrogate
@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        ((["silicon", "copper"],), "copper is of another material than silicon; 'log_stiffness'"),
        ((["silicon", "copper"], "grey"), "encoding = 'grey'.*another material"),
        ((["silicon", "tilted"],), "tilted has no <100> axis"),
        ((["mixed"],), "mixed has the phases a, b"),
        ((["silicon"], "log_stiffness", "born"), "'born': reads harmonic and"),
        ((["silicon"], "grey", "spectral"), "'spectral': reads harmonic or log_stiffness"),
        ((["silicon"], "grey", "pyramid"), "'pyramid': reads harmonic or log_stiffness"),
        (
            (["silicon"], "log_stiffness", "cnn", "young_modulus"),
            "target = 'young_modulus'.*'stiffness'",
        ),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(experiment, message):
    with pytest.raises(InputError, match=rf"^experiments\.mine\..*{message}"):
        check_study(study(*experiment))


@pytest.mark.faults
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preprocess": {"train_count": 29}}, "train_count may be 1 to 28"),
        ({"few": 2}, "few has 2 SVEs.*more SVEs are needed"),
        ({"train": {"optimizer": {"learning_rate": 1e9}}}, r"learning_rate\s.*less than or equal"),
    ],
)
def test_what_could_only_fail_after_the_labels_is_refused_at_the_start(change, message):
    count = change.pop("few", None)
    ensembles = ENSEMBLES | ({"few": {**WINDOW, "count": count}} if count else {})
    experiment = {"train_ensembles": ["few" if count else "silicon"]} | change
    with pytest.raises(ValueError, match=message):
        check_study(Settings(ensembles=ensembles, experiments={"mine": experiment}))


@pytest.mark.surrogate
@pytest.mark.parametrize("architecture", ["spectral", "pyramid", "cnn", "resnet"])
def test_films_of_any_kind_go_together_as_log_stiffness(architecture):
    check_study(study(list(ENSEMBLES), "log_stiffness", architecture))
