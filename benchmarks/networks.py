"""Learning curves of networks and baselines on one inputs.h5, and how fast they predict.

Every method learns from the first rows of the training split and is judged on the whole test split of each ensemble.
Baselines: the mean; the quadratic polynomial in window means (6 parameters); 2-point statistics of the harmonic images.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from matplotlib.figure import Figure

from polysve.figures.style import panels, save, style
from polysve.learning import baselines, metrics, training
from polysve.learning.two_point_statistics import TwoPointFit, two_point_statistics
from polysve.networks import physical
from polysve.settings.experiment import TrainSettings

LINEAR = ("spectral", "born")
COMPONENTS = ("c11", "c66", "c16")


class MeanOnly:
    """Predicts the mean of what it was trained on."""

    def __init__(self, part):
        self.mean = part["targets"].mean(0)

    def predict(self, part) -> np.ndarray:
        return np.tile(self.mean, (len(part["targets"]), 1))


class WindowMeans:
    """The 6-parameter fit."""

    def __init__(self, part):
        self.fit = baselines.quadratic_fit(part["window_means"], part["targets"])

    def predict(self, part) -> np.ndarray:
        return self.fit.predict(part["window_means"])


class TwoPointStatistics:
    """2-point statistics, principal components and polynomial regression."""

    def __init__(self, part):
        self.fit = TwoPointFit(two_point_statistics(part["images"]), part["targets"])

    def predict(self, part) -> np.ndarray:
        return self.fit.predict(two_point_statistics(part["images"]))


class Network:
    """A network trained through the package, the last tenth of its rows for validation."""

    def __init__(self, part, settings: TrainSettings, attributes: dict):
        cut = max(1, len(part["targets"]) // 10)
        split = [
            training.Samples(part["images"][rows], part["targets"][rows])
            for rows in (slice(None, -cut), slice(-cut, None))
        ]
        inputs = training.Inputs([split[0]], [split[1]], **attributes)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint.npz"
            self.model, _, _ = training.train(inputs, settings, path)

    def predict(self, part) -> np.ndarray:
        return physical.predict_targets(self.model, part["images"])


def read(path: Path, largest: int) -> tuple[dict, dict, dict]:
    """Training rows of the first ensemble, test rows of all, and what the networks need to know."""
    tests, attributes = {}, {}
    with h5py.File(path) as file:
        learned = json.loads(file.attrs["train_ensembles"])[0]
        for name, group in file.items():
            keys = ("images", "targets", "window_means", "young_modulus")
            split = group["split"][:]
            rows = np.flatnonzero(split == 2)
            tests[name] = {key: group[key][:][rows] for key in keys}
            tests[name]["ratio"] = group.attrs["window_um"] / group.attrs["grain_size_um"]
            if name == learned:
                rows = np.flatnonzero(split < 2)[:largest]
                train = {key: group[key][:][rows] for key in keys}
    tests = dict(sorted(tests.items(), key=lambda test: test[1]["ratio"]))
    inputs = training.read_inputs(path)
    attributes = {
        "target": inputs.target,
        "boundary_condition": inputs.boundary_condition,
        "material": inputs.material,
    }
    return train, tests, attributes


def judge(method, tests: dict, head) -> dict:
    """Measures of Ē and of each component on every ensemble, images per second."""
    result = {}
    for name, part in tests.items():
        start = time.perf_counter()
        predicted = np.asarray(method.predict(part), float)
        seconds = time.perf_counter() - start
        true, young = part["young_modulus"], head.young_modulus(predicted)
        result[name] = metrics.summary(true, young, part["ratio"])
        result[name] |= {
            f"r2_{component}": metrics.r2(part["targets"][:, k], predicted[:, k])
            for k, component in enumerate(COMPONENTS)
        }
        result[name]["r2_interval_95"] = metrics.bootstrap_interval(
            metrics.r2, true, young, samples=500
        )
        result[name]["rmse_gpa"] = metrics.rmse(true, young)
        result[name]["images_per_second"] = len(true) / seconds
    return result


def measure(path: Path, counts: list[int], architectures: list[str], recipe: dict) -> dict:
    """All methods at all sizes of the training set."""
    train, tests, attributes = read(path, max(counts))
    head = training.Inputs([], [], **attributes).head()
    makers = {
        "mean": MeanOnly,
        "six-parameter fit": WindowMeans,
        "2-point statistics": TwoPointStatistics,
    }
    for name in architectures:
        network = {**recipe, "network": {**recipe.get("network", {}), "architecture": name}}
        settings = TrainSettings.model_validate(network)
        makers[name] = lambda part, settings=settings: Network(part, settings, attributes)
    curves = {name: {} for name in makers}
    for count in [n for n in counts if n <= len(train["targets"])]:
        part = {key: values[:count] for key, values in train.items()}
        for name, make in makers.items():
            start = time.perf_counter()
            method = make(part)
            seconds = time.perf_counter() - start
            curves[name][str(count)] = {
                "train_seconds": seconds,
                "ensembles": judge(method, tests, head),
            }
        baseline = curves["six-parameter fit"][str(count)]["ensembles"]
        for name in makers:
            for ensemble, row in curves[name][str(count)]["ensembles"].items():
                row["rmse_share"] = row["rmse_gpa"] / baseline[ensemble]["rmse_gpa"]
    return curves


def learning_curves(curves: dict) -> Figure:
    """Share of the variance that is missed against the number of SVEs, one panel for each ensemble."""
    names = list(next(iter(next(iter(curves.values())).values()))["ensembles"])
    figure, axes = panels(1, len(names), 1.3, sharey=True)
    markers = iter("ox+sd^v<>")
    for method, curve in curves.items():
        marker = next(markers)
        for axis, name in zip(axes, names, strict=True):
            missed = [1 - found["ensembles"][name]["r2"] for found in curve.values()]
            axis.loglog([int(count) for count in curve], missed, marker=marker, label=method)
    for axis, name in zip(axes, names, strict=True):
        axis.set(title=name, xlabel="training SVEs")
    axes[0].set_ylabel("1 − R² of Ē")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", type=Path, help="inputs.h5 of harmonic images and stiffness")
    parser.add_argument("--counts", type=int, nargs="+", default=[50, 200, 1000, 4000, 10000])
    parser.add_argument("--architectures", nargs="*", default=list(LINEAR))
    parser.add_argument("--recipe", type=json.loads, default={}, help="train settings as JSON")
    parser.add_argument("--figure", type=Path, help="learning curves to draw (.svg)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    standard_output, sys.stdout = sys.stdout, sys.stderr
    curves = measure(options.inputs, options.counts, options.architectures, options.recipe)
    sys.stdout = standard_output
    if options.figure:
        with style():
            save(learning_curves(curves), options.figure)
    if options.json:
        json.dump(curves, sys.stdout, indent=1)
        return
    for name, curve in curves.items():
        for count, found in curve.items():
            for ensemble, row in found["ensembles"].items():
                print(
                    f"{name:<18} {count:>6} SVEs  {ensemble:<10} R2 {row['r2']:.6f}  "
                    f"SDAPE {row['sdape_percent']:.3f} %  bias {row['bias_percent']:+.4f} %  "
                    f"RMSE share {row['rmse_share']:.4f}"
                )


if __name__ == "__main__":
    main()
