"""Training beside bare Keras, epoch by epoch in alternation; the shares of input pipeline and checkpoints; 16 bits.

Both trainings see the same arrays, in one process. Images are drawn at random grain by grain and labelled by the window
means: their content does not change what a step costs. One thread, as the pipeline trains.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from polysve.learning import encoding, training
from polysve.learning.checkpoints import Checkpoint
from polysve.networks import architectures
from polysve.settings.experiment import TrainSettings

ARCHITECTURES = ("cnn", "resnet", "densenet", "pyramid")
EPOCHS_OF_16_BITS = 3
"""Fewer than of the others: where 16 bits are emulated, one takes six times as long."""


def samples(count: int, pixels: int, seed: int) -> training.Samples:
    """Harmonic images of 8 × 8 square grains and normalized targets."""
    theta = np.random.default_rng(seed).uniform(0, np.pi / 2, (count, 8, 8))
    pictures = encoding.harmonics(theta.repeat(pixels // 8, 1).repeat(pixels // 8, 2))
    means = pictures.mean((1, 2))
    return training.Samples(pictures, (means / means.std(0)).astype("float32"))


def recipe(architecture: str, epochs: int, precision: str = "float32") -> TrainSettings:
    """Settings of a training."""
    network = {"architecture": architecture, "filters": (16, 32, 64), "precision": precision}
    return TrainSettings(network=network, epochs=epochs, patience=epochs)


def build(settings: TrainSettings, data: training.Samples):
    """Network for these images."""
    return architectures.build(settings.network, data.images, data.targets, settings.seed)


class Turns:
    """Runs trainings in alternation, one epoch each, and clocks the epochs.

    The speed of a shared machine changes by a third within minutes; epochs a second apart see the same one.
    """

    def __init__(self, trainings: list[Callable[[Callable], None]]):
        self.trainings = trainings
        self.seconds = [[] for _ in trainings]
        self.floor = [threading.Semaphore(0) for _ in trainings]
        self.error = None

    def _next(self, player: int) -> None:
        self.seconds[player].append(time.perf_counter() - self.start)
        self._leave(player)
        self._enter(player)

    def _enter(self, player: int) -> None:
        self.floor[player].acquire()
        if self.error:
            raise RuntimeError("another training failed")
        self.start = time.perf_counter()

    def _leave(self, player: int) -> None:
        self.floor[(player + 1) % len(self.floor)].release()

    def _play(self, player: int) -> None:
        try:
            self._enter(player)
            self.trainings[player](lambda: self._next(player))
        except Exception as error:
            self.error = self.error or error
        finally:
            self._leave(player)

    def run(self) -> np.ndarray:
        """Seconds of every epoch, one row a training; all trainings end with the first that fails."""
        with ThreadPoolExecutor(len(self.trainings)) as pool:
            pool.map(self._play, range(len(self.trainings)))
            self.floor[0].release()
        if self.error:
            raise self.error
        return np.array(self.seconds)


class TurnCheckpoint(Checkpoint):
    """Passes the turn on once an epoch is saved."""

    def __init__(self, path: Path, turn: Callable):
        super().__init__(path, "benchmark")
        self.turn = turn

    def save(self, *state):
        super().save(*state)
        self.turn()


@contextmanager
def clocked(owner: type, method: str) -> Iterator[list[float]]:
    """Seconds of every call of a method."""
    plain, seconds = getattr(owner, method), []

    def timed(*arguments):
        start = time.perf_counter()
        found = plain(*arguments)
        seconds.append(time.perf_counter() - start)
        return found

    with patch.object(owner, method, timed):
        yield seconds


def compare(settings: TrainSettings, data, validation, folder: Path) -> tuple[np.ndarray, dict]:
    """Seconds of the epochs of `training.descend` and of `model.fit` on the arrays, and shares of the former."""
    ours, bare = build(settings, data), build(settings, data)

    def train(turn: Callable) -> None:
        checkpoint = TurnCheckpoint(folder / "checkpoint.npz", turn)
        training.descend(ours, [data], [validation], settings, checkpoint)
        checkpoint.remove()

    def fit(turn: Callable) -> None:
        bare.compile(training.make_optimizer(settings.optimizer), loss="mse", jit_compile=False)
        bare.fit(
            data.images,
            data.targets,
            batch_size=settings.batch_size,
            validation_data=(validation.images, validation.targets),
            epochs=settings.epochs,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: turn())],
            verbose=0,
        )

    with (
        clocked(training.Batches, "__getitem__") as cutting,
        clocked(Checkpoint, "save") as saving,
    ):
        seconds = Turns([train, fit]).run()
    shares = {
        "input_percent": 100 * sum(cutting) / seconds[0].sum(),
        "checkpoint_percent": 100 * sum(saving) / seconds[0].sum(),
    }
    return seconds[:, 1:], shares  # the first epoch compiles


def measure(architecture: str, options, folder: Path) -> dict:
    """The package beside bare Keras, median and quartiles of the epochs' ratios, and the package with 16 bits."""
    data, validation = samples(options.count, options.pixels, 1), samples(64, options.pixels, 2)
    seconds, shares = compare(recipe(architecture, options.epochs), data, validation, folder)
    ratios = np.quantile(seconds[0] / seconds[1], [0.5, 0.25, 0.75])
    found = {
        "epoch_seconds": float(np.median(seconds[0])),
        "times_bare": ratios[0],
        "times_bare_quartiles": list(ratios[1:]),
        "sves_per_second": options.count / float(np.median(seconds[0])),
        **shares,
    }
    if architecture == "cnn":
        found["bfloat16"] = sixteen_bits(architecture, data, validation, folder)
    return found


def sixteen_bits(architecture: str, data, validation, folder: Path) -> dict:
    """Time and loss of the same training with 16 and with 32 bits."""
    found = {}
    for precision in ("float32", "bfloat16"):
        settings = recipe(architecture, EPOCHS_OF_16_BITS, precision)
        checkpoint = Checkpoint(folder / "checkpoint.npz", precision)
        network = build(settings, data)
        history = training.descend(network, [data], [validation], settings, checkpoint)
        checkpoint.remove()
        found[precision] = {
            "epoch_seconds": min(row["seconds"] for row in history),
            "best_validation_loss": min(row["val_loss"] for row in history),
        }
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="*", default=list(ARCHITECTURES))
    parser.add_argument("--count", type=int, default=1000, help="SVEs of the training")
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=41, help="one more than are compared")
    parser.add_argument("--threads", default="1", help="of TensorFlow")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    # read when TensorFlow computes for the first time
    os.environ.update(TF_NUM_INTRAOP_THREADS=options.threads, TF_NUM_INTEROP_THREADS="1")
    standard_output, sys.stdout = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory() as folder:
        result = {name: measure(name, options, Path(folder)) for name in options.architectures}
    sys.stdout = standard_output
    if options.json:
        print(json.dumps({"training": result, "load_average": os.getloadavg()[0]}, indent=1))
        return
    for name, found in result.items():
        low, high = found["times_bare_quartiles"]
        print(
            f"{name:<9} {found['sves_per_second']:.0f} SVEs per second, {found['times_bare']:.3f} times the time of "
            f"bare Keras (quartiles {low:.3f} and {high:.3f}), input {found['input_percent']:.1f} %"
        )


if __name__ == "__main__":
    main()
