"""Training and inference: what the package adds to Keras, the input pipeline's share, 16 bits, SVEs per second.

Epochs of the package's training and of `model.fit` on the same arrays, in turn in one run. Images are drawn at random
grain by grain and labelled by the fit of the window means: their content does not change what a step costs.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from polysve import images, networks, training
from polysve.checkpoints import Checkpoint
from polysve.crystal import plane_stress
from polysve.labels import label_mesh
from polysve.meshing import mesh_tiling
from polysve.settings import HomogenizeSettings, MeshSettings, TessellateSettings, TrainSettings
from polysve.stiffness_head import StiffnessHead
from polysve.tessellation import draw_structure

ARCHITECTURES = ("cnn", "resnet", "densenet", "pyramid")
SILICON = plane_stress(165.64, 63.94, 79.51)
MODULI = SILICON.q66, (SILICON.q11 - SILICON.q12) / 2


def samples(count: int, pixels: int, seed: int) -> training.Samples:
    """Harmonic images of 8 × 8 square grains and normalized targets."""
    theta = np.random.default_rng(seed).uniform(0, np.pi / 2, (count, 8, 8))
    pictures = images.harmonics(theta.repeat(pixels // 8, 1).repeat(pixels // 8, 2))
    means = pictures.mean((1, 2))
    return training.Samples(pictures, (means / means.std(0)).astype("float32"))


def recipe(architecture: str, epochs: int, precision: str = "float32") -> TrainSettings:
    network = {"architecture": architecture, "filters": (16, 32, 64), "precision": precision}
    return TrainSettings(network=network, epochs=epochs, patience=epochs)


def build(settings: TrainSettings, data: training.Samples):
    return networks.build(settings.network, data.images, data.targets, settings.seed)


@contextmanager
def clocked(owner: type, method: str) -> Iterator[list[float]]:
    """Seconds of every call of a method."""
    plain, seconds = getattr(owner, method), []

    def timed(*arguments):
        start = time.perf_counter()
        found = plain(*arguments)
        seconds.append(time.perf_counter() - start)
        return found

    setattr(owner, method, timed)
    yield seconds
    setattr(owner, method, plain)


def package_epochs(settings: TrainSettings, data, validation, folder: Path) -> dict:
    """Seconds of an epoch of `training.descend`, and the shares of cutting batches and of writing checkpoints."""
    network = build(settings, data)
    checkpoint = Checkpoint(folder / "checkpoint.h5", "benchmark")
    with (
        clocked(training.Batches, "__getitem__") as cutting,
        clocked(Checkpoint, "save") as writing,
    ):
        start = time.perf_counter()
        history = training.descend(network, [data], [validation], settings, checkpoint)
        seconds = time.perf_counter() - start
    checkpoint.remove()
    return {
        # the first epoch compiles; the rest of the time is divided among the other epochs
        "epoch_seconds": (seconds - history[0]["seconds"]) / (len(history) - 1),
        "input_percent": 100 * sum(cutting) / seconds,
        "checkpoint_percent": 100 * sum(writing) / seconds,
        "best_validation_loss": min(row["val_loss"] for row in history),
    }


class Clock(keras.callbacks.Callback):
    """When each epoch ended."""

    def on_train_begin(self, logs=None):
        self.ends = []

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(time.perf_counter())


def bare_epochs(settings: TrainSettings, data, validation) -> float:
    """Seconds of an epoch of `model.fit` on the arrays."""
    network, clock = build(settings, data), Clock()
    network.compile(training.make_optimizer(settings.optimizer), loss="mse", jit_compile=False)
    network.fit(
        data.images,
        data.targets,
        batch_size=settings.batch_size,
        validation_data=(validation.images, validation.targets),
        epochs=settings.epochs,
        callbacks=[clock],
        verbose=0,
    )
    return (clock.ends[-1] - clock.ends[0]) / (settings.epochs - 1)


def measure_training(architecture: str, options, folder: Path) -> dict:
    """The package beside bare Keras, medians of some turns in alternation, and the package with 16 bits."""
    data, validation = samples(options.count, options.pixels, 1), samples(64, options.pixels, 2)
    settings = recipe(architecture, options.epochs)
    package, bare = [], []
    for _ in range(options.turns):
        package.append(package_epochs(settings, data, validation, folder))
        bare.append(bare_epochs(settings, data, validation))
    seconds = [found["epoch_seconds"] for found in package]
    found = {
        "epoch_seconds": median(seconds),
        "bare_epoch_seconds": median(bare),
        "times_bare": median(ours / theirs for ours, theirs in zip(seconds, bare, strict=True)),
        "input_percent": median(found["input_percent"] for found in package),
        "checkpoint_percent": median(found["checkpoint_percent"] for found in package),
        "sves_per_second": options.count / median(seconds),
        "best_validation_loss": min(found["best_validation_loss"] for found in package),
    }
    if architecture == "cnn":  # where 16 bits are emulated, the others take minutes
        settings = recipe(architecture, options.epochs, "bfloat16")
        found["bfloat16"] = package_epochs(settings, data, validation, folder)
    return found


def measure_inference(pixels: int, count: int) -> dict[str, float]:
    """Predicted SVEs per second, images ready, all networks."""
    data, found = samples(count, pixels, 3), {}
    for architecture in (*ARCHITECTURES, "spectral", "born"):
        head = StiffnessHead(SILICON.bulk, MODULI, geometric_mean=True)
        settings = recipe(architecture, 1).network
        network = networks.build(settings, data.images, data.targets, 1, head)
        networks.predict_targets(network, data.images)
        start = time.perf_counter()
        networks.predict_targets(network, data.images)
        found[architecture] = count / (time.perf_counter() - start)
    return found


def finite_elements_per_second(count: int) -> float:
    """Labels of ratio 4 per second on one core, all boundary conditions, drawing not counted."""
    settings = TessellateSettings(window_um=2.0, grain_size_um=0.5)
    drawn = [draw_structure(settings, "benchmark", index) for index in range(count + 1)]
    for number, structure in enumerate(drawn):
        if number == 1:  # the first one loads libraries
            start = time.perf_counter()
        mesh = mesh_tiling(structure.tiling, 2.0, 0.5, MeshSettings())
        label_mesh(mesh, structure.theta_rad, HomogenizeSettings())
    return count / (time.perf_counter() - start)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="*", default=list(ARCHITECTURES))
    parser.add_argument("--count", type=int, default=4000, help="SVEs of the training")
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    standard_output, sys.stdout = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "training": {
                name: measure_training(name, options, Path(folder))
                for name in options.architectures
            },
            "predicted_sves_per_second": measure_inference(options.pixels, 512),
            "labelled_sves_per_second_and_core": finite_elements_per_second(100),
            "load_average": os.getloadavg()[0],
        }
    sys.stdout = standard_output
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for name, found in result["training"].items():
        print(
            f"{name:<9} {found['epoch_seconds']:.2f} s an epoch, {found['times_bare']:.3f} times bare Keras, input "
            f"{found['input_percent']:.1f} %"
        )
    for name, rate in result["predicted_sves_per_second"].items():
        print(f"{name:<9} predicts {rate:.0f} SVEs per second")
    print(
        f"finite elements label {result['labelled_sves_per_second_and_core']:.0f} per second and core"
    )


if __name__ == "__main__":
    main()
