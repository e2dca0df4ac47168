"""What `polysve apparent` says of a film: its stiffness by finite elements, as a label would hold it."""

from pathlib import Path

from threadpoolctl import threadpool_limits

from polysve.base.errors import InputError
from polysve.crystals.stiffness import young_modulus
from polysve.fem.homogenize import homogenize
from polysve.films.readers import read_film
from polysve.films.reading import Reading
from polysve.grains.film import Film
from polysve.settings.labels import HomogenizeSettings, MeshSettings


@threadpool_limits.wrap(limits=1)
def apparent(
    path: Path, reading: Reading, mesh_settings: MeshSettings, settings: HomogenizeSettings
) -> dict:
    """Homogenize a film from a file.

    Returns
    -------
    dict
        ``n_grains``, ``crystals``, ``window_um``, ``stiffness_gpa``, ``young_modulus_gpa`` and ``quality``, ready for
        JSON.

    Raises
    ------
    InputError
        For anything that has no apparent stiffness.
    """
    film = read_film(path, reading)
    try:
        label = homogenize(film, settings, mesh_settings)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return describe(film) | {
        "stiffness_gpa": {name: c.tolist() for name, c in label.stiffness_gpa.items()},
        "young_modulus_gpa": {
            name: float(young_modulus(c)) for name, c in label.stiffness_gpa.items()
        },
        "quality": label.quality
        | {"raw_stiffness_gpa": {n: c.tolist() for n, c in label.raw_stiffness_gpa.items()}},
    }


def text(result: dict) -> str:
    """What `apparent` found, in a few lines."""
    width, height = result["window_um"]
    made_of = ", ".join(result["crystals"])
    return "\n".join(
        [
            f"{result['n_grains']} grains of {made_of}, {width:g} × {height:g} µm",
            *result["notes"],
            *(
                f"{name.upper()}  Young's modulus along x1: {modulus:.4f} GPa"
                for name, modulus in result["young_modulus_gpa"].items()
            ),
        ]
    )


def describe(film: Film) -> dict:
    """What every answer says of its film."""
    return {
        "n_grains": film.n_grains,
        "window_um": list(film.size_um),
        "crystals": [crystal.name for crystal in film.crystals],
        "notes": list(film.notes),
    }
