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
from polysve.data.ensemble import stored_crystals
from polysve.data.inputs import Split, open_inputs
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.figures import ensembles, experiments, style
from polysve.learning import baselines, metrics, model_card, training
from polysve.learning.encoding import decode
from polysve.learning.two_point_statistics import TwoPointFit, two_point_statistics
from polysve.networks import physical
from polysve.settings.experiment import EvaluateSettings

SPLITS = ("training", "validation", "test")
CHUNK = 512
WORST = 5
COMPONENTS = ("c11", "c66", "c16")


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

    def coverage(self, half_width_gpa: float) -> float:
        """Share of the SVEs whose true Ē lies within a distance of the predicted one."""
        return float(np.mean(np.abs(self.predicted - self.true) <= half_width_gpa))


def run(
    inputs_path: Path,
    model_path: Path,
    history_path: Path,
    output_dir: Path,
    settings: EvaluateSettings,
) -> None:
    """Judge one network.

    Parameters
    ----------
    inputs_path, model_path, history_path : Path
        inputs.h5, model.keras and history.csv of one experiment.
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
    half_width_gpa = model_card.read_card(model_path).half_width_gpa(0.9)
    diagnosis = metrics.diagnose(history)
    try:
        with open_inputs(inputs_path) as inputs:
            shown = inputs.attrs["encoding"]
            crystal = upright(stored_crystals(inputs.attrs)[0].stiffness_gpa)
            judged = {name: _judge(model, group, name) for name, group in inputs.items()}
            judged = dict(sorted(judged.items(), key=lambda item: (item[1].ratio, item[0])))
            learned = _joined([each.part(Split.TRAINING) for each in judged.values()])
            fit = baselines.SixParameterFit(learned["window_means"], learned["true"])
            tested = {name: each.part(Split.TEST) for name, each in judged.items()}
            worst = {name: _worst(inputs[name], each, shown) for name, each in tested.items()}
    except OSError as error:
        raise InputError(f"{inputs_path}: damaged ({error})") from error
    results = {
        "experiment": output_dir.resolve().name,
        "n_parameters": model.count_params(),
        "train_seconds": float(history["seconds"].sum()),
        "ensembles": {
            name: _summary(each) | {"coverage_90": each.coverage(half_width_gpa)}
            for name, each in tested.items()
        },
        **_more_metrics(judged, learned, settings),
        "diagnosis": diagnosis,
    }
    with atomic_folder(output_dir) as unfinished:
        (unfinished / "predictions").mkdir()
        for name, each in judged.items():
            _write_predictions(unfinished / "predictions" / f"{name}.csv", each, fit)
        (unfinished / "figures").mkdir()
        with style.style(settings.figure_size):
            drawn = _draw(tested, fit, worst, history, diagnosis, crystal)
            for name, figure in track(drawn, "figures", 3 + 3 * len(tested)):
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
    total = len(group["images"])
    outputs, two_point = [], []
    for start in track(range(0, total, CHUNK), f"predictions of {name}", total, CHUNK):
        chosen = rows[(rows >= start) & (rows < start + CHUNK)] - start
        if len(chosen):
            pictures = group["images"][start : start + CHUNK][chosen]
            outputs.append(physical.predict_targets(model, pictures))
            two_point.append(two_point_statistics(pictures))
    predicted_targets = np.concatenate(outputs).astype(float)
    columns = ("index", "split", "window_means", "squared_areas", "targets")
    window_um = float(group.attrs["window_um"])
    return Judged(
        window_um=window_um,
        ratio=window_um / float(group.attrs["grain_size_um"]),
        rows=rows,
        **{column: group[column][:][rows] for column in columns},
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


def _more_metrics(
    judged: dict[str, Judged], learned: dict[str, np.ndarray], settings: EvaluateSettings
) -> dict:
    """What metrics.json holds beside its fixed part: other splits, baselines, bootstrap intervals."""
    more = {}
    for number, split in enumerate(SPLITS[:2]):
        parts = {name: each.part(number) for name, each in judged.items()}
        more[split] = {name: _summary(part) for name, part in parts.items() if len(part.rows)}
    six = baselines.SixParameterFit(learned["window_means"], learned["true"])
    six_of_targets = baselines.SixParameterFit(learned["window_means"], learned["targets"])
    two_point = TwoPointFit(learned["two_point"], learned["true"])
    more |= {
        "baselines": {"mean": {}, "six_parameter_fit": {}, "two_point_statistics": {}},
        "rmse_share": {},
        "intervals_95": {},
    }
    for name, each in judged.items():
        part = each.part(Split.TEST)
        predicted = {
            "mean": np.full(len(part.true), learned["true"].mean()),
            "six_parameter_fit": six.predict(part.window_means),
            "two_point_statistics": two_point.predict(part.two_point),
        }
        for kind, values in predicted.items():
            more["baselines"][kind][name] = metrics.summary(part.true, values, part.ratio)
        shares = {"young_modulus": (part.true, part.predicted, predicted["six_parameter_fit"])}
        if part.targets.shape[1] == len(COMPONENTS):
            triples = zip(
                part.targets.T,
                part.predicted_targets.T,
                six_of_targets.predict(part.window_means).T,
                strict=True,
            )
            shares |= dict(zip(COMPONENTS, triples, strict=True))
        more["rmse_share"][name] = {kind: _rmse_share(*columns) for kind, columns in shares.items()}
        measured = {
            measure: (getattr(metrics, measure), (part.true, part.predicted))
            for measure in ("r2", "mape_percent", "bias_percent", "sdape_percent")
        }
        measured |= {f"rmse_share_{kind}": (_rmse_share, shares[kind]) for kind in shares}
        more["intervals_95"][name] = {
            kind: metrics.bootstrap_interval(measure, *columns, samples=settings.bootstrap_samples)
            for kind, (measure, columns) in measured.items()
        }
    return more


def _rmse_share(true: np.ndarray, predicted: np.ndarray, baseline: np.ndarray) -> float:
    """Root mean square error of the network over that of the 6-parameter fit."""
    return metrics.rmse(true, predicted) / metrics.rmse(true, baseline)


def _write_predictions(path: Path, judged: Judged, fit: baselines.SixParameterFit) -> None:
    """One row per SVE, GPa."""
    components = COMPONENTS if judged.targets.shape[1] == len(COMPONENTS) else ()
    header = ["index", "split", "young_modulus_gpa", "predicted_gpa", "six_parameter_fit_gpa"]
    header += [f"{c}_gpa" for c in components] + [f"predicted_{c}_gpa" for c in components]
    numbers = [judged.true, judged.predicted, fit.predict(judged.window_means)]
    if components:
        numbers += [*judged.targets.T, *judged.predicted_targets.T]
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for index, split, *values in zip(judged.index, judged.split, *numbers, strict=True):
            writer.writerow([index, SPLITS[split], *(f"{value:.6f}" for value in values)])


def _worst(group: h5py.Group, part: Judged, shown: str) -> tuple[list[np.ndarray], list[str]]:
    """θ images and captions of the SVEs with the largest errors."""
    worst = np.argsort(-np.abs(part.predicted - part.true))[:WORST]
    pictures = [decode(group["images"][part.rows[row]], shown) for row in worst]
    captions = [
        f"SVE {part.index[row]}\nĒ {part.true[row]:.2f} GPa\nnetwork {part.predicted[row]:.2f}"
        for row in worst
    ]
    return pictures, captions


def _draw(tested, fit, worst, history, diagnosis, crystal):
    """Yield names and figures; see the captions in workflow/report."""
    yield "loss", experiments.loss_curves(history, diagnosis)
    yield (
        "distributions",
        experiments.distributions(
            {name: (part.true, part.predicted) for name, part in tested.items()}
        ),
    )
    parts = tested.values()
    yield (
        "size_effect",
        ensembles.size_effect(
            np.array([part.ratio for part in parts]),
            {
                "finite elements": [part.true for part in parts],
                "network": [part.predicted for part in parts],
            },
            float(np.mean([part.ratio**2 * part.squared_areas.mean() for part in parts])),
            crystal,
        ),
    )
    for name, part in tested.items():
        title = f"{name}, {len(part.rows)} SVEs, L/s = {part.ratio:g}"
        baseline = fit.predict(part.window_means)
        yield f"parity_{name}", experiments.parity(part.true, part.predicted, baseline, title)
        predictors = {
            "Ē, finite elements (GPa)": part.true,
            "window mean of cos 4θ": part.window_means[:, 0],
            "window mean of sin 4θ": part.window_means[:, 1],
            "effective number of grains, 1/Σa²": 1 / part.squared_areas,
        }
        yield f"residuals_{name}", experiments.residuals(part.predicted - part.true, predictors)
        yield f"worst_{name}", ensembles.worst_gallery(*worst[name], part.window_um)
