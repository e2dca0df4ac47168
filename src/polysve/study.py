"""Settings of a whole study: ensembles, experiments and searches, and the slice of them that each stage gets."""

from operator import attrgetter
from typing import Annotated

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from polysve.errors import InputError
from polysve.settings import (
    AssembleSettings,
    EvaluateSettings,
    Fraction,
    HomogenizeSettings,
    MaterialSettings,
    MeshSettings,
    Model,
    Name,
    Positive,
    PreprocessSettings,
    PreprocessSlice,
    TessellateSettings,
    TrainSettings,
)


class EnsembleSettings(Model):
    """SVEs drawn with the same window, grain size and rule."""

    window_um: Positive
    """Side of the window L."""
    grain_size_um: Positive
    """Mean in-plane grain size s; (L/s)² grains are drawn."""
    count: Annotated[int, Field(ge=1, le=10**9)]
    """Number of SVEs; more of them leave those there are as they are."""
    spacing_fraction: Annotated[float, Field(ge=0, le=0.75)] = 0.5
    """Smallest distance of two generators over the grain size."""
    periodic: bool = False
    """Whether grains continue on the opposite side; if not, the window cuts them."""
    material: MaterialSettings | None = Field(
        None, description="Another material than homogenize.material."
    )

    @model_validator(mode="after")
    def drawable(self):
        """Refuse here what `TessellateSettings` would refuse later."""
        self.tessellate(seed=0)
        return self

    def tessellate(self, seed: int) -> TessellateSettings:
        """Settings of the tessellate stage for this ensemble."""
        return TessellateSettings(seed=seed, **self.model_dump(exclude={"count", "material"}))


class ExperimentSettings(Model):
    """One training recipe: which ensembles, how images are encoded, which network, how it is trained."""

    train_ensembles: tuple[Name, ...] = Field(min_length=1)
    """Split for training, validation and test; the first one sets the pixel size."""
    test_ensembles: tuple[Name, ...] = ()
    """Unseen in training."""
    preprocess: PreprocessSettings = PreprocessSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluateSettings = EvaluateSettings()

    @property
    def ensembles(self) -> tuple[str, ...]:
        """Training ensembles first, then those only tested on."""
        return self.train_ensembles + self.test_ensembles


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


class SearchSlice(Model):
    """All that the outcome of a search depends on, beside its trials."""

    experiment: ExperimentSettings
    trials: int
    seed: int
    space: Space


class Settings(Model):
    """The whole study."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    """Of all structures."""
    shard_grains: Annotated[int, Field(ge=1)] = Field(
        16_000,
        description="Mean number of grains in one job: some 20 s of work, against 3 s to start its programs.",
    )
    mesh: MeshSettings = MeshSettings()
    keep_meshes: bool = Field(
        False,
        description="Keep the meshes: another material then needs no meshing, for some 15 kB an SVE at ratio 4.",
    )
    homogenize: HomogenizeSettings = HomogenizeSettings()
    label_pixels: Annotated[int, Field(ge=16, le=4096)] = 512
    """Side of the stored label images."""
    max_failed_fraction: Fraction = 1e-3
    """More SVEs than this that fail stop the run."""
    ensembles: dict[Name, EnsembleSettings] = Field(min_length=1)
    """By name."""
    experiments: dict[Name, ExperimentSettings] = Field({})
    """By name."""
    searches: dict[Name, SearchSettings] = Field({})
    """By name."""

    @model_validator(mode="after")
    def experiments_fit(self):
        """Refuse experiments on ensembles, or on boundary conditions, that aren't there."""
        for name, experiment in self.experiments.items():
            self._check(experiment, f"experiments.{name}")
        return self

    @model_validator(mode="after")
    def searches_fit(self):
        """Refuse searches of which an end or a choice gives no valid experiment."""
        for name in self.searches:
            self._space(name)
        return self

    def _check(self, experiment: ExperimentSettings, key: str):
        repeated = set(experiment.train_ensembles) & set(experiment.test_ensembles)
        if repeated or len(set(experiment.ensembles)) != len(experiment.ensembles):
            raise InputError(f"{key} names an ensemble twice; a test ensemble must be unseen")
        for ensemble in experiment.ensembles:
            if ensemble not in self.ensembles:
                raise InputError(
                    f"{key} names the ensemble {ensemble!r}; there are: {', '.join(self.ensembles)}"
                )
        wanted = experiment.preprocess.boundary_condition
        if wanted not in self.homogenize.boundary_conditions:
            raise InputError(
                f"{key}.preprocess.boundary_condition = {wanted!r} is not computed; "
                f"homogenize.boundary_conditions are: {', '.join(self.homogenize.boundary_conditions)}"
            )
        windows = {e: self.ensembles[e].window_um for e in experiment.ensembles}
        for ensemble, window_um in windows.items():
            train_window_um = windows[experiment.train_ensembles[0]]
            pixels = experiment.preprocess.image_pixels(window_um, train_window_um)
            if pixels > self.label_pixels:
                raise InputError(
                    f"{key}.preprocess.pixels = {experiment.preprocess.pixels} makes images of "
                    f"{pixels} pixels for {ensemble}; at most label_pixels = {self.label_pixels}"
                )

    def _space(self, search: str) -> dict:
        """Space of a search, its values as the settings read them: 0 is 0.0 for a rate, "1e-3" is 0.001."""
        name = self.searches[search].experiment
        if name not in self.experiments:
            raise InputError(
                f"searches.{search}.experiment = {name!r}; there are: {', '.join(self.experiments) or 'none'}"
            )
        source = f"searches.{search}.space"

        def read(key, value):
            changed = self.experiments[name].substituted({key: value}, source)
            self._check(changed, source)
            found = attrgetter(key)(changed)
            if isinstance(found, Model):
                raise InputError(f"{source}: {key} is a section; one of its keys is needed")
            return list(found) if isinstance(found, tuple) else found

        space = {}
        for key, options in self.searches[search].space.items():
            if not key.startswith(("preprocess.", "train.")) or key in YARDSTICK:
                raise InputError(
                    f"{source}: {key}: a key below preprocess or train is needed, and none of those "
                    f"that decide what a trial is judged on: {', '.join(sorted(YARDSTICK))}"
                )
            if isinstance(options, Range):
                ends = {end: read(key, getattr(options, end)) for end in ("low", "high")}
                if any(type(value) not in (int, float) for value in ends.values()):
                    raise InputError(f"{source}: {key} is no number: a list of choices is needed")
                space[key] = options.model_copy(update=ends)
            else:
                space[key] = tuple(read(key, value) for value in options)
                if any(space[key].count(value) > 1 for value in space[key]):
                    raise InputError(f"{source}: {key} = {list(options)} names a choice twice")
        return space

    def shard_size(self, ensemble: str) -> int:
        """Number of SVEs in one job of an ensemble, so that jobs cost alike at any ratio."""
        grains = self.ensembles[ensemble].tessellate(self.seed).grain_count
        return max(1, self.shard_grains // grains)

    def tessellate_slice(self, ensemble: str) -> TessellateSettings:
        """All that the structures of an ensemble depend on."""
        return self.ensembles[ensemble].tessellate(self.seed)

    def homogenize_slice(self, ensemble: str) -> HomogenizeSettings:
        """All that the solutions of an ensemble depend on, beside its meshes."""
        material = self.ensembles[ensemble].material or self.homogenize.material
        return self.homogenize.model_copy(update={"material": material})

    def assemble_slice(self, ensemble: str) -> AssembleSettings:
        """All that joining the shards of an ensemble depends on."""
        return AssembleSettings(
            ensemble=ensemble,
            count=self.ensembles[ensemble].count,
            shard_size=self.shard_size(ensemble),
            label_pixels=self.label_pixels,
            max_failed_fraction=self.max_failed_fraction,
        )

    def preprocess_slice(self, experiment: str) -> PreprocessSlice:
        """All that the inputs of an experiment depend on, beside its ensembles."""
        chosen = self.experiments[experiment]
        return PreprocessSlice(
            train_ensembles=chosen.train_ensembles, **chosen.preprocess.model_dump()
        )

    def trial_slice(self, search: str) -> TrialSlice:
        """All that the trials of a search depend on; not how many there are."""
        chosen = self.searches[search]
        return TrialSlice(
            preprocess=self.preprocess_slice(chosen.experiment),
            train=self.experiments[chosen.experiment].train,
            space=self._space(search),
            **chosen.model_dump(include={"seed", "startup_trials", "warmup_epochs"}),
        )

    def search_slice(self, search: str) -> SearchSlice:
        """All that the outcome of a search depends on, beside its trials."""
        chosen = self.searches[search]
        return SearchSlice(
            experiment=self.experiments[chosen.experiment],
            space=self._space(search),
            **chosen.model_dump(include={"trials", "seed"}),
        )
