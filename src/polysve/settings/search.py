"""Settings of a search for hyperparameters."""

from operator import attrgetter
from typing import Annotated

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from polysve.base.errors import InputError
from polysve.settings.experiment import PreprocessSlice, TrainSettings
from polysve.settings.model import Model, Name

Number = int | Annotated[float, Field(allow_inf_nan=False)]


class Range(Model):
    """Values from one end to the other, whole numbers where the setting is one; or a list of choices in its place."""

    low: Number
    """Smallest value."""
    high: Number
    """Largest value."""
    log: bool = False
    """Equal chances for equal ratios, as for a rate."""

    @model_validator(mode="after")
    def from_low_to_high(self):
        """Refuse an empty range, and logarithms of what has none."""
        if not self.low < self.high:
            raise ValueError(f"low = {self.low} must be less than high = {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low} must be greater than 0 on a logarithmic scale")
        return self


def _range_or_choices(value) -> str | None:
    kinds = {dict: "range", Range: "range", list: "choices", tuple: "choices"}
    return kinds.get(type(value))


Choices = Annotated[tuple[JsonValue, ...], Field(min_length=2)]
Options = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choices, Tag("choices")],
    Discriminator(
        _range_or_choices,
        custom_error_type="options",
        custom_error_message="a range {low: ..., high: ...} or a list of choices is needed",
    ),
]
Space = Annotated[dict[str, Options], Field(min_length=1)]
YARDSTICK = {
    "preprocess.seed",
    "preprocess.validation_fraction",
    "preprocess.test_fraction",
    "preprocess.boundary_condition",
    "preprocess.target",
    "train.seed",
}
"""Keys that decide what is learned and what a trial is judged on: the same for all trials of a search."""


class SearchSettings(Model):
    """Search for the best values of some settings of an experiment."""

    experiment: Name
    """What is varied; all else stays as it is there."""
    trials: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Trainings; more of them leave those there are as they are."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    """Of the values tried."""
    startup_trials: Annotated[int, Field(ge=1)] = 8
    """Finished trials before which values are drawn at random and no trial is stopped."""
    warmup_epochs: Annotated[int, Field(ge=0)] = 3
    """Epochs that every trial gets."""
    space: Space
    """Dotted keys below preprocess or train, each with a range or a list of choices."""


class TrialSlice(Model):
    """All that a trial depends on, beside its number, its ensembles and the trials before it."""

    preprocess: PreprocessSlice
    train: TrainSettings
    seed: int
    startup_trials: int
    warmup_epochs: int
    space: Space


def tried(options: Range | tuple) -> tuple:
    """Ends of a range, or all choices."""
    return (options.low, options.high) if isinstance(options, Range) else tuple(options)


def as_read(options: Range | tuple, key: str, experiment: Model, source: str) -> Range | tuple:
    """Options of a key with their values as an experiment's settings read them.

    Raises
    ------
    InputError
        The key may not be varied, a value is not allowed, a range is no range of numbers, or a choice stands twice.
    """
    if not key.startswith(("preprocess.", "train.")) or key in YARDSTICK:
        raise InputError(
            f"{source}: {key}: a key below preprocess or train is needed, and none of those "
            f"that decide what a trial is judged on: {', '.join(sorted(YARDSTICK))}"
        )
    values = [
        attrgetter(key)(experiment.substituted({key: value}, source)) for value in tried(options)
    ]
    if any(isinstance(value, Model) for value in values):
        raise InputError(f"{source}: {key} is a section; one of its keys is needed")
    values = [list(value) if isinstance(value, tuple) else value for value in values]
    if isinstance(options, Range):
        if any(type(value) not in (int, float) for value in values):
            raise InputError(f"{source}: {key} is no number: a list of choices is needed")
        return options.model_copy(update=dict(zip(("low", "high"), values, strict=True)))
    if any(values.count(value) > 1 for value in values):
        raise InputError(f"{source}: {key} = {list(options)} names a choice twice")
    return tuple(values)
