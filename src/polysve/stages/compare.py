"""The metrics of all experiments side by side, with baselines and the published study."""

import csv
import json
from pathlib import Path

import numpy as np

from polysve.base.files import atomic_path
from polysve.data.records import RECORD_SUFFIX, read_record, write_record

PUBLISHED_SDAPE_PERCENT = {
    "published study: augmented": {4: 48.7, 10: 25.8},
    "published study: original": {4: 8.8, 10: 16.0},
    "published study: more originals": {4: 2.4, 10: 5.7},
}
"""Error of the predicted standard deviation at training ratio 4 and test ratio 10, as the study prints it."""

NETWORK, PUBLISHED = "network", "published study"


def run(output: Path, metrics_files: list[Path]) -> None:
    """Write the whole comparison.

    Parameters
    ----------
    output : Path
        CSV file to write: one row for each experiment, method and ensemble. Experiments stand best first, that is by
        their mean R² over the ensembles; each is followed by its baselines, all by the mean and the spread over seeds
        of those that have several, and by the published study.
    metrics_files : list of Path
        Each experiment's ``metrics.json``.
    """
    for file in metrics_files:
        read_record(file)
    studies = [json.loads(Path(file).read_text()) for file in metrics_files]
    studies.sort(key=mean_r2, reverse=True)
    rows = [row for metrics in studies for row in _rows(metrics)]
    _write(output, rows + _seed_rows(studies) + _published_rows())
    write_record(output.with_suffix(RECORD_SUFFIX), "compare", "{}", [output], metrics_files)


def mean_r2(metrics: dict) -> float:
    """Mean R² of an experiment over its ensembles: what experiments are ranked by."""
    return float(np.mean([values["r2"] for values in metrics["ensembles"].values()]))


def _rows(metrics: dict) -> list[dict]:
    """One row for each method and ensemble of one experiment."""
    cost = {key: metrics[key] for key in ("n_parameters", "train_seconds")}
    rows = []
    for name, values in metrics["ensembles"].items():
        share = {f"rmse_share_{kind}": value for kind, value in metrics["rmse_share"][name].items()}
        rows.append(
            {"experiment": metrics["experiment"], "method": NETWORK, "ensemble": name}
            | values
            | share
            | cost
        )
    for method, ensembles in metrics["baselines"].items():
        rows += [
            {"experiment": metrics["experiment"], "method": method, "ensemble": name} | values
            for name, values in ensembles.items()
        ]
    return rows


def _seed_rows(studies: list[dict]) -> list[dict]:
    """Mean and standard deviation over the seeds of each recipe that has several."""
    rows = []
    for name, group in recipes(studies).items():
        if len(group) == 1:
            continue
        for ensemble, values in group[0]["ensembles"].items():
            table = [[metrics["ensembles"][ensemble][key] for key in values] for metrics in group]
            for method, number in (
                ("mean over seeds", np.mean(table, axis=0)),
                ("spread over seeds", np.std(table, axis=0, ddof=1)),
            ):
                entry = dict(zip(values, number.tolist(), strict=True))
                rows.append({"experiment": name, "method": method, "ensemble": ensemble} | entry)
    return rows


def _published_rows() -> list[dict]:
    return [
        {"experiment": name, "method": PUBLISHED, "ratio": float(ratio), "sdape_percent": sdape}
        for name, figures in PUBLISHED_SDAPE_PERCENT.items()
        for ratio, sdape in figures.items()
    ]


def recipes(studies: list[dict]) -> dict[str, list[dict]]:
    """Experiments by recipe: ``name_1`` to ``name_k`` of equal size are one with k seeds, as the settings name them.

    Examples
    --------
    >>> named = [
    ...     {"experiment": name, "n_parameters": 7} for name in ("b", "a_2", "a_1", "c_2", "c_3")
    ... ]
    >>> {name: len(group) for name, group in recipes(named).items()}
    {'b': 1, 'a': 2, 'c_2': 1, 'c_3': 1}
    """
    groups = {}
    for metrics in studies:
        name, _, number = metrics["experiment"].rpartition("_")
        groups.setdefault(name if number.isdecimal() else metrics["experiment"], []).append(metrics)
    found = {}
    for name, group in groups.items():
        wanted = {f"{name}_{seed}" for seed in range(1, len(group) + 1)}
        same_size = len({metrics["n_parameters"] for metrics in group}) == 1
        if len(group) > 1 and same_size and wanted == {each["experiment"] for each in group}:
            found[name] = group
        else:
            found |= {metrics["experiment"]: [metrics] for metrics in group}
    return found


def _write(path: Path, rows: list[dict]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with atomic_path(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
