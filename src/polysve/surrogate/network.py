"""A trained network as a tool: films in, stiffness with an interval out.

Examples
--------
>>> from polysve import load_surrogate
>>> surrogate = load_surrogate("results/experiments/spectral/model.keras")  # doctest: +SKIP
>>> surrogate.predict("points.csv").young_modulus_gpa  # doctest: +SKIP
array([148.93])
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.crystals.crystal import Crystal
from polysve.films.readers import read_films
from polysve.films.reading import Reading
from polysve.grains.film import Film, LabelImage
from polysve.learning.model_card import Facts, ModelCard, read_card
from polysve.networks import physical
from polysve.surrogate.network_input import NetworkInput, image_side, network_input
from polysve.surrogate.prediction import Prediction

SAME_SIZE = 0.02
"""Windows and pixels that differ by less than this are the same."""
GRAINS_BEYOND = 0.5
"""Effective numbers of grains may lie this far outside those of the training: a window cut from a film has more of them
than one drawn for itself."""
SPREAD_BEYOND = 0.5
"""The spread of log Q may be as much larger than that of all SVEs that the intervals are from."""


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
            films = read_films(source, Reading(window_um, unnamed=self.crystals[0]))
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
        return self._prediction(np.concatenate(targets).astype(float), properties, facts, coverage)

    def takes(self, film: Film) -> bool:
        """Whether a film can be predicted as a whole: a square that is no map much larger than the training."""
        width_um, height_um = film.size_um
        return abs(width_um / height_um - 1) < 1e-9 and self.window_for(film) is None

    def window_for(self, film: Film) -> float | None:
        """Side of the windows into which a map must be cut that is larger than the training windows."""
        trained_um = self.card.windows_um[0]
        larger = max(film.size_um) > trained_um * (1 + SAME_SIZE)
        return trained_um if isinstance(film.shape, LabelImage) and larger else None

    def pixel_um(self, film: Film, window_um: float) -> float:
        """Pixel of the images of a film's windows."""
        return self.card.pitch_um(window_um)

    @property
    def crystals(self) -> tuple[Crystal, ...]:
        """Of films that nobody has said it of: the first that it was trained on."""
        return self.card.crystals[:1]

    @property
    def boundary_condition(self) -> str:
        """Of the stiffness that it predicts."""
        return self.card.boundary_condition

    @property
    def work(self) -> Callable[[Film], NetworkInput]:
        """What is done with each film before it is predicted; it can be done by other processes."""
        return partial(network_input, card=self.card)

    def warm_up(self, window_um: float) -> None:
        """Let Keras compile the network for images of a window, which the first prediction does otherwise."""
        pixels, channels = image_side(self.card, window_um), self.model.input_shape[-1]
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
            outside=self._outside(*properties.T, facts.spread),
            known=self._known(),
            beyond_gpa=self.card.beyond_gpa(facts, moduli),
            direction_half_width_gpa=half_widths.get("direction"),
        )

    def _known(self) -> dict[str, str]:
        """Ranges of the training, in words."""
        card = self.card
        pitches = [card.pitch_um(each) for each in card.windows_um]
        return {
            "window": f"{_range(card.windows_um)} µm",
            "grain_count": _range(card.effective_grains),
            "pixel_pitch": f"{_range(pitches)} µm",
            "texture": f"up to {card.texture:.3g}",
            "contrast": f"spread of log Q up to {card.validated_spread or 0:.2g}",
        }

    def _outside(self, window_um, source_pixel_um, effective_grains, texture, spread) -> dict:
        """Compare SVEs with what the network was trained on."""
        card = self.card
        pitches = [card.pitch_um(each) for each in card.windows_um]
        pitch = np.array([card.pitch_um(each) for each in window_um])
        return {
            "window": _beyond(window_um, card.windows_um),
            "grain_count": _beyond(effective_grains, card.effective_grains, GRAINS_BEYOND),
            "pixel_pitch": _beyond(pitch, pitches)
            | (source_pixel_um > max(pitches) * (1 + SAME_SIZE)),
            "texture": texture > card.texture,
            "contrast": spread > (card.validated_spread or np.inf) * (1 + SPREAD_BEYOND),
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


def _beyond(values: Array, known: ArrayLike, tolerance: float = SAME_SIZE) -> NDArray[np.bool_]:
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


def _range(values) -> str:
    low, high = min(values), max(values)
    return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
