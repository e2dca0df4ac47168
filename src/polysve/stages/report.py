"""The page that a study ends in: one HTML file that needs no network."""

import base64
import csv
import json
import os
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import atomic_path
from polysve.data.audit import audit_line
from polysve.data.records import RECORD_SUFFIX, read_record, write_record
from polysve.figures import charts
from polysve.figures.findings import Films, Hero, Network
from polysve.figures.report import render
from polysve.settings.model import parse
from polysve.settings.study import Settings
from polysve.stages.compare import PUBLISHED_SDAPE_PERCENT, mean_r2, recipes

TRAINED_AT = 4
"""Ratio of the published study's training."""
PICTURED, PICTURED_GRAINS = 300, 20_000
"""Films of an ensemble, and all their grains, that the parity plot can show at most."""
POINTS = 2000
TRIALS = 8
WORDS = {"kubc": "uniform strain at the edges", "subc": "uniform stress", "pbc": "periodic edges"}


def run(
    output: Path,
    study_file: Path,
    ensembles: dict[str, Path],
    portraits: dict[str, Path],
    experiments: dict[str, Path],
    searches: dict[str, Path],
    audits: dict[str, Path],
    devices: dict[str, Path],
) -> None:
    """Write the page.

    Parameters
    ----------
    output : Path
        HTML file; its record is written beside it.
    study_file : Path
        Settings of the study as YAML.
    ensembles : dict of str to Path
        Ensemble files.
    portraits : dict of str to Path
        Their ``gallery.svg``, with ``distribution.svg`` beside it.
    experiments : dict of str to Path
        ``metrics.json`` of each, with what `evaluate` and `train` made beside it.
    searches : dict of str to Path
        ``trials.csv`` of each, with the figures beside it.
    audits : dict of str to Path
        ``audit.json`` of the ensembles that have one.
    devices : dict of str to Path
        ``beams.json`` of each, with the figures beside it.

    Raises
    ------
    InputError
        A file is damaged, or not what its record says.
    """
    import yaml

    study = parse(Settings, yaml.safe_load(study_file.read_text(encoding="utf-8")), str(study_file))
    kinds = portraits, experiments, searches, audits, devices
    made_from = [file for files in kinds for file in files.values()]
    networks = sorted(
        (Network(file) for file in experiments.values()),
        key=lambda each: mean_r2(each.metrics),
        reverse=True,
    )
    films = [Films(name, file, study, networks) for name, file in ensembles.items()]
    films = {each.name: each for each in sorted(films, key=lambda each: (each.ratio, each.name))}
    groups = recipes([each.metrics for each in networks])
    by_name = {each.name: each for each in networks}
    groups = {
        name: [by_name[each["experiment"]] for each in group] for name, group in groups.items()
    }
    hero = Hero(films, networks, study)
    columns = _columns(films, networks)
    values = {
        "study": study,
        "bc": WORDS[hero.films.condition],
        "films": films,
        "kinds": _kinds(films),
        "hero": hero,
        "networks": [_row(name, group, columns) for name, group in groups.items()],
        "columns": columns,
        "published": _published(films, columns, networks),
        "experiments": [_section(name, group, output.parent) for name, group in groups.items()],
        "ensembles": [_ensemble(each, portraits[name]) for name, each in films.items()],
        "searches": [_search(name, file) for name, file in searches.items()],
        "audit": _audit(audits),
        "devices": [_device(name, file) for name, file in devices.items()],
        "records": _codes([read_record(file) for file in made_from]),
        "study_text": study_file.read_text(encoding="utf-8"),
        "files": _links(
            [*experiments.values(), *ensembles.values(), *searches.values(), *devices.values()],
            output,
        ),
    }
    data = _parity(films, [group[0] for group in groups.values()])
    with atomic_path(output) as temporary:
        temporary.write_text(render(values, data), encoding="utf-8")
    write_record(output.with_suffix(RECORD_SUFFIX), "report", "{}", [output], made_from)


def _kinds(films: dict[str, Films]) -> int:
    """How many kinds of film there are, whatever the size of their windows."""
    return len({each.kind for each in films.values()})


# ---- the table of networks ----


def _columns(films: dict[str, Films], networks: list[Network]) -> list[Films]:
    """Ensembles that networks were judged on, by their ratio."""
    names = {name for each in networks for name in each.metrics["ensembles"]}
    return sorted((films[name] for name in names), key=lambda each: (each.ratio, each.name))


def _row(name: str, group: list[Network], columns: list[Films]) -> dict:
    """One recipe: error of the scatter and R² on each ensemble, with spread over seeds or interval over films."""
    first = group[0].metrics
    cells = []
    for films in columns:
        told = [each.metrics["ensembles"].get(films.name) for each in group]
        if told[0] is None:
            cells.append(None)
            continue
        errors, r2 = [each["sdape_percent"] for each in told], [each["r2"] for each in told]
        cell = {"error": float(np.mean(errors)), "r2": float(np.mean(r2))}
        for method, values in first["baselines"].items():
            cell[method] = values[films.name]["r2"]
        if len(group) > 1:
            cell["spread"] = float(np.std(errors, ddof=1))
        else:
            cell["interval"] = first["intervals_95"][films.name]["sdape_percent"]
        cells.append(cell)
    return {
        "name": name,
        "seeds": len(group),
        "cells": cells,
        "n_parameters": first["n_parameters"],
        "n_training": first["n_training"],
        "train_seconds": float(np.mean([each.metrics["train_seconds"] for each in group])),
    }


def _published(
    films: dict[str, Films], columns: list[Films], networks: list[Network]
) -> dict[str, list[float | None]]:
    """Rows of the published study, where this one has its films and trains on them as it did."""
    trained = {
        name for each in networks for name in each.metrics["training"] if films[name].is_published
    }
    if not any(films[name].ratio == TRAINED_AT for name in trained):
        return {}
    return {
        name: [errors.get(each.ratio) if each.is_published else None for each in columns]
        for name, errors in PUBLISHED_SDAPE_PERCENT.items()
    }


# ---- the sections below the first screen ----


def _ensemble(films: Films, gallery: Path) -> dict:
    return {
        "films": films,
        "gallery": _embedded(gallery),
        "distribution": _embedded(gallery.with_name("distribution.svg")),
    }


def _section(name: str, group: list[Network], results: Path) -> dict:
    """One recipe: numbers of its first network, what it may be used for, its figures."""
    first = group[0]
    return {
        "name": name,
        "metrics": first.metrics,
        "scope": first.card.scope(),
        "figures": {
            file.stem: _embedded(file) for file in sorted((first.folder / "figures").glob("*.svg"))
        },
        "folders": [os.path.relpath(each.folder, results) for each in group],
    }


def _search(name: str, file: Path) -> dict:
    with open(file, newline="", encoding="utf-8") as opened:
        rows = list(csv.reader(opened))
    return {
        "name": name,
        "header": rows[0],
        "count": len(rows) - 1,
        "rows": rows[1 : TRIALS + 1],
        "best": (file.parent / "best.yaml").read_text(encoding="utf-8"),
        "figures": {
            stem: _embedded(file.with_name(f"{stem}.svg")) for stem in ("history", "importance")
        },
    }


def _device(name: str, file: Path) -> dict:
    """One kind of beam: what was asked, what was found for each width, its figures."""
    folder = file.parent / "figures"
    return {
        "name": name,
        **json.loads(file.read_text(encoding="utf-8")),
        "figures": {each.stem: _embedded(each) for each in sorted(folder.glob("*.svg"))},
    }


def _embedded(file: Path) -> str:
    """A figure as an address that holds it."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"


def _audit(audits: dict[str, Path]) -> str:
    """What the audits of this study say, in one line; none without them."""
    if not audits:
        return ""
    line = audit_line([json.loads(file.read_text(encoding="utf-8")) for file in audits.values()])
    return f"{line[0].upper()}{line[1:]}."


def _codes(records: list[dict]) -> dict:
    """Code of each stage, and the versions of the packages, that the results were made with."""
    codes, versions, waiting = {}, {}, list(records)
    while waiting:
        record = waiting.pop()
        codes.setdefault(record["stage"], set()).add(record["code_digest"])
        versions |= record.get("package_versions", {})
        waiting += record["made_from"]
    return {
        "codes": {stage: sorted(found) for stage, found in sorted(codes.items())},
        "versions": versions,
    }


def _links(files: list[Path], output: Path) -> list[str]:
    return [os.path.relpath(file, output.parent) for file in files]


def _parity(films: dict[str, Films], networks: list[Network]) -> dict:
    """What the interactive plot needs: for each network its tested films, and pictures of them."""
    plots, pictures = {}, {}
    for network in networks:
        plots[network.name] = {}
        for name, told in network.metrics["ensembles"].items():
            index, true, predicted = (each[:POINTS] for each in network.tested(name))
            plots[network.name][name] = {
                "ratio": told["ratio"],
                "index": index.tolist(),
                "true": true.round(3).tolist(),
                "predicted": predicted.round(3).tolist(),
            }
            shown = pictures.setdefault(name, {})
            most = min(PICTURED, int(PICTURED_GRAINS / films[name].ratio ** 2))
            for each in index[:most].tolist():
                if each not in shown:
                    shown[each] = films[name].picture(each)
    return {"plots": plots, "pictures": pictures, "shades": charts.shades(), "side": charts.SIDE}
