"""What scatters from beam to beam: grains, width, thickness, density, stress; and whose share of the variance is what.

Lengths in µm, moduli in GPa, densities in kg/m³, stresses in MPa, forces in µN.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.types import Array
from polysve.device import chain
from polysve.device.sample import GrainBeams
from polysve.settings.device import LARGEST_DEFLECTION, BeamSettings, LawSettings

BATCH = 500
"""Beams computed at a time."""
SOBOL = 1024
"""Points of the Sobol sequence; each costs as many beams as there are sources, and two more."""

FARTHEST = 9.0
"""Standard deviations beyond which no source goes."""
LEAST = 1e-3
"""Share of its mean that a width, a thickness or a density has at least."""
SIGNED = "stress_mpa", "gradient_mpa_per_um"


class Sources(NamedTuple):
    """What beams have besides their grains, shape (beams,)."""

    width_um: Array
    thickness_um: Array
    density_kg_m3: Array
    stress_mpa: Array
    gradient_mpa_per_um: Array


def laws(
    settings: BeamSettings, width_um: float, density_kg_m3: float | None
) -> dict[str, LawSettings]:
    """Law of each field of `Sources`.

    Raises
    ------
    InputError
        If nobody has said what the film weighs.
    """
    density = settings.density_kg_m3
    if density is None and density_kg_m3 is None:
        raise InputError(
            "density_kg_m3 is not given, and the material has none; allowed is a number"
        )
    offset = settings.width_offset_um
    return {
        "width_um": offset.model_copy(update={"mean": width_um + offset.mean}),
        "thickness_um": settings.thickness_um,
        "density_kg_m3": density or LawSettings(mean=density_kg_m3),
        "stress_mpa": settings.residual_stress_mpa,
        "gradient_mpa_per_um": settings.stress_gradient_mpa_per_um,
    }


def distribution(law: LawSettings):
    """SciPy's distribution of a law that has a spread."""
    from scipy import stats

    if law.law == "normal":
        return stats.norm(law.mean, law.std)
    log_variance = np.log1p((law.std / law.mean) ** 2)
    return stats.lognorm(np.sqrt(log_variance), scale=law.mean * np.exp(-log_variance / 2))


def draw_sources(of: dict[str, LawSettings], random: np.random.Generator, count: int) -> Sources:
    """Independent sources of some beams."""
    return Sources(
        *(
            distribution(law).rvs(count, random_state=random)
            if law.std
            else np.full(count, law.mean)
            for law in of.values()
        )
    )


def at_scores(of: dict[str, LawSettings], scores: Array) -> Sources:
    """Sources at standard normal numbers of those that scatter, shape (beams, scattering sources)."""
    values = means(of, len(scores))._asdict()
    spread = [name for name, law in of.items() if law.std]
    for name, score in zip(spread, np.clip(scores, -FARTHEST, FARTHEST).T, strict=True):
        law = of[name]
        if law.law == "log_normal":
            log_variance = np.log1p((law.std / law.mean) ** 2)
            score = np.sqrt(log_variance) * score - log_variance / 2
            values[name] = law.mean * np.exp(score)
            continue
        values[name] = law.mean + law.std * score
        if name not in SIGNED:
            values[name] = np.maximum(values[name], LEAST * law.mean)
    return Sources(**values)


def means(of: dict[str, LawSettings], count: int) -> Sources:
    """The mean of each source, for all beams."""
    return Sources(*(np.full(count, law.mean) for law in of.values()))


def evaluate(
    grains: GrainBeams, sources: Sources, width_um: float, settings: BeamSettings
) -> dict[str, Array]:
    """What beams do.

    Parameters
    ----------
    grains : GrainBeams
        Of strips of one width.
    sources : Sources
    width_um : float
        Of the strips; other widths are taken to have the same modulus.
    settings : BeamSettings

    Returns
    -------
    dict of str to array, shape (beams,)
        stiffness_n_per_m, frequency_hz and deflection_um; for cantilevers also curl_um, the deflection of the tip by
        the gradient of stress, and torsion_nnm_per_rad, the stiffness of the tip against a torque, nN·m.

    Raises
    ------
    InputError
        If a beam buckles, or bends too far for a linear theory.
    """
    count = len(sources.width_um)
    parts = []
    for start in range(0, count, BATCH):
        some = np.arange(start, min(start + BATCH, count))
        picked = Sources(*(each[some] for each in sources))
        parts.append(respond(grains.pick(some), picked, width_um, settings))
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    extent = settings.length_um
    if settings.support == "clamped":
        extent = min(sources.width_um if settings.bending == "in_plane" else sources.thickness_um)
    most, allowed = found["deflection_um"].max(), LARGEST_DEFLECTION[settings.support] * extent
    if most > allowed:
        raise InputError(
            f"force_un = {settings.force_un:g}: a beam bends by {most:.3g} µm; allowed is up to {allowed:.3g} µm, "
            "beyond which deflection is not proportional to force"
        )
    return found


def respond(
    grains: GrainBeams,
    sources: Sources,
    width_um: float,
    settings: BeamSettings,
    buckling: bool = False,
) -> dict[str, Array]:
    """`evaluate` without its limits, all beams at a time; see `chain.solve` for `buckling`."""
    wide, thick = sources.width_um, sources.thickness_um
    ratio, area = wide / width_um, wide * thick
    tension = sources.stress_mpa * area if settings.support == "clamped" else 0 * area
    stiffness = (
        grains.stiffness * _powers(ratio, [[1, 2], [2, 3]])[:, None] * thick[:, None, None, None]
    )
    shear = grains.shear * (ratio * thick)[:, None]
    held = _powers(1 / ratio, [[0, 0, 1], [0, 0, 1], [1, 1, 2]]) / thick[:, None, None]
    if settings.bending == "out_of_plane":
        held = 0 * held
    axial = 1 / np.linalg.inv(stiffness)[..., 0, 0]
    extent = wide
    if settings.bending == "out_of_plane":
        extent = thick
        stiffness = np.zeros_like(stiffness)
        stiffness[..., 0, 0], stiffness[..., 1, 1] = axial, axial * (thick**2 / 12)[:, None]
    beams = chain.Beams(
        stiffness,
        shear,
        grains.ends_um,
        float(extent.mean()),
        sources.density_kg_m3 * area,
        extent**2 / 12,
        tension,
        grains.root * held[:, None],
        grains.middle * held,
        settings.support,
    )
    answer = chain.solve(beams, buckling)
    with np.errstate(divide="ignore"):
        found = answer._asdict() | {"deflection_um": settings.force_un / answer.stiffness_n_per_m}
    if settings.support == "cantilever":
        size = np.diff(grains.ends_um, prepend=0)
        lever = settings.length_um - grains.ends_um + size / 2
        moment = sources.gradient_mpa_per_um * 1e-3 * thick**3 * wide / 12
        bent = moment[:, None] / (axial * (thick**2 / 12)[:, None])
        twist = grains.film_shear_gpa * _torsion(wide, thick)[:, None]
        found |= {"curl_um": bent @ (lever * size), "torsion_nnm_per_rad": 1 / ((1 / twist) @ size)}
    return found


def _powers(ratio: Array, exponents: list[list[int]]) -> Array:
    """Shape (beams, n, n)."""
    return ratio[:, None, None] ** np.array(exponents)


def _torsion(wide: Array, thick: Array) -> Array:
    """Torsion constant of rectangles, µm⁴ (Young & Budynas, Roark's Formulas for Stress and Strain, table 10.1)."""
    long, short = np.maximum(wide, thick), np.minimum(wide, thick)
    flat = short / long
    return long * short**3 * (1 / 3 - 0.21 * flat * (1 - flat**4 / 12))


def variance_shares(
    compute: Callable[[Array, Sources], dict[str, Array]],
    of: dict[str, LawSettings],
    beams: int,
    seed: int,
) -> dict[str, dict[str, dict[str, float]]]:
    """Share of each source in the variance of each quantity.

    Sobol indices: what a source explains alone, and with all its interactions (Saltelli et al., Comput. Phys. Commun.
    181 (2010) 259).

    Parameters
    ----------
    compute : callable
        Quantities of beams from the numbers of their grains and their sources.
    of : dict
        Law of each source.
    beams : int
        How many beams of grains there are to pick from.
    seed : int

    Returns
    -------
    dict
        By quantity and source: ``first_order`` and ``total_order``. Without a source besides the grains, nothing.
    """
    from scipy import stats

    spread = {name: law for name, law in of.items() if law.std}
    if not spread:
        return {}
    names = []

    def quantities(points: Array) -> Array:
        count = points.shape[1]
        values = means(of, count)._asdict() | dict(zip(spread, points[1:], strict=True))
        found = compute((points[0] * beams).astype(int), Sources(**values))
        found = {name: each for name, each in found.items() if each.std() > 0}
        names[:] = found
        return np.stack(list(found.values()))

    laws_ = [stats.uniform(0, 1), *(distribution(law) for law in spread.values())]
    indices = stats.sobol_indices(func=quantities, n=SOBOL, dists=laws_, rng=seed)
    first_order, total_order = np.atleast_2d(indices.first_order, indices.total_order)
    sources = ["grains", *spread]
    return {
        name: {
            source: {"first_order": float(first[place]), "total_order": float(total[place])}
            for place, source in enumerate(sources)
        }
        for name, first, total in zip(names, first_order, total_order, strict=True)
    }
