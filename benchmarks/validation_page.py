"""Write docs/validation.md and its figure from what benchmarks/validation.py printed.

Run by the rule `validation` (./run snakemake validation --cores 1).
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure
from verification_page import table

from polysve.figures.style import BASELINE, FILL, PREDICTED, THEORY, save, style

TEXT = """\
# Validation

Films that PolySVE computes, beside films that were measured. The page is written by
`./run snakemake validation --cores 1`; its computed numbers are from `benchmarks/validation.py`.

## Computed

Young's modulus Ē of columnar films under periodic boundary conditions, without training (`polysve characterize`), with
the constants of the [catalogue](materials.md) and no measured number beside them. Reuss and Voigt are those of the
texture: no window, however large, has a mean outside; one window, being random, may. Brackets are intervals of 95 %.

{computed}

Scatter falls as s/L. The mean hardly moves with L/s under periodic boundary conditions.

## Measured

![Computed and measured Young's moduli](img/validation.svg)

*Bars*: Reuss to Voigt of each texture; *thick and thin lines*: mean ± one standard deviation of windows of L/s 15 and
4. *Points*: measurements with the spread that was published. Sources marked \\* were read in their abstract, or in a
letter of an author; of the others the number is known from a citation only.

{measured}

## What this shows, and what it does not

- **Mean.** The polysilicon films lie between the Reuss bound of the softest texture, {softest:.0f} GPa, and the
  &lt;111> film, {stiffest:.0f} GPa, but for the two that say 143 and 147 GPa. No test here can tell textures apart:
  random, &lt;110> and &lt;311> films differ by {apart:.0f} GPa, within the spread (±) of every source,
  and hardly a source gives the texture of its own specimens.
- **Scatter.** What is published contains the metrology (load, thickness and width of each specimen) and differences
  from wafer to wafer. It bounds the scatter of SVEs from above and does not measure it: a tensile specimen has
  thousands of grains, for which the computed scatter is below {large:.1f} GPa.
- **Size.** Cho and Chasiotis found that 10 × 10 µm² of columnar grains of 650 nm, L/s 15, behave as the film does, and
  that 4 × 4 and 2 × 2 µm², L/s 6 and 3, do not. At L/s 15 the computed scatter of a random film is {at_15:.1f} GPa,
  {share_15:.1%} of its mean and below what their method resolves, ± 6 GPa; at L/s 4 it is {at_4:.1f} GPa. The two
  agree; the experiment saw fields of displacement, and gives no number to hold against ours.
- **Narrow beams.** Scatter of about 10 GPa of parts 6 µm wide, and 10 to 15 % of those wider than 1 µm, is from
  on-chip tests of beams, where over-etch enters with the third power of the width.
- **Nickel.** The measured order, &lt;001> below random, is the computed one. The value of 195 to 200 GPa lies
  {nickel_place} the bounds of a sharp &lt;001> fibre; 210 GPa is that of a random film, {nickel:.0f} GPa.
"""


class Measurement(NamedTuple):
    """A published modulus, GPa."""

    what: str
    modulus: float
    spread: float
    told: str
    source: str
    comparison: str


MEASURED = [
    Measurement(
        "MUMPs polysilicon, 48 specimens",
        169,
        6,
        "169 ± 6",
        "\\* W. N. Sharpe et al., Proc. IEEE MEMS (1997) 424",
        "A mean of thousands of grains: any texture from <110> to <111> fits",
    ),
    Measurement(
        "Cronos polysilicon",
        158,
        8,
        "158 ± 8",
        "\\* W. N. Sharpe et al., Proc. ASME IMECE (2000) 255, doi 10.1115/IMECE2000-1100",
        "The spread holds <311>, random and <110>",
    ),
    Measurement(
        "Sandia polysilicon",
        157,
        6.5,
        "157 ± 6.5",
        "\\* same",
        "Another process, the same mean; the spread holds <311> and random",
    ),
    Measurement(
        "Standard MEMS, first film",
        164,
        11.2,
        "164 ± 11.2",
        "\\* same",
        "The spread holds every texture but <100>",
    ),
    Measurement(
        "Standard MEMS, second film",
        152,
        10,
        "152 ± 10",
        "\\* same",
        "Holds <100>, <311> and random",
    ),
    Measurement(
        "MUMPs polysilicon",
        164,
        7,
        "164 ± 7",
        "\\* S. W. Cho & I. Chasiotis, Exp. Mech. 47 (2007) 37, doi 10.1007/s11340-006-0405-7",
        "The spread holds every texture but <100>",
    ),
    Measurement(
        "SUMMiT-IV polysilicon, columnar, grains of 650 nm",
        155,
        6,
        "155 ± 6",
        "\\* same",
        "<311> and random fit; the one source with a size of grains",
    ),
    Measurement(
        "on-chip test, 20 specimens",
        143,
        0,
        "143",
        "A. Corigliano et al., J. Microelectromech. Syst. 13 (2004), doi 10.1109/JMEMS.2003.823221",
        "Below the Reuss bound of every texture: geometry is in it",
    ),
    Measurement(
        "columnar polysilicon, grains of 0.2 to 0.5 µm, 6 µm wide",
        158,
        10,
        "about 158, scatter about 10",
        "cited in Sensors 16 (2016) 1191",
        "The mean fits <311> and random; the scatter is over-etch and grains",
    ),
    Measurement(
        "the same, wider than 1 µm",
        147,
        18,
        "147, scatter 10 to 15 %",
        "cited in Sensors 16 (2016) 1191",
        "Just at the Reuss bound of <100>: geometry is in it",
    ),
]
NICKEL = [
    Measurement(
        "nickel, <001> fibre",
        197.5,
        2.5,
        "195 to 200",
        "Cantwell et al., J. Microelectromech. Syst. 21, 840",
        "The computed texture is sharp, a measured one is not: grains off <001> are stiffer",
    ),
    Measurement(
        "nickel, isotropic",
        210,
        0,
        "210",
        "Cantwell et al., J. Microelectromech. Syst. 21, 840",
        "Computed grains are columnar, the measured film's need not be",
    ),
]


def computed_table(films: list[dict]) -> str:
    """Mean and scatter by film and L/s."""
    rows = []
    for film in films:
        low, high = film["reuss_voigt_gpa"]
        for ratio, row in film["ratios"].items():
            mean, std = row["mean_interval_gpa"], row["std_interval_gpa"]
            rows.append(
                [
                    f"{film['material']} {film['texture']}".replace("<", "&lt;"),
                    ratio,
                    str(row["count"]),
                    f"{row['mean_gpa']:.2f} ({mean[0]:.2f}–{mean[1]:.2f})",
                    f"{row['std_gpa']:.2f} ({std[0]:.2f}–{std[1]:.2f})",
                    f"{row['std_gpa'] / row['mean_gpa']:.2%}",
                    f"{low:.1f}–{high:.1f}",
                ]
            )
    header = [
        "film",
        "L/s",
        "films",
        "mean, GPa",
        "scatter, GPa",
        "of the mean",
        "Reuss–Voigt, GPa",
    ]
    return table(header, rows)


def measured_table() -> str:
    """Published measurements and what they can be held against."""
    rows = [[each.what, each.told, each.source, each.comparison] for each in (*MEASURED, *NICKEL)]
    escaped = [[cell.replace("<", "&lt;") for cell in row] for row in rows]
    return table(["film", "E, GPa", "source", "comparison"], escaped)


def figure(films: list[dict]) -> Figure:
    """Computed films above, measured ones below, of silicon and of nickel."""
    of = {
        name: [each for each in films if each["material"] == name] for name in ("silicon", "nickel")
    }
    heights = [len(of["silicon"]) + len(MEASURED), len(of["nickel"]) + len(NICKEL)]
    drawn = Figure(figsize=(5.5, 4.8), layout="constrained")
    for axes, computed, measured in zip(
        drawn.subplots(2, height_ratios=heights), of.values(), (MEASURED, NICKEL), strict=True
    ):
        names = []
        for film in computed:
            place = len(names)
            low, high = film["reuss_voigt_gpa"]
            axes.barh(place, max(high - low, 0.2), left=low, height=0.7, color=FILL)
            for ratio, width in (("4", 1.0), ("15", 3.0)):
                row = film["ratios"][ratio]
                axes.errorbar(
                    row["mean_gpa"], place, xerr=row["std_gpa"], color=PREDICTED, elinewidth=width
                )
            names.append(f"computed: {film['material']} {film['texture']}")
        for each in measured:
            spread = each.spread or None
            axes.errorbar(each.modulus, len(names), xerr=spread, fmt="o", ms=3, color=BASELINE)
            names.append(each.what)
        axes.axhline(len(computed) - 0.5, color=THEORY, linewidth=0.5)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
    axes.set_xlabel("Young's modulus (GPa)")
    return drawn


def scatter(films: list[dict], ratio: str, material="silicon", texture="random") -> dict:
    """Numbers of one film."""
    return next(
        film["ratios"][ratio]
        for film in films
        if (film["material"], film["texture"]) == (material, texture)
    )


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("page", type=Path)
    options = parser.parse_args()
    films = json.loads(options.validation.read_text())["films"]
    silicon = {each["texture"]: each for each in films if each["material"] == "silicon"}
    means = [silicon[name]["ratios"]["15"]["mean_gpa"] for name in ("random", "<110>", "<311>")]
    low, high = next(
        each["reuss_voigt_gpa"]
        for each in films
        if (each["material"], each["texture"]) == ("nickel", "<100>")
    )
    at_15 = scatter(films, "15")
    fibre = NICKEL[0].modulus
    place = "within" if low <= fibre <= high else "above" if fibre > high else "below"
    options.page.write_text(
        TEXT.format(
            computed=computed_table(films),
            measured=measured_table(),
            softest=silicon["<100>"]["reuss_voigt_gpa"][0],
            stiffest=silicon["<111>"]["reuss_voigt_gpa"][0],
            apart=max(means) - min(means),
            large=scatter(films, "30")["std_gpa"],
            at_15=at_15["std_gpa"],
            share_15=at_15["std_gpa"] / at_15["mean_gpa"],
            at_4=scatter(films, "4")["std_gpa"],
            nickel_place=place,
            nickel=scatter(films, "30", "nickel")["mean_gpa"],
        ),
        encoding="utf-8",
    )
    with style():
        save(figure(films), options.page.parent / "img" / "validation.svg")


if __name__ == "__main__":
    main()
