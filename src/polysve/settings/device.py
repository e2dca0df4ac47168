"""Settings of a beam: shape, film, what scatters, what it must keep to, what is known before some are measured."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from polysve.base.errors import InputError
from polysve.settings.labels import AspectRatio, SizeScatter, Spacing
from polysve.settings.material import Material
from polysve.settings.model import Model, Positive, Seed, parse, read_yaml
from polysve.settings.texture import DEFAULT_TEXTURE, Texture, sample_files

SLENDER = {"cantilever": 4, "clamped": 10}
"""Least length over extent in the direction of bending: Timoshenko theory is then right to 0.1 and 0.2 %."""
SURE = 5
"""Standard deviations within which a normal quantity must stay positive."""
REACH = 4
"""Standard deviations of its prior that a mean offset may be off."""
LEAST_CHECK = 10
"""Beams solved whole that can correct others."""
LARGEST_DEFLECTION = {"cantilever": 0.1, "clamped": 0.1}
"""Over the length of a cantilever, and over the extent of a clamped beam, which stretches."""


class LawSettings(Model):
    """A number that scatters from beam to beam."""

    mean: Annotated[float, Field(allow_inf_nan=False)]
    std: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Standard deviation."""
    law: Literal["normal", "log_normal"] = "normal"

    @model_validator(mode="after")
    def positive_logarithm(self):
        """Refuse a log-normal law whose mean is not positive."""
        if self.law == "log_normal" and self.mean <= 0:
            raise ValueError(f"mean = {self.mean:g} of a log-normal law; allowed is above 0")
        return self

    @property
    def lowest(self) -> float:
        """What it stays above, in all likelihood."""
        return self.mean - SURE * self.std if self.law == "normal" else 0.0


def _law(value: Any) -> Any:
    """A plain number is a law without spread."""
    return {"mean": value} if isinstance(value, int | float) else value


Law = Annotated[LawSettings, BeforeValidator(_law, json_schema_input_type=float | LawSettings)]
"""Field that takes a number, or its mean and standard deviation."""
ZERO = LawSettings(mean=0.0)
SOURCES = (
    "width_offset_um",
    "thickness_um",
    "density_kg_m3",
    "residual_stress_mpa",
    "stress_gradient_mpa_per_um",
)
Quantity = Literal["stiffness_n_per_m", "frequency_hz", "deflection_um", "curl_um"]


class LimitSettings(Model):
    """What the beam must keep to."""

    quantity: Quantity = "frequency_hz"
    at_least: Positive | None = None
    at_most: Positive | None = None
    of_nominal: bool = Field(
        False,
        description="The limit is a multiple of what a beam of the mean film and of all other means has.",
    )

    @model_validator(mode="after")
    def one_side(self):
        """Refuse limits on no side or on both."""
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("one of at_least and at_most is needed")
        return self

    def times(self, nominal: float) -> "LimitSettings":
        """The limit in the unit of its quantity."""
        if not self.of_nominal:
            return self
        value = {k: v * nominal for k in ("at_least", "at_most") if (v := getattr(self, k))}
        return LimitSettings(quantity=self.quantity, **value)


def _several(value: Any) -> Any:
    """One of them is a list of one; its errors name no number in a list."""
    return value if isinstance(value, list | tuple) else [LimitSettings.model_validate(value)]


Limits = Annotated[
    tuple[LimitSettings, ...],
    BeforeValidator(_several, json_schema_input_type=LimitSettings | list[LimitSettings]),
]
"""Field that takes one limit, or several that a beam must all keep to."""


class RangeSettings(Model):
    """A positive number whose logarithm is anything in a range."""

    low: Positive
    high: Positive

    @model_validator(mode="after")
    def in_order(self):
        """Refuse an empty range."""
        if self.low >= self.high:
            raise ValueError(f"low = {self.low:g}, high = {self.high:g}; allowed is low below high")
        return self


class PriorSettings(Model):
    """What is known of a film and its etch before beams are measured."""

    grain_size_um: RangeSettings = RangeSettings(low=0.2, high=1.0)
    width_offset_um: LawSettings = Field(
        LawSettings(mean=-0.1, std=0.1),
        description="Of the mean of the offsets, whose law is normal.",
    )
    width_offset_std_um: RangeSettings = Field(
        RangeSettings(low=0.005, high=0.05), description="Of the scatter of the offsets."
    )
    measurement_percent: Annotated[float, Field(ge=0, le=100)] = Field(
        0.0, description="Standard deviation that the measurement adds to each device."
    )

    @model_validator(mode="after")
    def normal_offsets(self):
        """Refuse what the sampler does not know."""
        law = self.width_offset_um
        if law.law != "normal" or law.std == 0:
            raise ValueError("width_offset_um; allowed is a normal law with std above 0")
        return self

    @property
    def offsets_um(self) -> tuple[float, float]:
        """Mean offsets that are not all but impossible, with their scatter."""
        reach = REACH * self.width_offset_um.std + self.width_offset_std_um.high
        return self.width_offset_um.mean - reach, self.width_offset_um.mean + reach


class BeamSettings(Model):
    """One kind of beam, in several widths."""

    widths_um: tuple[Positive, ...] = Field((2.0, 5.0), min_length=1)
    """As drawn."""
    length_um: Positive = 60.0
    thickness_um: Law = LawSettings(mean=2.0)
    width_offset_um: Law = Field(
        ZERO, description="Width that is made less the one that is drawn: negative for over-etch."
    )
    support: Literal["cantilever", "clamped"] = "cantilever"
    bending: Literal["in_plane", "out_of_plane"] = "in_plane"
    force_un: Positive = Field(
        1.0, description="At the free end, or in the middle of a clamped beam."
    )
    density_kg_m3: Law | None = Field(None, description="The crystal's if null.")
    residual_stress_mpa: Law = Field(
        ZERO,
        description="Axial stress of a beam clamped at both ends before it is loaded, tension positive; a cantilever "
        "lets go of it.",
    )
    stress_gradient_mpa_per_um: Law = Field(
        ZERO,
        description="Growth of the axial stress through the thickness, which curls a cantilever.",
    )
    texture: Texture = DEFAULT_TEXTURE
    grain_size_um: Positive = 0.5
    spacing_fraction: Spacing = 0.5
    size_scatter: SizeScatter = None
    aspect_ratio: AspectRatio = 1.0
    structures: Annotated[int, Field(ge=100, le=10**7)] = Field(
        2000,
        description="Windows as long as wide that are drawn; the beams are put together from them.",
    )
    beams: Annotated[int, Field(ge=100, le=10**7)] = 10_000
    seed: Seed = 1
    limit: Limits = Field((), description="One limit, or a list: a beam fails beyond any of them.")

    @property
    def spread(self) -> list[str]:
        """What scatters besides grains."""
        laws = {name: getattr(self, name) for name in SOURCES}
        return [name for name, law in laws.items() if law is not None and law.std]

    @model_validator(mode="after")
    def a_beam(self):
        """Refuse beams that are no beams."""
        for name in ("thickness_um", "density_kg_m3"):
            law = getattr(self, name)
            if law is not None and (law.mean <= 0 or law.lowest < 0):
                raise ValueError(
                    f"{name} = {law.mean:g} ± {law.std:g} is not always positive; allowed is a mean of more than "
                    f"{SURE} standard deviations"
                )
        for width in self.widths_um:
            self._check_width(width)
        return self

    def _check_width(self, width: float) -> None:
        offset, made = self.width_offset_um, width + self.width_offset_um.mean
        if made - SURE * offset.std <= 0 or abs(offset.mean) >= width:
            raise ValueError(
                f"width_offset_um = {offset.mean:g} ± {offset.std:g} eats a beam {width:g} µm wide, or doubles it; "
                f"allowed is a width of more than {SURE} standard deviations"
            )
        if made < self.grain_size_um:
            raise ValueError(
                f"widths_um = {width:g}: {made:g} µm is less than grain_size_um = {self.grain_size_um:g}; allowed are "
                "beams as wide as a grain, or wider"
            )
        extent = made if self.bending == "in_plane" else self.thickness_um.mean
        if self.length_um < SLENDER[self.support] * extent:
            raise ValueError(
                f"length_um = {self.length_um:g} is {self.length_um / extent:.3g} times the {extent:g} µm in the "
                f"direction of bending; allowed is {SLENDER[self.support]} times for {self.support}, or more"
            )


class SpecSettings(BeamSettings):
    """What a file of beams says."""

    prior: PriorSettings = Field(
        PriorSettings(), description="Asked by `polysve infer` only, in place of what it names."
    )

    @model_validator(mode="after")
    def a_prior(self):
        """Refuse priors of beams that are no beams, where one is given."""
        if "prior" in self.model_fields_set:
            for width in self.widths_um:
                self._check_prior(width)
        return self

    def _check_prior(self, width: float) -> None:
        prior = self.prior
        if width + prior.offsets_um[0] <= width / 10:
            raise ValueError(
                f"prior.width_offset_um = {prior.width_offset_um.mean:g} ± {prior.width_offset_um.std:g} eats a beam "
                f"{width:g} µm wide; allowed is a width that {REACH} standard deviations leave"
            )
        if width + prior.width_offset_um.mean < prior.grain_size_um.high:
            raise ValueError(
                f"prior.grain_size_um.high = {prior.grain_size_um.high:g}: beams {width:g} µm wide; allowed are beams "
                "as wide as a grain, or wider"
            )


class DeviceSettings(BeamSettings):
    """One kind of beam that a study asks for."""

    material: Material | None = Field(
        None, description="Another material than homogenize.material."
    )
    check: Annotated[int, Field(ge=0, le=10**5)] = Field(
        0,
        description="Beams of each width to solve whole, which correct mean and scatter; at least 10, if any.",
    )

    @model_validator(mode="after")
    def a_check(self):
        """Refuse a check that says nothing."""
        if self.check and (self.check < LEAST_CHECK or self.bending == "out_of_plane"):
            raise ValueError(
                f"check = {self.check}; allowed is 0, or {LEAST_CHECK} and more beams that bend in the plane"
            )
        return self

    @property
    def sample_files(self) -> list[str]:
        """Files of measured orientations that its texture draws from."""
        return sample_files([self.texture])


def read_spec(path: Path) -> SpecSettings:
    """Read a beam from YAML; an empty file gives the defaults.

    Raises
    ------
    InputError
    """
    needed = "keys and values are needed, such as length_um: 60"
    values = read_yaml(path, needed) or {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: {needed}")
    return parse(SpecSettings, values, str(path))
