"""The page that a study ends in: one HTML file that needs no network."""

import base64
import csv
import json
import os
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import atomic_path
from polysve.base.types import Array
from polysve.crystals import catalogue
from polysve.crystals.stiffness import young_modulus
from polysve.data.audit import audit_line
from polysve.data.ensemble import Ensemble
from polysve.data.records import RECORD_SUFFIX, read_record, write_record
from polysve.figures import charts
from polysve.figures.report import render
from polysve.learning.model_card import read_card
from polysve.settings.model import parse
from polysve.settings.study import Settings
from polysve.settings.texture import DEFAULT_TEXTURE, TextureSettings
from polysve.stages.compare import PUBLISHED_SDAPE_PERCENT, mean_r2, recipes

TRAINED_AT, PUBLISHED_CRYSTAL = 4, "silicon"
"""Ratio and crystal of the published study's training, whose films have a <100> axis along the normal."""
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

    Raises
    ------
    InputError
        A file is damaged, or not what its record says.
    """
    import yaml

    study = parse(Settings, yaml.safe_load(study_file.read_text(encoding="utf-8")), str(study_file))
    made_from = [*portraits.values(), *experiments.values(), *searches.values(), *audits.values()]
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
        "records": _codes([read_record(file) for file in made_from]),
        "study_text": study_file.read_text(encoding="utf-8"),
        "files": _links([*experiments.values(), *ensembles.values(), *searches.values()], output),
    }
    data = _parity(films, [group[0] for group in groups.values()])
    with atomic_path(output) as temporary:
        temporary.write_text(render(values, data), encoding="utf-8")
    write_record(output.with_suffix(RECORD_SUFFIX), "report", "{}", [output], made_from)


class Network:
    """What became of one experiment."""

    def __init__(self, metrics_file: Path):
        self.file, self.folder = metrics_file, metrics_file.parent
        read_record(metrics_file)
        self.metrics = json.loads(metrics_file.read_text(encoding="utf-8"))
        self.name = self.metrics["experiment"]

    @cached_property
    def card(self):
        """What the network says of itself."""
        return read_card(self.folder / "model.keras")

    def tested(self, ensemble: str) -> tuple[Array, Array, Array]:
        """SVE numbers, true and predicted Ē (GPa) of the films of an ensemble that the network has not seen."""
        with open(self.folder / f"predictions/{ensemble}.csv", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
        columns = ("index", "young_modulus_gpa", "predicted_gpa")
        index, true, predicted = (np.array([float(row[name]) for row in rows]) for name in columns)
        return index.astype(int), true, predicted


class Films:
    """An ensemble under the boundary condition that the report is about."""

    def __init__(self, name: str, file: Path, study: Settings, networks: list[Network]):
        self.name, self.file, self.ensemble = name, file, Ensemble(file)
        wanted = {study.experiments[each.name].preprocess.boundary_condition for each in networks}
        there = self.ensemble.boundary_conditions
        self.condition = next((each for each in (*wanted, "pbc") if each in there), there[0])
        self.moduli_gpa = young_modulus(self.ensemble.stiffness(self.condition))
        self.mean_gpa, self.std_gpa = float(self.moduli_gpa.mean()), float(self.moduli_gpa.std())
        self.mean_half_gpa, self.std_half_gpa = charts.half_widths(self.moduli_gpa)
        settings = study.tessellate_slice(name)
        self.textures = [each.texture for each in settings.phases.values()]
        self.crystals = [each.name for each in self.ensemble.crystals]
        materials = [each.canonical_json() for each in self.ensemble.phases.values()]
        self.kind = (settings.model_copy(update={"window_um": 1.0}).canonical_json(), *materials)

    @property
    def count(self) -> int:
        return len(self.ensemble)

    @property
    def ratio(self) -> float:
        return self.ensemble.ratio

    @property
    def scatter_percent(self) -> float:
        return 100 * self.std_gpa / self.mean_gpa

    @property
    def is_published(self) -> bool:
        """Whether the published study had such films."""
        return self.crystals == [PUBLISHED_CRYSTAL] and self.textures == [DEFAULT_TEXTURE]

    @property
    def words(self) -> str:
        """Crystals and textures."""
        named = zip(self.crystals, self.textures, strict=True)
        return " and ".join(f"{_texture_words(texture)} {crystal}" for crystal, texture in named)

    @cached_property
    def limits_gpa(self) -> tuple[float, float]:
        """Young's moduli along x1 of the softest and the stiffest grain of the films that are shown."""
        shown = range(min(len(self.ensemble), 8))
        moduli = [young_modulus(self.ensemble.film(row).stiffness_gpa) for row in shown]
        return float(np.min(np.concatenate(moduli))), float(np.max(np.concatenate(moduli)))

    def picture(self, index: int) -> list[list[int]]:
        """Grains of one SVE, as `charts.grains` gives them."""
        return charts.grains(self.ensemble.film(self.ensemble.row(index)), self.limits_gpa)


class Hero:
    """What the first screen shows of one ensemble: a film, the distribution, the size effect or all films."""

    def __init__(self, films: dict[str, Films], networks: list[Network], study: Settings):
        self.network = networks[0] if networks else None
        if self.network:
            self.films = films[study.experiments[self.network.name].train_ensembles[0]]
            index, self.true, self.predicted = self.network.tested(self.films.name)
        else:
            self.films = next(iter(films.values()))
            index, self.true, self.predicted = (
                self.films.ensemble.index,
                self.films.moduli_gpa,
                None,
            )
        middle = np.argsort(self.true)[len(self.true) // 2]
        self.index, self.modulus_gpa = int(index[middle]), float(self.true[middle])
        title = f"Grains of SVE {self.index} of {self.films.name}"
        self.picture = charts.picture(self.films.picture(self.index), title)
        self.shades = charts.shades()
        self.distribution = charts.distribution(
            self.true, self.predicted, self.modulus_gpa, "Ē, Young's modulus of a film (GPa)"
        )
        self.same = sorted(_largest(films, self.films.kind), key=lambda each: each.ratio)
        self.law_percent = float(
            np.average(
                [each.scatter_percent * each.ratio for each in self.same],
                weights=[each.count for each in self.same],
            )
        )
        self.third, self.of_sizes = "", len(self.same) > 1
        if self.of_sizes:
            samples = {each.ratio: each.moduli_gpa for each in self.same}
            self.third = charts.size_effect(samples, self.law_percent)
        elif len(films) > 1:
            samples = {name: each.moduli_gpa for name, each in films.items()}
            self.third = charts.films(samples, "Ē, Young's modulus of a film (GPa)")


def _largest(films: dict[str, Films], kind: tuple) -> list[Films]:
    """Of the ensembles of one kind of film the largest at each ratio."""
    same = sorted(
        (each for each in films.values() if each.kind == kind),
        key=lambda each: (each.ratio, -each.count),
    )
    return [next(group) for _, group in groupby(same, key=lambda each: each.ratio)]


def _kinds(films: dict[str, Films]) -> int:
    """How many kinds of film there are, whatever the size of their windows."""
    return len({each.kind for each in films.values()})


def _texture_words(texture: TextureSettings) -> str:
    """A texture in few words.

    Examples
    --------
    >>> from polysve.settings.texture import texture_settings
    >>> [_texture_words(texture_settings(text)) for text in ("<110>", "random")]
    ['⟨110⟩', 'random']
    """
    if texture.random:
        return "random"
    if texture.fibre:
        axis = "".join(f"{each:g}" for each in texture.fibre.axis)
        spread = f" ± {texture.fibre.spread_deg:g}°" if texture.fibre.spread_deg else ""
        return f"⟨{axis}⟩{spread}"
    return "measured" if texture.sample else "textured"


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
        fit = first["baselines"]["quadratic_fit"][films.name]["r2"]
        cell = {"error": float(np.mean(errors)), "r2": float(np.mean(r2)), "fit": fit}
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
        "card": first.card,
        "crystal": catalogue.crystal(first.card.material).name,
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
