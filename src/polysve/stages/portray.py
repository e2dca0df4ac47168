"""Pictures of one ensemble: some of its structures, and the distribution of its stiffness."""

from pathlib import Path

from polysve.base.files import atomic_folder
from polysve.crystals.square import plane_stress, young_modulus
from polysve.data.ensemble import Ensemble
from polysve.figures import ensembles, style

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
    labels = ensemble.label_images(0, SHOWN)
    pictures = [ensemble.theta(row)[image] for row, image in enumerate(labels)]
    captions = [f"SVE {ensemble.index[row]}: Ē {main[row]:.2f} GPa" for row in range(len(labels))]
    crystal = plane_stress(**ensemble.material)
    limits = {
        "<100>": crystal.young_modulus_100,
        "<110>": crystal.young_modulus_110,
        "large window": crystal.geometric_mean,
    }
    with style.style(), atomic_folder(output_dir) as folder:
        drawn = {
            "gallery": ensembles.gallery(pictures, captions, ensemble.window_um),
            "distribution": ensembles.moduli(moduli, limits, ensemble.ratio),
        }
        for name, figure in drawn.items():
            style.save(figure, folder / f"{name}.svg")
