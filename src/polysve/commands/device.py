"""The command line of devices: beams, what measured ones say, and grains over any outline."""

from pathlib import Path
from typing import Annotated

import typer

from polysve.base.errors import InputError
from polysve.commands.film import (
    AsJson,
    MaterialName,
    OptionalModel,
    Picture,
    Processes,
    Seed,
    Spacing,
    TextureName,
    crystal_of,
    json_text,
    tell,
)

app = typer.Typer()


@app.command()
def beam(
    spec: Annotated[
        Path, typer.Argument(help="Beam (.yaml); an empty file has it all.", exists=True)
    ],
    material: MaterialName = None,
    model: OptionalModel = None,
    check: Annotated[int, typer.Option(help="Number of beams of each width to solve whole.")] = 0,
    workers: Processes = None,
    figure: Picture = None,
    shares: Annotated[Path | None, typer.Option(help="Picture of the variance shares.")] = None,
    index: Annotated[Path | None, typer.Option(help="Picture of β against width.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Picture of a beam, its grains and its stress.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Scatter of a beam's stiffness, resonance and deflection, and its reliability."""
    from polysve.commands import reports
    from polysve.commands.pictures import check_ending
    from polysve.crystals import catalogue
    from polysve.device.beam import draw_beams
    from polysve.films.sample import read_samples
    from polysve.settings.device import read_spec

    settings = read_spec(spec)
    for path in (figure, shares, index, picture):
        check_ending(path)
    reports.check_beam_pictures(settings, shares, index)
    crystal = catalogue.crystal(crystal_of(material, model))
    measured = read_samples([settings.texture])
    if picture is not None:
        reports.picture_of_a_beam(picture, settings, crystal, measured)
    found = reports.Beams(
        settings, draw_beams(settings, crystal, measured, check, workers), crystal.name
    )
    for path, write in ((shares, found.shares_figure), (index, found.index_figure)):
        if path is not None:
            write(path)
    tell(found, figure, as_json)


@app.command()
def infer(
    devices: Annotated[
        Path,
        typer.Argument(
            help="Table (.csv) of frequency_hz or stiffness_n_per_m, and width_um.", exists=True
        ),
    ],
    spec: Annotated[
        Path, typer.Option(help="Beam (.yaml), with what is known before.", exists=True)
    ],
    material: MaterialName = None,
    workers: Processes = None,
    figure: Picture = None,
    as_json: AsJson = False,
) -> None:
    """Grain size, over-etch and its scatter of measured beams."""
    from polysve.commands import reports
    from polysve.commands.pictures import check_ending
    from polysve.crystals import catalogue
    from polysve.device.emulator import emulate
    from polysve.device.infer import infer as run
    from polysve.device.measured import read_measured
    from polysve.films.sample import read_samples
    from polysve.settings.device import read_spec

    settings = read_spec(spec)
    check_ending(figure)
    crystal = catalogue.crystal(crystal_of(material, None))
    measured = read_measured(devices, settings.widths_um)
    samples = read_samples([settings.texture])
    emulators = {
        width: emulate(settings, crystal, measured.quantity, width, samples, workers)
        for width in settings.widths_um
        if width in measured.widths_um
    }
    try:
        posterior = run(settings, measured, emulators)
    except InputError as error:
        raise InputError(f"{devices}: {error}") from None
    tell(reports.Inferred(measured, posterior), figure, as_json)


@app.command("field")
def write_field(
    mesh: Annotated[
        Path,
        typer.Option(
            help="Mesh by gmsh (.msh), script (.geo) or drawing (.step) of the device, in µm.",
            exists=True,
            dir_okay=False,
        ),
    ],
    grain_size: Annotated[float, typer.Option(help="Mean grain size in µm.")],
    output: Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)],
    texture: TextureName = "<100>",
    material: MaterialName = None,
    thickness: Annotated[float, typer.Option(help="Of the device, in µm.")] = 1.0,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="Number of random films.")] = 1,
    seed: Seed = 1,
    element_size: Annotated[
        float | None, typer.Option(min=1e-3, help="Of a STEP file's mesh, in µm.")
    ] = None,
    cut: Annotated[
        str,
        typer.Option(
            help="Elements that grains cut: average of log Q, or the grain at the centre."
        ),
    ] = "average",
    window: Annotated[
        float | None,
        typer.Option(
            help="Homogenise windows of this side in µm, for elements larger than grains."
        ),
    ] = None,
    spacing: Spacing = 0.5,
    as_json: AsJson = False,
) -> None:
    """Draw grains over a device of any outline, for CalculiX (.inp) and ParaView (.vtu)."""
    from polysve.commands.field import text, write_fields
    from polysve.crystals import catalogue
    from polysve.device.device_mesh import read_device
    from polysve.device.strip import FilmLaw
    from polysve.films.sample import read_samples
    from polysve.settings.texture import read_texture

    film = read_texture(texture)
    crystal = catalogue.crystal(crystal_of(material, None))
    law = FilmLaw(crystal, film, grain_size, spacing, read_samples([film]))
    device = read_device(mesh, element_size)
    report = write_fields(output, law, device, thickness, seed, count, cut, window)
    print(json_text(report) if as_json else text(report))
