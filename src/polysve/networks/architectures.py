"""The networks by name."""

from contextlib import contextmanager

import keras
import numpy as np

from polysve.base.errors import InputError
from polysve.networks import pyramid
from polysve.networks.born import BornFeatures
from polysve.networks.log_spectral import OUTPUTS, LogSpectralFeatures
from polysve.networks.modes import FromModes, WithoutUnit
from polysve.networks.spectral import SpectralFeatures
from polysve.settings.experiment import READS, NetworkSettings

CHANNELS_OF_LOG = 6


def build(
    settings: NetworkSettings, images, targets, seed: int, head=None, boundary_condition="pbc"
):
    """Network with normalized outputs: zero mean and unit variance over the training split.

    Parameters
    ----------
    settings : NetworkSettings
        Architecture, filters, pooling and regression block.
    images, targets : array (n, rows, columns, channels), array (n, outputs)
        Training data; the shape of the images matters, and for `pyramid`, which starts from a fit, their content. Only
        networks that flatten are bound to rows and columns.
    seed : int
        Of the initial weights and of dropout.
    head : StiffnessHead, LogStiffnessHead or None
        What the outputs are for: its coordinates, what they have beyond the window mean of log Q, or Ē alone.
    boundary_condition : {"kubc", "subc", "pbc"}
        Of the labels; the `born` network solves the problem with it.

    Raises
    ------
    InputError
        If the images cannot feed the architecture.
    """
    keras.utils.set_random_seed(seed)
    if settings.architecture in READS and settings.precision != "float32":
        raise InputError(
            f"network.precision = {settings.precision!r}: network.architecture = {settings.architecture!r} computes in "
            "'float32' only"
        )
    of_any_film = images.shape[-1] == CHANNELS_OF_LOG
    if settings.architecture == "spectral" and of_any_film:
        return _linear_modes()
    if settings.architecture == "spectral":
        return _linear(SpectralFeatures(name="features"), head.n_coordinates)
    if settings.architecture == "born":
        constants = head.bulk_gpa, head.shear_moduli_gpa, boundary_condition, settings.terms
        return _linear(BornFeatures(*constants, name="features"), head.n_coordinates)
    outputs = targets.shape[1]
    if settings.architecture == "pyramid" and of_any_film:
        return pyramid.build_for_any_film(settings.filters[0], images, targets)
    if settings.architecture == "pyramid":
        return pyramid.build(settings.filters[0], images, targets)
    rows, columns, channels = images.shape[1:]
    fixed = settings.pooling == "flatten" or settings.architecture == "mlp"
    if min(rows, columns) < 2 ** len(settings.filters) and settings.architecture != "mlp":
        raise InputError(
            f"network.filters has {len(settings.filters)} stages, each halving the image; "
            f"{rows} x {columns} pixels allow {int(np.log2(min(rows, columns)))}"
        )
    inputs = keras.Input((rows, columns, channels) if fixed else (None, None, channels))
    body = {"mlp": _mlp, "cnn": _cnn, "resnet": _resnet, "densenet": _densenet}
    x = WithoutUnit()(inputs) if of_any_film else inputs
    with _precision(settings.precision):
        x = body[settings.architecture](x, settings.filters)
        if fixed:
            x = keras.layers.Flatten()(x)
        else:
            x = keras.layers.GlobalAveragePooling2D()(x)
        x = _regression_block(x, settings)
    return keras.Model(inputs, keras.layers.Dense(outputs, name="outputs", dtype="float32")(x))


@contextmanager
def _precision(name: str):
    """Layers made inside compute with this precision and keep their weights in 32 bits."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy({"bfloat16": "mixed_bfloat16"}.get(name, name))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _regression_block(x, settings: NetworkSettings):
    """Dense layers of the published study, with L1, L2 and dropout."""
    for _ in range(settings.dense_layers):
        penalty = keras.regularizers.L1L2(settings.l1, settings.l2)
        x = keras.layers.Dense(
            settings.dense_nodes,
            activation="relu",
            kernel_initializer="he_normal",
            kernel_regularizer=penalty,
        )(x)
        if settings.dropout:
            x = keras.layers.Dropout(settings.dropout)(x)
    return x


def _convolution(x, filters: int, strides: int = 1, size: int = 3):
    return keras.layers.Conv2D(
        filters, size, strides=strides, padding="same", kernel_initializer="he_normal"
    )(x)


def _mlp(x, filters):
    """No convolution: pixels go straight to the regression block."""
    return x


def _cnn(x, filters):
    """Stages of a halving 3×3 convolution and ReLU; a maximum in place of the stride costs three times as much."""
    for count in filters:
        x = keras.layers.Activation("relu")(_convolution(x, count, strides=2))
    return x


def _resnet(x, filters):
    """Stages of a halving convolution and one residual block (He et al., CVPR 2016, pre-activation)."""
    for count in filters:
        x = _convolution(x, count, strides=2)
        branch = x
        for _ in range(2):
            branch = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(branch))
            branch = _convolution(branch, count)
        x = keras.layers.Add()([x, branch])
    return keras.layers.Activation("relu")(keras.layers.BatchNormalization()(x))


def _densenet(x, filters, layers_per_stage: int = 3):
    """Stages of three layers that see all earlier ones, between halvings (Huang et al., CVPR 2017)."""
    for count in filters:
        x = _convolution(x, count, strides=2)
        for _ in range(layers_per_stage):
            new = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(x))
            new = _convolution(new, max(1, count // layers_per_stage))
            x = keras.layers.Concatenate()([x, new])
    return keras.layers.Activation("relu")(keras.layers.BatchNormalization()(x))


def _linear(features, outputs: int):
    """Fixed features of a harmonic image and a linear head that turns with the material.

    Each vector feature has one coefficient for both of its components, so that mirror images and quarter turns of
    the window are treated exactly; the volume, where it is an output, is linear in the scalar features.
    """
    inputs = keras.Input((None, None, 2))
    vectors, scalars = features(inputs)
    pair = keras.layers.Dense(1, use_bias=False, name="vector_head")(vectors)
    pair = keras.layers.Flatten()(pair)
    if outputs == 2:
        return keras.Model(inputs, pair)
    volume = keras.layers.Dense(1, name="scalar_head")(scalars)
    return keras.Model(inputs, keras.layers.Concatenate()([volume, pair]))


def _linear_modes():
    """Fixed features of an image of log Q, and one coefficient of each for both components of a mode of log C̄.

    Turns and mirror images are treated exactly, and what a film of one grain has beyond the mean of log Q is zero.
    """
    inputs = keras.Input((None, None, CHANNELS_OF_LOG))
    features = LogSpectralFeatures(name="features")(inputs)
    parts = [
        keras.layers.Flatten()(keras.layers.Dense(1, use_bias=False, name=f"{name}_head")(values))
        for name, values in zip(OUTPUTS, features, strict=True)
    ]
    return keras.Model(inputs, FromModes()(keras.layers.Concatenate()(parts)))
