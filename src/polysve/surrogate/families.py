"""Many films that share their grains: drawn once, made of each crystal and turned by each texture.

What a grid says of an SVE's grains does not depend on what they are made of; drawing it once saves a third of the time.
The grains of a family are the same whatever its crystals and textures are, so films of two of them may be compared one
by one.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array
from polysve.crystals.crystal import Crystal
from polysve.crystals.stiffness import exp_stiffness, log_stiffness, pack, plane_stress
from polysve.films.sample import read_samples
from polysve.grains.film import Film
from polysve.grains.tessellation import draw_film, random_stream
from polysve.grains.texture import draw
from polysve.settings.families import CharacterizeSettings
from polysve.settings.labels import TessellateSettings
from polysve.surrogate import born, interval

TOLERANCE = 1e-4
"""What the steps of the series that are not taken may change, over C̄11: small beside the scatter of any family."""
FINE_EVERY = 50
"""Each so many-th film is solved on a grid of half the pixel size too, which tells what the coarser one leaves."""
SAME = 1e-9
"""Grains of which the logarithms differ by less are one material."""


class Stiffness(NamedTuple):
    """Apparent stiffness of films under PBC, GPa, in the order 11, 22, 66, 12, 16, 26."""

    stiffness_gpa: Array
    """Shape (films, materials, textures, 6)."""
    fine_index: Array
    """Indices of the films solved on the finer grid too."""
    fine_gpa: Array
    """Shape (fine films, materials, textures, 6)."""


def crystals(settings: CharacterizeSettings) -> dict[str, Crystal]:
    """Crystals of a family by name."""
    return {name: Crystal.from_settings(each, name) for name, each in settings.materials.items()}


def tessellated(settings: CharacterizeSettings, index: int) -> Film:
    """Grains of one film of a family; grains have the size 1 µm."""
    drawn = TessellateSettings(
        seed=settings.seed,
        window_um=settings.ratio,
        grain_size_um=1.0,
        spacing_fraction=settings.spacing_fraction,
        periodic=settings.periodic,
    )
    return draw_film(drawn, _stream(settings), index)


def made_of(
    settings: CharacterizeSettings, grains: Film, index: int, crystal: Crystal, texture: str
) -> Film:
    """The same grains, of a crystal and turned by a texture."""
    random = random_stream(settings.seed, f"{_stream(settings)} {texture}", index)
    law = settings.textures[texture]
    drawn = draw(law, random, len(grains.phase), crystal.symmetry, read_samples([law]))
    turned = replace(grains, quaternions=drawn.quaternions, theta_rad=drawn.theta_rad)
    return turned.made_of(crystal)


def _stream(settings: CharacterizeSettings) -> str:
    """Name from which, with seed and index, all films follow."""
    return f"films of {settings.ratio:g}"


def solve(settings: CharacterizeSettings, start: int, stop: int) -> Stiffness:
    """Apparent stiffness of the films `start` to `stop` of a family.

    Parameters
    ----------
    settings : CharacterizeSettings
    start, stop : int
        Indices; a film is a function of its index and of the settings alone.

    Raises
    ------
    InputError
        If the grains of a film differ so much that the series promises nothing.
    """
    coarse = [_films(settings, index, settings.pixels_per_grain) for index in range(start, stop)]
    fine_index = np.array([i for i in range(start, stop) if i % FINE_EVERY == 0], int)
    fine = [_films(settings, int(index), 2 * settings.pixels_per_grain) for index in fine_index]
    shape = (len(fine), len(settings.materials), len(settings.textures), 6)
    return Stiffness(np.array(coarse), fine_index, np.array(fine).reshape(shape))


def _films(settings: CharacterizeSettings, index: int, pixels_per_grain: float) -> Array:
    """Packed stiffness, shape (materials, textures, 6), of all films of the same grains."""
    grains = tessellated(settings, index)
    grids = born.draw_grids(grains, pixels_per_grain)
    found = np.empty((len(settings.materials), len(settings.textures), 6))
    for row, crystal in enumerate(crystals(settings).values()):
        for column, texture in enumerate(settings.textures):
            film = made_of(settings, grains, index, crystal, texture)
            found[row, column] = pack(_apparent(grids, film))
    return found


def _apparent(grids: born.Grids, film: Film) -> Array:
    """Apparent stiffness of a drawn film, without an interval."""
    log_q = log_stiffness(film.stiffness_gpa)
    if np.ptp(log_q, axis=0).max() < SAME:
        return exp_stiffness(log_q.mean(0))
    solved = born.solve(grids, log_q, "pbc", TOLERANCE)
    return interval.extrapolate(solved.fine, solved.coarse, interval.factors("pbc"))


def bounds(
    settings: CharacterizeSettings, crystal: Crystal, texture: str, count: int = 100_000
) -> tuple[Array, Array]:
    """Voigt and Reuss average of a texture, each shape (3, 3), GPa.

    Parameters
    ----------
    count : int
        Orientations drawn for it. Textures without a direction in the plane are averaged over its turns too, which
        makes the averages of fibres without spread exact.
    """
    law = settings.textures[texture]
    random = random_stream(settings.seed, f"bounds {texture}", 0)
    drawn = draw(law, random, count, crystal.symmetry, read_samples([law]))
    stiffness = plane_stress(crystal.stiffness_gpa, drawn.quaternions)
    voigt, compliance = stiffness.mean(0), np.linalg.inv(stiffness).mean(0)
    if law.random or law.fibre:
        voigt, compliance = _over_turns(voigt, 4.0), _over_turns(compliance, 1.0)
    return voigt, np.linalg.inv(compliance)


def _over_turns(matrix: Array, shear: float) -> Array:
    """Average of a stiffness (shear 4) or compliance (shear 1) over all turns in the plane."""
    bulk = matrix[:2, :2].sum() / 4
    half = (matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1] + shear * matrix[2, 2]) / 8
    return np.array(
        [
            [bulk + half, bulk - half, 0.0],
            [bulk - half, bulk + half, 0.0],
            [0.0, 0.0, 4 * half / shear],
        ]
    )
