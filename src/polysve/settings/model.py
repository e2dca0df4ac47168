"""What every settings class shares: units in the key names, unknown keys refused, errors of one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from polysve.base.errors import InputError

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
LARGEST_TEXT, MOST_VALUES = 1_000_000, 10_000
"""Characters of a YAML text, and values that it may have with all aliases written out."""

WORDS = {
    "tuple_type": "a list is needed, such as [a, b]",
    "list_type": "a list is needed, such as [a, b]",
    "dict_type": "keys with values are needed",
    "model_type": "keys with values are needed",
}
"""What pydantic says in terms of Python, by its types of errors."""


class Model(BaseModel):
    """Frozen settings that refuse unknown keys."""

    # most starts need few of the classes: each is built at its first use
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def no_truth_as_a_number(cls, value, info):
        """Refuse yes and no where they would be read as 1 and 0."""
        parts = value if isinstance(value, list | tuple) else [value]
        allowed = _takes_truth(cls.model_fields[info.field_name].annotation)
        if not allowed and any(isinstance(part, bool) for part in parts):
            raise ValueError("yes, no, true and false are not allowed here")
        return value

    def canonical_json(self) -> str:
        """Sorted, compact JSON: equal settings give equal text.

        Examples
        --------
        >>> from polysve.settings.labels import MeshSettings
        >>> MeshSettings(merge_fraction=2e-3).canonical_json()
        '{"algorithm":"fan","element_size_fraction":1.0,"merge_fraction":0.002}'
        """
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    def substituted(self, values: dict, source: str):
        """The same settings with other values at dotted keys, validated.

        Parameters
        ----------
        values : dict
            By key, such as ``"optimizer.learning_rate"``.
        source : str
            What to call the values in an error.

        Raises
        ------
        InputError
            One line that names the key, the value and what is allowed.

        Examples
        --------
        >>> from polysve.settings.experiment import TrainSettings
        >>> TrainSettings().substituted({"network.l2": 1e-4, "epochs": 5}, "mine").network.l2
        0.0001
        >>> TrainSettings().substituted({"network.l2": -1}, "mine")
        Traceback (most recent call last):
            ...
        polysve.base.errors.InputError: mine: network.l2 = -1: Input should be greater than or equal to 0
        """
        changed = self.model_dump(mode="json")
        for key, value in values.items():
            place(changed, key, value)
        return parse(type(self), changed, source)


def place(sections: dict, key: str, value) -> None:
    """Put a value at a dotted key into nested sections, made where they are not there.

    Examples
    --------
    >>> sections = {"a": {"b": 1}}
    >>> place(sections, "a.c.d", 2)
    >>> sections
    {'a': {'b': 1, 'c': {'d': 2}}}
    """
    *outer, last = key.split(".")
    for section in outer:
        if not isinstance(sections.get(section), dict):
            sections[section] = {}
        sections = sections[section]
    sections[last] = value


def parse(model: type[Model], values: dict | str, source: str):
    """Validate values, or their JSON text, against a settings class.

    Parameters
    ----------
    model : type
        Settings class.
    values : dict or str
        Mapping or JSON text.
    source : str
        What to call the values in an error: a file or an option.

    Raises
    ------
    InputError
        One line that names the key, the value and what is allowed.

    Examples
    --------
    >>> from polysve.settings.labels import MeshSettings
    >>> parse(MeshSettings, {"element_size_fraction": -1}, "config.yaml")
    Traceback (most recent call last):
        ...
    polysve.base.errors.InputError: config.yaml: element_size_fraction = -1: Input should be greater than or equal to
        0.01
    """
    try:
        return (
            model.model_validate_json(values)
            if isinstance(values, str)
            else model.model_validate(values)
        )
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = WORDS.get(first["type"], first["msg"].removeprefix("Value error, "))
        if first["type"] == "extra_forbidden":
            allowed = ", ".join(_fields_at(model, first["loc"][:-1]))
            message = f"unknown key; allowed: {allowed}" if allowed else "unknown key"
        value = "" if isinstance(first["input"], dict) else f" = {first['input']!r}"
        raise InputError(
            f"{source}: {key}{value}: {message}" if key else f"{source}: {message}"
        ) from None


def as_field(settings: Callable[[Any, str], Model]) -> Callable[[Any], Model]:
    """A function of a value and a source, for fields whose errors already name them."""

    def validated(value: Any) -> Model:
        try:
            return settings(value, "")
        except InputError as error:
            raise ValueError(str(error).lstrip(" :=")) from None

    return validated


def _takes_truth(annotation) -> bool:
    """Whether a field may be yes or no."""
    return annotation is bool or any(map(_takes_truth, get_args(annotation)))


def _fields_at(model: type[Model], location: tuple) -> list[str]:
    """Keys allowed at a place in nested settings; empty where the place is no settings class."""
    for part in location:
        if part in getattr(model, "model_fields", {}):
            model = model.model_fields[part].annotation
        arguments = [
            a
            for a in getattr(model, "__args__", ())
            if isinstance(a, type) and issubclass(a, BaseModel)
        ]
        model = arguments[0] if arguments else model
    return sorted(getattr(model, "model_fields", {}))


def read_yaml(path: str | Path, needed: str) -> Any:
    """Values of a YAML file; None if it is empty.

    Parameters
    ----------
    path : path
    needed : str
        What should be there, for errors.

    Raises
    ------
    InputError
        One line that names the file, and where it is no YAML the line.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(LARGEST_TEXT + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {needed}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no YAML text; {needed}") from None
    return parse_yaml(text, str(path), needed)


def parse_yaml(text: str, source: str, needed: str) -> Any:
    r"""Values of a YAML text, as `read_yaml`.

    Examples
    --------
    >>> parse_yaml("{axis: [1, 1, 0]}", "--texture", "a law by key is needed")
    {'axis': [1, 1, 0]}
    >>> parse_yaml("axis: 1\n[", "--texture", "a law by key is needed")
    Traceback (most recent call last):
        ...
    polysve.base.errors.InputError: --texture, line 2, column 1: is no YAML text (expected <block end>, but found '[');
        a law by key is needed
    """
    import yaml

    if len(text) > LARGEST_TEXT:
        raise InputError(f"{source}: is longer than {LARGEST_TEXT} characters; {needed}")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if _values(node, {}) > MOST_VALUES:
            raise InputError(
                f"{source}: its aliases stand for more than {MOST_VALUES} values; {needed}"
            )
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = " ".join((getattr(error, "problem", None) or str(error)).split())
        raise InputError(f"{source}{where}: is no YAML text ({problem}); {needed}") from None
    # dates and whole numbers that Python does not have; brackets within brackets
    except (ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{source}: is no YAML text ({error}); {needed}") from None


def _values(node, known: dict) -> int:
    """How many values a YAML node stands for with all aliases written out; endless if it holds itself."""
    if id(node) not in known:
        known[id(node)] = MOST_VALUES + 1
        parts = node.value if node.id != "scalar" else ()
        if node.id == "mapping":
            parts = [each for pair in parts for each in pair]
        known[id(node)] = 1 + sum(_values(each, known) for each in parts)
    return known[id(node)]
