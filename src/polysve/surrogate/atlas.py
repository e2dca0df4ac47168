"""The shipped table of many films: its cells, and what it says between and beyond them."""

import csv
from functools import cache
from importlib.resources import files
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.settings.material import catalogue_name

BEYOND = 4.0
"""Up to so many times the largest L/s of the table the law of s/L is followed."""
LAW = ("law_factor", "law_factor_half_width", "law_from_ratio", "voigt", "reuss")
PERCENT = (1, 5, 50, 95, 99)
QUANTILES = tuple(f"p{percent}" for percent in PERCENT)


class Curve(NamedTuple):
    """One quantity of films of one crystal and texture."""

    cells: dict[float, dict[str, float]]
    """What the table says, by L/s in ascending order: films, mean, std, p1 to p99, each with its half width."""
    law: dict[str, float]
    """Scatter over mean = law_factor·s/L from law_from_ratio on; Voigt's and Reuss' averages."""

    def at(self, ratio: float) -> dict[str, float]:
        """Mean, standard deviation and quantiles with the half widths of 95 % intervals.

        Between two ratios of the table, all that varies slowly is linear in s/L: the mean, the standard deviation times
        L/s, and the quantiles less the mean over the standard deviation. A half width is the larger of both ends' and
        a quarter of what the ends differ by. Beyond the last ratio the mean stays, the scatter follows the law, and the
        quantiles are a normal law's; half widths are twice as large.

        Raises
        ------
        InputError
            Below the table, or far beyond it.
        """
        ratios = list(self.cells)
        if not ratios[0] <= ratio <= BEYOND * ratios[-1]:
            raise InputError(
                f"L/s = {ratio:g} is outside the atlas; allowed is {ratios[0]:g} to {BEYOND * ratios[-1]:g}: "
                "polysve characterize draws films of any other"
            )
        if ratio in self.cells:
            return {key: self.cells[ratio][key] for key in self.cells[ratio] if key != "films"}
        if ratio > ratios[-1]:
            return self._beyond(ratio, self.cells[ratios[-1]])
        return self._between(ratio, *self.around(ratio))

    def around(self, ratio: float) -> tuple[float, float]:
        """The L/s of the table below and above another one."""
        return max(each for each in self.cells if each < ratio), min(
            each for each in self.cells if each > ratio
        )

    def _between(self, ratio: float, low: float, high: float) -> dict[str, float]:
        share = (1 / low - 1 / ratio) / (1 / low - 1 / high)
        first, second = _slow(self.cells[low], low), _slow(self.cells[high], high)
        mean, spread, *rest = zip(first, second, strict=True)
        mean, spread = _mixed(mean, share), _mixed(spread, share) / ratio
        found = {"mean": mean[0], "mean_half_width": mean[1]}
        found |= {"std": spread[0], "std_half_width": spread[1]}
        for name, ends in zip(QUANTILES, rest, strict=True):
            off = _mixed(ends, share) * spread[0]
            found |= {name: mean[0] + off[0], f"{name}_half_width": np.hypot(mean[1], off[1])}
        return {key: float(value) for key, value in found.items()}

    def _beyond(self, ratio: float, last: dict[str, float]) -> dict[str, float]:
        scale = abs(last["mean"]) / ratio
        std, half = self.law["law_factor"] * scale, 2 * self.law["law_factor_half_width"] * scale
        mean, mean_half = last["mean"], 2 * last["mean_half_width"]
        found = {"mean": mean, "mean_half_width": mean_half, "std": std, "std_half_width": half}
        for percent, name in zip(PERCENT, QUANTILES, strict=True):
            units = NormalDist().inv_cdf(percent / 100)
            found |= {
                name: mean + units * std,
                f"{name}_half_width": float(np.hypot(mean_half, units * half)),
            }
        return found


def _slow(cell: dict[str, float], ratio: float) -> list:
    """Pairs of number and half width that hardly change with L/s: mean, scatter times L/s, quantiles in its units."""
    std = cell["std"] or 1.0
    pairs = [(cell["mean"], cell["mean_half_width"])]
    pairs.append((cell["std"] * ratio, cell["std_half_width"] * ratio))
    for name in QUANTILES:
        pairs.append(((cell[name] - cell["mean"]) / std, cell[f"{name}_half_width"] / std))
    return [np.array(pair) for pair in pairs]


def _mixed(ends: tuple, share: float) -> np.ndarray:
    """Number and half width between two ends."""
    (first, first_half), (second, second_half) = ends
    half = np.hypot(max(first_half, second_half), abs(second - first) / 4)
    return np.array([(1 - share) * first + share * second, half])


@cache
def table() -> dict[tuple[str, str], dict[str, Curve]]:
    """All curves: by material and texture, then by quantity."""
    found = {}
    text = files("polysve.surrogate").joinpath("atlas.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        film, quantity = (row.pop("material"), row.pop("texture")), row.pop("quantity")
        numbers = {key: float(value) for key, value in row.items()}
        law = {key: numbers.pop(key) for key in LAW}
        curve = found.setdefault(film, {}).setdefault(quantity, Curve({}, law))
        curve.cells[numbers.pop("ratio")] = numbers
    return found


def look_up(material: str, texture: str) -> dict[str, Curve]:
    """Curves of a crystal and texture by quantity: young_modulus_gpa, shear_modulus_gpa, poisson_ratio.

    Raises
    ------
    InputError
        If they are not in the atlas, with what is.

    Examples
    --------
    >>> modulus = look_up("Si", "<111>")["young_modulus_gpa"].at(5)
    >>> round(modulus["mean"], 2), modulus["std"]
    (168.96, 0.0)
    """
    name, wanted = catalogue_name(material), texture.strip().lower()
    textures = [each for known, each in table() if known == name]
    if not textures:
        crystals = ", ".join(dict.fromkeys(known for known, _ in table()))
        raise InputError(
            f"--material = {material}: is not in the atlas; there are: {crystals}. "
            "polysve characterize draws films of any other"
        )
    if wanted not in textures:
        raise InputError(
            f"--texture = {texture}: the atlas has {', '.join(textures)} of {name}; "
            "polysve characterize draws films of any other"
        )
    return table()[name, wanted]
