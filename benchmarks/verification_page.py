"""Write docs/verification.md and its figures from what the benchmarks printed.

Run by the rule `verification` (./run snakemake verification --cores 1).
"""

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from polysve.figures.style import BASELINE, PREDICTED, THEORY, THIRD, save, style

CONDITIONS = ("kubc", "subc", "pbc")
ORDER_COLOURS = {"P1": THEORY, "P2": BASELINE, "P3": PREDICTED}

TEXT = """\
# Verification

What a label is worth and what it costs. The page is written by `./run snakemake verification --cores 1`, from the
output of the programs in `benchmarks/`; nothing in it is typed by hand. The tests behind it:
`./run pytest -m verification`.

## Error of a label

Largest error of a component over C̄11 against order 8, extrapolated, over {accuracy_count} SVEs of each film at each
ratio. *order 3*: one solution as the finite elements give it. *extrapolated*: by the power law of the order from the
solutions of orders 2 and 3, and where the grains are turns of one Q of square symmetry corrected by the one factor that
makes √(E_min E_max) exact under periodic boundary conditions. *tolerance*: what is stored; the order is raised until
the estimated error, 0.4 of the last correction, is below 1e-4.

{accuracy_table}

The default keeps **{below:.1%}** of the SVEs of the worst film below 1e-4, in all components under all three boundary
conditions. An error is within its estimate in **{estimated:.1%}** of the cases of the worst film.

## Rate of convergence

![Defect of the geometric mean against the number of unknowns](img/convergence.svg)

Under periodic boundary conditions the geometric mean is known exactly, so its defect is the error of every single SVE
without a reference solution. Root mean square at ratio 4; each refinement cuts every triangle into four.

{convergence_table}

A smooth solution would give the rates 2, 4 and 6 for P1, P2 and P3. Where three grains meet the strain is singular,
and the rate of every order tends to 2. Therefore higher order pays by its constant, not by its rate.

## Cost, beside others

Median milliseconds for one SVE on one core (processor time), {labels_count} SVEs, all contestants in turn in one run.
*times* is how much longer than PolySVE a contestant takes for the same task; errors are the largest of Ē.

{labels_tables}

{skipped}

## Cost against size

![Time per grain against the number of grains](img/scaling.svg)

{scaling_table}

Time per grain grows like the number of grains to the power **{exponent:.2f}**. Two shards at a time on two cores have
**{speedup:.2f}** times the throughput of one.

## Failures

{robustness_table}
"""


def table(header: list[str], rows: list[list[str]]) -> str:
    """Rows as a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def accuracy_table(accuracy: dict) -> str:
    """Errors by ratio, film, variant and boundary condition."""
    rows = []
    for ratio, films in accuracy["ratios"].items():
        for film, variants in films.items():
            for name, row in variants.items():
                if name == "reference":
                    continue
                errors = [f"{row[c]['stiffness']['max']:.1e}" for c in CONDITIONS]
                cost, share = f"{row['ms_per_sve']:.1f}", f"{row['all_below_1e-4']:.0%}"
                rows.append([ratio, film, name, cost, *errors, share])
    conditions = ["largest error, KUBC", "SUBC", "PBC"]
    return table(["ratio", "film", "label", "ms", *conditions, "SVEs below 1e-4"], rows)


def convergence_table(convergence: dict) -> str:
    """Defects and rates by mesh and order."""
    rows = []
    for name, row in convergence.items():
        defects = ", ".join(f"{defect:.1e}" for defect in row["defect"])
        rows.append([name, defects, ", ".join(f"{rate:.2f}" for rate in row["rates"])])
    return table(["mesh", "defect", "rate"], rows)


def labels_table(ratio: str, result: dict) -> str:
    """Times and errors of all contestants at one ratio."""
    rows = []
    for row in result["rows"]:
        errors = max(row[key]["max"] for key in row if key.startswith("error_"))
        parts = [f"{row[f'{part}_cpu_ms']:.1f}" for part in ("mesh", "assembly", "solve")]
        times = [f"{row[f'times_polysve{of}_cpu']:.1f}" for of in ("", "_all_three")]
        rows.append(
            [
                row["contestant"],
                row["task"],
                f"{row['cpu_ms']:.1f}",
                *parts,
                *times,
                f"{errors:.1e}",
            ]
        )
    header = ["", "task", "ms", "mesh", "assembly", "solve", "times", "times all three", "error"]
    return f"Ratio {ratio}:\n\n" + table(header, rows)


def scaling_table(scaling: dict) -> str:
    """Cost by ratio."""
    rows = [
        [
            f"{row['ratio']:g}",
            str(row["grains"]),
            *(f"{row[f'{part}_ms']:.1f}" for part in ("tessellate", "mesh", "label")),
            f"{row['ms_per_grain']:.3f}",
            f"{row['peak_memory_mb']:.0f}",
        ]
        for row in scaling["rows"]
    ]
    return table(
        ["ratio", "grains", "tessellate, ms", "mesh, ms", "label, ms", "ms per grain", "peak, MB"],
        rows,
    )


def robustness_table(robustness: dict) -> str:
    """Counts of failures, largest residuals and memory."""
    drawn = robustness["tessellations"]
    rows = [["4", f"{drawn['n']:,} drawn", str(drawn["n_failed"]), "", "", ""]] if drawn else []
    for row in robustness["labels"]:
        peaks = ", ".join(f"{mb:.0f} MB at {n}" for n, mb in row["peak_memory_mb"].items())
        rows.append(
            [
                f"{row['ratio']:g}",
                f"{row['n']:,} labelled, {row['algorithm']}",
                str(row["n_failed"]),
                f"{row['largest_bulk_residual']:.0e}",
                f"{row['largest_geometric_mean_defect']:.1e}",
                peaks,
            ]
        )
    header = [
        "ratio",
        "SVEs",
        "failures",
        "largest bulk residual",
        "largest defect before correction",
        "peak memory",
    ]
    return table(header, rows)


def convergence_figure(convergence: dict) -> Figure:
    """Defect against unknowns, one line for each mesh and order."""
    figure = Figure(figsize=(3.5, 2.6), layout="constrained")
    axes = figure.add_subplot()
    for name, row in convergence.items():
        mesher, order = name.split()
        axes.loglog(
            row["unknowns"],
            row["defect"],
            marker="o" if mesher == "fan" else "s",
            linestyle="-" if mesher == "fan" else "--",
            color=ORDER_COLOURS[order],
            label=name,
        )
    axes.axhline(1e-4, color=THEORY, linewidth=0.6, linestyle=":")
    axes.set(xlabel="unknowns (triangles × order²)", ylabel="defect of the geometric mean")
    axes.legend(ncols=2, fontsize="x-small")
    return figure


def scaling_figure(scaling: dict) -> Figure:
    """Milliseconds per grain against grains."""
    figure = Figure(figsize=(3.5, 2.4), layout="constrained")
    axes = figure.add_subplot()
    grains, ms = (
        np.array([row[key] for row in scaling["rows"]]) for key in ("grains", "ms_per_grain")
    )
    axes.loglog(grains, ms, "o-", color=PREDICTED, label="mesh and label")
    axes.loglog(
        grains, ms[-1] * (grains / grains[-1]) ** 0.3, ":", color=THIRD, label="grains$^{0.3}$"
    )
    axes.set(xlabel="grains in the window", ylabel="ms per grain")
    axes.legend()
    return figure


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = ("accuracy", "convergence", "labels", "scaling", "robustness")
    for name in names:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("page", type=Path)
    options = parser.parse_args()
    found = {name: json.loads(getattr(options, name).read_text()) for name in names}
    accuracy = found["accuracy"]
    default = [
        next(row for name, row in variants.items() if "default" in name)
        for films in accuracy["ratios"].values()
        for variants in films.values()
    ]
    skipped = [
        f"Left out: {peer} ({reason})." for peer, reason in found["labels"]["skipped"].items()
    ]
    options.page.write_text(
        TEXT.format(
            accuracy_count=accuracy["count"],
            accuracy_table=accuracy_table(accuracy),
            below=min(row["all_below_1e-4"] for row in default),
            estimated=min(row[c]["share_within_estimate"] for row in default for c in CONDITIONS),
            convergence_table=convergence_table(found["convergence"]),
            labels_count=found["labels"]["count"],
            labels_tables="\n\n".join(
                labels_table(*each) for each in found["labels"]["ratios"].items()
            ),
            skipped=" ".join(skipped),
            scaling_table=scaling_table(found["scaling"]),
            exponent=found["scaling"]["exponent"],
            speedup=found["scaling"]["two_shards"]["speedup"],
            robustness_table=robustness_table(found["robustness"]),
        )
    )
    pictures = options.page.parent / "img"
    pictures.mkdir(exist_ok=True)
    with style():
        save(convergence_figure(found["convergence"]), pictures / "convergence.svg")
        save(scaling_figure(found["scaling"]), pictures / "scaling.svg")


if __name__ == "__main__":
    main()
