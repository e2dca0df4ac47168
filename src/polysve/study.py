"""Settings of a whole study: ensembles, experiments, and the slice of them that each stage gets."""

from typing import Annotated

from pydantic import Field, model_validator

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

    @model_validator(mode="after")
    def experiments_name_ensembles(self):
        """Refuse experiments on ensembles, or on boundary conditions, that aren't there."""
        for name, experiment in self.experiments.items():
            repeated = set(experiment.train_ensembles) & set(experiment.test_ensembles)
            if repeated or len(set(experiment.ensembles)) != len(experiment.ensembles):
                raise ValueError(
                    f"experiments.{name} names an ensemble twice; a test ensemble must be unseen"
                )
            for ensemble in experiment.ensembles:
                if ensemble not in self.ensembles:
                    raise ValueError(
                        f"experiments.{name} names the ensemble {ensemble!r}; there are: {', '.join(self.ensembles)}"
                    )
            wanted = experiment.preprocess.boundary_condition
            if wanted not in self.homogenize.boundary_conditions:
                raise ValueError(
                    f"experiments.{name}.preprocess.boundary_condition = {wanted!r} is not computed; "
                    f"homogenize.boundary_conditions are: {', '.join(self.homogenize.boundary_conditions)}"
                )
            windows = {e: self.ensembles[e].window_um for e in experiment.ensembles}
            for ensemble, window_um in windows.items():
                train_window_um = windows[experiment.train_ensembles[0]]
                pixels = experiment.preprocess.image_pixels(window_um, train_window_um)
                if pixels > self.label_pixels:
                    raise ValueError(
                        f"experiments.{name}.preprocess.pixels = {experiment.preprocess.pixels} makes images of "
                        f"{pixels} pixels for {ensemble}; at most label_pixels = {self.label_pixels}"
                    )
        return self

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
