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


def summary_path(output: Path) -> Path:
    """Where the table that opens the report lies: beside the whole comparison.

    Examples
    --------
    >>> print(summary_path(Path("results/comparison.csv")))
    results/comparison_summary.csv
    """
    return output.with_stem(f"{output.stem}_summary")


def run(output: Path, metrics_files: list[Path]) -> None:
    """Write the whole comparison, and the one-screen table that opens the report.

    Parameters
    ----------
    output : Path
        CSV file to write: one row for each experiment, method and ensemble. Experiments stand best first, that is by
        their mean R² over the ensembles; each is followed by its baselines, all by the mean and the spread over seeds
        of those that have several, and by the published study. A second file, `summary_path`, has one row for each
        network and published result.
    metrics_files : list of Path
        Each experiment's ``metrics.json``.
    """
    for file in metrics_files:
        read_record(file)
    studies = [json.loads(Path(file).read_text()) for file in metrics_files]
    studies.sort(key=_mean_r2, reverse=True)
    rows = [row for metrics in studies for row in _rows(metrics)]
    _write(output, rows + _seed_rows(studies) + _published_rows())
    _write(summary_path(output), _summary(studies))
    outputs = [output, summary_path(output)]
    write_record(output.with_suffix(RECORD_SUFFIX), "compare", "{}", outputs, metrics_files)


def _mean_r2(metrics: dict) -> float:
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
    for name, group in _recipes(studies).items():
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


def _summary(studies: list[dict]) -> list[dict]:
    """Rows of the opening table, as text: scatter error and R² at the smallest and the largest ratio.

    Experiments that differ in their seed alone, ``name_1``, ``name_2``, ..., share a row: mean ± standard deviation.
    """
    rows = []
    for name, group in _recipes(studies).items():
        ends = [_ends(metrics) for metrics in group]
        first = group[0]
        rows.append(
            {
                "experiment": name,
                "seeds": len(group),
                "L/s": _pair(end["ratio"] for end in ends[0]),
                "scatter error (%)": _spreads(ends, "sdape_percent", ".3g"),
                "R²": _spreads(ends, "r2", ".6f"),
                "bias (%)": _spreads(ends, "bias_percent", "+.3f"),
                "quadratic fit, R²": _baseline(first, "quadratic_fit"),
                "log-mean, R²": _baseline(first, "log_mean"),
                "parameters": f"{first['n_parameters']:,}",
                "training (s)": f"{np.mean([each['train_seconds'] for each in group]):.0f}",
            }
        )
    for name, figures in PUBLISHED_SDAPE_PERCENT.items():
        ratios, errors = _pair(figures), _pair(figures.values())
        rows.append({"experiment": name, "L/s": ratios, "scatter error (%)": errors})
    return rows


def _recipes(studies: list[dict]) -> dict[str, list[dict]]:
    """Experiments by recipe: ``name_1`` to ``name_k`` of equal size are one with k seeds, as the settings name them.

    Examples
    --------
    >>> named = [
    ...     {"experiment": name, "n_parameters": 7} for name in ("b", "a_2", "a_1", "c_2", "c_3")
    ... ]
    >>> {name: len(group) for name, group in _recipes(named).items()}
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


def _ends(metrics: dict) -> list[dict]:
    """Entries of the ensembles of the smallest and the largest ratio, with their names."""
    named = [{"name": name} | values for name, values in metrics["ensembles"].items()]
    by_ratio = sorted(named, key=lambda values: values["ratio"])
    return [by_ratio[0], by_ratio[-1]]


def _baseline(metrics: dict, method: str) -> str:
    values = (metrics["baselines"][method][end["name"]]["r2"] for end in _ends(metrics))
    return " / ".join(f"{value:.4f}" for value in values)


def _spreads(ends: list[list[dict]], measure: str, digits: str) -> str:
    """Values at both ends, each the mean over seeds, with the standard deviation where there are several.

    Examples
    --------
    >>> _spreads([[{"r2": 0.5}, {"r2": 0.75}]], "r2", ".2f")
    '0.50 / 0.75'
    >>> _spreads([[{"r2": 0.5}, {"r2": 0.7}], [{"r2": 0.6}, {"r2": 0.9}]], "r2", ".2f")
    '0.55 ± 0.07 / 0.80 ± 0.14'
    """
    texts = []
    for end in zip(*ends, strict=True):
        values = [entry[measure] for entry in end]
        text = f"{np.mean(values):{digits}}"
        if len(values) > 1:
            text += f" ± {np.std(values, ddof=1):{digits.lstrip('+')}}"
        texts.append(text)
    return " / ".join(texts)


def _pair(values) -> str:
    """Join two numbers as the study prints them.

    Examples
    --------
    >>> _pair([48.71, 25.8])
    '48.7 / 25.8'
    """
    return " / ".join(f"{value:.3g}" for value in values)


def _write(path: Path, rows: list[dict]) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with atomic_path(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
