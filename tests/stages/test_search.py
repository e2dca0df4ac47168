"""Search: what may be searched, what trials share, what they may see, and what is made of them."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import yaml

from polysve.base import files
from polysve.base.errors import InputError
from polysve.data import records
from polysve.data.inputs import Split
from polysve.data.seal import seal
from polysve.settings.model import parse
from polysve.settings.search import TrialSlice
from polysve.settings.study import SearchSlice, Settings

pytest.importorskip("keras")

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from polysve.learning.trials import Trial
from polysve.stages import preprocess, search, trial

pytestmark = pytest.mark.networks

RATE = "train.optimizer.learning_rate"
SPACE = {
    RATE: {"low": 1e-3, "high": 1e-2, "log": True},
    "train.network.dense_nodes": {"low": 2, "high": 8},
    "train.network.filters": [[2], [2, 4]],
}
RATIOS = (("ratio4", 4), ("ratio6", 6))


def study(space=SPACE, test_ensembles=(), **changes):
    """A study with one search around a tiny network."""
    drawn = {name: {"window_um": r / 2, "grain_size_um": 0.5, "count": 40} for name, r in RATIOS}
    base = {
        "train_ensembles": ["ratio4"],
        "test_ensembles": test_ensembles,
        "preprocess": {"pixels": 8},
        "train": {"network": {"architecture": "mlp", "filters": [2]}, "epochs": 3},
    }
    tuned = {"experiment": "base", "space": space} | changes
    values = {
        "ensembles": drawn,
        "experiments": {"base": base},
        "searches": {"tuned": tuned},
        "label_pixels": 96,
    }
    return parse(Settings, values, "config.yaml")


def slice_of(**changes):
    return study(**changes).trial_slice("tuned")


def run(folder, ensembles, number=0, settings=None):
    """Run one trial; the ensemble is that of ratio 4 unless given."""
    file = search.trial_path(folder, number)
    files = {"ratio4": ensembles["ratio4"]}
    trial.run(file, folder / "study.log", files, number, settings or slice_of())
    return Trial.read(file)


def remembered(folder):
    """All trials of Optuna's journal."""
    store = JournalStorage(JournalFileBackend(str(folder / "study.log")))
    studies = optuna.get_all_study_names(store)
    return {
        name: optuna.load_study(study_name=name, storage=store).get_trials() for name in studies
    }


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({RATE: {"low": 0, "high": 1}}, [f"{RATE} = 0", "greater than 0"]),
        ({RATE: {"low": 1e-2, "high": 1e-3}}, [f"space.{RATE}", "0.01 must be less than"]),
        ({RATE: 0.1}, [f"space.{RATE} = 0.1", "a list of choices"]),
        ({RATE: [0.1]}, [f"space.{RATE}", "at least 2"]),
        ({RATE: ["1e-3", 0.001]}, [RATE, "twice"]),
        ({"train.network.layers": [1, 2]}, ["train.network.layers", "dense_layers"]),
        ({"train.network": [{}, {"l2": 1}]}, ["train.network", "section"]),
        ({"train.network.dense_layers": {"low": 0, "high": 11}}, ["dense_layers = 11", "10"]),
        ({"train.network.dense_layers": {"low": 0.5, "high": 3}}, ["dense_layers = 0.5"]),
        ({"train.network.architecture": ["cnn", "vgg"]}, ["architecture = 'vgg'", "'resnet'"]),
        ({"train.optimizer.nesterov": {"low": 0, "high": 1}}, ["nesterov", "choices"]),
        ({"preprocess.seed": [1, 2]}, ["preprocess.seed", "judged"]),
        ({"train.seed": [1, 2]}, ["train.seed", "judged"]),
        ({"evaluate.bootstrap_samples": [1, 2]}, ["evaluate.bootstrap_samples", "preprocess"]),
        ({}, ["searches.tuned.space"]),
    ],
    ids=str,
)
def test_a_space_that_gives_no_experiment_is_refused_by_its_key(space, words):
    with pytest.raises(InputError) as caught:
        study(space)
    message = str(caught.value)
    assert "\n" not in message
    for word in ("config.yaml: searches.tuned.space", *words):
        assert word in message


def test_a_search_around_no_experiment_is_refused():
    with pytest.raises(InputError, match=r"searches.tuned.experiment = 'other'; there are: base"):
        study(experiment="other")


def test_numbers_are_what_the_settings_make_of_them():
    """Whole numbers stay whole, rates written as whole numbers or as YAML's text do not."""
    space = {
        "train.network.dropout": {"low": 0, "high": 0.5},
        "train.network.l2": {"low": 0, "high": 1},
        "train.network.dense_layers": {"low": 0.0, "high": 3.0},
        RATE: ["1e-3", 1],
        "train.batch_size": [8, "all"],
        "preprocess.train_count": [None, 10],
    }
    found = json.loads(slice_of(space=space).canonical_json())["space"]
    assert repr(found["train.network.l2"]["high"]) == "1.0"
    assert repr(found["train.network.dropout"]["low"]) == "0.0"
    assert repr(found["train.network.dense_layers"]["low"]) == "0"
    assert repr(found[RATE]) == "[0.001, 1.0]"
    assert found["train.batch_size"] == [8, "all"]
    assert found["preprocess.train_count"] == [None, 10]


def test_trials_depend_neither_on_their_number_nor_on_test_ensembles():
    whole = slice_of().canonical_json()
    assert slice_of(trials=30, test_ensembles=["ratio6"]).canonical_json() == whole
    assert parse(TrialSlice, whole, "--settings").canonical_json() == whole
    outcome = study().search_slice("tuned").canonical_json()
    assert parse(SearchSlice, outcome, "--settings").canonical_json() == outcome


def changed(file, folder, split):
    """Copy of an ensemble with other labels and angles in the SVEs of one split."""
    copy = folder / f"{split}.h5"
    shutil.copy(file, copy)
    with h5py.File(copy, "r+") as opened:
        count = len(opened["index"])
        rows = np.flatnonzero(preprocess.split(count, "ratio4", slice_of().preprocess) == split)
        assert 0 < len(rows) < count / 2
        for kind in opened["stiffness"]:
            labels = opened[f"stiffness/{kind}"]
            labels[rows] = labels[()][rows] * 1.05
        offsets = opened["offsets"][()]
        for row in rows:
            grains = slice(offsets[row], offsets[row + 1])
            for name in ("theta", "orientation"):
                opened[name][grains] = opened[name][grains][::-1]
    seal(copy)
    return {"ratio4": copy}


def test_neither_labels_nor_images_of_test_sves_change_a_trial(ensembles, tmp_path):
    first = run(tmp_path / "a", ensembles)
    tested, validated = (
        run(tmp_path / str(split), changed(ensembles["ratio4"], tmp_path, split))
        for split in (Split.TEST, Split.VALIDATION)
    )
    assert tested.values == validated.values == first.values
    assert tested.losses == first.losses
    assert validated.losses != first.losses
    assert first.state == "complete" and first.loss == min(first.losses)


@pytest.fixture
def command(ensembles, tmp_path):
    """Command of a trial by its number."""

    def words(number, *program):
        return [
            *(*program, "trial", search.trial_path(tmp_path, number)),
            *(tmp_path / "study.log", f"--ensemble=ratio4={ensembles['ratio4']}"),
            *("--number", f"{number:04d}", "--settings", slice_of().canonical_json()),
        ]

    return words


def test_trials_at_the_same_time_share_a_study_and_a_killed_one_begins_anew(
    command, ensembles, tmp_path, quick_jobs
):
    """The one that is killed is a program of its own; the other one a fork of the loaded program."""
    killed = command(1, sys.executable, "-m", "polysve")
    running = [subprocess.Popen(command(0, quick_jobs / "bin/polysve")), subprocess.Popen(killed)]
    journal = tmp_path / "study.log"
    while not (journal.exists() and '"job":1' in journal.read_text()):
        assert running[1].poll() is None
        time.sleep(0.005)
    os.kill(running[1].pid, signal.SIGKILL)
    assert [process.wait() for process in running] == [0, -signal.SIGKILL]
    with open(journal, "a") as file:
        file.write('{"op_code":5,"worker_id"')  # what it was about to write
    assert not search.trial_path(tmp_path, 1).exists()
    run(tmp_path, ensembles, 1)
    first, again = (Trial.read(search.trial_path(tmp_path, number)) for number in (0, 1))
    assert {first.number, again.number} == {0, 1}
    assert first.order in (0, 1) and again.order == 2
    assert first.values[RATE] != again.values[RATE]
    (trials,) = remembered(tmp_path).values()
    told = {(each.user_attrs["job"], each.state.name, each.value) for each in trials}
    assert told == {
        (0, "COMPLETE", first.loss),
        (1, "FAIL", None),
        (1, "COMPLETE", again.loss),
    }


def test_other_settings_code_or_ensembles_are_other_studies(ensembles, tmp_path, monkeypatch):
    def ask(name, number=0, **changes):
        settings, files = slice_of(**changes), {"ratio4": ensembles[name]}
        trial.open_study(tmp_path / "study.log", files, number, settings).ask()
        return sorted(len(trials) for trials in remembered(tmp_path).values())

    assert ask("ratio4") == [1]
    assert ask("ratio4", number=1, trials=30) == [2]
    assert ask("ratio4", seed=2) == [1, 2]
    assert ask("ratio4", space={RATE: [0.1, 0.2]}) == [1, 1, 2]
    assert ask("ratio6") == [1, 1, 1, 2]
    monkeypatch.setattr(trial.digest, "source_digest", lambda module: "changed")
    assert ask("ratio4") == [1, 1, 1, 1, 2]


def test_bad_trials_are_stopped_and_impossible_ones_say_why(ensembles, tmp_path):
    # plain steps of that size leave every number behind; those of Adam do not
    space = {RATE: [1e-9, 3e-2, 1e3], "train.optimizer.name": ["sgd", "adam"]}
    settings = slice_of(space=space, startup_trials=1, warmup_epochs=1)

    def given(number, rate):
        files = {"ratio4": ensembles["ratio4"]}
        opened = trial.open_study(tmp_path / "study.log", files, number, settings)
        opened.enqueue_trial(values := {RATE: rate, "train.optimizer.name": "sgd"})
        found = run(tmp_path, ensembles, number, settings)
        assert found.values == values
        return found

    # the wild one first: none is stopped before another has ended
    wild, good, idle = (given(number, rate) for number, rate in enumerate((1e3, 3e-2, 1e-9)))
    assert good.state == "complete" and len(good.losses) == 3 and good.reason == ""
    assert idle.state == "pruned" and len(idle.losses) in (1, 2)
    assert idle.loss > good.losses[len(idle.losses) - 1]
    assert f"after epoch {len(idle.losses)} worse than the median" in idle.reason
    assert wild.state == "failed" and "training diverged in epoch" in wild.reason
    (trials,) = remembered(tmp_path).values()
    assert [each.state for each in trials] == [
        TrialState.PRUNED,
        TrialState.COMPLETE,
        TrialState.PRUNED,
    ]


def test_a_damaged_ensemble_is_no_failed_trial(ensembles, tmp_path):
    damaged = tmp_path / "damaged.h5"
    content = bytearray(ensembles["ratio4"].read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        run(tmp_path, {"ratio4": damaged})
    assert not (tmp_path / "trials").exists()


def file_record(folder, number):
    return search.trial_path(folder, number).with_suffix(records.RECORD_SUFFIX)


def gathered(folder, losses, **changes):
    """Outcome of made-up trials: a number for a finished one, None for one that failed, text for one pruned."""
    for number, loss in enumerate(losses):
        random = np.random.default_rng(number)
        values = {
            RATE: float(random.uniform(1e-3, 1e-2)),
            "train.network.dense_nodes": int(random.integers(2, 9)),
            "train.network.filters": [[2], [2, 4]][random.integers(2)],
        }
        state = {str: "pruned", type(None): "failed"}.get(type(loss), "complete")
        curve = [] if loss is None else [1.0, float(loss)]
        made = Trial(number, len(losses) - number, state, "why, then", values, curve, 1.0)
        with files.atomic_path(search.trial_path(folder, number)) as file:
            made.write(file)
        records.write_record(
            file_record(folder, number), "trial", "{}", [search.trial_path(folder, number)], []
        )
    return search.run(folder, study(trials=len(losses), **changes).search_slice("tuned"))


def test_outcome_is_a_table_an_experiment_and_figures(tmp_path):
    folder = tmp_path / "tuned"
    losses = [0.5, None, "0.1", 0.2, 0.3, "0.05"]
    gathered(folder, losses, test_ensembles=["ratio6"])
    rows = list(csv.DictReader((folder / "trials.csv").open()))
    assert [int(row["trial"]) for row in rows] == [3, 4, 0, 5, 2, 1]
    assert [row["loss"] for row in rows] == ["0.2", "0.3", "0.5", "0.05", "0.1", ""]
    assert rows[-1]["reason"] == "why, then"
    pasted = yaml.safe_load((folder / "best.yaml").read_text())
    config = study().model_dump(mode="json")
    config["experiments"] |= pasted
    best = parse(Settings, config, "pasted").experiments["tuned_best"]
    values = Trial.read(search.trial_path(folder, 3)).values
    expected = study(test_ensembles=["ratio6"]).experiments["base"].substituted(values, "best")
    assert best == expected
    assert best.train.optimizer.learning_rate == values[RATE]
    before = {name: (folder / name).read_bytes() for name in search.OUTPUTS}
    assert all(before.values())
    gathered(folder, losses, test_ensembles=["ratio6"])
    assert {name: (folder / name).read_bytes() for name in search.OUTPUTS} == before


def test_history_shows_every_trial_in_the_order_it_began(tmp_path):
    gathered(tmp_path / "tuned", [0.5, None, "0.1", 0.2])
    found = [Trial.read(search.trial_path(tmp_path / "tuned", n)) for n in range(4)]
    past = search.remembered(found, study().search_slice("tuned"))
    axis = search.history(past).axes[0]
    assert axis.collections[0].get_offsets().tolist() == [[0, 0.2], [3, 0.5]]
    best_so_far, pruned = axis.lines
    assert best_so_far.get_ydata().tolist()[-1] == 0.2
    assert [pruned.get_xdata().tolist(), pruned.get_ydata().tolist()] == [[1], [0.1]]


def test_importance_finds_the_setting_that_matters(tmp_path):
    random = np.random.default_rng(1)
    found = []
    for number in range(30):
        values = {
            RATE: float(random.uniform(1e-3, 1e-2)),
            "train.network.dense_nodes": int(random.integers(2, 9)),
            "train.network.filters": [[2], [2, 4]][number % 2],
        }
        loss = 0.1 * 2.0 ** values["train.network.dense_nodes"]
        found.append(Trial(number, number, "complete", "", values, [loss], 1.0))
    past = search.remembered(found, study().search_slice("tuned"))
    axis = search.importance(past, seed=1).axes[0]
    named = [label.get_text() for label in axis.get_yticklabels()]
    shares = {name: bar.get_width() for name, bar in zip(named, axis.patches, strict=True)}
    assert set(shares) == set(SPACE)
    assert shares["train.network.dense_nodes"] > 0.8


def test_one_finished_trial_is_enough_and_none_is_too_few(tmp_path):
    gathered(tmp_path / "one", [0.5, None])
    assert b"<svg" in (tmp_path / "one/importance.svg").read_bytes()
    with pytest.raises(InputError, match=r"none of 2 trials .* trial 0 failed: why, then"):
        gathered(tmp_path / "none", [None, None])
    (tmp_path / "one/trials/0001.json").unlink()
    with pytest.raises(InputError, match=r"0001.json.* polysve trial"):
        search.run(tmp_path / "one", study(trials=2).search_slice("tuned"))
