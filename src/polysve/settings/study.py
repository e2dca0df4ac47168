"""Settings of a whole study: ensembles, experiments, searches, devices, and the slice that each stage gets."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from polysve.base.errors import InputError
from polysve.settings.device import DeviceSettings
from polysve.settings.experiment import (
    EvaluateSettings,
    PreprocessSettings,
    PreprocessSlice,
    TrainSettings,
)
from polysve.settings.families import (
    CharacterizeSettings,
    FilmsSettings,
    TabulateSettings,
    characterize_settings,
)
from polysve.settings.labels import (
    AspectRatio,
    AssembleSettings,
    AuditSettings,
    HomogenizeSettings,
    MeshSettings,
    SizeScatter,
    Spacing,
    TessellateSettings,
)
from polysve.settings.material import CrystalSettings, CubicSettings, Material
from polysve.settings.model import Fraction, Model, Name, Positive, Seed
from polysve.settings.search import SearchSettings, Space, TrialSlice, as_read, tried
from polysve.settings.texture import DEFAULT_TEXTURE, Texture, sample_files


class PhaseSettings(Model):
    """One of several crystals in a film."""

    material: Material
    """A name of the catalogue, C11,C12,C44 in GPa, or constants by key."""
    texture: Texture = DEFAULT_TEXTURE
    """Law of the orientations."""
    fraction: Annotated[float, Field(gt=0, le=1)]
    """Share of the grains; those of all phases sum to one."""


class EnsembleSettings(Model):
    """SVEs drawn with the same window, grain size and rule."""

    window_um: Positive
    """Side of the window L."""
    grain_size_um: Positive
    """Mean in-plane grain size s; (L/s)² grains are drawn."""
    count: Annotated[int, Field(ge=1, le=10**9)]
    """Number of SVEs; more of them leave those there are as they are."""
    spacing_fraction: Spacing = 0.5
    size_scatter: SizeScatter = None
    aspect_ratio: AspectRatio = 1.0
    periodic: bool = False
    """Whether grains continue on the opposite side; if not, the window cuts them."""
    texture: Texture = DEFAULT_TEXTURE
    """Law of the orientations: random, <110> and the like, or a law by key."""
    material: Material | None = Field(
        None, description="Another material than homogenize.material."
    )
    phases: dict[Name, PhaseSettings] = Field({})
    """Several crystals side by side, by name; then texture and material stand there."""

    @model_validator(mode="after")
    def drawable(self):
        """Refuse here what `TessellateSettings` would refuse later, and what phases leave without effect."""
        if self.phases and (self.material or self.texture != DEFAULT_TEXTURE):
            raise ValueError(
                "material and texture stand at each of the phases, where there are any"
            )
        self.tessellate(seed=0, material=CubicSettings())
        return self

    def tessellate(self, seed: int, material: CrystalSettings) -> TessellateSettings:
        """Settings of the tessellate stage for this ensemble, of a material unless it has its own."""
        one = PhaseSettings(material=self.material or material, texture=self.texture, fraction=1)
        phases = {
            name: {
                "fraction": each.fraction,
                "texture": each.texture,
                "symmetry": each.material.symmetry,
            }
            for name, each in (self.phases or {"film": one}).items()
        }
        drawn = set(EnsembleSettings.model_fields) & set(TessellateSettings.model_fields)
        return TessellateSettings(
            seed=seed, phases=phases, **self.model_dump(include=drawn - {"phases"})
        )


class ExperimentSettings(Model):
    """One training recipe: which ensembles, how images are encoded, which network, how it is trained."""

    train_ensembles: tuple[Name, ...] = Field(min_length=1)
    """Split for training, validation and test; the first one sets the pixel size."""
    test_ensembles: tuple[Name, ...] = ()
    """Unseen in training."""
    seeds: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None,
        description="Train as often, with train.seed = 1, 2, ...: experiments NAME_1, NAME_2, ...; once if null.",
    )
    preprocess: PreprocessSettings = PreprocessSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluateSettings = EvaluateSettings()

    @property
    def ensembles(self) -> tuple[str, ...]:
        """Training ensembles first, then those only tested on."""
        return self.train_ensembles + self.test_ensembles

    def with_each_seed(self, name: str) -> dict:
        """The same recipe with each of its seeds, by name.

        Examples
        --------
        >>> recipe = ExperimentSettings(train_ensembles=["ratio4"], seeds=2)
        >>> {name: each.train.seed for name, each in recipe.with_each_seed("mine").items()}
        {'mine_1': 1, 'mine_2': 2}
        """
        if self.seeds is None:
            return {name: self}
        recipes = {}
        for seed in range(1, self.seeds + 1):
            train = self.train.model_copy(update={"seed": seed})
            recipes[f"{name}_{seed}"] = self.model_copy(update={"train": train, "seeds": None})
        return recipes


class SearchSlice(Model):
    """All that the outcome of a search depends on, beside its trials."""

    experiment: ExperimentSettings
    trials: int
    seed: int
    space: Space


class Settings(Model):
    """The whole study."""

    results: Annotated[str, Field(pattern=r"^/?[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")] = Field(
        "results",
        description="Folder of all results, relative to where the study runs. Each study has its own.",
    )
    seed: Seed = 1
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
    audit: AuditSettings = AuditSettings()
    ensembles: dict[Name, EnsembleSettings] = Field({})
    """By name."""
    films: dict[Name, FilmsSettings] = Field({})
    """Families of films by name, of which the scatter is tabulated without training."""
    checked_films: Annotated[int, Field(ge=0)] = Field(
        20, description="Cells of that table, drawn by lot, to be checked by finite elements."
    )
    experiments: dict[Name, ExperimentSettings] = Field({})
    """By name."""
    searches: dict[Name, SearchSettings] = Field({})
    """By name."""
    devices: dict[Name, DeviceSettings] = Field({})
    """Kinds of beam by name."""

    @model_validator(mode="after")
    def something(self):
        """Refuse a study of nothing."""
        if not (self.ensembles or self.films or self.devices):
            raise ValueError("ensembles, films or devices are needed")
        return self

    @field_validator("experiments")
    @classmethod
    def seeds_spelled_out(cls, experiments: dict) -> dict:
        """An experiment for each seed, where one asks for several."""
        spelled = {}
        for name, experiment in experiments.items():
            for each, recipe in experiment.with_each_seed(name).items():
                if each in spelled or (each != name and each in experiments):
                    raise ValueError(f"{name}.seeds = {experiment.seeds} makes a second {each}")
                spelled[each] = recipe
        return spelled

    @model_validator(mode="after")
    def experiments_fit(self):
        """Refuse experiments on ensembles, or on boundary conditions, that aren't there."""
        for name, experiment in self.experiments.items():
            self._check(experiment, f"experiments.{name}")
        return self

    @model_validator(mode="after")
    def searches_fit(self):
        """Refuse searches of which an end or a choice gives no valid experiment."""
        for name, search in self.searches.items():
            if search.experiment not in self.experiments:
                raise InputError(
                    f"searches.{name}.experiment = {search.experiment!r}; "
                    f"there are: {', '.join(self.experiments) or 'none'}"
                )
            self._space(name)
            for varied in self.varied(name):
                self._check(varied, f"searches.{name}.space")
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

    def varied(self, search: str) -> Iterator[ExperimentSettings]:
        """The experiment of a search with each end or choice of its space in turn."""
        chosen = self.searches[search]
        for key, options in chosen.space.items():
            for value in tried(options):
                yield self.experiments[chosen.experiment].substituted(
                    {key: value}, f"searches.{search}.space"
                )

    def _space(self, search: str) -> dict:
        """Space of a search, its values as the settings read them: 0 is 0.0 for a rate, "1e-3" is 0.001."""
        chosen, source = self.searches[search], f"searches.{search}.space"
        experiment = self.experiments[chosen.experiment]
        return {
            key: as_read(options, key, experiment, source) for key, options in chosen.space.items()
        }

    def shard_size(self, ensemble: str) -> int:
        """Number of SVEs in one job of an ensemble, so that jobs cost alike at any ratio."""
        mean_grains = self.tessellate_slice(ensemble).ratio ** 2
        return max(1, int(self.shard_grains / mean_grains))

    def tessellate_slice(self, ensemble: str) -> TessellateSettings:
        """All that the structures of an ensemble depend on."""
        return self.ensembles[ensemble].tessellate(self.seed, self.homogenize.material)

    def homogenize_slice(self, ensemble: str) -> HomogenizeSettings:
        """All that the solutions of an ensemble depend on, beside its meshes."""
        chosen = self.ensembles[ensemble]
        return self.homogenize.model_copy(
            update={
                "material": chosen.material or self.homogenize.material,
                "phases": {name: each.material for name, each in chosen.phases.items()},
            }
        )

    def characterize_slice(self, films: str, ratio: float) -> CharacterizeSettings:
        """All that the films of a family at one ratio depend on, beside their number."""
        return characterize_settings(films, self.films[films], ratio, self.seed)

    def tabulate_slice(self) -> TabulateSettings:
        """All that the table of the families of films depends on."""
        return TabulateSettings(
            families={
                name: {ratio: self.characterize_slice(name, ratio) for ratio in family.counts}
                for name, family in self.films.items()
            },
            checked=self.checked_films,
        )

    def sample_files(self, ensemble: str) -> list[str]:
        """Files of measured orientations that the structures of an ensemble are drawn from."""
        phases = self.tessellate_slice(ensemble).phases.values()
        return sample_files(phase.texture for phase in phases)

    def device_slice(self, device: str) -> DeviceSettings:
        """All that the beams of a device depend on."""
        chosen = self.devices[device]
        return chosen.model_copy(update={"material": chosen.material or self.homogenize.material})

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
