"""Pictures of one ensemble: some of its structures, and the distribution of its stiffness."""

from pathlib import Path

import numpy as np

from polysve.base.files import atomic_folder
from polysve.crystals.square import square_symmetry
from polysve.crystals.stiffness import voigt_reuss, young_modulus
from polysve.data.ensemble import Ensemble
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.figures import ensembles, style
from polysve.grains.film import Film

SHOWN = 8


def run(ensemble_file: Path, output_dir: Path) -> None:
    """Write ``gallery.svg`` and ``distribution.svg``.

    Parameters
    ----------
    ensemble_file : Path
    output_dir : Path
        Folder for the figures.

    Raises
    ------
    InputError
        The file is missing, damaged or no ensemble.
    """
    ensemble = Ensemble(ensemble_file)
    moduli = {
        name: young_modulus(ensemble.stiffness(name)) for name in ensemble.boundary_conditions
    }
    main = moduli.get("pbc", next(iter(moduli.values())))
    shown = range(min(SHOWN, len(ensemble)))
    films = [ensemble.film(row) for row in shown]
    captions = [f"SVE {ensemble.index[row]}: Ē {main[row]:.2f} GPa" for row in shown]
    with style.style(), atomic_folder(output_dir) as folder:
        drawn = {
            "gallery": ensembles.gallery(films, captions),
            "distribution": ensembles.moduli(moduli, limits_of(films), ensemble.ratio),
        }
        for name, figure in drawn.items():
            style.save(figure, folder / f"{name}.svg")
    made = [output_dir / f"{name}.svg" for name in drawn]
    write_record(output_dir / f"portray{RECORD_SUFFIX}", "portray", "{}", made, [ensemble_file])


def limits_of(films: list[Film]) -> dict[str, float]:
    """Moduli to mark, GPa: those of the crystal's axes and of a large window, or the bounds of what is drawn."""
    stiffness = np.concatenate([film.stiffness_gpa for film in films])
    symmetry = square_symmetry(stiffness)
    if symmetry and symmetry.geometric_mean:
        along = [4 / (1 / symmetry.bulk_gpa + 1 / shear) for shear in symmetry.shear_gpa]
        softest, stiffest = min(along), max(along)
        return {
            "softest direction": softest,
            "stiffest direction": stiffest,
            "large window": symmetry.geometric_mean,
        }
    area = np.concatenate([film.area_fractions for film in films])
    voigt, reuss = voigt_reuss(stiffness, area)
    return {"Reuss": float(young_modulus(reuss)), "Voigt": float(young_modulus(voigt))}
