"""Trials of a search: the values that Optuna draws for them, and what is written of each."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from polysve.base.errors import InputError
from polysve.settings.search import Range

COMPLETE, PRUNED, FAILED = "complete", "pruned", "failed"


@dataclass(frozen=True)
class Trial:
    """One training of a search.

    A pruned trial was stopped because the others were better; a failed one could not be trained. Both say why.
    """

    number: int
    """Of its job."""
    order: int
    """Place among all trials of the study, in the order they began."""
    state: str
    reason: str
    values: dict
    """By dotted key."""
    losses: list[float]
    """Validation loss of each epoch, a share of the variance of the training targets, without penalties."""
    seconds: float

    @property
    def loss(self) -> float | None:
        """Best validation loss; None before the first epoch."""
        return min(self.losses, default=None)

    def write(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps({"loss": self.loss} | asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Trial":
        """Read from JSON.

        Raises
        ------
        InputError
            If the file is missing or holds no trial.
        """
        try:
            found = json.loads(path.read_text())
            del found["loss"]
            return cls(**found)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path}: {error}; what polysve trial wrote is needed") from None


def distributions(space: Mapping) -> dict[str, BaseDistribution]:
    """Optuna's form of a space.

    Examples
    --------
    >>> space = {
    ...     "a": Range(low=1, high=3),
    ...     "b": Range(low=0.1, high=1, log=True),
    ...     "c": ([8], [8, 16]),
    ... }
    >>> list(distributions(space).values())
    [IntDistribution(high=3, log=False, low=1, step=1),
     FloatDistribution(high=1.0, log=True, low=0.1, step=None),
     CategoricalDistribution(choices=('[8]', '[8, 16]'))]
    """
    found = {}
    for key, options in space.items():
        if not isinstance(options, Range):
            found[key] = CategoricalDistribution([_label(choice) for choice in options])
        elif isinstance(options.low, int) and isinstance(options.high, int):
            found[key] = IntDistribution(options.low, options.high, log=options.log)
        else:
            found[key] = FloatDistribution(options.low, options.high, log=options.log)
    return found


def parameters(values: Mapping, space: Mapping) -> dict:
    """Values of settings as Optuna stores them."""
    return {
        key: value if isinstance(space[key], Range) else _label(value)
        for key, value in values.items()
    }


def values(parameters: Mapping, space: Mapping) -> dict:
    """What Optuna drew, as values of settings.

    Examples
    --------
    >>> values({"a": 2, "b": "[8, 16]"}, {"a": Range(low=1, high=3), "b": ([8], [8, 16])})
    {'a': 2, 'b': [8, 16]}
    """
    found = {}
    for key, options in space.items():
        drawn = parameters[key]
        if not isinstance(options, Range):
            drawn = next(choice for choice in options if _same(_label(choice), drawn))
        found[key] = drawn
    return found


def _label(choice):
    """Choice as Optuna can store it: a list becomes text."""
    return json.dumps(choice) if isinstance(choice, list | tuple | dict) else choice


def _same(one, other) -> bool:
    """Equal and of one type, for False == 0."""
    return type(one) is type(other) and one == other
