"""One kind of beam that a study asks for: how it scatters, where that comes from, how many fail."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from polysve.base.files import atomic_folder
from polysve.crystals import catalogue
from polysve.crystals.crystal import Crystal
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.device.beam import BeamSample, draw_beams, summarize
from polysve.device.view import look
from polysve.figures import beams, style
from polysve.films.sample import read_samples
from polysve.grains.texture import Measured
from polysve.settings.device import DeviceSettings


def run(output_dir: Path, settings: DeviceSettings, workers: int | None = None) -> None:
    """Write ``beams.json`` and ``figures/*.svg``.

    Parameters
    ----------
    output_dir : Path
    settings : DeviceSettings
    workers : int, optional
        Processes; one a core. They change no number.

    Raises
    ------
    InputError
        See `polysve.device.beam.draw_beams`.
    """
    crystal = catalogue.crystal(settings.material)
    measured = read_samples([settings.texture])
    samples = draw_beams(settings, crystal, measured, settings.check, workers)
    report = summarize(settings, samples, crystal.name)
    with style.style(), atomic_folder(output_dir) as folder:
        (folder / "beams.json").write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")
        (folder / "figures").mkdir()
        for name, figure in _draw(settings, samples, crystal, measured):
            style.save(figure, folder / f"figures/{name}.svg")
    made = [output_dir / "beams.json", *(output_dir / "figures").iterdir()]
    record = output_dir / f"device{RECORD_SUFFIX}"
    write_record(record, "device", settings.canonical_json(), made, [])


def _draw(
    settings: DeviceSettings,
    samples: list[BeamSample],
    crystal: Crystal,
    measured: Mapping[str, Measured],
) -> Iterator[tuple[str, Figure]]:
    """Yield names and figures; `polysve.figures.report` has their captions."""
    limits = {sample.width_um: sample.limits for sample in samples}
    yield "scatter", beams.distributions({each.width_um: each.values for each in samples}, limits)
    if settings.spread:
        yield "shares", beams.shares({each.width_um: each.shares for each in samples})
    if settings.limit:
        yield "safety", beams.index({each.width_um: each.reliability for each in samples})
    if settings.bending == "in_plane":
        yield "beam", beams.beam(look(settings, crystal, measured))
