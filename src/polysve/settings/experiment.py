"""Settings of the stages that make a network: inputs, training, judgement."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from polysve.settings.labels import BoundaryCondition
from polysve.settings.model import Fraction, Model, Name


class PreprocessSettings(Model):
    """From films and their stiffness to what a network reads."""

    seed: int = 1
    """Of the split."""
    encoding: Literal["grey", "harmonic", "log_stiffness"] = "harmonic"
    """log_stiffness: six components of log Q, any film; harmonic: cos 4θ and sin 4θ, grey: the level θ/90° of the
    published study, both for <100> films of one crystal."""
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
    """young_modulus: Ē; stiffness: all of C̄, by C̄11, C̄66 and C̄16 where the encoding is for <100> films."""
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


class PreprocessSlice(PreprocessSettings):
    """All that the inputs of an experiment depend on: its `PreprocessSettings` and which ensembles it trains on."""

    train_ensembles: tuple[Name, ...] = Field(min_length=1)


class OptimizerSettings(Model):
    """Optimizer and its rates."""

    name: Literal["sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw"] = "adam"
    """Update rule."""
    learning_rate: Annotated[float, Field(gt=0, le=1000)] = 1e-3
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


LINEAR = ("spectral", "born")
"""Architectures whose only weights are linear: they are fitted in closed form."""
READS = {
    "spectral": ("harmonic", "log_stiffness"),
    "born": ("harmonic",),
    "pyramid": ("harmonic", "log_stiffness"),
}
"""Architectures that know what their images show, and predict C̄, with the encodings that they know."""


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
