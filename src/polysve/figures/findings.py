"""What the page of a study is about: its networks, its films, and what the first screen shows of them."""

import csv
import json
from functools import cached_property
from itertools import groupby
from pathlib import Path

import numpy as np

from polysve.base.types import Array
from polysve.crystals.stiffness import young_modulus
from polysve.data.ensemble import Ensemble
from polysve.data.records import read_record
from polysve.figures import charts
from polysve.learning.model_card import read_card
from polysve.settings.study import Settings
from polysve.settings.texture import DEFAULT_TEXTURE

PUBLISHED_CRYSTAL = "silicon"
"""Of the published study, whose films have a <100> axis along the normal."""


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
        # that of the best network, if it is there
        wanted = [study.experiments[each.name].preprocess.boundary_condition for each in networks]
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
        return " and ".join(f"{texture.words} {crystal}" for crystal, texture in named)

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
        self.same = _largest(films, self.films.kind)
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
    """Of the ensembles of one kind of film the largest at each ratio, by ratio."""
    same = sorted(
        (each for each in films.values() if each.kind == kind),
        key=lambda each: (each.ratio, -each.count),
    )
    return [next(group) for _, group in groupby(same, key=lambda each: each.ratio)]
