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
        their mean R² over the ensembles; each is followed by its baselines, all by the published study. A second
        file, `summary_path`, has one row for each network and published result.
    metrics_files : list of Path
        Each experiment's ``metrics.json``.
    """
    for file in metrics_files:
        read_record(file)
    studies = [json.loads(Path(file).read_text()) for file in metrics_files]
    studies.sort(key=_mean_r2, reverse=True)
    _write(output, [row for metrics in studies for row in _rows(metrics)] + _published_rows())
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


def _published_rows() -> list[dict]:
    return [
        {"experiment": name, "method": PUBLISHED, "ratio": float(ratio), "sdape_percent": sdape}
        for name, figures in PUBLISHED_SDAPE_PERCENT.items()
        for ratio, sdape in figures.items()
    ]


def _summary(studies: list[dict]) -> list[dict]:
    """Rows of the opening table, as text: scatter error and R² at the smallest and the largest ratio."""
    rows = []
    for metrics in studies:
        by_ratio = sorted(metrics["ensembles"].values(), key=lambda values: values["ratio"])
        ends = (by_ratio[0], by_ratio[-1])
        rows.append(
            {
                "experiment": metrics["experiment"],
                "L/s": _pair(end["ratio"] for end in ends),
                "scatter error (%)": _pair(end["sdape_percent"] for end in ends),
                "R²": " / ".join(f"{end['r2']:.6f}" for end in ends),
                "bias (%)": " / ".join(f"{end['bias_percent']:+.3f}" for end in ends),
                "parameters": f"{metrics['n_parameters']:,}",
                "training (s)": f"{metrics['train_seconds']:.0f}",
            }
        )
    for name, figures in PUBLISHED_SDAPE_PERCENT.items():
        ratios, errors = _pair(figures), _pair(figures.values())
        rows.append({"experiment": name, "L/s": ratios, "scatter error (%)": errors})
    return rows


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
