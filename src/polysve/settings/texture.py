"""Settings of a texture: the law from which the orientations of a film's crystals are drawn."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from polysve.base.errors import InputError
from polysve.settings.model import Model, as_field, parse, parse_yaml, read_yaml

Finite = Annotated[float, Field(allow_inf_nan=False)]
Spread = Annotated[float, Field(ge=0, le=180, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
NEEDED = "a law by key is needed"


class FibreSettings(Model):
    """One direction of the crystals along the film normal, turned about it at random."""

    axis: tuple[Finite, Finite, Finite] = (1.0, 0.0, 0.0)
    """In the Cartesian axes of the crystal's constants; of any length."""
    spread_deg: Spread = Field(
        0.0,
        description="Standard deviation of the tilt about each of two in-plane axes; the direction follows a von "
        "Mises-Fisher law about the normal, of concentration 1/spread² in radians.",
    )

    @field_validator("axis")
    @classmethod
    def a_direction(cls, axis):
        """Refuse (0, 0, 0)."""
        if not any(axis):
            raise ValueError("has no direction; allowed is any but (0, 0, 0)")
        return axis


class ComponentSettings(Model):
    """Crystals about one orientation."""

    euler_deg: tuple[Finite, Finite, Finite]
    """Bunge angles φ1, Φ, φ2."""
    spread_deg: Spread = Field(
        0.0,
        description="Standard deviation of each of the three components of the rotation vector from that orientation, "
        "which are normal and independent.",
    )
    weight: Weight = 1.0
    """Share of the crystals, over the sum of all weights."""


class SampleSettings(Model):
    """Measured orientations, drawn again by their area."""

    file: str = Field(min_length=1)
    """Table with the columns phi1_deg, Phi_deg, phi2_deg and, if they are not all alike, area."""


class OrientationLawSettings(Model):
    """Any one law; the mixture of several is a `TextureSettings`."""

    random: bool = False
    """Every orientation as likely as any other."""
    fibre: FibreSettings | None = None
    components: tuple[ComponentSettings, ...] | None = Field(None, min_length=1)
    sample: SampleSettings | None = None

    @model_validator(mode="after")
    def one_law(self):
        """Refuse none or several."""
        laws = [name for name in type(self).model_fields if name != "weight"]
        given = [name for name in laws if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                f"names {' and '.join(given) or 'no law'}; one is needed of {', '.join(laws)}"
            )
        return self

    @field_validator("components")
    @classmethod
    def some_weight(cls, components):
        """Refuse weights that are all zero."""
        return _weighty(components)

    @property
    def words(self) -> str:
        """The law in a few words.

        Examples
        --------
        >>> OrientationLawSettings(fibre={"axis": [1, 1, 0], "spread_deg": 5}).words
        '⟨110⟩ ± 5°'
        """
        if self.random:
            return "random"
        if self.sample:
            return "measured"
        if self.components:
            return f"{len(self.components)} components"
        axis = "".join(f"{each:g}" for each in self.fibre.axis)
        spread = f" ± {self.fibre.spread_deg:g}°" if self.fibre.spread_deg else ""
        return f"⟨{axis}⟩{spread}"


class ShareSettings(OrientationLawSettings):
    """One law of a mixture."""

    weight: Weight = 1.0
    """Share of the crystals, over the sum of all weights."""


class TextureSettings(OrientationLawSettings):
    """Law of the orientations of a film's crystals."""

    mixture: tuple[ShareSettings, ...] | None = Field(None, min_length=1)

    @field_validator("mixture")
    @classmethod
    def some_share(cls, mixture):
        """Refuse weights that are all zero."""
        return _weighty(mixture)

    @property
    def shares(self) -> tuple[OrientationLawSettings, ...]:
        """Laws of the mixture, or the one law."""
        return self.mixture or (self,)

    @property
    def words(self) -> str:
        """The law in a few words.

        Examples
        --------
        >>> texture_settings("<110>").words, texture_settings("random").words
        ('⟨110⟩', 'random')
        """
        return (
            " and ".join(share.words for share in self.mixture) if self.mixture else super().words
        )


def _weighty(parts):
    if parts is not None and sum(part.weight for part in parts) == 0:
        raise ValueError("the weights sum to nothing; one above 0 is needed")
    return parts


NAMED = {
    "random": {"random": True},
    "basal": {"fibre": {"axis": [0, 0, 1]}},
    "prismatic": {"fibre": {"axis": [1, 0, 0]}},
}


def texture_settings(value: Any, source: str = "texture") -> TextureSettings:
    """Settings of a texture from a name or from the laws by key.

    Parameters
    ----------
    value : str, dict or TextureSettings
        ``random``; ``<110>`` or any other direction as a fibre without spread; ``basal`` or ``prismatic``, with x3 or
        x1 of the crystal along the film normal; or laws by key.
    source : str
        What to call it in an error.

    Raises
    ------
    InputError
        One line that names the key, the value and what is allowed.

    Examples
    --------
    >>> texture_settings("<1 1 -2>").fibre.axis
    (1.0, 1.0, -2.0)
    >>> texture_settings({"fibre": {"axis": [0, 0, 0]}})
    Traceback (most recent call last):
        ...
    polysve.base.errors.InputError: texture: fibre.axis = [0, 0, 0]: has no direction; allowed is any but (0, 0, 0)
    """
    if isinstance(value, TextureSettings):
        return value
    if isinstance(value, str):
        value = _named(value, source)
    if not isinstance(value, dict):
        raise InputError(f"{source} = {value!r}: a name or a law by key is needed")
    return parse(TextureSettings, value, source)


def _named(text: str, source: str) -> dict[str, Any]:
    """Law by key of a name."""
    name = text.strip().lower()
    if name in NAMED:
        return NAMED[name]
    if re.fullmatch(r"[<\[](-?\d){3}[>\]]|[<\[]\s*-?\d+([\s,]+-?\d+){2}\s*[>\]]", name):
        spaced = re.search(r"\d[\s,]", name)
        return {"fibre": {"axis": re.findall(r"-?\d+" if spaced else r"-?\d", name)}}
    raise InputError(
        f"{source} = {text!r}: allowed are {', '.join(NAMED)}, a direction such as <110>, or a law by key"
    )


def read_texture(text: str, source: str = "--texture") -> TextureSettings:
    """Settings of a texture given on a command line: a name, laws by key in braces, or a YAML file of them.

    Examples
    --------
    >>> read_texture("{fibre: {axis: [1, 1, 0], spread_deg: 5}}").fibre.spread_deg
    5.0
    """
    is_file = Path(text).suffix.lower() in (".yaml", ".yml", ".json")
    if not is_file and not text.lstrip().startswith("{"):
        return texture_settings(text, source)
    if is_file:
        return texture_settings(read_yaml(text, NEEDED), text)
    return texture_settings(parse_yaml(text, source, NEEDED), source)


def sample_files(textures: Iterable[TextureSettings]) -> list[str]:
    """Files of measured orientations that the laws of textures name."""
    laws = [law for texture in textures for law in texture.shares]
    return sorted({law.sample.file for law in laws if law.sample})


Texture = Annotated[
    TextureSettings,
    BeforeValidator(as_field(texture_settings), json_schema_input_type=str | TextureSettings),
]
"""Field of a settings class that takes all that `texture_settings` takes."""
DEFAULT_TEXTURE = TextureSettings(fibre=FibreSettings())
"""A <100> axis along the film normal."""
