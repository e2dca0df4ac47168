"""Settings of a crystal: one class for each symmetry, with its independent constants in GPa.

Axes are those of Nye, Physical Properties of Crystals (1957), and of the IRE standard of 1949: x3 along the fourfold,
sixfold or threefold axis; x1 along a twofold axis, or normal to a mirror plane, of trigonal crystals and along <100> of
the others.
"""

import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from polysve.base.errors import InputError
from polysve.settings.model import Model, as_field, parse, read_yaml

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
SMALLEST_GPA, LARGEST_GPA = 1e-3, 1e4
NEEDED = "symmetry and constants by key, such as c11_gpa, are needed"


def _largest(value: float) -> float:
    if abs(value) > LARGEST_GPA:
        raise ValueError(
            f"constants are in GPa, and this one looks like Pa or MPa; allowed is at most {LARGEST_GPA:g}"
        )
    return value


def _smallest(value: float) -> float:
    if value < SMALLEST_GPA:
        raise ValueError(f"constants are in GPa; allowed is at least {SMALLEST_GPA:g}")
    return value


Coupling = Annotated[
    float,
    Field(allow_inf_nan=False, json_schema_extra={"minimum": -LARGEST_GPA, "maximum": LARGEST_GPA}),
    AfterValidator(_largest),
]
"""A constant of any sign."""
Diagonal = Annotated[
    float,
    Field(allow_inf_nan=False, json_schema_extra={"minimum": SMALLEST_GPA, "maximum": LARGEST_GPA}),
    AfterValidator(_largest),
    AfterValidator(_smallest),
]
"""A constant that is positive in any crystal."""


class CrystalSettings(Model):
    """What the crystals of all symmetries share."""

    density_kg_m3: Annotated[float, Field(ge=100, le=30_000)] | None = None
    """Mass density, for what vibrates."""

    @model_validator(mode="after")
    def stable(self):
        """Refuse constants that let a crystal gain energy by straining."""
        for condition, value in self.criteria().items():
            if not value > 0:
                given = ", ".join(
                    f"{key} = {number:g}"
                    for key, number in self.constants().items()
                    if key.removesuffix("_gpa") in condition
                )
                raise ValueError(f"{given} is not positive definite: {condition} > 0 is needed")
        return self

    def constants(self) -> dict[str, float]:
        """Independent constants by key, such as ``c11_gpa``."""
        return self.model_dump(exclude={"symmetry", "density_kg_m3"})

    def criteria(self) -> dict[str, float]:
        """What must be positive: F. Mouhat and F.-X. Coudert, Phys. Rev. B 90 (2014) 224104."""
        raise NotImplementedError


class CubicSettings(CrystalSettings):
    """Cubic crystal, three constants; silicon by default."""

    symmetry: Literal["cubic"] = "cubic"
    c11_gpa: Diagonal = 165.64
    c12_gpa: Coupling = 63.94
    c44_gpa: Diagonal = 79.51
    """C44 = (C11 - C12)/2 would be isotropic."""

    def criteria(self):
        return {
            "c11 - c12": self.c11_gpa - self.c12_gpa,
            "c11 + 2 c12": self.c11_gpa + 2 * self.c12_gpa,
        }


class UniaxialSettings(CrystalSettings):
    """What crystals with one axis of higher symmetry, x3, share."""

    c11_gpa: Diagonal
    c12_gpa: Coupling
    c13_gpa: Coupling
    c33_gpa: Diagonal
    c44_gpa: Diagonal

    def criteria(self):
        sum_ = self.c11_gpa + self.c12_gpa
        return {
            "c11 - c12": self.c11_gpa - self.c12_gpa,
            "c11 + c12": sum_,
            "(c11 + c12) c33 - 2 c13²": sum_ * self.c33_gpa - 2 * self.c13_gpa**2,
        }


class HexagonalSettings(UniaxialSettings):
    """Hexagonal crystal, five constants; C66 = (C11 - C12)/2."""

    symmetry: Literal["hexagonal"]


class TetragonalSettings(UniaxialSettings):
    """Tetragonal crystal: six constants, or seven with C16 (Laue class 4/m)."""

    symmetry: Literal["tetragonal"]
    c66_gpa: Diagonal
    c16_gpa: Coupling = 0.0

    def criteria(self):
        difference = self.c11_gpa - self.c12_gpa
        return super().criteria() | {
            "(c11 - c12) c66 - 2 c16²": difference * self.c66_gpa - 2 * self.c16_gpa**2
        }


class TrigonalSettings(UniaxialSettings):
    """Trigonal crystal: six constants, or seven with C15 (Laue class -3); C66 = (C11 - C12)/2."""

    symmetry: Literal["trigonal"]
    c14_gpa: Coupling
    """Its sign depends on the sense of x1, or, the same, on which faces are called positive."""
    c15_gpa: Coupling = 0.0

    def criteria(self):
        difference = self.c11_gpa - self.c12_gpa
        coupling = self.c14_gpa**2 + self.c15_gpa**2
        return super().criteria() | {
            "(c11 - c12) c44 - 2 (c14² + c15²)": difference * self.c44_gpa - 2 * coupling
        }


class OrthorhombicSettings(CrystalSettings):
    """Orthorhombic crystal, nine constants."""

    symmetry: Literal["orthorhombic"]
    c11_gpa: Diagonal
    c22_gpa: Diagonal
    c33_gpa: Diagonal
    c12_gpa: Coupling
    c13_gpa: Coupling
    c23_gpa: Coupling
    c44_gpa: Diagonal
    c55_gpa: Diagonal
    c66_gpa: Diagonal

    def criteria(self):
        c11, c22, c33 = self.c11_gpa, self.c22_gpa, self.c33_gpa
        c12, c13, c23 = self.c12_gpa, self.c13_gpa, self.c23_gpa
        return {
            "c11 c22 - c12²": c11 * c22 - c12**2,
            "c11 c22 c33 + 2 c12 c13 c23 - c11 c23² - c22 c13² - c33 c12²": (
                c11 * (c22 * c33 - c23**2)
                - c12 * (c12 * c33 - c23 * c13)
                + c13 * (c12 * c23 - c22 * c13)
            ),
        }


class TriclinicSettings(CrystalSettings):
    """Triclinic crystal, or any other in any axes: 21 constants."""

    symmetry: Literal["triclinic"]
    c11_gpa: Diagonal
    c12_gpa: Coupling
    c13_gpa: Coupling
    c14_gpa: Coupling
    c15_gpa: Coupling
    c16_gpa: Coupling
    c22_gpa: Diagonal
    c23_gpa: Coupling
    c24_gpa: Coupling
    c25_gpa: Coupling
    c26_gpa: Coupling
    c33_gpa: Diagonal
    c34_gpa: Coupling
    c35_gpa: Coupling
    c36_gpa: Coupling
    c44_gpa: Diagonal
    c45_gpa: Coupling
    c46_gpa: Coupling
    c55_gpa: Diagonal
    c56_gpa: Coupling
    c66_gpa: Diagonal

    def criteria(self):
        upper = np.zeros((6, 6))
        upper[np.triu_indices(6)] = list(self.constants().values())
        smallest = np.linalg.eigvalsh(upper, UPLO="U")[0]
        return {"smallest eigenvalue of c11 to c66": float(smallest)}


SYMMETRIES: dict[str, type[CrystalSettings]] = {
    "cubic": CubicSettings,
    "hexagonal": HexagonalSettings,
    "tetragonal": TetragonalSettings,
    "trigonal": TrigonalSettings,
    "orthorhombic": OrthorhombicSettings,
    "triclinic": TriclinicSettings,
}


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Crystals of the catalogue by name: aliases, symmetry, constants, density, source."""
    import yaml

    return yaml.load(CATALOGUE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


@cache
def _aliases() -> dict[str, str]:
    """Name in the catalogue of each alias, as it is spelt and plain; whole names before formulas (tin, TiN)."""
    spelt = {
        alias: name for name, entry in catalogue().items() for alias in (*entry["aliases"], name)
    }
    plain = {_plain(alias): name for alias, name in spelt.items()}
    return plain | {_plain(name): name for name in catalogue()} | spelt


def _plain(name: str) -> str:
    """Letters and digits of a name, lower case, Greek letters spelled out."""
    for letter, word in {"α": "alpha", "β": "beta", "γ": "gamma"}.items():
        name = name.replace(letter, word)
    return re.sub(r"[^a-z0-9]", "", name.lower())


def catalogue_name(name: str) -> str:
    """Name in the catalogue of what somebody calls a crystal.

    Raises
    ------
    InputError
        Naming the nearest names if there is no such crystal.

    Examples
    --------
    >>> catalogue_name("si"), catalogue_name("3C SiC"), catalogue_name("TiN"), catalogue_name("tin")
    ('silicon', 'silicon carbide', 'titanium nitride', 'tin')
    >>> catalogue_name("coper")
    Traceback (most recent call last):
        ...
    polysve.base.errors.InputError: 'coper' is no crystal of the catalogue; nearest: copper, chromium, cobalt
    """
    aliases, plain = _aliases(), _plain(name)
    for spelling in (name.strip(), plain):
        if spelling in aliases:
            return aliases[spelling]
    near = [aliases[each] for each in get_close_matches(plain, aliases, n=5, cutoff=0.5)]
    nearest = ", ".join(dict.fromkeys(near)) or "none; polysve materials lists them"
    raise InputError(f"{name!r} is no crystal of the catalogue; nearest: {nearest}")


def material_settings(value: Any, source: str = "material") -> CrystalSettings:
    """Settings of a crystal from any of the ways to name one.

    Parameters
    ----------
    value : str, dict or CrystalSettings
        A name of the catalogue; "C11,C12,C44" of a cubic crystal in GPa; or constants by key, of a cubic crystal if no
        ``symmetry`` is among them, where silicon's stand in for those left out.
    source : str
        What to call it in an error.

    Raises
    ------
    InputError
        One line that names the key, the value and what is allowed.

    Examples
    --------
    >>> material_settings("165.64,63.94,79.51") == material_settings({})
    True
    >>> material_settings("zinc").symmetry
    'hexagonal'
    >>> material_settings({"c11_gpa": 165.64e9})
    Traceback (most recent call last):
        ...
    polysve.base.errors.InputError: material: c11_gpa = 165640000000.0: constants are in GPa, and this one looks like Pa
        or MPa; allowed is at most 10000
    """
    if isinstance(value, CrystalSettings):
        return value
    if isinstance(value, str):
        value = _named(value, source)
    if not isinstance(value, dict):
        raise InputError(
            f"{source} = {value!r}: a name, C11,C12,C44 or constants by key are needed"
        )
    symmetry = value.get("symmetry", "cubic")
    if symmetry not in SYMMETRIES:
        raise InputError(f"{source}: symmetry = {symmetry!r}: allowed are {', '.join(SYMMETRIES)}")
    return parse(SYMMETRIES[symmetry], value, source)


def _named(text: str, source: str) -> dict[str, Any]:
    """Constants by key of a name or of three numbers."""
    if "," in text:
        numbers = text.split(",")
        if len(numbers) != 3:
            raise InputError(f"{source} = {text}: three numbers C11,C12,C44 are needed")
        return dict(zip(("c11_gpa", "c12_gpa", "c44_gpa"), numbers, strict=True))
    try:
        entry = catalogue()[catalogue_name(text)]
    except InputError as error:
        raise InputError(f"{source} = {error}") from None
    return {key: value for key, value in entry.items() if key not in ("aliases", "source")}


def read_material(text: str, source: str = "--material") -> CrystalSettings:
    """Settings of a crystal named on a command line: as `material_settings`, or in a YAML file.

    Raises
    ------
    InputError
        For a file that is not there or holds no constants, and as `material_settings`.
    """
    if Path(text).suffix.lower() not in (".yaml", ".yml", ".json"):
        return material_settings(text, source)
    value = read_yaml(text, NEEDED)
    if not isinstance(value, dict):
        raise InputError(f"{text}: holds no keys; {NEEDED}")
    return material_settings(value, text)


AnyCrystal = (
    CubicSettings
    | HexagonalSettings
    | TetragonalSettings
    | TrigonalSettings
    | OrthorhombicSettings
    | TriclinicSettings
)
Material = Annotated[
    AnyCrystal,
    BeforeValidator(as_field(material_settings), json_schema_input_type=str | AnyCrystal),
]
"""Field of a settings class that takes all that `material_settings` takes."""
