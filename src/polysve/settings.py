"""Settings of the stages, one class for each: units in the key names, unknown keys refused."""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from polysve.errors import InputError

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
BoundaryCondition = Literal["kubc", "subc", "pbc"]


class Model(BaseModel):
    """Frozen settings that refuse unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True
    )

    def canonical_json(self) -> str:
        """Sorted, compact JSON: equal settings give equal text.

        Examples
        --------
        >>> MaterialSettings(c12_gpa=64, c11_gpa=166).canonical_json()
        '{"c11_gpa":166.0,"c12_gpa":64.0,"c44_gpa":79.51}'
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
        >>> TrainSettings().substituted({"network.l2": 1e-4, "epochs": 5}, "mine").network.l2
        0.0001
        >>> TrainSettings().substituted({"network.l2": -1}, "mine")
        Traceback (most recent call last):
            ...
        polysve.errors.InputError: mine: network.l2 = -1: Input should be greater than or equal to 0
        """
        changed = self.model_dump(mode="json")
        for key, value in values.items():
            place(changed, key, value)
        return parse(type(self), changed, source)


class MaterialSettings(Model):
    """Cubic single-crystal stiffness constants; silicon by default."""

    c11_gpa: Positive = 165.64
    """C11 of the crystal."""
    c12_gpa: Annotated[float, Field(allow_inf_nan=False)] = 63.94
    """C12; with C11 it must leave the crystal stable."""
    c44_gpa: Positive = 79.51
    """C44; C44 = (C11 - C12)/2 would be isotropic."""

    @model_validator(mode="after")
    def positive_definite(self):
        """Refuse constants that let a crystal gain energy (Born stability criteria)."""
        if not (self.c11_gpa > abs(self.c12_gpa) and self.c11_gpa + 2 * self.c12_gpa > 0):
            raise ValueError(
                f"c11_gpa = {self.c11_gpa}, c12_gpa = {self.c12_gpa} is not positive definite: "
                "c11 > |c12| and c11 + 2 c12 > 0 are needed"
            )
        return self


class TessellateSettings(Model):
    """One random grain structure: window, grain size and rule."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    window_um: Positive
    grain_size_um: Positive
    spacing_fraction: Annotated[float, Field(ge=0, le=0.75)] = Field(
        0.5,
        description="Smallest distance of two generators over the grain size. Random sequential addition jams at 0.83.",
    )
    periodic: bool = False

    @model_validator(mode="after")
    def at_least_one_grain(self):
        """Refuse windows of less than one grain or of more than an image can number."""
        ratio = self.window_um / self.grain_size_um
        if not 1 <= ratio <= 200:
            raise ValueError(
                f"window_um / grain_size_um = {ratio:g} must lie between 1 and 200 (label images number 65,535 grains)"
            )
        return self

    @property
    def ratio(self) -> float:
        """Window over grain size L/s."""
        return self.window_um / self.grain_size_um

    @property
    def grain_count(self) -> int:
        """Number of grains, the whole number nearest to (L/s)²."""
        return round(self.ratio**2)


class MeshSettings(Model):
    """Triangle mesh of one grain structure."""

    algorithm: Literal["fan", "gmsh"] = Field(
        "fan",
        description="fan: each grain cut from its centre; gmsh: Delaunay triangles of one size, any polygons.",
    )
    element_size_fraction: Annotated[float, Field(gt=0, le=2)] = Field(
        1.0,
        description="Largest length of an element's edge on a grain boundary, over the grain size.",
    )
    merge_fraction: Annotated[float, Field(gt=0, le=0.05)] = Field(
        1e-3, description="Vertices closer than this, over the grain size, become one."
    )


class HomogenizeSettings(Model):
    """Finite-element solution of one mesh."""

    boundary_conditions: tuple[BoundaryCondition, ...] = Field(
        ("kubc", "subc", "pbc"), min_length=1
    )
    element_order: Literal[1, 2, 3] = 3
    """Polynomial order of the displacements in a triangle."""
    correct: bool = Field(
        True,
        description="Scale the directional moduli by the factor that makes the geometric mean under PBC exact.",
    )
    indicator: bool = Field(
        True,
        description="Solve again with elements of one order less and store the change of the label.",
    )
    material: MaterialSettings = MaterialSettings()

    @model_validator(mode="after")
    def no_repeats(self):
        """Refuse a boundary condition named twice."""
        if len(set(self.boundary_conditions)) != len(self.boundary_conditions):
            raise ValueError(
                f"boundary_conditions = {list(self.boundary_conditions)} names one of them twice"
            )
        return self


class AssembleSettings(Model):
    """Joining of the shards into one data set."""

    ensemble: Name
    count: Annotated[int, Field(ge=1, le=10**9)]
    shard_size: Annotated[int, Field(ge=1)]
    label_pixels: Annotated[int, Field(ge=16, le=4096)] = 512
    max_failed_fraction: Fraction = 1e-3


class PreprocessSettings(Model):
    """From label images and stiffness to what a network reads."""

    seed: int = 1
    """Of the split."""
    encoding: Literal["grey", "harmonic"] = "harmonic"
    """harmonic: cos 4θ and sin 4θ; grey: the level θ/90° of the published study."""
    pixels: Annotated[int, Field(ge=8, le=512)] = Field(
        64, description="Image side for the training window."
    )
    constant_pitch: bool = Field(
        True,
        description="Other windows get images of other sizes, with the pixel size of the training window.",
    )
    median_passes: Annotated[int, Field(ge=0, le=50)] = 0
    """How often the 3 × 3 median filter is applied; five times in the published study."""
    augmentation: Literal["none", "naive", "consistent"] = Field(
        "none",
        description="Turned and mirrored copies of the training SVEs: naive mirrors grey values as a picture, "
        "consistent turns theta into -theta in mirror images.",
    )
    boundary_condition: BoundaryCondition = "pbc"
    """Whose stiffness is learned."""
    target: Literal["young_modulus", "stiffness"] = "stiffness"
    """young_modulus: Ē; stiffness: C̄11, C̄66 and C̄16, which give all of C̄."""
    train_count: Annotated[int, Field(ge=4)] | None = Field(
        None, description="SVEs taken from each training ensemble, all if null."
    )
    validation_fraction: Annotated[float, Field(gt=0, lt=0.9)] = 0.15
    """Share of the SVEs of a training ensemble that watches the training."""
    test_fraction: Annotated[float, Field(gt=0, lt=0.9)] = 0.15
    """Share of the SVEs of a training ensemble that is kept for the judgement."""

    @model_validator(mode="after")
    def something_left_to_train(self):
        """Refuse splits that leave no training data."""
        if self.validation_fraction + self.test_fraction >= 0.95:
            raise ValueError(
                f"validation_fraction + test_fraction = {self.validation_fraction + self.test_fraction:g} "
                "must stay below 0.95"
            )
        return self

    def image_pixels(self, window_um: float, train_window_um: float) -> int:
        """Image side for a window, given the (first) training window."""
        if not self.constant_pitch:
            return self.pixels
        return max(1, round(self.pixels * window_um / train_window_um))


class PreprocessSlice(PreprocessSettings):
    """All that the inputs of an experiment depend on: its `PreprocessSettings` and which ensembles it trains on."""

    train_ensembles: tuple[Name, ...] = Field(min_length=1)


class OptimizerSettings(Model):
    """Optimizer and its rates."""

    name: Literal["sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw"] = "adam"
    """Update rule."""
    learning_rate: Positive = 1e-3
    """Of the first epoch."""
    momentum: Fraction = 0.0
    """Of sgd and rmsprop."""
    nesterov: bool = False
    """Of sgd: the gradient is taken where the momentum leads."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Share of each weight taken off at each step, times the learning rate."""
    decay_factor: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5,
        description="The learning rate is multiplied by this when the validation loss stalls.",
    )
    decay_patience: Annotated[int, Field(ge=1)] = 5
    """Epochs without improvement that count as a stall."""


class NetworkSettings(Model):
    """Architecture and its regression block."""

    architecture: Literal["mlp", "cnn", "resnet", "densenet", "pyramid", "spectral", "born"] = "cnn"
    """spectral and born know the physics, the others learn from pictures; pyramid has equal filters at all lengths."""
    filters: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = (16, 32, 64)
    """Channels of each stage of cnn, resnet and densenet; the first one is pyramid's number of filters."""
    pooling: Literal["flatten", "mean"] = Field(
        "mean",
        description="Before the regression block: all pixels (as published, one image size) or their mean (any size).",
    )
    terms: Annotated[int, Field(ge=1, le=50)] = Field(
        6, description="born: terms of the series of the displacements."
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="bfloat16: products of cnn, resnet, densenet and mlp in 16 bits, weights and sums in 32; faster "
        "where the processor has such products.",
    )
    dense_layers: Annotated[int, Field(ge=0, le=10)] = 1
    """Hidden layers of the regression block."""
    dense_nodes: Annotated[int, Field(ge=1, le=4096)] = 64
    """Nodes in each of them."""
    dropout: Fraction = 0.0
    """Share of nodes left out at random in training, in the regression block."""
    l1: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the sum of absolute weights in the loss."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the sum of squared weights in the loss."""


class TrainSettings(Model):
    """Training recipe of one network."""

    seed: int = 1
    """Of the first weights and of the order of the samples."""
    network: NetworkSettings = NetworkSettings()
    """What is trained."""
    optimizer: OptimizerSettings = OptimizerSettings()
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 60
    """At most."""
    batch_size: Annotated[int, Field(ge=1)] | Literal["all"] = 32
    """SVEs in one step of the optimizer."""
    patience: Annotated[int, Field(ge=1)] = 12
    """Epochs without improvement after which the training stops."""


class EvaluateSettings(Model):
    """Judgement of one network."""

    bootstrap_samples: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """Drawn for the 95 % intervals."""
    figure_size: Literal["column", "slide"] = Field(
        "column", description="Figures for a journal page (89 or 183 mm wide) or for a slide."
    )


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
    >>> parse(MeshSettings, {"element_size_fraction": -1}, "config.yaml")
    Traceback (most recent call last):
        ...
    polysve.errors.InputError: config.yaml: element_size_fraction = -1: Input should be greater than 0
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
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            allowed = ", ".join(_fields_at(model, first["loc"][:-1]))
            message = f"unknown key; allowed: {allowed}" if allowed else "unknown key"
        value = "" if isinstance(first["input"], dict) else f" = {first['input']!r}"
        raise InputError(
            f"{source}: {key}{value}: {message}" if key else f"{source}: {message}"
        ) from None


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
