"""What a trained network says of itself: how its images are made, what it was trained on, how far it errs.

The card is an entry of the `.keras` archive, so that one file is all that a user of the network needs.
"""

import json
import math
import zipfile
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import h5py
import numpy as np
from pydantic import Field, model_validator

from polysve.base.errors import InputError
from polysve.base.files import ARCHIVE_DAMAGE
from polysve.crystals.catalogue import crystal
from polysve.crystals.crystal import Crystal
from polysve.crystals.stiffness import directional, young_modulus
from polysve.data.inputs import Split, open_inputs
from polysve.data.layouts import CARD
from polysve.learning.plan import image_pixels
from polysve.settings.experiment import PreprocessSlice
from polysve.settings.labels import BoundaryCondition
from polysve.settings.material import Material
from polysve.settings.model import Model, Positive, parse
from polysve.settings.texture import Texture

NO_SPREAD = 1e-12
LARGEST_CARD_BYTES = 50_000_000


class Facts(NamedTuple):
    """What films say of themselves, without the network, each of shape (n,)."""

    young_modulus_gpa: np.ndarray
    """Of the mean of log Q."""
    spread: np.ndarray
    """Of log Q."""
    effective_grains: np.ndarray
    """1/Σa²."""


Score = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class TrainingFilms(Model):
    """Films of one ensemble that a network was trained on."""

    crystals: tuple[Material, ...] = Field(min_length=1)
    """One for each phase."""
    textures: tuple[Texture, ...] = Field(min_length=1)
    """Law of the orientations of each."""
    ratio: Positive
    """Window over grain size."""


class ModelCard(Model):
    """Card of one network.

    Errors are scored in a unit that a film says without the network: E⟨log Q⟩ · spread^growth · grains^-decay, see
    `log_mean`, with the effective number of grains 1/Σa² no further than validated. In format 1 they are in GPa.
    """

    format: Literal[1, 2] = 2
    preprocess: PreprocessSlice
    """How images are made; its `pixels` belong to the first of `windows_um`."""
    boundary_condition: BoundaryCondition
    material: Material
    """Of the first training ensemble."""
    films: tuple[TrainingFilms, ...] = ()
    """What it was trained on; cards of before do not tell."""
    windows_um: tuple[Positive, ...] = Field(min_length=1)
    """Windows of the training ensembles."""
    grain_sizes_um: tuple[Positive, ...] = Field(min_length=1)
    effective_grains: tuple[Positive, Positive]
    """Smallest and largest 1/Σa² of the training SVEs, a being the area fractions of the grains."""
    texture: Annotated[float, Field(ge=0)]
    """Largest |z|²/Σa² of the training SVEs of <100> films, z being the window mean of exp(4iθ); its mean is 1 without
    texture."""
    validated_grains: tuple[Positive, Positive] | None = None
    """Smallest and largest 1/Σa² of the SVEs that the scores are from."""
    validated_spread: Positive | None = None
    """Largest spread of log Q of the same SVEs."""
    decay: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Power of the effective number of grains that errors fall with."""
    growth: Annotated[float, Field(ge=1, le=2)] = 1.0
    """Power of the spread of log Q that relative errors grow with."""
    surplus: tuple[float, float] | None = None
    """Range of (Ē/E⟨log Q⟩ - 1)/spread of the same SVEs, and its width again on either side."""
    scores: dict[Literal["young_modulus", "direction"], tuple[Score, ...]]
    """Sorted absolute errors of SVEs that were not trained on: of Ē, and the largest over all directions."""

    @model_validator(mode="before")
    @classmethod
    def first_format(cls, values):
        """Scores of format 1 were called by their unit."""
        if isinstance(values, dict) and "scores_gpa" in values:
            values = {**values, "scores": values["scores_gpa"]}
            del values["scores_gpa"]
        return values

    @cached_property
    def crystals(self) -> tuple[Crystal, ...]:
        """All crystals that it was trained on, each once; that of the first training ensemble comes first."""
        trained = dict.fromkeys(each for film in self.films for each in film.crystals)
        return tuple(crystal(each) for each in trained or [self.material])

    @property
    def sees_stiffness(self) -> bool:
        """Whether its images show the grains' stiffness; angles alone mean the crystal that it was trained on."""
        return self.preprocess.encoding == "log_stiffness"

    def scope(self) -> dict[str, str]:
        """Which films the network may be used on, in words, by property."""
        names = ", ".join(each.name for each in self.crystals)
        others = ", and others of no more contrast" if self.sees_stiffness else ""
        textures = dict.fromkeys(law.words for film in self.films for law in film.textures)
        ratios = dict.fromkeys(f"{film.ratio:g}" for film in self.films)
        low, high = self.validated_grains or self.effective_grains
        told = {
            "crystals": names + others,
            "textures": ", ".join(textures),
            "trained at L/s": ", ".join(ratios),
            "effective grains": f"{low:.3g} to {high:.3g}",
            "contrast": f"spread of log Q up to {self.validated_spread:.2g}"
            if self.validated_spread
            else "",
            "boundary condition": self.boundary_condition.upper(),
        }
        return {name: words for name, words in told.items() if words}

    def pixels(self, window_um: float) -> int:
        """Image side for a window."""
        return image_pixels(self.preprocess, window_um, self.windows_um[0])

    def pitch_um(self, window_um: float) -> float:
        """Side of an image pixel for a window."""
        return window_um / self.pixels(window_um)

    def quantile(self, coverage: float, score: str = "young_modulus") -> float:
        """Score that a further SVE stays below with a probability, infinite where there are too few SVEs to tell.

        Split conformal prediction: the ⌈(n + 1)·coverage⌉-th smallest of n scores covers a further SVE of the same
        ensembles with at least that probability, whatever the law of the errors (Vovk, Gammerman &
        Shafer, Algorithmic Learning in a Random World, 2005; Lei et al., J. Am. Stat. Assoc. 113 (2018) 1094).

        Parameters
        ----------
        coverage : float
            Between 0 and 1.
        score : {"young_modulus", "direction"}

        Raises
        ------
        InputError
            For another coverage, and for directions where the network predicts Ē alone.
        """
        if not 0 < coverage < 1:
            raise InputError(f"coverage = {coverage}: allowed is more than 0 and less than 1")
        if score not in self.scores:
            raise InputError("the model predicts Ē alone; directions need one that predicts C̄")
        return conformal_quantile(np.array(self.scores[score]), coverage)

    def unit_gpa(self, facts: Facts) -> np.ndarray:
        """What the scores of films are counted in, shape (n,)."""
        if self.format == 1:
            return np.ones(len(facts.effective_grains))
        return unit_gpa(facts, self.growth, self.decay, self.validated_grains)

    def beyond_gpa(self, facts: Facts, predicted_gpa: np.ndarray) -> np.ndarray:
        """By how much predictions of Ē (n,) leave the range around E⟨log Q⟩ that validated SVEs were found in, GPa.

        A network that is asked beyond its training can say anything; what the log-mean leaves open is little.
        """
        if self.format == 1:
            return np.zeros(len(predicted_gpa))
        low, high = self._allowed_gpa(facts)
        return np.maximum(0, np.maximum(low - predicted_gpa, predicted_gpa - high))

    def _allowed_gpa(self, facts: Facts) -> tuple[np.ndarray, np.ndarray]:
        scale = facts.young_modulus_gpa * facts.spread
        low, high = (facts.young_modulus_gpa + limit * scale for limit in self.surplus)
        return low, high

    def half_width_gpa(
        self, coverage: float, facts: Facts, predicted_gpa: np.ndarray, score: str = "young_modulus"
    ) -> np.ndarray:
        """Half width of the prediction interval of each film, shape (n,); see `quantile`.

        Where a prediction is beyond what was validated, the interval reaches back across all of that: the scores then
        say nothing.
        """
        usual = self.quantile(coverage, score) * self.unit_gpa(facts)
        if self.format == 1:
            return usual
        beyond = self.beyond_gpa(facts, predicted_gpa)
        low, high = self._allowed_gpa(facts)
        return np.where(beyond > 0, beyond + np.maximum(usual, high - low), usual)


def unit_gpa(
    facts: Facts, growth: float, decay: float, validated_grains: tuple[float, float]
) -> np.ndarray:
    """E⟨log Q⟩ · spread^growth · grains^-decay of films, the number of grains within the validated range."""
    grains = np.clip(facts.effective_grains, *validated_grains)
    return facts.young_modulus_gpa * facts.spread**growth * grains**-decay


def fitted_powers(errors_gpa: np.ndarray, facts: Facts) -> tuple[float, float]:
    """Growth and decay of `unit_gpa`, by least squares of the logarithms of errors.

    Averages of n independent grains err by n^-½, a wrong mean by n^0: the decay is 0 to ½. What a second-order theory
    misses grows with the spread to the power 1 to 2. Films that differ by less than a factor of four cannot tell: then
    no decay and a growth of 1, which are never too narrow for more grains or less spread.

    Examples
    --------
    >>> grains = np.repeat([10.0, 100.0], 500)
    >>> facts = Facts(np.ones(1000), np.full(1000, 0.02), grains)
    >>> errors = np.abs(np.random.default_rng(1).normal(size=1000)) / np.sqrt(grains)
    >>> growth, decay = fitted_powers(errors, facts)
    >>> growth, bool(0.3 < decay <= 0.5)
    (1.0, True)
    """
    known = (errors_gpa > 0) & (facts.spread > 0)
    relative = np.log(errors_gpa[known] / (facts.young_modulus_gpa * facts.spread)[known])
    columns = [
        np.log(values[known]) if _vary(values) else np.zeros(known.sum())
        for values in (facts.spread, facts.effective_grains)
    ]
    matrix = np.column_stack([np.ones(known.sum()), *columns])
    _, growth, decay = np.linalg.lstsq(matrix, relative, rcond=None)[0].round(4)
    return 1 + float(np.clip(growth, 0, 1)), abs(float(np.clip(-decay, 0, 0.5)))


def _vary(values: np.ndarray) -> bool:
    low, high = np.quantile(values, [0.05, 0.95])
    return high >= 4 * low


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """The ⌈(n + 1)·coverage⌉-th smallest score, infinite where n is too small.

    Examples
    --------
    >>> conformal_quantile(np.arange(1.0, 10.0), 0.9), conformal_quantile(np.arange(8.0), 0.9)
    (9.0, inf)
    """
    # rounding must not ask for one score more where (n + 1)·coverage is whole
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def describe(inputs_path: Path, model) -> ModelCard:
    """Card of a network, from the inputs it was trained and validated on.

    Parameters
    ----------
    inputs_path : Path
        inputs.h5 of the experiment.
    model : keras.Model
    """
    with open_inputs(inputs_path) as file:
        settings = parse(PreprocessSlice, file.attrs["settings"], str(inputs_path))
        groups = [file[name] for name in settings.train_ensembles]
        windows = [float(group.attrs["window_um"]) for group in groups]
        sizes = [float(group.attrs["grain_size_um"]) for group in groups]
        trained = [_training_range(group) for group in groups]
        films = [_films(group) for group in groups]
        judged = [part for part in (_errors(group, model) for group in file.values()) if part]
        attributes = {
            "boundary_condition": file.attrs["boundary_condition"],
            "material": next(iter(json.loads(file.attrs["crystals"]).values())),
        }
    grains = np.concatenate([grains for grains, _ in trained])
    facts = Facts(
        *(np.concatenate(columns) for columns in zip(*(f for f, _, _ in judged), strict=True))
    )
    errors = {name: np.concatenate([e[name] for _, e, _ in judged]) for name in judged[0][1]}
    true = np.concatenate([moduli for _, _, moduli in judged])
    validated = facts.effective_grains.min(), facts.effective_grains.max()
    scale = facts.young_modulus_gpa * facts.spread
    growth, decay = fitted_powers(errors["young_modulus"], facts)
    unit = unit_gpa(facts, growth, decay, validated)
    surplus = (true - facts.young_modulus_gpa) / scale
    margin = np.ptp(surplus)
    return ModelCard(
        preprocess=settings,
        films=films,
        windows_um=windows,
        grain_sizes_um=sizes,
        effective_grains=(grains.min(), grains.max()),
        texture=np.concatenate([texture for _, texture in trained]).max(),
        validated_grains=validated,
        validated_spread=facts.spread.max(),
        decay=decay,
        growth=growth,
        surplus=(surplus.min() - margin, surplus.max() + margin),
        scores={name: np.sort(each / unit).round(7).tolist() for name, each in errors.items()},
        **attributes,
    )


def stored_facts(group: h5py.Group, rows) -> Facts:
    """Facts of some samples of inputs.h5."""
    columns = ("log_mean_modulus", "log_spread", "squared_areas")
    modulus, spread, squared_areas = (group[name][:][rows] for name in columns)
    return Facts(modulus, spread, 1 / squared_areas)


def _films(group: h5py.Group) -> TrainingFilms:
    """What one ensemble of inputs.h5 is made of."""
    return TrainingFilms(
        crystals=list(json.loads(group.attrs["crystals"]).values()),
        textures=list(json.loads(group.attrs["textures"]).values()),
        ratio=float(group.attrs["window_um"] / group.attrs["grain_size_um"]),
    )


def _training_range(group: h5py.Group) -> tuple[np.ndarray, np.ndarray]:
    """Effective number of grains and texture of the training SVEs of one ensemble."""
    chosen = group["split"][:] == Split.TRAINING
    squared_areas = group["squared_areas"][:][chosen]
    means = group["window_means"][:][chosen]
    of_angles = means.shape[1] == 2
    return 1 / squared_areas, (means**2).sum(1) / squared_areas if of_angles else 0 * squared_areas


def _errors(group: h5py.Group, model):
    """Facts, absolute errors of the network by score, and Ē of the SVEs of one ensemble that tell how far it errs."""
    from polysve.networks import physical

    chosen = np.isin(group["split"][:], [Split.VALIDATION, Split.CALIBRATION])
    # a film without spread is its log-mean: there is nothing to score
    rows = np.flatnonzero(chosen & (group["log_spread"][:] > NO_SPREAD))
    if not len(rows):
        return None
    targets = physical.predict_targets(model, group["images"][rows]).astype(float)
    stiffness = group["stiffness"][:][rows]
    true = young_modulus(stiffness)
    errors = {"young_modulus": np.abs(physical.young_modulus(model, targets) - true)}
    head = physical.stiffness_head(model)
    if head is not None:
        difference = directional(head.stiffness(targets)) - directional(stiffness)
        errors["direction"] = np.abs(difference).max(1)
    return stored_facts(group, rows), errors, true


def write_card(model_path: Path, card: ModelCard) -> None:
    """Add the card to a `.keras` archive that has none."""
    with zipfile.ZipFile(model_path, "a", zipfile.ZIP_DEFLATED) as archive:
        # a date of its own would make equal trainings differ
        archive.writestr(zipfile.ZipInfo(CARD), card.canonical_json(), zipfile.ZIP_DEFLATED)


def read_card(model_path: Path) -> ModelCard:
    """Card of a `.keras` archive.

    Raises
    ------
    InputError
        If the file is no such archive, or has no card or a wrong one.
    """
    try:
        with zipfile.ZipFile(model_path) as archive:
            if archive.getinfo(CARD).file_size > LARGEST_CARD_BYTES:
                raise InputError(f"{model_path}: {CARD} is too large for a card")
            text = archive.read(CARD).decode()
    except KeyError:
        raise InputError(
            f"{model_path}: has no {CARD}; a model that `polysve train` made is needed"
        ) from None
    except (*ARCHIVE_DAMAGE, UnicodeDecodeError) as error:
        raise InputError(f"{model_path}: not a .keras model ({error})") from None
    return parse(ModelCard, text, f"{model_path}: {CARD}")
