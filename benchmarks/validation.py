"""Mean and scatter of Ē of films like those that were measured, without training; Reuss and Voigt of their textures."""

import argparse
import json
import sys

import numpy as np

from polysve.crystals import catalogue
from polysve.crystals.stiffness import plane_stress, voigt_reuss, young_modulus
from polysve.grains.texture import draw
from polysve.settings.labels import DrawnPhase, TessellateSettings
from polysve.settings.texture import read_texture
from polysve.surrogate.characterize import characterize
from polysve.surrogate.training_free import Series
from polysve.surrogate.workers import Workers

GRAIN_SIZE_UM = 0.5
COUNTS = {4: 1000, 10: 400, 15: 200, 30: 100}
"""Films by L/s."""
FILMS = {
    "silicon": ("<100>", "<110>", "<111>", "<311>", "random"),
    "nickel": ("<100>", "random"),
}
GRAINS = 100_000
"""Orientations from which Reuss and Voigt are found."""
KEPT = ("count", "mean_gpa", "mean_interval_gpa", "std_gpa", "std_interval_gpa")


def bounds(material: str, texture: str) -> list[float]:
    """Young's modulus along x1 of Reuss and Voigt, GPa."""
    crystal = catalogue.find(material)
    drawn = draw(read_texture(texture), np.random.default_rng(1), GRAINS, crystal.symmetry, {})
    grains = plane_stress(crystal.stiffness_gpa, drawn.quaternions)
    voigt, reuss = voigt_reuss(grains, np.ones(GRAINS))
    return [float(young_modulus(each)) for each in (reuss, voigt)]


def film(workers: Workers, material: str, texture: str, less: int) -> dict:
    """Scatter by L/s, and the bounds."""
    crystal = catalogue.find(material)
    law = DrawnPhase(texture=read_texture(texture), symmetry=crystal.symmetry)
    ratios = {}
    for ratio, count in COUNTS.items():
        settings = TessellateSettings(
            window_um=ratio * GRAIN_SIZE_UM, grain_size_um=GRAIN_SIZE_UM, phases={"film": law}
        )
        found = characterize(Series((crystal,)), workers, settings, max(100, count // less))
        ratios[str(ratio)] = {name: found[name] for name in KEPT}
    return {
        "material": material,
        "texture": texture,
        "reuss_voigt_gpa": bounds(material, texture),
        "ratios": ratios,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--less", type=int, default=1, help="So many times fewer films.")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="Taken for the other programs' sake.")
    options = parser.parse_args()
    with Workers(options.workers) as workers:
        films = [
            film(workers, material, texture, options.less)
            for material, textures in FILMS.items()
            for texture in textures
        ]
    json.dump({"boundary_condition": "pbc", "films": films}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
