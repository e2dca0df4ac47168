"""Settings of the stages that make an ensemble: structures, meshes, labels."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from polysve.settings.material import SYMMETRIES, CubicSettings, Material
from polysve.settings.model import Fraction, Model, Name, Positive, Seed
from polysve.settings.texture import DEFAULT_TEXTURE, Texture

BoundaryCondition = Literal["kubc", "subc", "pbc"]
LARGEST_SPACING = 0.75
LARGEST_RATIO = 200
Spacing = Annotated[
    float,
    Field(
        ge=0,
        le=LARGEST_SPACING,
        description="Smallest distance of two generators over the grain size. Random sequential addition jams at 0.83.",
    ),
]
SizeScatter = Annotated[
    float | None,
    Field(
        ge=0,
        le=0.8,
        description="Standard deviation of the logarithm of the grains' equivalent diameters √(4A/π), each grain "
        "counted once; they are log-normal then. null: Voronoi cells, about 0.19 at a spacing_fraction of 0.5.",
    ),
]
AspectRatio = Annotated[
    float,
    Field(
        ge=0.1,
        le=10,
        description="Mean extent of the grains along x1 over that along x2; their areas stay what they are.",
    ),
]
# of a triangle's displacements; beyond it rounding errors and time grow faster than what is gained
HIGHEST_ORDER = 8


class DrawnPhase(Model):
    """What the grains of one phase are drawn by."""

    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the grains."""
    texture: Texture = DEFAULT_TEXTURE
    """Law of the orientations."""
    symmetry: Literal[tuple(SYMMETRIES)] = "cubic"
    """Of the crystal; it says which turns of a texture's fibre are one and the same."""


class TessellateSettings(Model):
    """One random grain structure: window, grain size and rule."""

    seed: Seed = 1
    window_um: Positive
    grain_size_um: Positive
    spacing_fraction: Spacing = 0.5
    size_scatter: SizeScatter = None
    aspect_ratio: AspectRatio = 1.0
    periodic: bool = False
    phases: dict[Name, DrawnPhase] = Field({"film": DrawnPhase()}, min_length=1)
    """By name; their fractions sum to one."""

    @model_validator(mode="after")
    def whole(self):
        """Refuse phases that are more or less than the film."""
        total = sum(phase.fraction for phase in self.phases.values())
        if not math.isclose(total, 1, abs_tol=1e-6):
            given = ", ".join(f"{name} {each.fraction:g}" for name, each in self.phases.items())
            raise ValueError(f"the fractions of the phases sum to {total:g} ({given}); 1 is needed")
        return self

    @model_validator(mode="after")
    def at_least_one_grain(self):
        """Refuse windows of less than one grain or of more than an image can number."""
        ratio = self.window_um / self.grain_size_um
        if not 1 <= ratio <= LARGEST_RATIO:
            raise ValueError(
                f"window_um / grain_size_um = {ratio:g} must lie between 1 and {LARGEST_RATIO} "
                "(label images number 65,535 grains)"
            )
        return self

    @property
    def ratio(self) -> float:
        """Window over grain size L/s."""
        return self.window_um / self.grain_size_um


class MeshSettings(Model):
    """Triangle mesh of one grain structure."""

    algorithm: Literal["fan", "gmsh"] = Field(
        "fan",
        description="fan: each grain cut from its centre; gmsh: Delaunay triangles of one size, any polygons.",
    )
    element_size_fraction: Annotated[float, Field(ge=0.01, le=2)] = Field(
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
    element_order: Annotated[int, Field(ge=1, le=HIGHEST_ORDER)] = Field(
        3, description="Polynomial order of the displacements in a triangle, to begin with."
    )
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        1e-4,
        description="Of every component of the label, over its C11: the order is raised until the estimated error is "
        "below it. null: one solution as it is, without an estimate.",
    )
    correct: bool = Field(
        True,
        description="Grains that are turns of one Q of square symmetry: scale the directional moduli by the factor "
        "that makes the geometric mean under PBC exact.",
    )
    material: Material = CubicSettings()
    """Crystal of the film: a name of the catalogue, C11,C12,C44 in GPa, or constants by key."""
    phases: dict[Name, Material] = Field({})
    """Crystals by phase, of ensembles that have several; they stand at the ensembles."""

    @model_validator(mode="before")
    @classmethod
    def indicator(cls, values):
        """Before there was a tolerance, `indicator: false` asked for one solution without an estimate."""
        if isinstance(values, dict) and "indicator" in values:
            values = dict(values)
            if values.pop("indicator") is False:
                values.setdefault("tolerance", None)
        return values

    @model_validator(mode="after")
    def no_repeats(self):
        """Refuse a boundary condition named twice."""
        if len(set(self.boundary_conditions)) != len(self.boundary_conditions):
            raise ValueError(
                f"boundary_conditions = {list(self.boundary_conditions)} names one of them twice"
            )
        return self


class AuditSettings(Model):
    """Comparison of the first labels of each ensemble with those of gmsh's meshes and scikit-fem's assembly."""

    count: Annotated[int, Field(ge=0, le=10**9)] = Field(
        20, description="SVEs of each ensemble, at most; 0 leaves the audit out."
    )
    tolerance: Annotated[float, Field(gt=0, lt=1)] = Field(
        3e-4,
        description="A component of C̄, or Ē, that is off by more stops the run; over C̄11, and over Ē.",
    )


class AssembleSettings(Model):
    """Joining of the shards into one data set."""

    ensemble: Name
    count: Annotated[int, Field(ge=1, le=10**9)]
    shard_size: Annotated[int, Field(ge=1)]
    label_pixels: Annotated[int, Field(ge=16, le=4096)] = 512
    max_failed_fraction: Fraction = 1e-3
