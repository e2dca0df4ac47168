"""The command line: one subcommand per stage, and what one asks of its results.

A stage is imported only inside its subcommand, since TensorFlow and gmsh take seconds to load.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from polysve.base.errors import InputError
from polysve.base.late import put_off
from polysve.base.progress import busy
from polysve.commands import device, film

app = typer.Typer(
    help="Stiffness and scatter of polysilicon films a few grains wide.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(film.app)
app.add_typer(device.app)

Input = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Folder = Annotated[Path, typer.Argument(exists=True, file_okay=False)]
Output = Annotated[Path, typer.Argument(dir_okay=False)]
SettingsText = Annotated[
    str,
    typer.Option("--settings", help="The stage's settings as JSON.", metavar="JSON"),
]
INTERRUPTED = 130  # what typer makes of Ctrl-C


def _named(help: str, *flags: str):
    """Option of a name and its file, which may be given several times."""
    return typer.Option(*flags, help=help, metavar="NAME=FILE")


Ensembles = Annotated[list[str], _named("An ensemble and its file.", "--ensemble")]


def main() -> None:
    """Run a subcommand; bad input becomes one line on stderr and exit code 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's notes are none of the user's
    put_off("numpy.f2py")  # SciPy's start touches all names of NumPy
    try:
        exit_code = app(standalone_mode=False)
    except InputError as error:
        _stop(str(error), 2)
    except typer.TyperException as error:
        _stop(error.format_message(), 2)
    except OSError as error:
        _stop(f"{type(error).__name__}: {error}", 1)
    except SystemError as error:
        if not _is_interrupt(error):
            raise
        exit_code = INTERRUPTED
    if exit_code == INTERRUPTED:
        _stop(
            "interrupted; nothing unfinished was kept. The same command goes on from here",
            INTERRUPTED,
        )
    sys.exit(exit_code)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error, as within compiled functions, which make errors of their own of it."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _stop(message: str, exit_code: int) -> None:
    print(f"polysve: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(exit_code)


@app.command()
def tessellate(
    output: Output,
    ensemble: Annotated[str, typer.Option(help="Name of the ensemble.")],
    start: Annotated[int, typer.Option(min=0, help="First SVE index.")],
    stop: Annotated[int, typer.Option(min=1, help="First SVE index of the next shard.")],
    settings: SettingsText,
) -> None:
    """Draw the grain structures of one shard."""
    from polysve.settings.labels import TessellateSettings
    from polysve.settings.model import NAME_PATTERN, parse
    from polysve.stages import tessellate as stage

    if not re.fullmatch(NAME_PATTERN, ensemble):
        raise InputError(f"--ensemble = {ensemble!r}: a name must match {NAME_PATTERN}")
    if stop <= start:
        raise InputError(f"--stop = {stop}: must be greater than --start = {start}")
    stage.run(output, ensemble, start, stop, parse(TessellateSettings, settings, "--settings"))


@app.command()
def mesh(tessellation: Input, output: Output, settings: SettingsText) -> None:
    """Mesh the grain structures of one shard."""
    from polysve.settings.labels import MeshSettings
    from polysve.settings.model import parse
    from polysve.stages import mesh as stage

    stage.run(tessellation, output, parse(MeshSettings, settings, "--settings"))


@app.command()
def homogenize(tessellation: Input, mesh: Input, output: Output, settings: SettingsText) -> None:
    """Compute the apparent stiffness of the SVEs of one shard."""
    from polysve.settings.labels import HomogenizeSettings
    from polysve.settings.model import parse
    from polysve.stages import homogenize as stage

    stage.run(tessellation, mesh, output, parse(HomogenizeSettings, settings, "--settings"))


@app.command()
def assemble(ensemble_dir: Folder, output: Output, settings: SettingsText) -> None:
    """Join the shards of one ensemble into its data set."""
    from polysve.settings.labels import AssembleSettings
    from polysve.settings.model import parse
    from polysve.stages import assemble as stage

    stage.run(ensemble_dir, output, parse(AssembleSettings, settings, "--settings"))


@app.command()
def audit(ensemble: Input, output: Output, settings: SettingsText) -> None:
    """Compute the first labels of an ensemble once more by gmsh and scikit-fem."""
    from polysve.settings.labels import AuditSettings
    from polysve.settings.model import parse

    parsed = parse(AuditSettings, settings, "--settings")
    from polysve.stages import audit as stage

    stage.run(ensemble, output, parsed)


@app.command()
def portray(ensemble: Input, output_dir: Annotated[Path, typer.Argument(file_okay=False)]) -> None:
    """Draw some structures of an ensemble and the distribution of its stiffness."""
    from polysve.stages import portray as stage

    with busy(f"drawing {ensemble.name}"):
        stage.run(ensemble, output_dir)


@app.command()
def characterize_films(
    output: Output,
    start: Annotated[int, typer.Option(min=0, help="First index.")],
    stop: Annotated[int, typer.Option(min=1, help="First index of the next shard.")],
    settings: SettingsText,
) -> None:
    """Compute the stiffness of some films of a family, of all its crystals and textures, without training."""
    from polysve.settings.families import CharacterizeSettings
    from polysve.settings.model import parse
    from polysve.stages import characterize as stage

    if stop <= start:
        raise InputError(f"--stop = {stop}: must be greater than --start = {start}")
    stage.run(output, start, stop, parse(CharacterizeSettings, settings, "--settings"))


@app.command()
def tabulate(folder: Folder, output: Output, checks: Output, settings: SettingsText) -> None:
    """Write the scatter of all families of films as one table, some of it checked by finite elements."""
    from polysve.settings.families import TabulateSettings
    from polysve.settings.model import parse
    from polysve.stages import tabulate as stage

    stage.run(folder, output, checks, parse(TabulateSettings, settings, "--settings"))


@app.command()
def preprocess(output: Output, ensemble: Ensembles, settings: SettingsText) -> None:
    """Turn ensembles into what a network reads, split for training, validation and test."""
    from polysve.settings.experiment import PreprocessSlice
    from polysve.settings.model import parse
    from polysve.stages import preprocess as stage

    files = _named_files(ensemble)
    stage.run(output, files, parse(PreprocessSlice, settings, "--settings"))


def _named_files(pairs: list[str], option: str = "--ensemble") -> dict[str, Path]:
    files = {}
    for pair in pairs:
        name, equals, file = pair.partition("=")
        if not (name and equals and Path(file).is_file()):
            raise InputError(f"{option} = {pair!r}: NAME=FILE with an existing file is needed")
        files[name] = Path(file)
    return files


@app.command()
def train(inputs: Input, model: Output, history: Output, settings: SettingsText) -> None:
    """Train one network."""
    from polysve.data.seal import require_whole
    from polysve.settings.experiment import TrainSettings
    from polysve.settings.model import parse

    parsed = parse(TrainSettings, settings, "--settings")
    require_whole(inputs)
    from polysve.stages import train as stage

    stage.run(inputs, model, history, parsed)


@app.command()
def evaluate(
    inputs: Input,
    model: Input,
    history: Input,
    output_dir: Annotated[Path, typer.Argument(file_okay=False)],
    ensemble: Ensembles,
    settings: SettingsText,
) -> None:
    """Judge one network: metrics, predictions, figures."""
    from polysve.data.seal import require_whole
    from polysve.settings.experiment import EvaluateSettings
    from polysve.settings.model import parse

    parsed = parse(EvaluateSettings, settings, "--settings")
    files = _named_files(ensemble)
    require_whole(inputs)
    require_whole(model)
    from polysve.stages import evaluate as stage

    stage.run(inputs, model, history, files, output_dir, parsed)


@app.command("device")
def draw_device(
    output_dir: Annotated[Path, typer.Argument(file_okay=False)],
    settings: SettingsText,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a core.")] = None,
) -> None:
    """Draw beams of one kind that a study asks for."""
    from polysve.settings.device import DeviceSettings
    from polysve.settings.model import parse
    from polysve.stages import device as stage

    stage.run(output_dir, parse(DeviceSettings, settings, "--settings"), workers)


@app.command()
def compare(
    output: Output,
    metrics: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
) -> None:
    """Write the metrics of several experiments side by side."""
    from polysve.stages import compare as stage

    stage.run(output, metrics)


@app.command()
def trial(
    output: Output,
    study: Annotated[Path, typer.Argument(dir_okay=False, help="Journal of all trials.")],
    ensemble: Ensembles,
    number: Annotated[int, typer.Option(min=0, help="Number of the trial.")],
    settings: SettingsText,
) -> None:
    """Train one network with hyperparameters that Optuna draws from what other trials came to."""
    from polysve.settings.model import parse
    from polysve.settings.search import TrialSlice

    files, parsed = _named_files(ensemble), parse(TrialSlice, settings, "--settings")
    from polysve.stages import trial as stage

    stage.run(output, study, files, number, parsed)


@app.command()
def search(folder: Folder, settings: SettingsText) -> None:
    """Gather the trials of one search: table, best experiment, figures."""
    from polysve.settings.model import parse
    from polysve.settings.study import SearchSlice

    parsed = parse(SearchSlice, settings, "--settings")
    from polysve.stages import search as stage

    stage.run(folder, parsed)


@app.command()
def report(
    output: Output,
    study: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Its settings.")],
    ensemble: Ensembles,
    portrait: Annotated[list[str], _named("Gallery of an ensemble.")],
    experiment: Annotated[list[str] | None, _named("Metrics of an experiment.")] = None,
    search: Annotated[list[str] | None, _named("Trials of a search.")] = None,
    audit: Annotated[list[str] | None, _named("Audit of an ensemble.")] = None,
    device: Annotated[list[str] | None, _named("Beams of a device.")] = None,
) -> None:
    """Write the page that shows a study."""
    options = {"ensemble": ensemble, "portrait": portrait, "experiment": experiment}
    options |= {"search": search, "audit": audit, "device": device}
    files = [_named_files(pairs or [], f"--{name}") for name, pairs in options.items()]
    from polysve.stages import report as stage

    with busy("writing the report"):
        stage.run(output, study, *files)


@app.command()
def check(file: Input) -> None:
    """Check that a file is whole and right: one line for each fault, exit code 1 if there is one."""
    from polysve.data.checking import faults_in
    from polysve.data.crate import crate_faults, is_crate

    with busy(f"checking {file.name}"):
        faults = crate_faults(file) if is_crate(file) else faults_in(file)
    for fault in faults:
        print(fault)
    if faults:
        raise typer.Exit(1)
    print(f"{file}: whole and right")


@app.command()
def export_study(
    results: Folder,
    output: Output,
    title: Annotated[str, typer.Option(help="Title of the data.")] = "A study of thin films",
    author: Annotated[list[str], typer.Option(help="Name; once for each author.")] = (),
    license: Annotated[
        str, typer.Option(help="Licence of the data, as the SPDX list spells it.")
    ] = "CC-BY-4.0",
) -> None:
    """Pack a finished study as an RO-Crate (.zip), to hand it on or to give it a DOI."""
    from polysve.data.crate import write_crate

    if not re.fullmatch(r"[A-Za-z0-9.+-]+", license):
        raise InputError(f"--license = {license!r}: an identifier such as CC-BY-4.0 is needed")
    with busy(f"packing {results}"):
        count = write_crate(results, output, title, author, license)
    print(f"{output}: {count} files; polysve check {output} tells whether it is whole")


@app.command()
def provenance(file: Input) -> None:
    """Print what a result was made from: settings, seed, code, package versions, command."""
    from polysve.data.records import read_record

    print(json.dumps(read_record(file), indent=1))


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration."""
    from polysve.settings.descriptions import json_schema
    from polysve.settings.study import Settings

    print(json.dumps(json_schema(Settings), indent=1))


@app.command()
def show(
    ensemble: Input,
    sve: Annotated[int, typer.Argument(min=0, help="Index of the SVE.")],
    fields: Annotated[
        Path | None, typer.Option(help="Picture of mesh, displacement and stress to write.")
    ] = None,
    vtu: Annotated[Path | None, typer.Option(help="File for ParaView to write.")] = None,
    bc: Annotated[str, typer.Option(help="Boundary condition: kubc, subc or pbc.")] = "pbc",
    load: Annotated[str, typer.Option(help="Mean strain: 11, 22 or 12.")] = "11",
    strain: Annotated[float, typer.Option(help="Size of the mean strain.")] = 1e-3,
    element_size: Annotated[
        float, typer.Option(min=0.02, max=2, help="Element edge over the grain size.")
    ] = 0.15,
) -> None:
    """Show one SVE of an ensemble: its stiffness, its fields, and a file for ParaView."""
    from polysve.commands import show

    if fields or vtu:
        show.solve_and_write(ensemble, sve, bc, load, strain, element_size, fields, vtu)
    for line in show.describe(ensemble, sve):
        print(line)


@app.command()
def doctor(as_json: film.AsJson = False) -> None:
    """Show versions, devices, threads, gmsh and SLURM: what works here."""
    from polysve.commands.doctor import examine

    with busy("looking at this machine"):
        findings = examine()
    if as_json:
        print(json.dumps(findings, indent=1))
        return
    for subject, finding in findings.items():
        print(f"{subject:<12} {finding}")
