"""Training: order, schedule, checkpoints, closed form, what may and may not influence the result."""

import json

import numpy as np
import pytest
from structures import SILICON

from polysve.base.errors import InputError
from polysve.data import h5
from polysve.data.layouts import LAYOUTS
from polysve.learning import encoding
from polysve.settings.experiment import NetworkSettings, OptimizerSettings, TrainSettings
from polysve.settings.material import CubicSettings

keras = pytest.importorskip("keras")

from polysve.learning import metrics, training  # noqa: E402
from polysve.networks import physical  # noqa: E402
from polysve.networks.born import BornSeries  # noqa: E402
from polysve.networks.head import StiffnessHead  # noqa: E402

pytestmark = pytest.mark.networks


def samples(count, seed, pixels=16):
    """Square grains and their stiffness under PBC: the Born series, corrected to the geometric mean."""
    cells = pixels // 4
    theta = np.random.default_rng(seed).uniform(0, np.pi / 2, (count, cells, cells))
    pictures = encoding.harmonics(theta.repeat(4, 1).repeat(4, 2))
    moduli = SILICON.q66, (SILICON.q11 - SILICON.q12) / 2
    raw = BornSeries(SILICON.bulk, moduli, "pbc", terms=6)(pictures)
    head = StiffnessHead(SILICON.bulk, moduli, geometric_mean=True, dtype="float64")
    return training.Samples(pictures, np.asarray(head(head.label_coordinates(np.asarray(raw)))))


@pytest.fixture(scope="module")
def data():
    return training.Inputs([samples(64, 0)], [samples(16, 1)], "stiffness", "pbc", SILICON)


def recipe(architecture="cnn", epochs=4, **changes):
    network = NetworkSettings(
        architecture=architecture, filters=(4,), terms=3, dense_nodes=8, dropout=0.2, l2=1e-4
    )
    return TrainSettings(network=network, epochs=epochs, batch_size=10, **changes)


def train(data, settings, path):
    model, history, checkpoint = training.train(data, settings, path / "checkpoint.npz")
    checkpoint.remove()
    return model, history


def curves(history):
    return [(row["epoch"], row["loss"], row["val_loss"], row["learning_rate"]) for row in history]


def test_every_sample_is_seen_once_an_epoch_in_an_order_of_seed_and_epoch():
    parts = [
        training.Samples(np.zeros((n, 2, 2, 1)), first + np.arange(n)[:, None])
        for n, first in ((7, 0), (5, 7))
    ]

    def order(seed, epoch):
        batches = training.Batches(parts, 3, seed, epoch)
        return [batches[i][1].ravel().tolist() for i in range(len(batches))]

    assert sorted(row for batch in order(1, 0) for row in batch) == list(range(12))
    assert all(len(batch) <= 3 and len({n < 7 for n in batch}) == 1 for batch in order(1, 0))
    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_interrupted_training_goes_on_as_if_it_had_not_stopped(data, tmp_path, monkeypatch):
    settings = recipe(patience=100, optimizer=OptimizerSettings(decay_patience=1))
    whole, history = train(data, settings, tmp_path)

    class Interrupted(Exception):
        pass

    save = training.Checkpoint.save

    def save_and_stop(self, network, best, history):
        save(self, network, best, history)
        if len(history) == 2:
            raise Interrupted

    monkeypatch.setattr(training.Checkpoint, "save", save_and_stop)
    with pytest.raises(Interrupted):
        train(data, settings, tmp_path)
    monkeypatch.undo()
    resumed, again = train(data, settings, tmp_path)
    assert curves(again) == curves(history)
    for first, second in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_watch_sees_the_error_without_penalties_and_may_stop(data, tmp_path):
    network = NetworkSettings(architecture="cnn", filters=(4,), dense_nodes=8, l2=0.1)
    settings = TrainSettings(network=network, epochs=3, batch_size=10)
    seen = []
    model, history, checkpoint = training.train(
        data, settings, tmp_path / "checkpoint.npz", watch=lambda *pair: seen.append(pair)
    )
    checkpoint.remove()
    _, unwatched = train(data, settings, tmp_path)
    assert curves(history) == curves(unwatched)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    head, (part,) = data.head(), data.validation
    _, scale = training.normalization(head.label_coordinates(data.train[0].targets), head)
    found = physical.predict_targets(model, part.images).astype(float)
    errors = (head.label_coordinates(found) - head.label_coordinates(part.targets)) / scale
    best = int(np.argmin([row["val_loss"] for row in history]))
    assert seen[best][1] == pytest.approx(np.mean(errors**2), rel=1e-3)
    assert history[best]["val_loss"] > 1.1 * seen[best][1]

    def stop(epoch, loss):
        if epoch == 2:
            raise KeyError(loss)

    with pytest.raises(KeyError) as stopped:
        training.train(data, settings, tmp_path / "checkpoint.npz", watch=stop)
    assert stopped.value.args == (seen[1][1],)


def test_checkpoint_of_other_settings_or_data_is_not_taken_up(data, tmp_path):
    training.train(data, recipe(epochs=1), tmp_path / "checkpoint.npz")
    assert (tmp_path / "checkpoint.npz").exists()
    _, history, _ = training.train(data, recipe(epochs=2, seed=5), tmp_path / "checkpoint.npz")
    _, alone = train(data, recipe(epochs=2, seed=5), tmp_path / "..")
    assert curves(history) == curves(alone)
    other = training.Inputs(data.validation, data.train, "stiffness", "pbc", SILICON)
    _, history, _ = training.train(other, recipe(epochs=2, seed=5), tmp_path / "checkpoint.npz")
    assert curves(history)[0] != curves(alone)[0]


def test_same_seed_gives_the_same_bits(data, tmp_path):
    first, again = (train(data, recipe(epochs=2), tmp_path)[0] for _ in range(2))
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    different, _ = train(data, recipe(epochs=2, seed=2), tmp_path)
    assert np.abs(different.get_weights()[0] - first.get_weights()[0]).max() > 0


def test_best_weights_are_kept(data, tmp_path):
    settings = recipe(epochs=5, optimizer=OptimizerSettings(learning_rate=0.2), patience=100)
    model, history = train(data, settings, tmp_path)
    best = min(row["val_loss"] for row in history)
    assert best < history[-1]["val_loss"]
    part, head = data.validation[0], data.head()
    predicted = head.label_coordinates(physical.predict_targets(model, part.images))
    wanted = head.label_coordinates(part.targets)
    scale = training.normalization(head.label_coordinates(data.train[0].targets), head)[1]
    penalty = sum(float(loss) for loss in model.losses)
    error = np.mean(((predicted - wanted) / scale) ** 2)
    assert error + penalty == pytest.approx(best, rel=1e-3)


@pytest.mark.parametrize("architecture", ["spectral", "born"])
def test_closed_form_learns_the_physics_from_64_images(data, tmp_path, architecture):
    model, history = train(data, recipe(architecture), tmp_path)
    test, bigger = samples(40, 2), samples(40, 3, pixels=24)
    for part in (test, bigger):
        predicted = physical.predict_targets(model, part.images)
        assert metrics.r2(part.targets[:, 0], predicted[:, 0]) > 0.9995
    assert len(history) == 1


def test_only_the_training_split_is_learned_from(data, tmp_path):
    changed = training.Inputs(data.train, [samples(16, 9)], "stiffness", "pbc", SILICON)
    first, other = (train(d, recipe("spectral"), tmp_path)[0] for d in (data, changed))
    for one, two in zip(first.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert first.get_layer("units").get_config() == other.get_layer("units").get_config()


def test_shuffled_labels_teach_nothing(tmp_path):
    part, unseen = samples(300, 4), samples(100, 5)
    rows = np.random.default_rng(0).permutation(300)
    shuffled = training.Samples(part.images, part.targets[rows])
    inputs = training.Inputs([shuffled], [unseen], "stiffness", "pbc", SILICON)
    model, _ = train(inputs, recipe("spectral"), tmp_path)
    predicted = physical.predict_targets(model, unseen.images)
    assert metrics.r2(unseen.targets[:, 0], predicted[:, 0]) < 0.05


@pytest.mark.parametrize("name", ["sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw"])
def test_each_optimizer_is_the_one_named(name):
    settings = OptimizerSettings(
        name=name, learning_rate=0.25, momentum=0.5, nesterov=True, weight_decay=0.125
    )
    optimizer = training.make_optimizer(settings)
    options = optimizer.get_config()
    assert type(optimizer).__name__.lower() == name
    assert options["learning_rate"] == 0.25
    assert options["weight_decay"] == 0.125
    if name == "sgd":
        assert (options["momentum"], options["nesterov"]) == (0.5, True)


def test_learning_rate_and_stop_follow_the_validation_loss(data, tmp_path):
    settings = recipe(
        epochs=30, patience=2, optimizer=OptimizerSettings(learning_rate=0.3, decay_patience=1)
    )
    _, history = train(data, settings, tmp_path)
    losses = [row["val_loss"] for row in history]
    assert len(losses) < 30
    assert int(np.argmin(losses)) == len(losses) - 3
    assert history[-1]["learning_rate"] < 0.3
    for number, row in enumerate(history):
        expected = training.learning_rate(losses[:number], settings.optimizer)
        assert row["learning_rate"] == pytest.approx(expected)


def test_divergence_is_reported_with_its_learning_rate(data, tmp_path):
    settings = recipe(optimizer=OptimizerSettings(name="sgd", learning_rate=1000))
    with pytest.raises(InputError, match=r"epoch 1.*learning_rate = 1000\.0"):
        train(data, settings, tmp_path)


def test_spectral_refuses_what_it_cannot_learn_from(data, tmp_path):
    grey = [training.Samples(p.images[..., :1], p.targets[:, :1]) for p in data.train]
    inputs = training.Inputs(grey, grey, "young_modulus", "pbc", SILICON)
    with pytest.raises(InputError, match=r"'spectral' needs .*harmonic.*stiffness"):
        train(inputs, recipe("spectral"), tmp_path)
    two = training.Inputs([*data.train, samples(4, 6, 24)], data.train, "stiffness", "pbc", SILICON)
    with pytest.raises(InputError, match="one image shape"):
        train(two, recipe("cnn"), tmp_path)


def test_young_modulus_alone_can_be_learned_without_a_head(data, tmp_path):
    head = data.head()
    parts = [
        training.Samples(p.images, head.young_modulus(p.targets)[:, None])
        for p in (*data.train, *data.validation)
    ]
    inputs = training.Inputs(parts[:1], parts[1:], "young_modulus", "pbc", SILICON)
    model, history = train(inputs, recipe(epochs=2), tmp_path)
    assert physical.stiffness_head(model) is None
    assert model.output_shape == (None, 1)
    predicted = physical.predict_targets(model, parts[1].images)
    assert 130 < predicted.min() < predicted.max() < 170
    assert history[0]["loss"] < 50


def write_inputs(path, splits):
    """Inputs of two ensembles whose pictures show the row of each SVE."""
    silicon = CubicSettings().model_dump(mode="json")
    attributes = {
        "encoding": "harmonic",
        "targets": "stiffness",
        "boundary_condition": "pbc",
        "crystals": json.dumps({"film": silicon}),
    }
    with h5.new_h5(path, "inputs", "{}", attributes) as file:
        for name, split in splits.items():
            group, count = file.create_group(name), len(split)
            for part in LAYOUTS["inputs"].rows:
                h5.put(group, part, np.zeros((count, 3)))
            del group["images"], group["split"]
            h5.put(group, "images", np.arange(count)[:, None, None, None] * np.ones((1, 2, 2, 2)))
            h5.put(group, "split", split)


def test_splits_are_read_as_they_are_marked(tmp_path):
    write_inputs(tmp_path / "inputs.h5", {"a": [0, 2, 1, 0], "b": [2, 2]})
    inputs = training.read_inputs(tmp_path / "inputs.h5")
    (learned,), (checked,) = inputs.train, inputs.validation
    assert learned.images[:, 0, 0, 0].tolist() == [0, 3]
    assert checked.images[:, 0, 0, 0].tolist() == [2]
    assert inputs.material == SILICON


def test_inputs_without_validation_are_refused(tmp_path):
    write_inputs(tmp_path / "inputs.h5", {"a": [0, 0], "b": [2]})
    with pytest.raises(InputError, match=r"inputs\.h5: no validation samples"):
        training.read_inputs(tmp_path / "inputs.h5")


def test_history_is_written_and_read_back(tmp_path):
    rows = [dict.fromkeys(training.COLUMNS, value) for value in (1.0, 1e-7)]
    training.write_history(tmp_path / "history.csv", rows)
    history = training.read_history(tmp_path / "history.csv")
    assert list(history) == list(training.COLUMNS)
    assert all(column.tolist() == [1.0, 1e-7] for column in history.values())
    (tmp_path / "history.csv").write_text("epoch,loss\n1,2\n")
    with pytest.raises(InputError, match="val_loss"):
        training.read_history(tmp_path / "history.csv")
