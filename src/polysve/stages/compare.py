"""The metrics of all experiments side by side."""

import csv
import json
from pathlib import Path

from polysve.storage import atomic_path


def run(output: Path, metrics_files: list[Path]) -> None:
    """Write one row for each experiment and ensemble.

    Parameters
    ----------
    output : Path
        CSV file to write.
    metrics_files : list of Path
        Each experiment's ``metrics.json``.
    """
    rows = []
    for file in metrics_files:
        metrics = json.loads(Path(file).read_text())
        ensembles = metrics.pop("ensembles")
        common = {key: metrics[key] for key in ("experiment", "n_parameters", "train_seconds")}
        rows += [common | {"ensemble": name} | values for name, values in ensembles.items()]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with atomic_path(output) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
