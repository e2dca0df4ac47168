"""A slender polysilicon beam made of SVEs: scatter of its stiffness, resonance and deflection, and its reliability.

Euler-Bernoulli theory with a bending stiffness that is constant along each SVE. Lengths in µm, moduli in GPa, bending
stiffness in GPa·µm⁴ = 10⁻¹⁵ N·m², forces in µN.
"""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import yaml
from numpy.typing import ArrayLike
from pydantic import Field, model_validator
from scipy import stats

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.settings.model import Model, Positive, parse

ELEMENTS = 24
"""Elements along the beam, at least: the first frequency is then exact to 10⁻⁶."""
CONFIDENCE = 0.95


class LimitSettings(Model):
    """What the beam must keep to."""

    quantity: Literal["stiffness_n_per_m", "frequency_hz", "deflection_um"] = "frequency_hz"
    at_least: Positive | None = None
    at_most: Positive | None = None
    of_nominal: bool = Field(
        False,
        description="The limit is a multiple of what the same beam has with the SVEs' mean modulus everywhere.",
    )

    @model_validator(mode="after")
    def one_side(self):
        """Refuse limits on no side or on both."""
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("one of at_least and at_most is needed")
        return self

    def times(self, nominal: float) -> "LimitSettings":
        """The limit in the unit of its quantity."""
        if not self.of_nominal:
            return self
        value = {k: v * nominal for k in ("at_least", "at_most") if (v := getattr(self, k))}
        return LimitSettings(quantity=self.quantity, **value)


class BeamSettings(Model):
    """One kind of beam, in several widths."""

    widths_um: tuple[Positive, ...] = Field((2.0, 5.0), min_length=1)
    length_um: Positive = 60.0
    thickness_um: Positive = 2.0
    support: Literal["cantilever", "clamped"] = "cantilever"
    bending: Literal["in_plane", "out_of_plane"] = "in_plane"
    force_un: Positive = Field(
        1.0, description="At the free end, or in the middle of a clamped beam."
    )
    density_kg_m3: Positive = 2330.0
    grain_size_um: Positive = 0.5
    spacing_fraction: Annotated[float, Field(ge=0, le=0.75)] = 0.5
    sve_um: Positive | None = Field(None, description="Side of an SVE; the beam's width if null.")
    structures: Annotated[int, Field(ge=100, le=10**7)] = Field(
        2000, description="SVEs drawn and predicted; the beams' SVEs are taken from them."
    )
    beams: Annotated[int, Field(ge=100, le=10**7)] = 10_000
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    limit: LimitSettings | None = None

    def sves(self, width_um: float) -> tuple[int, int, float]:
        """Number of SVEs along and across a beam, and their side.

        Raises
        ------
        InputError
            If whole SVEs do not fill the beam.
        """
        side = self.sve_um or width_um
        along, across = round(self.length_um / side), round(width_um / side)
        misfit = max(abs(along * side / self.length_um - 1), abs(across * side / width_um - 1))
        if min(along, across) < 1 or misfit > 1e-6:
            raise InputError(
                f"SVEs of {side:g} µm do not fill a beam of {self.length_um:g} × {width_um:g} µm; "
                "length_um and widths_um must be whole multiples of sve_um"
            )
        return along, across, side


def read_spec(path: Path) -> BeamSettings:
    """Read a beam from YAML; an empty file gives the defaults.

    Raises
    ------
    InputError
    """
    try:
        values = yaml.safe_load(Path(path).read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: no YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: keys and values are needed, such as length_um: 60")
    return parse(BeamSettings, values, str(path))


def bending_stiffness(
    moduli_gpa: Array, width_um: float, thickness_um: float, bending: str
) -> Array:
    """Bending stiffness of a section of strips side by side.

    Parameters
    ----------
    moduli_gpa : array, shape (..., across)
        Ē of equal strips, from one side of the beam to the other.
    width_um, thickness_um : float
    bending : {"in_plane", "out_of_plane"}
        About the film normal, with the neutral axis where the axial force vanishes; or about the width.

    Returns
    -------
    array, shape (...)
        GPa·µm⁴.

    Examples
    --------
    >>> bending_stiffness(np.array([[150.0, 150.0]]), 2.0, 1.0, "in_plane")  # E t w³/12
    array([100.])
    """
    across = moduli_gpa.shape[-1]
    strip = width_um / across
    if bending == "out_of_plane":
        return moduli_gpa.sum(-1) * strip * thickness_um**3 / 12
    centre = (np.arange(across) + 0.5) * strip
    area, own = strip * thickness_um, thickness_um * strip**3 / 12
    axis = (moduli_gpa * centre).sum(-1, keepdims=True) / moduli_gpa.sum(-1, keepdims=True)
    return (moduli_gpa * (own + area * (centre - axis) ** 2)).sum(-1)


def deflection(
    stiffness: Array, length_um: float, force_un: float, support: str = "cantilever"
) -> Array:
    """Deflection under a force at the free end, or in the middle of a clamped beam.

    Parameters
    ----------
    stiffness : array, shape (beams, along)
        Bending stiffness of the pieces of equal length, GPa·µm⁴.

    Returns
    -------
    array, shape (beams,)
        µm; exact, for the elements' deflections are.

    Examples
    --------
    >>> deflection(np.array([[100.0]]), 30.0, 1.0)  # F L³/(3 E I), 1 GPa·µm² = 1000 µN
    array([0.09])
    """
    frame = _Frame(stiffness, length_um, support)
    force = np.zeros(frame.free.size)
    force[frame.loaded] = force_un * 1e-3
    # one right side, repeated for all beams
    solved = np.linalg.solve(frame.stiffness(), force[None, :, None])
    return solved[:, frame.loaded, 0]


def first_frequency(
    stiffness: Array, length_um: float, mass_kg_per_m: float, support: str = "cantilever"
) -> Array:
    """First resonance frequency of beams of piecewise constant bending stiffness and uniform mass.

    Parameters
    ----------
    stiffness : array, shape (beams, along)
        Bending stiffness of the pieces of equal length, GPa·µm⁴.

    Returns
    -------
    array, shape (beams,)
        Hz. Inverse iteration with the Rayleigh quotient; for a uniform beam λ²/(2π)·√(EI/(m L⁴)) with λ = 1.8751
        (cantilever) or 4.7300 (clamped), Timoshenko, Vibration Problems in Engineering.
    """
    frame = _Frame(stiffness, length_um, support)
    matrix, mass = frame.stiffness(), frame.mass()
    inverse = np.linalg.inv(matrix)
    # the static deflection under the beam's own weight is close to the first mode
    shape = np.ones((len(stiffness), mass.shape[0], 1)) * (mass @ frame.uniform)[:, None]
    mode = inverse @ shape
    for _ in range(4):
        mode = inverse @ (mass @ mode)
        mode /= np.abs(mode).max(1, keepdims=True)
    inertia = mode.transpose(0, 2, 1) @ mass @ mode
    quotient = (mode.transpose(0, 2, 1) @ matrix @ mode / inertia)[:, 0, 0]
    # GPa·µm⁴ over (kg/m)·µm⁴: 10⁻¹⁵ N·m² over 10⁻²⁴ kg·m³
    return np.sqrt(quotient * 1e9 / mass_kg_per_m) / (2 * np.pi)


class _Frame:
    """Beam elements with cubic deflection (Zienkiewicz & Taylor, The Finite Element Method, chapter 2).

    Degrees of freedom are deflection and slope of each node; the bending stiffness of the pieces has the shape
    (beams, along).
    """

    def __init__(self, pieces: Array, length_um: float, support: str):
        along = pieces.shape[1]
        per_piece = -(-ELEMENTS // along)
        if support == "clamped" and along * per_piece % 2:
            per_piece += 1  # a node in the middle
        self.elements = np.repeat(pieces, per_piece, axis=1)
        self.count = along * per_piece
        self.size_um = length_um / self.count
        last = 2 * self.count if support == "clamped" else 2 * self.count + 2
        self.free = np.arange(2, last)
        node = self.count // 2 if support == "clamped" else self.count
        self.loaded = 2 * node - 2
        self.uniform = (self.free % 2 == 0).astype(float)

    def stiffness(self) -> Array:
        """Matrices of beams, shape (beams, free, free)."""
        h = self.size_um
        one = np.array(
            [
                [12, 6 * h, -12, 6 * h],
                [6 * h, 4 * h * h, -6 * h, 2 * h * h],
                [-12, -6 * h, 12, -6 * h],
                [6 * h, 2 * h * h, -6 * h, 4 * h * h],
            ]
        )
        return self._assembled(one / h**3, self.elements)

    def mass(self) -> Array:
        """Matrix of unit mass per length, shape (free, free)."""
        h = self.size_um
        one = np.array(
            [
                [156, 22 * h, 54, -13 * h],
                [22 * h, 4 * h * h, 13 * h, -3 * h * h],
                [54, 13 * h, 156, -22 * h],
                [-13 * h, -3 * h * h, -22 * h, 4 * h * h],
            ]
        )
        return self._assembled(one * h / 420, np.ones((1, self.count)))[0]

    def _assembled(self, one: Array, factors: Array) -> Array:
        whole = np.zeros((len(factors), 2 * self.count + 2, 2 * self.count + 2))
        for element in range(self.count):
            rows = slice(2 * element, 2 * element + 4)
            whole[:, rows, rows] += factors[:, element, None, None] * one
        return whole[:, self.free[:, None], self.free]


def reliability(values: ArrayLike, limit: LimitSettings) -> dict:
    """Failure probability and reliability index β of a sample.

    The probability is the share that fails, with the exact interval of Clopper & Pearson (Biometrika 26 (1934) 404);
    β = −Φ⁻¹(p). Where none or all fail, β is known only from one side. Beside it stands Cornell's index, the mean
    margin over its standard deviation (J. Am. Concr. Inst. 66 (1969) 974), the same for a normal margin.

    Examples
    --------
    >>> sample = np.random.default_rng(1).normal(10, 1, 100_000)
    >>> found = reliability(sample, LimitSettings(at_least=8))
    >>> round(found["cornell_index"], 1), round(found["reliability_index"], 1)
    (2.0, 2.0)
    """
    values = np.asarray(values, float)
    margin = values - limit.at_least if limit.at_least is not None else limit.at_most - values
    failed = int((margin < 0).sum())
    interval = stats.binomtest(failed, len(values)).proportion_ci(CONFIDENCE, "exact")
    bounds = [-stats.norm.ppf(p) for p in (interval.high, interval.low)]
    return {
        "limit": limit.model_dump(exclude_none=True),
        "failed": failed,
        "beams": len(values),
        "failure_probability": failed / len(values),
        "failure_probability_interval": [float(interval.low), float(interval.high)],
        "reliability_index": _finite(-stats.norm.ppf(failed / len(values))),
        "reliability_index_interval": [_finite(bound) for bound in bounds],
        "cornell_index": float(margin.mean() / margin.std(ddof=1)),
        "confidence": CONFIDENCE,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def nominal(modulus_gpa: float, width_um: float, settings: BeamSettings) -> dict[str, float]:
    """The quantities of `beams` for a uniform beam."""
    uniform = settings.model_copy(update={"beams": 1})
    return {n: float(v[0]) for n, v in beams(np.array([modulus_gpa]), width_um, uniform).items()}


def beams(moduli_gpa: Array, width_um: float, settings: BeamSettings) -> dict[str, Array]:
    """Draw beams and compute them.

    The SVEs of a beam are independent: each one's Ē is taken at random from the sample.

    Parameters
    ----------
    moduli_gpa : array, shape (structures,)
        Ē of SVEs of the beam's kind.
    width_um : float
    settings : BeamSettings

    Returns
    -------
    dict of str to array, shape (beams,)
        stiffness_n_per_m (force over deflection), frequency_hz, deflection_um.
    """
    along, across, _ = settings.sves(width_um)
    random = np.random.default_rng([settings.seed, round(1000 * width_um)])
    found = {"deflection_um": [], "frequency_hz": []}
    for start in range(0, settings.beams, 500):
        count = min(500, settings.beams - start)
        drawn = random.choice(moduli_gpa, (count, along, across))
        pieces = bending_stiffness(drawn, width_um, settings.thickness_um, settings.bending)
        found["deflection_um"].append(
            deflection(pieces, settings.length_um, settings.force_un, settings.support)
        )
        mass = settings.density_kg_m3 * width_um * settings.thickness_um * 1e-12
        found["frequency_hz"].append(
            first_frequency(pieces, settings.length_um, mass, settings.support)
        )
    found = {name: np.concatenate(parts) for name, parts in found.items()}
    return {"stiffness_n_per_m": settings.force_un / found["deflection_um"], **found}
