"""The front door: what `import polysve` gives, each with a first example.

Imports stand inside the functions: whoever draws films needs no finite elements.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polysve.crystals.crystal import Crystal
    from polysve.fem.label import Label
    from polysve.grains.film import Film
    from polysve.settings.labels import TessellateSettings
    from polysve.settings.texture import TextureSettings
    from polysve.surrogate.prediction import Prediction

ENSEMBLE = "draw"
"""Name from which, with seed and index, every drawn film follows."""


def draw(
    window_um: float,
    grain_size_um: float,
    texture: str | TextureSettings = "<100>",
    material: str = "silicon",
    seed: int = 1,
    index: int = 0,
    **shape,
) -> Film:
    """Draw a random film.

    Parameters
    ----------
    window_um, grain_size_um : float
        Side of the window and mean grain size.
    texture : str or TextureSettings
        ``random``, ``<110>`` and the like, ``basal``, ``prismatic``, or a law by key.
    material : str
        A name of the catalogue, ``"C11,C12,C44"`` in GPa, or a YAML file of constants.
    seed, index : int
        The film is a function of all these, and of nothing else.
    **shape
        More keys of `TessellateSettings`: spacing_fraction, size_scatter, aspect_ratio, periodic.

    Raises
    ------
    InputError
        One line that names the key, the value and what is allowed.

    Examples
    --------
    >>> import polysve
    >>> film = polysve.draw(window_um=2.0, grain_size_um=0.5, texture="random", material="copper")
    >>> film.n_grains, film.crystals[0].name
    (16, 'copper')
    """
    from polysve.films.sample import read_samples
    from polysve.grains.tessellation import draw_film

    values = {"window_um": window_um, "grain_size_um": grain_size_um, "seed": seed} | shape
    settings, crystal = _asked(values, texture, material, "draw")
    measured = read_samples(phase.texture for phase in settings.phases.values())
    return draw_film(settings, ENSEMBLE, index, measured).made_of(crystal)


def read_film(path: str | Path, material: str | list[str] = (), **reading) -> Film:
    r"""Read the film of a file.

    Parameters
    ----------
    path : path
        Generators (`.csv`), label image (`.npz`), EBSD map, Neper tessellation (`.tess`) or triangle mesh.
    material : str or list of str
        As for `draw`; ``PHASE=MATERIAL`` for each of several phases.
    **reading
        What the file does not tell: window_um, periodic, orientations, and how the grains of a map are found; see
        `polysve.films.reading.Reading`.

    Raises
    ------
    InputError
        For a file of another kind, or a wrong one.

    Examples
    --------
    >>> import polysve, tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     print("x_um,y_um,theta_deg\n0.4,0.4,10\n1.5,1.5,35", file=file, flush=True)
    ...     film = polysve.read_film(file.name, window_um=2.0, material="copper")
    >>> film.n_grains
    2
    """
    from polysve.films import readers
    from polysve.films.reading import Reading, named_materials

    given = [material] if isinstance(material, str) else material
    return readers.read_film(path, Reading(materials=named_materials(given), **reading))


def homogenize(film: Film, **settings) -> Label:
    """Apparent stiffness of a film by finite elements.

    Parameters
    ----------
    film : Film
    **settings
        Keys of `HomogenizeSettings`, such as ``boundary_conditions=("pbc",)``.

    Returns
    -------
    Label
        ``stiffness_gpa`` (3, 3) by boundary condition, and its ``quality``.

    Raises
    ------
    InputError
        For a setting that is not allowed, and a film that has no stiffness.

    Examples
    --------
    >>> import polysve
    >>> film = polysve.draw(window_um=2.0, grain_size_um=0.5)
    >>> label = polysve.homogenize(film, boundary_conditions=("pbc",))
    >>> label.stiffness_gpa["pbc"].shape
    (3, 3)
    """
    from polysve.fem.homogenize import homogenize as by_finite_elements
    from polysve.settings.labels import HomogenizeSettings
    from polysve.settings.model import parse

    return by_finite_elements(film, parse(HomogenizeSettings, settings, "homogenize"))


def predict(
    film: Film | list[Film],
    model: str | Path | None = None,
    boundary_condition: str = "pbc",
    coverage: float = 0.9,
) -> Prediction:
    """Apparent stiffness of films with an interval: without training, or by a network.

    Parameters
    ----------
    film : Film or list of Film
    model : path, optional
        Network that `polysve train` made; without one the answer needs no training.
    boundary_condition : {"kubc", "subc", "pbc"}
        Without a model.
    coverage : float
        Of the interval.

    Returns
    -------
    Prediction
        ``stiffness_gpa`` (n, 3, 3), ``young_modulus_gpa`` and ``half_width_gpa`` (n,).

    Raises
    ------
    InputError
        For a film that cannot be predicted.

    Examples
    --------
    >>> import polysve
    >>> film = polysve.draw(window_um=2.0, grain_size_um=0.5, texture="random", material="zinc")
    >>> found = polysve.predict(film)
    >>> exact = polysve.homogenize(film, boundary_conditions=("pbc",)).stiffness_gpa["pbc"]
    >>> bool(abs(found.stiffness_gpa[0] - exact).max() < 1e-3 * exact[0, 0])
    True
    """
    films = [film] if not isinstance(film, list) else film
    if model is not None:
        from polysve.surrogate.network import load_surrogate

        return load_surrogate(model).predict(films, coverage=coverage)
    from polysve.surrogate.training_free import Series

    return Series((), boundary_condition).predict(films, coverage=coverage)


def characterize(
    window_um: float,
    grain_size_um: float,
    texture: str | TextureSettings = "<100>",
    material: str = "silicon",
    boundary_condition: str = "pbc",
    count: int = 1000,
    seed: int = 1,
) -> dict:
    """Scatter of Ē over random films, without training.

    A script that calls it needs its ``if __name__ == "__main__":``, for it starts a process for each core.

    Parameters
    ----------
    window_um, grain_size_um, texture, material, seed
        As for `draw`.
    boundary_condition : {"kubc", "subc", "pbc"}
    count : int
        Number of films.

    Returns
    -------
    dict
        ``mean_gpa``, ``std_gpa``, ``quantiles_gpa`` with intervals, ``laws``, ``young_modulus_gpa`` of all films.

    Examples
    --------
    >>> import polysve
    >>> found = polysve.characterize(2.0, 0.5, texture="<111>", count=100)
    >>> round(found["mean_gpa"], 2), found["std_gpa"] < 1e-3
    (168.96, True)
    """
    from polysve.surrogate.characterize import characterize as by_films
    from polysve.surrogate.training_free import Series
    from polysve.surrogate.workers import Workers

    values = {"window_um": window_um, "grain_size_um": grain_size_um, "seed": seed}
    settings, crystal = _asked(values, texture, material, "characterize")
    with Workers() as workers:
        return by_films(Series((crystal,), boundary_condition), workers, settings, count)


def _asked(
    values: dict, texture: str | TextureSettings, material: str, source: str
) -> tuple[TessellateSettings, Crystal]:
    """Settings of a film of one phase, and its crystal."""
    from polysve.crystals import catalogue
    from polysve.settings.labels import TessellateSettings
    from polysve.settings.material import read_material
    from polysve.settings.model import parse
    from polysve.settings.texture import read_texture

    constants = read_material(material, "material")
    law = read_texture(texture, "texture") if isinstance(texture, str) else texture
    phases = {"film": {"texture": law, "symmetry": constants.symmetry}}
    return parse(TessellateSettings, values | {"phases": phases}, source), catalogue.crystal(
        constants
    )
