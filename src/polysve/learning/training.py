"""Training of a network: data, normalization, schedule, checkpoints and history."""

import csv
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from polysve.base.errors import InputError
from polysve.crystals.square import PlaneStress, upright
from polysve.data.ensemble import stored_crystals
from polysve.data.inputs import Split, open_inputs
from polysve.learning.checkpoints import Checkpoint
from polysve.learning.coordinates import coordinates, normalization
from polysve.learning.least_squares import solve
from polysve.networks import architectures, physical
from polysve.networks.head import StiffnessHead
from polysve.networks.log_head import LogStiffnessHead
from polysve.settings.experiment import LINEAR, READS, OptimizerSettings, TrainSettings

COLUMNS = ("epoch", "loss", "val_loss", "learning_rate", "seconds")


@dataclass(frozen=True)
class Samples:
    """Images (n, p, p, channels) and targets (n, k) in GPa of one split of one ensemble."""

    images: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class Inputs:
    """What a network learns from, and what its outputs mean."""

    train: list[Samples]
    validation: list[Samples]
    target: str
    boundary_condition: str
    material: PlaneStress | None
    """Of the <100> film that the images show; None where they show log Q."""

    def head(self) -> physical.Head | None:
        """Last layer for stiffness targets, None for Ē."""
        if self.target == "young_modulus":
            return None
        if self.material is None:
            return LogStiffnessHead(name="stiffness")
        moduli = self.material.q66, (self.material.q11 - self.material.q12) / 2
        return StiffnessHead(
            self.material.bulk, moduli, self.boundary_condition == "pbc", name="stiffness"
        )


def read_inputs(path: Path) -> Inputs:
    """Training and validation split of an inputs.h5.

    Raises
    ------
    InputError
        If there is nothing to train or to validate on.
    """
    splits = {Split.TRAINING: [], Split.VALIDATION: []}
    with open_inputs(path) as file:
        for group in file.values():
            split = group["split"][:]
            for part, samples in splits.items():
                rows = np.flatnonzero(split == part)
                if len(rows):
                    samples.append(Samples(group["images"][rows], group["targets"][rows]))
        inputs = Inputs(
            splits[Split.TRAINING],
            splits[Split.VALIDATION],
            file.attrs["targets"],
            file.attrs["boundary_condition"],
            None
            if file.attrs["encoding"] == "log_stiffness"
            else upright(stored_crystals(file.attrs)[0].stiffness_gpa),
        )
    for part, name in ((inputs.train, "training"), (inputs.validation, "validation")):
        if not part:
            raise InputError(f"{path}: no {name} samples in any ensemble")
    return inputs


def learning_rate(losses: list[float], settings: OptimizerSettings) -> float:
    """Rate of the next epoch: the first one times `decay_factor` for each stall of `decay_patience` epochs.

    A function of the validation losses alone, so that a resumed training goes on as if it had not stopped.

    Examples
    --------
    >>> settings = OptimizerSettings(learning_rate=1.0, decay_factor=0.5, decay_patience=2)
    >>> learning_rate([3, 2, 2, 2, 2, 2, 1], settings)
    0.25
    """
    rate, best, stalled = settings.learning_rate, np.inf, 0
    for loss in losses:
        stalled = 0 if loss < best else stalled + 1
        best = min(best, loss)
        if stalled == settings.decay_patience:
            rate, stalled = rate * settings.decay_factor, 0
    return rate


def stalled(losses: list[float], patience: int) -> bool:
    """Whether the validation loss has not improved for `patience` epochs.

    Examples
    --------
    >>> stalled([3, 2, 2.5, 2.1], patience=2), stalled([3, 2, 2.5, 1.9], patience=2)
    (True, False)
    """
    return len(losses) - 1 - int(np.argmin(losses)) >= patience


def make_optimizer(settings: OptimizerSettings):
    """Keras optimizer; momentum and Nesterov are those of `sgd` (momentum also of `rmsprop`)."""
    classes = {
        "sgd": keras.optimizers.SGD,
        "adagrad": keras.optimizers.Adagrad,
        "adadelta": keras.optimizers.Adadelta,
        "rmsprop": keras.optimizers.RMSprop,
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
    }
    options = {"weight_decay": settings.weight_decay or None}
    if settings.name in ("sgd", "rmsprop"):
        options["momentum"] = settings.momentum
    if settings.name == "sgd":
        options["nesterov"] = settings.nesterov
    if settings.name == "adamw":
        options["weight_decay"] = settings.weight_decay
    return classes[settings.name](learning_rate=settings.learning_rate, **options)


class Batches(keras.utils.PyDataset):
    """Batches in memory, each of one ensemble, in an order that is a function of (seed, epoch) alone."""

    def __init__(self, samples: list[Samples], batch_size: int, seed: int, epoch: int = 0):
        super().__init__()
        self.samples, self.batch_size, self.seed = samples, batch_size, seed
        self.order(epoch)

    def order(self, epoch: int):
        """Draw the order of one epoch."""
        random = np.random.default_rng([self.seed, epoch])
        self.batches = []
        for part, samples in enumerate(self.samples):
            rows = random.permutation(len(samples.images))
            cuts = range(self.batch_size, len(rows), self.batch_size)
            self.batches += [(part, chunk) for chunk in np.split(rows, cuts)]
        random.shuffle(self.batches)

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        part, rows = self.batches[index]
        return self.samples[part].images[rows], self.samples[part].targets[rows]


class Epochs(keras.callbacks.Callback):
    """After each epoch: history, progress line, best weights, learning rate, early stop, checkpoint."""

    def __init__(self, settings: TrainSettings, batches, checkpoint, best, history, watch):
        super().__init__()
        self.settings, self.batches, self.checkpoint = settings, batches, checkpoint
        self.best, self.history, self.watch = best, history, watch

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        row = self._row(epoch, logs)
        _refuse_divergence(row, self.settings)
        self.history.append(row)
        losses = [each["val_loss"] for each in self.history]
        if np.argmin(losses) == len(losses) - 1:
            self.best = self.model.get_weights()
        print(_progress(row, self.settings.epochs), flush=True)
        self.model.optimizer.learning_rate = learning_rate(losses, self.settings.optimizer)
        self.model.stop_training = stalled(losses, self.settings.patience)
        # not in Batches.on_epoch_end, which Keras also calls before the first epoch
        self.batches.order(epoch + 1)
        self.checkpoint.save(self.model, self.best, self.history)
        if self.watch:
            self.watch(epoch + 1, float(logs["val_mse"]))

    def _row(self, epoch: int, logs: dict) -> dict:
        """The epoch in the history."""
        return {
            "epoch": epoch + 1,
            "loss": float(logs["loss"]),
            "val_loss": float(logs["val_loss"]),
            "learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "seconds": round(time.perf_counter() - self.start, 3),
        }


def _refuse_divergence(row: dict, settings: TrainSettings) -> None:
    if not np.isfinite([row["loss"], row["val_loss"]]).all():
        raise InputError(
            f"training diverged in epoch {row['epoch']} (loss {row['loss']}): optimizer.learning_rate = "
            f"{settings.optimizer.learning_rate} is too large"
        )


def _progress(row: dict, epochs: int) -> str:
    """One line for a log."""
    left = row["seconds"] * (epochs - row["epoch"])
    return (
        f"epoch {row['epoch']}/{epochs}  loss {row['loss']:.3e}  val_loss {row['val_loss']:.3e}  "
        f"learning rate {row['learning_rate']:.1e}  {row['seconds']:.1f} s, at most {left:.0f} s left"
    )


def descend(network, train, validation, settings: TrainSettings, checkpoint, watch=None):
    """Train by stochastic gradient descent on the mean squared error; leave the best weights in the network.

    Returns
    -------
    list of dict
        History, one row of `COLUMNS` an epoch.
    """
    metrics = ["mse"] if watch else None  # without the penalties that a loss has
    optimizer = make_optimizer(settings.optimizer)
    network.compile(optimizer, loss="mse", metrics=metrics, jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    best, history = checkpoint.restore(network)
    size = sum(len(part.images) for part in train)
    batch_size = size if settings.batch_size == "all" else settings.batch_size
    losses = [row["val_loss"] for row in history]
    batches = Batches(train, batch_size, settings.seed, len(history))
    epochs = Epochs(settings, batches, checkpoint, best, history, watch)
    if len(history) < settings.epochs and not (losses and stalled(losses, settings.patience)):
        network.fit(
            batches,
            validation_data=Batches(validation, 64, settings.seed),
            initial_epoch=len(history),
            epochs=settings.epochs,
            callbacks=[epochs],
            shuffle=False,  # Keras would shuffle the batches again, by the global random state
            verbose=0,
        )
    network.set_weights(epochs.best)
    return history


def mean_square_error(network, samples: list[Samples]) -> float:
    """Over all outputs and samples."""
    errors = [physical.predict_targets(network, part.images) - part.targets for part in samples]
    return float(np.mean(np.concatenate(errors) ** 2))


def train(inputs: Inputs, settings: TrainSettings, checkpoint_path: Path, watch=None):
    """Train a network and keep its best weights.

    Parameters
    ----------
    inputs : Inputs
    settings : TrainSettings
    checkpoint_path : Path
        Where an interrupted training of the same settings and data is taken up; removed by `Checkpoint.remove`.
    watch : callable, optional
        Called after each epoch with its number and validation loss, without the penalties of ``l1`` and ``l2``; what it
        raises ends the training.

    Returns
    -------
    model : keras.Model
        Physical: images in, GPa out.
    history : list of dict
        One row of `COLUMNS` an epoch; losses are shares of the variance of the training targets, as coordinates of the
        head: of log C̄, where a network tells what it has beyond the second order.
    checkpoint : Checkpoint

    Raises
    ------
    InputError
        If the data do not fit the architecture, or the training diverges.
    """
    head = inputs.head()
    check_recipe(inputs, settings)
    raw = np.concatenate([coordinates(part.images, part.targets, head) for part in inputs.train])
    offset, scale = normalization(raw, head)
    left_over = 1.0
    if isinstance(head, LogStiffnessHead):
        left_over = scale[0] ** 2 / np.mean(
            [np.var(head.label_coordinates(part.targets), axis=0).mean() for part in inputs.train]
        )

    def normalized(parts):
        return [
            Samples(
                p.images,
                ((coordinates(p.images, p.targets, head) - offset) / scale).astype("float32"),
            )
            for p in parts
        ]

    train_set, validation_set = normalized(inputs.train), normalized(inputs.validation)
    network = architectures.build(
        settings.network,
        train_set[0].images,
        train_set[0].targets,
        settings.seed,
        head,
        inputs.boundary_condition,
    )
    checkpoint = Checkpoint(checkpoint_path, fingerprint(train_set, settings))
    start = time.perf_counter()
    if settings.network.architecture in LINEAR:
        solve(network, train_set)
        history = [
            {
                "epoch": 1,
                "loss": mean_square_error(network, train_set),
                "val_loss": mean_square_error(network, validation_set),
                "learning_rate": 0.0,
                "seconds": round(time.perf_counter() - start, 3),
            }
        ]
        print("least squares  loss {loss:.3e}  val_loss {val_loss:.3e}".format(**history[0]))
        if watch:
            watch(1, history[0]["val_loss"])
    else:
        history = descend(network, train_set, validation_set, settings, checkpoint, watch)
    for row in history:
        row["loss"], row["val_loss"] = (row[key] * left_over for key in ("loss", "val_loss"))
    return physical.with_units(network, offset, scale, head), history, checkpoint


def check_recipe(inputs: Inputs, settings: TrainSettings):
    """Refuse data that the architecture cannot learn from."""
    architecture = settings.network.architecture
    shapes = {part.images.shape[1:] for part in inputs.train}
    readable = READS.get(architecture)
    shown = {1: "grey", 2: "harmonic", 6: "log_stiffness"}[inputs.train[0].images.shape[-1]]
    if readable and (inputs.target != "stiffness" or shown not in readable):
        allowed = " or ".join(map(repr, readable))
        raise InputError(
            f"network.architecture = {architecture!r} needs preprocess.encoding {allowed} and "
            "preprocess.target 'stiffness'"
        )
    if architecture not in LINEAR and len(shapes) > 1:
        raise InputError(
            f"network.architecture = {architecture!r} trains on one image shape, not on "
            f"{sorted(shapes)}: set preprocess.constant_pitch to false or train on one ensemble"
        )


def fingerprint(samples: list[Samples], settings: TrainSettings) -> str:
    """Digest of settings and data, so that a checkpoint is only taken up by the training that wrote it."""
    digest = hashlib.sha256(settings.canonical_json().encode())
    for part in samples:
        digest.update(str(part.images.shape).encode())
        digest.update(part.targets.tobytes())
    return digest.hexdigest()


def write_history(path: Path, history: list[dict]):
    """Write a history as CSV."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(history)


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Columns of a history CSV.

    Raises
    ------
    InputError
        If columns are missing.
    """
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise InputError(f"{path}: needs the columns {', '.join(COLUMNS)} and one row at least")
    return {column: np.array([float(row[column]) for row in rows]) for column in COLUMNS}
