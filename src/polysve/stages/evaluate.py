"""Trained network to metrics, predictions and figures."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import atomic_folder
from polysve.base.progress import track
from polysve.crystals.square import upright
from polysve.crystals.stiffness import exp_stiffness, young_modulus
from polysve.data.ensemble import Ensemble, stored_crystals
from polysve.data.inputs import Split, open_inputs
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.figures import ensembles, experiments, style
from polysve.learning import baselines, metrics, model_card, training
from polysve.learning.coordinates import second_order as second_order_of
from polysve.learning.encoding import CHANNELS, decode
from polysve.learning.two_point_statistics import TwoPointFit, two_point_statistics
from polysve.networks import physical
from polysve.settings.experiment import EvaluateSettings
from polysve.surrogate.training_free import Series

SPLITS = ("training", "validation", "test", "calibration")
CHUNK = 512
WORST = 5
COMPONENTS = {
    1: (),
    3: ("c11", "c66", "c16"),
    6: ("c11", "c22", "c66", "c12", "c16", "c26"),
}
"""Names of the targets, by their number; none where there is Ē alone."""
NOMINAL = (0.05, *(round(0.1 * tenth, 1) for tenth in range(1, 10)), 0.95, 0.99)
"""Coverages that intervals are drawn for."""


@dataclass(frozen=True)
class Judged:
    """Truth and predictions of the SVEs of one ensemble, without augmented copies; Ē and stiffness in GPa."""

    window_um: float
    ratio: float
    rows: np.ndarray
    """Where the SVEs stand in inputs.h5, shape (n,)."""
    index: np.ndarray
    split: np.ndarray
    window_means: np.ndarray
    squared_areas: np.ndarray
    log_mean_modulus: np.ndarray
    """Ē of the exponential of the mean of log Q, GPa."""
    log_spread: np.ndarray
    second_order: np.ndarray
    """Ē to second order in the contrast, without training, GPa; the log-mean's where images do not show log Q."""
    two_point: np.ndarray
    """2-point statistics of the images, shape (n, features)."""
    targets: np.ndarray
    predicted_targets: np.ndarray
    true: np.ndarray
    predicted: np.ndarray

    def part(self, split: int) -> "Judged":
        """The SVEs of one split."""
        chosen = self.split == split
        arrays = {k: v[chosen] for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        return Judged(self.window_um, self.ratio, **arrays)

    def coverage(self, card: model_card.ModelCard, nominal: float) -> float:
        """Share of the SVEs whose true Ē lies in their intervals."""
        facts = model_card.Facts(self.log_mean_modulus, self.log_spread, 1 / self.squared_areas)
        half_widths = card.half_width_gpa(nominal, facts, self.predicted)
        return float(np.mean(np.abs(self.predicted - self.true) <= half_widths))


def run(
    inputs_path: Path,
    model_path: Path,
    history_path: Path,
    ensembles: dict[str, Path],
    output_dir: Path,
    settings: EvaluateSettings,
) -> None:
    """Judge one network.

    Parameters
    ----------
    inputs_path, model_path, history_path : Path
        inputs.h5, model.keras and history.csv of one experiment.
    ensembles : dict of str to Path
        Ensemble files by name, those of inputs.h5: the training-free series answers for their films.
    output_dir : Path
        Folder to write ``metrics.json``, ``predictions/{ensemble}.csv`` and ``figures/`` into. Its name
        is that of the experiment.
    settings : EvaluateSettings

    Raises
    ------
    InputError
        A file is damaged, or the network does not read these images.
    """
    model, history = physical.load(model_path), training.read_history(history_path)
    card = model_card.read_card(model_path)
    diagnosis = metrics.diagnose(history)
    try:
        with open_inputs(inputs_path) as inputs:
            shown, condition = inputs.attrs["encoding"], inputs.attrs["boundary_condition"]
            crystal = None
            if shown != "log_stiffness":
                crystal = upright(stored_crystals(inputs.attrs)[0].stiffness_gpa)
            judged = {name: _judge(model, group, name) for name, group in inputs.items()}
            judged = dict(sorted(judged.items(), key=lambda item: (item[1].ratio, item[0])))
            learned = _joined([each.part(Split.TRAINING) for each in judged.values()])
            fit = baselines.QuadraticFit(
                learned["window_means"], learned["true"], learned["targets"]
            )
            tested = {name: each.part(Split.TEST) for name, each in judged.items()}
            worst = {name: _worst(inputs[name], each, shown) for name, each in tested.items()}
    except OSError as error:
        raise InputError(f"{inputs_path}: damaged ({error})") from error
    series = {
        name: _series(Ensemble(ensembles[name]), part.index, condition)
        for name, part in tested.items()
    }
    coverage = {"nominal": NOMINAL} | {
        name: [each.coverage(card, nominal) for nominal in NOMINAL] for name, each in tested.items()
    }
    results = {
        "experiment": output_dir.resolve().name,
        "n_parameters": model.count_params(),
        "n_training": len(learned["true"]),
        "train_seconds": float(history["seconds"].sum()),
        "ensembles": {
            name: _summary(each) | {"coverage_90": each.coverage(card, 0.9)}
            for name, each in tested.items()
        },
        **_other_splits(judged),
        **_compared(tested, _baselines(tested, learned, fit) | {"series": series}, fit, settings),
        "coverage": coverage,
        "diagnosis": diagnosis,
        "scope": card.scope(),
    }
    with atomic_folder(output_dir) as unfinished:
        (unfinished / "predictions").mkdir()
        for name, each in judged.items():
            _write_predictions(unfinished / "predictions" / f"{name}.csv", each, fit)
        (unfinished / "figures").mkdir()
        with style.style(settings.figure_size):
            drawn = _draw(tested, fit, worst, history, diagnosis, crystal, coverage)
            for name, figure in track(drawn, "figures", 4 + 3 * len(tested)):
                style.save(figure, unfinished / "figures" / f"{name}.svg")
        (unfinished / "metrics.json").write_text(json.dumps(results, indent=1) + "\n")
    made = [output_dir / "metrics.json"]
    made += [each for part in ("predictions", "figures") for each in (output_dir / part).iterdir()]
    record = output_dir / f"evaluate{RECORD_SUFFIX}"
    write_record(record, "evaluate", settings.canonical_json(), made, [model_path])
    print(f"{diagnosis['verdict']}: {'; '.join(diagnosis['symptoms'])}")
    for remedy in diagnosis["remedies"]:
        print(f"  remedy: {remedy}")


def _judge(model, group: h5py.Group, name: str) -> Judged:
    """Predict one ensemble, some images at a time."""
    rows = np.flatnonzero(group["symmetry"][:] == 0)
    total, of_log = len(group["images"]), group["images"].shape[-1] == CHANNELS["log_stiffness"]
    outputs, second_order, two_point = [], [], []
    for start in track(range(0, total, CHUNK), f"predictions of {name}", total, CHUNK):
        chosen = rows[(rows >= start) & (rows < start + CHUNK)] - start
        if len(chosen):
            pictures = group["images"][start : start + CHUNK][chosen]
            outputs.append(physical.predict_targets(model, pictures))
            two_point.append(two_point_statistics(pictures))
            if of_log:
                logs = second_order_of(pictures)
                second_order.append(young_modulus(exp_stiffness(logs)))
    predicted_targets = np.concatenate(outputs).astype(float)
    columns = ("index", "split", "window_means", "squared_areas", "targets")
    columns += ("log_mean_modulus", "log_spread")
    window_um = float(group.attrs["window_um"])
    return Judged(
        window_um=window_um,
        ratio=window_um / float(group.attrs["grain_size_um"]),
        rows=rows,
        **{column: group[column][:][rows] for column in columns},
        second_order=np.concatenate(second_order) if of_log else group["log_mean_modulus"][:][rows],
        two_point=np.concatenate(two_point),
        predicted_targets=predicted_targets,
        true=group["young_modulus"][:][rows],
        predicted=physical.young_modulus(model, predicted_targets),
    )


def _joined(parts: list[Judged]) -> dict[str, np.ndarray]:
    """What the baselines learn from: the training SVEs of all ensembles."""
    columns = ("window_means", "two_point", "true", "targets")
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}


def _summary(part: Judged) -> dict:
    return metrics.summary(part.true, part.predicted, part.ratio)


def _other_splits(judged: dict[str, Judged]) -> dict:
    """What metrics.json holds of training and validation."""
    found = {}
    for number, split in enumerate(SPLITS[:2]):
        parts = {name: each.part(number) for name, each in judged.items()}
        found[split] = {name: _summary(part) for name, part in parts.items() if len(part.rows)}
    return found


def _baselines(
    tested: dict[str, Judged], learned: dict[str, np.ndarray], fit: baselines.QuadraticFit
) -> dict[str, dict[str, np.ndarray]]:
    """Ē of the simple predictors on each ensemble, by method."""
    two_point = TwoPointFit(learned["two_point"], learned["true"])
    methods = {
        "mean": lambda part: np.full(len(part.true), learned["true"].mean()),
        "log_mean": lambda part: part.log_mean_modulus,
        "quadratic_fit": lambda part: fit.young_modulus(part.window_means),
        "two_point_statistics": lambda part: two_point.predict(part.two_point),
    }
    if learned["window_means"].shape[1] == CHANNELS["log_stiffness"]:
        methods["second_order"] = lambda part: part.second_order
    return {
        method: {name: predict(part) for name, part in tested.items()}
        for method, predict in methods.items()
    }


def _series(ensemble: Ensemble, index: np.ndarray, boundary_condition: str) -> np.ndarray:
    """Ē of some SVEs by the series that needs no training, GPa."""
    films = (ensemble.film(ensemble.row(each)) for each in index)
    return Series(boundary_condition=boundary_condition).predict(films).young_modulus_gpa


def _compared(
    tested: dict[str, Judged],
    predicted: dict[str, dict[str, np.ndarray]],
    fit: baselines.QuadraticFit,
    settings: EvaluateSettings,
) -> dict:
    """What metrics.json holds of the baselines, of errors relative to the quadratic fit, and of bootstrap intervals."""
    found = {
        "baselines": {
            method: {
                name: metrics.summary(tested[name].true, values, tested[name].ratio)
                for name, values in by_ensemble.items()
            }
            for method, by_ensemble in predicted.items()
        },
        "rmse_share": {},
        "intervals_95": {},
    }
    for name, part in tested.items():
        shares = _shares(part, predicted["quadratic_fit"][name], fit)
        found["rmse_share"][name] = {
            kind: _rmse_share(*columns) for kind, columns in shares.items()
        }
        found["intervals_95"][name] = _intervals(part, shares, settings.bootstrap_samples)
    return found


def _shares(part: Judged, fitted: np.ndarray, fit: baselines.QuadraticFit) -> dict:
    """Truth, prediction and quadratic fit of Ē and of each component of C̄."""
    found = {"young_modulus": (part.true, part.predicted, fitted)}
    columns = part.targets.T, part.predicted_targets.T, fit.targets(part.window_means).T
    names = COMPONENTS[part.targets.shape[1]]
    return found | dict(zip(names, zip(*columns, strict=True), strict=False))


def _intervals(part: Judged, shares: dict, samples: int) -> dict:
    """Bootstrap intervals of the measures of one ensemble."""
    measured = {
        measure: (getattr(metrics, measure), (part.true, part.predicted))
        for measure in ("r2", "mape_percent", "bias_percent", "sdape_percent")
    }
    measured |= {f"rmse_share_{kind}": (_rmse_share, columns) for kind, columns in shares.items()}
    return {
        kind: metrics.bootstrap_interval(measure, *columns, samples=samples)
        for kind, (measure, columns) in measured.items()
    }


def _rmse_share(true: np.ndarray, predicted: np.ndarray, baseline: np.ndarray) -> float:
    """Root mean square error of the network over that of the quadratic fit."""
    return metrics.rmse(true, predicted) / metrics.rmse(true, baseline)


def _write_predictions(path: Path, judged: Judged, fit: baselines.QuadraticFit) -> None:
    """One row per SVE, GPa."""
    components = COMPONENTS[judged.targets.shape[1]]
    header = ["index", "split", "young_modulus_gpa", "predicted_gpa", "quadratic_fit_gpa"]
    header += [f"{c}_gpa" for c in components] + [f"predicted_{c}_gpa" for c in components]
    numbers = [judged.true, judged.predicted, fit.young_modulus(judged.window_means)]
    if components:
        numbers += [*judged.targets.T, *judged.predicted_targets.T]
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for index, split, *values in zip(judged.index, judged.split, *numbers, strict=True):
            writer.writerow([index, SPLITS[split], *(f"{value:.6f}" for value in values)])


def _worst(group: h5py.Group, part: Judged, shown: str) -> tuple[list[np.ndarray], list[str]]:
    """Images of θ, or of the pixels' modulus along x1, and captions of the SVEs with the largest errors."""
    worst = np.argsort(-np.abs(part.predicted - part.true))[:WORST]
    images = [group["images"][part.rows[row]] for row in worst]
    if shown == "log_stiffness":
        pictures = [young_modulus(exp_stiffness(image)) for image in images]
    else:
        pictures = [decode(image, shown) for image in images]
    captions = [
        f"SVE {part.index[row]}\nĒ {part.true[row]:.2f} GPa\nnetwork {part.predicted[row]:.2f}"
        for row in worst
    ]
    return pictures, captions


def _size_effect(parts: list[Judged], crystal):
    """Mean and scatter of Ē over the ratio, with the theory of square symmetry."""
    samples = {
        "finite elements": [part.true for part in parts],
        "network": [part.predicted for part in parts],
    }
    spread_factor = np.mean([part.ratio**2 * part.squared_areas.mean() for part in parts])
    ratios = np.array([part.ratio for part in parts])
    return ensembles.size_effect(ratios, samples, float(spread_factor), crystal)


def _draw(tested, fit, worst, history, diagnosis, crystal, coverage):
    """Yield names and figures; `polysve.figures.report` has their captions."""
    yield "loss", experiments.loss_curves(history, diagnosis)
    yield (
        "distributions",
        experiments.distributions(
            {name: (part.true, part.predicted) for name, part in tested.items()}
        ),
    )
    yield "coverage", experiments.coverage(coverage)
    if crystal is not None:
        yield "size_effect", _size_effect(list(tested.values()), crystal)
    for name, part in tested.items():
        title = f"{name}, {len(part.rows)} SVEs, L/s = {part.ratio:g}"
        baseline = fit.young_modulus(part.window_means)
        yield f"parity_{name}", experiments.parity(part.true, part.predicted, baseline, title)
        predictors = {
            "Ē, finite elements (GPa)": part.true,
            "Ē of the mean of log Q (GPa)": part.log_mean_modulus,
            "spread of log Q": part.log_spread,
            "effective number of grains, 1/Σa²": 1 / part.squared_areas,
        }
        yield f"residuals_{name}", experiments.residuals(part.predicted - part.true, predictors)
        yield (
            f"worst_{name}",
            ensembles.worst_gallery(*worst[name], part.window_um, of_angles=crystal is not None),
        )
