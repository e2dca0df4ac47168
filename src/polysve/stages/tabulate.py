"""The atlas: the scatter of all families of films as one table, cells of it checked by finite elements."""

import csv
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import atomic_path
from polysve.base.progress import track
from polysve.crystals.stiffness import poisson_ratio, shear_modulus, unpack, young_modulus
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.fem.homogenize import homogenize
from polysve.settings.families import CharacterizeSettings, TabulateSettings
from polysve.settings.labels import HomogenizeSettings
from polysve.surrogate import atlas_table, families
from polysve.surrogate.families import Stiffness

FEWEST, MOST, GRAINS = 2, 20, 2000
"""Films of a checked cell: as many as have so many grains together, within limits."""
Cell = tuple[CharacterizeSettings, str, str]


def run(folder: Path, output: Path, checks: Path, settings: TabulateSettings) -> None:
    """Write ``atlas.csv`` and the table of the checks.

    Parameters
    ----------
    folder : Path
        Holds a folder for each family, in it one for each ratio, in it the shards.
    output, checks : Path
    settings : TabulateSettings

    Raises
    ------
    InputError
        A shard is missing.
    """
    solved, shards = {}, []
    for name, of_ratio in settings.families.items():
        for ratio in of_ratio:
            files = sorted(Path(folder, name, f"{ratio:g}").glob("*.npz"))
            if not files:
                raise InputError(f"{folder}/{name}/{ratio:g}: holds no films")
            solved[name, ratio] = joined(files)
            shards.append(files[0])  # all of a ratio have one record but for their range
    _write(output, list(rows(settings, solved)))
    _write(checks, list(track(checked(settings, solved), "finite elements", settings.checked)))
    record = output.with_suffix(RECORD_SUFFIX)
    write_record(record, "tabulate", settings.canonical_json(), [output, checks], shards)


def joined(files: list[Path]) -> Stiffness:
    """Films of several shards."""
    parts = []
    for file in files:
        with np.load(file) as arrays:
            parts.append(Stiffness(**arrays))
    return Stiffness(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def rows(settings: TabulateSettings, solved: dict) -> Iterator[dict]:
    """One row for each crystal, texture, ratio and quantity."""
    for name, of_ratio in settings.families.items():
        first = next(iter(of_ratio.values()))
        made_of = families.crystals(first)
        for (row, material), (column, texture) in product(
            enumerate(made_of), enumerate(first.textures)
        ):
            cells = {
                ratio: atlas_table.cell(solved[name, ratio], row, column) for ratio in of_ratio
            }
            bounds = families.bounds(first, made_of[material], texture)
            for quantity, of in atlas_table.QUANTITIES.items():
                described = {ratio: cell[quantity] for ratio, cell in cells.items()}
                known = atlas_table.law(described)
                known |= {"voigt": of(bounds[0]), "reuss": of(bounds[1])}
                for ratio, numbers in described.items():
                    yield {
                        "material": material,
                        "texture": texture,
                        "quantity": quantity,
                        "ratio": ratio,
                        "films": len(solved[name, ratio].stiffness_gpa),
                        **numbers,
                        **known,
                    }


def checked(settings: TabulateSettings, solved: dict) -> Iterator[dict]:
    """Cells drawn by lot: the first films by finite elements, beside what the table was made of."""
    cells: list[Cell] = [
        (each, material, texture)
        for of_ratio in settings.families.values()
        for each in of_ratio.values()
        for material, texture in product(each.materials, each.textures)
    ]
    drawn = np.random.default_rng(cells[0][0].seed).permutation(len(cells))[: settings.checked]
    for number in drawn:
        each, material, texture = cells[number]
        row, column = list(each.materials).index(material), list(each.textures).index(texture)
        stiffness = unpack(solved[each.films, each.ratio].stiffness_gpa[:, row, column])
        count = int(np.clip(GRAINS / each.ratio**2, FEWEST, min(MOST, len(stiffness))))
        exact = np.array([label(each, material, texture, index) for index in range(count)])
        difference = young_modulus(stiffness[:count]) / young_modulus(exact) - 1
        yield {
            "material": material,
            "texture": texture,
            "ratio": each.ratio,
            "films": count,
            "young_modulus_mean_difference": difference.mean(),
            "young_modulus_largest_difference": np.abs(difference).max(),
            "shear_modulus_largest_difference": np.abs(
                shear_modulus(stiffness[:count]) / shear_modulus(exact) - 1
            ).max(),
            "poisson_ratio_largest_difference": np.abs(
                poisson_ratio(stiffness[:count]) - poisson_ratio(exact)
            ).max(),
        }


def label(settings: CharacterizeSettings, material: str, texture: str, index: int):
    """Stiffness of one film under PBC by finite elements, shape (3, 3)."""
    grains = families.tessellated(settings, index)
    crystal = families.crystals(settings)[material]
    film = families.made_of(settings, grains, index, crystal, texture)
    wanted = HomogenizeSettings(boundary_conditions=("pbc",))
    return homogenize(film, wanted).stiffness_gpa["pbc"]


def _write(path: Path, table: list[dict]) -> None:
    with atomic_path(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, table[0] if table else ["material"])
        writer.writeheader()
        for row in table:
            writer.writerow({key: _short(value) for key, value in row.items()})


def _short(value):
    """Numbers with six digits, which is more than any of them is sure of."""
    return value if isinstance(value, str) else f"{value:.6g}"
