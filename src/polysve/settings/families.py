"""Settings of families of films: crystals, textures and windows, each with each, whose scatter is looked at."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from polysve.settings.labels import LARGEST_RATIO, Spacing
from polysve.settings.material import Material, catalogue_name
from polysve.settings.model import Model, Name, Positive, Seed, as_field
from polysve.settings.texture import Texture, sample_files

Ratio = Annotated[float, Field(ge=1, le=LARGEST_RATIO)]
Count = Annotated[int, Field(ge=100, le=10**7)]
LEAST_GRAINS = 40
"""A film of fewer grains takes as long as one of so many: its grid has a least number of pixels."""
GRAINS_PER_LABEL = 100
"""So many grains are done by the series in the time that finite elements take for one, if films share their grids."""


def _named_crystals(value, source):
    """Crystals by name, from a list of names of the catalogue."""
    if isinstance(value, list | tuple):
        return {catalogue_name(str(name)): str(name) for name in value}
    return value


def _named_textures(value, source):
    """Textures by name, from a list of names."""
    return {str(name): str(name) for name in value} if isinstance(value, list | tuple) else value


Crystals = Annotated[
    dict[str, Material],
    BeforeValidator(
        as_field(_named_crystals), json_schema_input_type=list[str] | dict[str, Material]
    ),
    Field(min_length=1),
]
Textures = Annotated[
    dict[str, Texture],
    BeforeValidator(
        as_field(_named_textures), json_schema_input_type=list[str] | dict[str, Texture]
    ),
    Field(min_length=1),
]


class FilmsSettings(Model):
    """A family of films: each material with each texture at each ratio."""

    materials: Crystals
    """Names of the catalogue, or materials by name."""
    textures: Textures
    """Names such as random and <110>, or laws by name."""
    counts: dict[Ratio, Count] = Field(min_length=1)
    """Number of films by L/s, window over grain size."""
    pixels_per_grain: dict[Ratio, Positive] = Field({})
    """Pixels along a grain's side, from this L/s on; 8 where nothing is said."""
    spacing_fraction: Spacing = 0.5
    periodic: bool = False
    """Whether grains continue on the opposite side; if not, the window cuts them."""

    @property
    def sample_files(self) -> list[str]:
        """Files of measured orientations that the textures draw from."""
        return sample_files(self.textures.values())


class CharacterizeSettings(Model):
    """One family of films at one ratio."""

    seed: Seed = 1
    films: Name
    ratio: Ratio
    materials: Crystals
    textures: Textures
    pixels_per_grain: Annotated[float, Field(ge=2, le=100)] = 8
    spacing_fraction: Spacing = 0.5
    periodic: bool = False


class TabulateSettings(Model):
    """The table of all families."""

    families: dict[Name, dict[Ratio, CharacterizeSettings]]
    checked: Annotated[int, Field(ge=0)]


def characterize_settings(films: str, family: FilmsSettings, ratio: float, seed: int):
    """All that the films of a family at one ratio depend on."""
    pixels = 8.0
    for start, number in sorted(family.pixels_per_grain.items()):
        pixels = number if start <= ratio else pixels
    return CharacterizeSettings(
        seed=seed,
        films=films,
        ratio=ratio,
        pixels_per_grain=pixels,
        **{
            key: getattr(family, key)
            for key in ("materials", "textures", "spacing_fraction", "periodic")
        },
    )


def shard_films(family: FilmsSettings, ratio: float, shard_grains: int) -> int:
    """Number of grain structures in one job, each with all materials and textures, so that jobs cost alike."""
    cells = len(family.materials) * len(family.textures)
    grains = cells * max(ratio**2, LEAST_GRAINS)
    return max(1, int(GRAINS_PER_LABEL * shard_grains / grains))
