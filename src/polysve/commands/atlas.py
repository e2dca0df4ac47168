"""What `polysve atlas` says of a film: what the shipped table holds of its crystal, texture and window."""

from polysve.base.errors import InputError
from polysve.surrogate.atlas import QUANTILES, Curve, look_up

SYMBOLS = {
    "young_modulus_gpa": ("Young's modulus along x1", "GPa"),
    "shear_modulus_gpa": ("shear modulus", "GPa"),
    "poisson_ratio": ("Poisson's ratio", ""),
}
CONFIDENCE = 0.95


def atlas(material: str, texture: str, window_um: float, grain_size_um: float) -> dict:
    """Look a film up.

    Returns
    -------
    dict
        For JSON: ``ratio``, ``source`` (measured, between or beyond), and by quantity mean, std and quantiles with the
        half widths of 95 % intervals, and the law.

    Raises
    ------
    InputError
        For a film outside the table, with what is allowed.
    """
    for option, value in (("--window", window_um), ("--grain-size", grain_size_um)):
        if not 0 < value < float("inf"):
            raise InputError(f"{option} = {value:g}: allowed is a length above 0 µm")
    curves = look_up(material, texture)
    # a ratio of lengths in decimal is one of the table's but for the last bits
    ratio = round(window_um / grain_size_um, 9)
    found = {name: curve.at(ratio) | {"law": curve.law} for name, curve in curves.items()}
    return {
        "material": material,
        "texture": texture,
        "ratio": ratio,
        "boundary_condition": "pbc",
        "source": _source(curves["young_modulus_gpa"], ratio),
        "confidence": CONFIDENCE,
        **found,
    }


def _source(curve: Curve, ratio: float) -> str:
    """Where the numbers are from."""
    if ratio in curve.cells:
        return f"{curve.cells[ratio]['films']:.0f} films of this L/s"
    largest = max(curve.cells)
    if ratio > largest:
        return f"the law of s/L beyond the films of L/s = {largest:g}; intervals are widened"
    low, high = curve.around(ratio)
    return f"between the films of L/s = {low:g} and {high:g}"


def text(answer: dict) -> str:
    """A few lines to read."""
    lines = [
        f"{answer['material']} {answer['texture']}, L/s = {answer['ratio']:g}: {answer['source']}"
    ]
    for name, (title, unit) in SYMBOLS.items():
        row = answer[name]
        mean, std, law = row["mean"], row["std"], row["law"]
        lines.append(
            f"{title}: mean {mean:.6g} ± {row['mean_half_width']:.1g} {unit}".rstrip()
            + f" (Reuss {law['reuss']:.6g}, Voigt {law['voigt']:.6g})"
        )
        if std == 0:
            lines.append("    no scatter: the same in every window")
            continue
        low, middle, high = (row[key] for key in (QUANTILES[0], QUANTILES[2], QUANTILES[-1]))
        lines += [
            f"    standard deviation {std:.3g} ± {row['std_half_width']:.1g} {unit}".rstrip()
            + f", {100 * std / mean:.3g} % of the mean; 1 %, 50 %, 99 %: {low:.6g}, {middle:.6g}, {high:.6g}",
            f"    law: scatter = ({law['law_factor']:.4f} ± {law['law_factor_half_width']:.1g})·s/L of the mean "
            f"from L/s = {law['law_from_ratio']:g} on",
        ]
    lines.append("± are 95 % intervals; periodic boundary conditions")
    return "\n".join(lines)
