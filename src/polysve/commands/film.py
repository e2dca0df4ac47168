"""The command line of films: what one asks without the workflow."""

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from polysve.base.errors import InputError
from polysve.base.progress import busy

app = typer.Typer()

OptionalModel = Annotated[
    Path | None,
    typer.Option(
        help="Network that polysve train made; without one the answer needs no training.",
        exists=True,
        dir_okay=False,
    ),
]
TextureName = Annotated[
    str,
    typer.Option(
        help="Law of the orientations: random, <110> and the like, basal, prismatic, or a YAML file."
    ),
]
MaterialName = Annotated[
    str | None,
    typer.Option(
        "--material",
        help="Crystal: a name (polysve materials), C11,C12,C44 in GPa, or a YAML file; silicon if not given.",
    ),
]
Condition = Annotated[
    str, typer.Option(help="Boundary condition, without a model: kubc, subc or pbc.")
]
Coverage = Annotated[float, typer.Option(help="Probability that an interval holds.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FilmFiles = Annotated[
    list[Path],
    typer.Argument(
        help="Generators (.csv), label image (.npz), EBSD map (.ang, .ctf, .h5oina, .h5), Neper tessellation (.tess), "
        "mesh, or ensemble (.h5, predict alone); several are answered in turn.",
        exists=True,
        dir_okay=False,
    ),
]
Window = Annotated[float | None, typer.Option(help="Side of the film in µm (.csv, .npz).")]
Periodic = Annotated[
    bool, typer.Option("--periodic", help="Grains continue on the other side (.csv).")
]
MaterialNames = Annotated[
    list[str],
    typer.Option(
        "--material",
        help="Crystal: a name (polysve materials), C11,C12,C44 in GPa, or a YAML file; PHASE=… for each of several.",
    ),
]
Orientations = Annotated[
    Path | None,
    typer.Option(
        help="Table of the angles of a mesh's grain tags: grain,theta_deg or Bunge angles."
    ),
]
Misorientation = Annotated[
    float, typer.Option(help="Between neighbouring pixels of two grains, degrees (EBSD).")
]
Unindexed = Annotated[
    float, typer.Option(help="Share of pixels that may be without an orientation (EBSD).")
]
Frame = Annotated[
    str | None,
    typer.Option(
        help="Axes of the Euler angles (EBSD): edax, oxford or map; what is usual for the kind of file if not given."
    ),
]
Picture = Annotated[Path | None, typer.Option(help="Figure to write (.svg, .pdf or .png).")]
Spacing = Annotated[
    float, typer.Option(help="Smallest distance of two generators over the grain size.")
]
Seed = Annotated[int, typer.Option(min=0)]
Processes = Annotated[int | None, typer.Option(min=1, help="Processes; one a core.")]


@app.command()
def apparent(
    structures: FilmFiles,
    window: Window = None,
    periodic: Periodic = False,
    bc: Annotated[str, typer.Option(help="Boundary conditions, with commas.")] = "kubc,subc,pbc",
    element_size: Annotated[
        float | None,
        typer.Option(help="Largest element edge on a grain boundary, over the grain size."),
    ] = None,
    material: MaterialNames = (),
    orientations: Orientations = None,
    misorientation: Misorientation = 5.0,
    unindexed: Unindexed = 0.2,
    frame: Frame = None,
    as_json: AsJson = False,
) -> None:
    """Homogenize films of your own, with the numbers that a label would hold."""
    from polysve.commands import apparent as homogenizing
    from polysve.settings.labels import HomogenizeSettings, MeshSettings
    from polysve.settings.model import parse

    mesh = {} if element_size is None else {"element_size_fraction": element_size}
    mesh_settings = parse(MeshSettings, mesh, "--element-size")
    settings = parse(HomogenizeSettings, {"boundary_conditions": bc.split(",")}, "--bc")
    reading = _reading(window, periodic, material, orientations, misorientation, unindexed, frame)
    results = []
    for structure in structures:
        with busy(f"homogenizing {structure.name}"):
            results.append(homogenizing.apparent(structure, reading, mesh_settings, settings))
    _tell_films(structures, results, map(homogenizing.text, results), as_json)


@app.command()
def predict(
    structures: FilmFiles,
    model: OptionalModel = None,
    bc: Condition = "pbc",
    window: Window = None,
    periodic: Periodic = False,
    coverage: Coverage = 0.9,
    sve: Annotated[
        float | None, typer.Option(help="Cut the film into windows of this side in µm.")
    ] = None,
    step: Annotated[
        float | None, typer.Option(help="From window to window in µm; half a window if not given.")
    ] = None,
    material: MaterialNames = (),
    orientations: Orientations = None,
    misorientation: Misorientation = 5.0,
    unindexed: Unindexed = 0.2,
    frame: Frame = None,
    polar: Picture = None,
    field: Annotated[
        Path | None, typer.Option("--map", help="Figure of the map of Ē to write.")
    ] = None,
    array: Annotated[
        Path | None, typer.Option(help="Arrays of the map of Ē to write (.npz).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict the stiffness of films, with an interval: without training, or by a network."""
    from polysve.commands import predict as predicting

    reading = _reading(window, periodic, material, orientations, misorientation, unindexed, frame)
    surrogate = _load(model) if model else _series((), bc)
    if model:
        reading = replace(reading, unnamed=surrogate.crystals[0])
    results = [
        predicting.predict(surrogate, structure, reading, coverage, sve, step)
        for structure in structures
    ]
    predicting.write_files(results, polar, field, array)
    for result in results:
        for warning in result.warnings:
            print(f"polysve: warning: {warning}", file=sys.stderr)
    reports, texts = (each.report() for each in results), (each.text() for each in results)
    _tell_films(structures, reports, texts, as_json)


@app.command()
def characterize(
    grain_size: Annotated[float, typer.Option(help="Mean grain size in µm.")],
    window: Annotated[float | None, typer.Option(help="Side of the window in µm.")] = None,
    windows: Annotated[
        str | None, typer.Option(help="Several windows in µm, with commas: the size effect.")
    ] = None,
    texture: TextureName = "<100>",
    material: MaterialName = None,
    model: OptionalModel = None,
    bc: Condition = "pbc",
    count: Annotated[int, typer.Option(help="Number of films (of each window).")] = 10_000,
    check: Annotated[int, typer.Option(help="Number of them to solve by finite elements too.")] = 0,
    spacing: Spacing = 0.5,
    size_scatter: Annotated[
        float | None,
        typer.Option(
            help="Standard deviation of log-normal grain diameters; Voronoi if not given."
        ),
    ] = None,
    aspect_ratio: Annotated[
        float, typer.Option(help="Extent of the grains along x1 over that along x2.")
    ] = 1.0,
    periodic: Annotated[
        bool, typer.Option("--periodic", help="Grains continue on the other side.")
    ] = False,
    seed: Seed = 1,
    workers: Processes = None,
    figure: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Draw many films and describe the scatter of their modulus along x1: without training, or by a network."""
    from polysve.commands import reports
    from polysve.commands.pictures import check_ending
    from polysve.settings.labels import TessellateSettings
    from polysve.settings.model import parse
    from polysve.settings.texture import read_texture
    from polysve.surrogate.workers import Workers

    sides = reports.sides(window, windows)
    check_ending(figure)
    law = {"texture": read_texture(texture), "symmetry": crystal_of(material, model).symmetry}
    drawn = {
        "grain_size_um": grain_size,
        "spacing_fraction": spacing,
        "size_scatter": size_scatter,
        "aspect_ratio": aspect_ratio,
        "periodic": periodic,
        "seed": seed,
        "phases": {"film": law},
    }
    settings = [
        parse(TessellateSettings, drawn | {"window_um": side}, "structures") for side in sides
    ]
    with Workers(workers) as pool:
        from polysve.surrogate.characterize import characterize as run

        surrogate = _surrogate(model, material, bc)
        results = [run(surrogate, pool, each, count, check) for each in settings]
    tell(reports.Characterized(results), figure, as_json)


@app.command()
def atlas(
    window: Annotated[float, typer.Option(help="Side of the film in µm.")],
    grain_size: Annotated[float, typer.Option(help="Mean grain size in µm.")],
    material: Annotated[str, typer.Option(help="Crystal of the atlas, by name.")] = "silicon",
    texture: Annotated[
        str,
        typer.Option(help="Texture of the atlas: random, <110> and the like, basal, prismatic."),
    ] = "random",
    as_json: AsJson = False,
) -> None:
    """Look a film up in the shipped table: mean, scatter, quantiles and law of its moduli."""
    from polysve.commands import atlas as looking

    answer = looking.atlas(material, texture, window, grain_size)
    print(json_text(answer) if as_json else looking.text(answer))


@app.command()
def materials(as_json: AsJson = False) -> None:
    """List the crystals that PolySVE knows by name, with their constants and where these are from."""
    from polysve.crystals import catalogue

    rows = catalogue.rows()
    if as_json:
        print(json_text(rows))
        return
    for row in rows:
        also = f" ({', '.join(row['aliases'])})" if row["aliases"] else ""
        density = "" if row["density_kg_m3"] is None else f", {row['density_kg_m3']:g} kg/m³"
        print(f"{row['name']}{also}: {row['symmetry']}{density}")
        print(f"    {row['constants']} GPa; anisotropy {row['anisotropy']:.3g}")
        print(f"    {row['source']}")


@app.command()
def export(
    model: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    output: Annotated[Path, typer.Argument(help="ONNX file to write.", dir_okay=False)],
) -> None:
    """Write a network as an ONNX file, for programs without Keras."""
    from polysve.surrogate.onnx_export import export_onnx

    surrogate = _load(model)
    with busy("writing the network anew"):
        export_onnx(surrogate, output)


@app.command()
def explore(
    model: OptionalModel = None,
    port: Annotated[int, typer.Option(min=1024, max=65535)] = 8501,
) -> None:
    """Open a page on this computer to draw films of any kind, or bring one, and look at their stiffness."""
    from polysve.commands.explore import serve

    serve(model, port)


def _reading(window, periodic, material, orientations, misorientation, unindexed, frame):
    from polysve.films.reading import Reading, named_materials

    materials = named_materials(material)
    return Reading(window, periodic, materials, orientations, misorientation, unindexed, frame)


def _tell_films(
    files: list[Path], reports: Iterable[dict], texts: Iterable[str], as_json: bool
) -> None:
    """Print the answer of one file as it is, those of several with the file each is of."""
    if as_json and len(files) == 1:
        print(json_text(*reports))
    elif as_json:
        named = zip(files, reports, strict=True)
        print(json_text([{"file": str(file)} | report for file, report in named]))
    else:
        heads = [f"{file}: " if len(files) > 1 else "" for file in files]
        print("\n".join(head + text for head, text in zip(heads, texts, strict=True)))


def crystal_of(material: str | None, model: Path | None):
    """Settings of the crystal that one of two options names."""
    from polysve.settings.material import read_material

    if model is None:
        return read_material(material or "silicon")
    if material is not None:
        raise InputError(
            "--material: a model has the crystal that it was trained on; one of both is needed"
        )
    from polysve.learning.model_card import read_card

    return read_card(model).material


def _surrogate(model: Path | None, material: str | None, boundary_condition: str):
    """A trained network, or the training-free series for a crystal."""
    if model is not None:
        return _load(model)
    from polysve.crystals import catalogue

    return _series((catalogue.material(material or "silicon"),), boundary_condition)


def _series(crystals, boundary_condition: str):
    from polysve.surrogate.training_free import Series

    return Series(crystals, boundary_condition)


def _load(model: Path):
    with busy("loading the network"):
        from polysve.surrogate.network import load_surrogate

        return load_surrogate(model)


def tell(report, figure: Path | None, as_json: bool) -> None:
    """Write the figure, warn, and print."""
    if figure is not None:
        report.figure(figure)
    for warning in report.warnings:
        print(f"polysve: warning: {warning}", file=sys.stderr)
    print(json_text(report.report()) if as_json else report.text())


def json_text(report: dict | list) -> str:
    """JSON of a report, or a refusal of what is not finite."""
    try:
        return json.dumps(report, indent=1, allow_nan=False)
    except ValueError:
        raise InputError("the result holds numbers that are not finite") from None
