"""A trained network as a tool: films in, stiffness with an interval out.

Examples
--------
>>> from polysve import load_surrogate
>>> surrogate = load_surrogate("results/experiments/spectral/model.keras")  # doctest: +SKIP
>>> surrogate.predict("points.csv").young_modulus_gpa  # doctest: +SKIP
array([148.93])
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.films.readers import read_films
from polysve.films.reading import Reading
from polysve.grains.film import Film
from polysve.learning.model_card import Facts, ModelCard, directional, read_card
from polysve.networks import physical
from polysve.surrogate.network_input import NetworkInput, network_input

OUTSIDE = {
    "window": "window",
    "grain_count": "effective number of grains",
    "pixel_pitch": "pixel pitch",
    "texture": "texture",
}
SAME = 0.02
"""Windows and pixels that differ by less than this are the same."""
MANY = 0.5
"""Effective numbers of grains may lie this far outside those of the training: a window cut from a film has more of them
than one drawn for itself."""


@dataclass(frozen=True)
class Prediction:
    """What a network says of n SVEs."""

    young_modulus_gpa: Array
    """Ē along x1, shape (n,)."""
    half_width_gpa: Array
    """The interval is Ē plus or minus this, shape (n,)."""
    coverage: float
    """Probability that the interval holds Ē of a further SVE like those trained on."""
    stiffness_gpa: Array | None
    """C̄, shape (n, 3, 3); None where the network predicts Ē alone."""
    boundary_condition: str
    outside: dict[str, NDArray[np.bool_]]
    """Which SVEs differ from all that the network was trained on, shape (n,), by property (`OUTSIDE`)."""
    beyond_gpa: Array
    """By how much Ē leaves what the grains allow, judged by all that the network was validated on, shape (n,)."""
    direction_half_width_gpa: Array | None
    """Of the interval that holds the moduli of an SVE in all directions at once; None where there is Ē alone."""

    @property
    def interval_gpa(self) -> Array:
        """Lower and upper end for each SVE, shape (n, 2)."""
        return self.young_modulus_gpa[:, None] + self.half_width_gpa[:, None] * [-1, 1]

    def directional_gpa(self, phi_rad: ArrayLike) -> Array:
        """Young's modulus in m directions from x1, shape (n, m).

        Raises
        ------
        InputError
            If the network predicts Ē alone.
        """
        if self.stiffness_gpa is None:
            raise InputError("the model predicts Ē alone; directions need one that predicts C̄")
        return directional(self.stiffness_gpa, np.atleast_1d(phi_rad))


def severity(prediction: Prediction, flags: NDArray[np.bool_]) -> str:
    """How much a property outside the training means for the SVEs that are flagged.

    ``serious`` where their answers also leave what the grains allow, by more than a tenth of the interval; its width
    then holds what they do not explain. Else ``note``.
    """
    widened = prediction.beyond_gpa > 0.1 * prediction.half_width_gpa
    return "serious" if (widened & flags).any() else "note"


class Surrogate:
    """A network and its card, as `load_surrogate` gives them.

    Attributes
    ----------
    card : ModelCard
        How images are made, what the network was trained on, how far it errs.
    model : keras.Model
        Images (n, p, p, channels) in, GPa out.
    """

    def __init__(self, model, card: ModelCard):
        self.model, self.card = model, card

    def predict(
        self,
        source: str | Path | Film | Iterable[Film],
        window_um: float | None = None,
        coverage: float = 0.9,
    ) -> Prediction:
        """Predict films, each as one SVE.

        Parameters
        ----------
        source : path, film or films
            A file that `read_films` reads, or what it gives.
        window_um : float, optional
            Side of the window of a `.csv` file; width of a `.npz` that does not say it.
        coverage : float
            Of the interval.

        Raises
        ------
        InputError
            For a file that is wrong, films that are not square, too few validation SVEs for the coverage.
        """
        if isinstance(source, str | Path):
            films = read_films(source, Reading(window_um))
        else:
            films = [source] if isinstance(source, Film) else source
        return self.predict_inputs((network_input(film, self.card) for film in films), coverage)

    def predict_inputs(self, inputs: Iterable[NetworkInput], coverage: float = 0.9) -> Prediction:
        """Predict SVEs from their images, some hundred at a time."""
        if not np.isfinite(self.card.quantile(coverage)):
            count = len(self.card.scores["young_modulus"])
            raise InputError(
                f"coverage = {coverage}: the model was validated on {count} SVEs; allowed is up to "
                f"{count / (count + 1):.4g}"
            )
        targets, properties, log_means = [], [], []
        for chunk in _chunks(inputs):
            pictures = np.stack([each.image for each in chunk])
            targets.append(physical.predict_targets(self.model, pictures))
            properties += [each[1:5] for each in chunk]
            log_means += [each.log_mean for each in chunk]
        if not targets:
            raise InputError("no film to predict")
        properties = np.array(properties)
        facts = Facts(*np.array(log_means).T, properties[:, 2])
        return self._prediction(
            np.concatenate(targets).astype(float), properties, facts, coverage
        )

    def compile(self, window_um: float) -> None:
        """Let Keras compile the network for images of a window, which the first prediction does otherwise."""
        pixels, channels = self.card.pixels(window_um), self.model.input_shape[-1]
        blank = np.zeros((1, pixels, pixels, channels), np.float32)
        # a full batch and a shorter one: the network is then compiled for any number of images
        physical.predict_targets(self.model, blank.repeat(physical.batch_size(blank) + 1, axis=0))

    def _prediction(self, targets, properties, facts: Facts, coverage: float) -> Prediction:
        head = physical.stiffness_head(self.model)
        moduli = physical.young_modulus(self.model, targets)
        half_widths = {
            score: self.card.half_width_gpa(coverage, facts, moduli, score)
            for score in self.card.scores
        }
        return Prediction(
            young_modulus_gpa=moduli,
            half_width_gpa=half_widths["young_modulus"],
            coverage=coverage,
            stiffness_gpa=None if head is None else head.stiffness(targets),
            boundary_condition=self.card.boundary_condition,
            outside=self._outside(*properties.T),
            beyond_gpa=self.card.beyond_gpa(facts, moduli),
            direction_half_width_gpa=half_widths.get("direction"),
        )

    def _outside(self, window_um, source_pixel_um, effective_grains, texture) -> dict:
        """Compare SVEs with what the network was trained on."""
        card = self.card
        pitches = [card.pitch_um(each) for each in card.windows_um]
        pitch = np.array([card.pitch_um(each) for each in window_um])
        return {
            "window": _beyond(window_um, card.windows_um),
            "grain_count": _beyond(effective_grains, card.effective_grains, MANY),
            "pixel_pitch": _beyond(pitch, pitches) | (source_pixel_um > max(pitches) * (1 + SAME)),
            "texture": texture > card.texture,
        }


def load_surrogate(path: str | Path) -> Surrogate:
    """Load a network that `polysve train` made.

    Keras's safe mode is on: a file from a stranger can refuse to load, not run code.

    Raises
    ------
    InputError
        If the file is no such network.
    """
    return Surrogate(physical.load(path), read_card(path))


def _beyond(values: Array, known: ArrayLike, tolerance: float = SAME) -> NDArray[np.bool_]:
    """Which values lie outside the range of the known ones."""
    low, high = np.min(known) / (1 + tolerance), np.max(known) * (1 + tolerance)
    return (values < low) | (values > high)


def _chunks(inputs: Iterable[NetworkInput]) -> Iterator[tuple[NetworkInput, ...]]:
    """Runs of inputs with images of one size, not too many at once."""
    for shape, same in groupby(inputs, key=lambda each: each.image.shape):
        # one batch: to fetch fresh memory for more takes longer than to predict them
        size = physical.batch_size(np.empty((1, *shape), np.float32))
        while chunk := tuple(islice(same, size)):
            yield chunk
