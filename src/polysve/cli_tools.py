"""The command line of the trained network: what one asks of it without the workflow."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from polysve.errors import InputError

app = typer.Typer()

Model = Annotated[
    Path, typer.Option(help="Network that polysve train made.", exists=True, dir_okay=False)
]
Coverage = Annotated[float, typer.Option(help="Probability that an interval holds.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Picture = Annotated[Path | None, typer.Option(help="Figure to write (.svg, .pdf or .png).")]


@app.command()
def predict(
    structure: Annotated[
        Path,
        typer.Argument(
            help="Generators (.csv), label image (.npz), EBSD map (.ang, .ctf) or ensemble (.h5).",
            exists=True,
            dir_okay=False,
        ),
    ],
    model: Model,
    window: Annotated[
        float | None, typer.Option(help="Side of the film in µm (.csv, .npz).")
    ] = None,
    periodic: Annotated[
        bool, typer.Option("--periodic", help="Grains continue on the other side (.csv).")
    ] = False,
    coverage: Coverage = 0.9,
    sve: Annotated[
        float | None, typer.Option(help="Cut the film into windows of this side in µm.")
    ] = None,
    step: Annotated[
        float | None, typer.Option(help="From window to window in µm; half a window if not given.")
    ] = None,
    misorientation: Annotated[
        float, typer.Option(help="Between neighbouring pixels of two grains, degrees (EBSD).")
    ] = 5.0,
    largest_tilt: Annotated[
        float, typer.Option(help="Of the <100> axis off the film normal, degrees (EBSD).")
    ] = 10.0,
    normal: Annotated[
        str, typer.Option(help="Third axis of the Euler angles' frame: up or down (EBSD).")
    ] = "up",
    polar: Picture = None,
    field: Annotated[
        Path | None, typer.Option("--map", help="Figure of the map of Ē to write.")
    ] = None,
    array: Annotated[
        Path | None, typer.Option(help="Arrays of the map of Ē to write (.npz).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict the stiffness of a film by a network, with an interval."""
    from polysve import predict as predicting
    from polysve.surrogate import load_surrogate

    reading = predicting.Reading(window, periodic, misorientation, largest_tilt, normal)
    result = predicting.predict(load_surrogate(model), structure, reading, coverage, sve, step)
    written = {polar: result.polar, field: result.map_figure, array: result.map_array}
    for path, write in written.items():
        if path is not None:
            write(path)
    for warning in result.warnings:
        print(f"polysve: warning: {warning}", file=sys.stderr)
    print(_json(result.report()) if as_json else result.text())


def _json(report: dict) -> str:
    try:
        return json.dumps(report, indent=1, allow_nan=False)
    except ValueError:
        raise InputError("the result holds numbers that are not finite") from None
