"""Draw the grain structures of one shard."""

import json
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.progress import track
from polysve.data.h5 import new_h5, put, put_grains
from polysve.films.sample import read_samples
from polysve.grains.film import Film
from polysve.grains.tessellation import draw_film
from polysve.grains.tiling import Tiling
from polysve.settings.labels import TessellateSettings

EMPTY = Film(
    Tiling(np.empty(0, np.int64), np.zeros(1, np.int64), np.empty((0, 2))),
    (0.0, 0.0),
    np.empty((0, 4)),
    np.empty(0, np.int64),
    generators_um=np.empty((0, 2)),
    weights_um2=np.empty(0),
    theta_rad=np.empty(0),
)


def run(output: Path, ensemble: str, start: int, stop: int, settings: TessellateSettings) -> None:
    """Write the structures of the SVEs start … stop - 1; those that cannot be drawn are recorded with the reason."""
    measured = read_samples(phase.texture for phase in settings.phases.values())
    films, reasons = [], []
    for index in track(range(start, stop), f"structures of {ensemble}", stop - start):
        try:
            films.append(draw_film(settings, ensemble, index, measured))
            reasons.append("")
        except InputError as error:
            films.append(EMPTY)
            reasons.append(str(error))
    attributes = {
        "ensemble": ensemble,
        "seed": settings.seed,
        "window_um": settings.window_um,
        "grain_size_um": settings.grain_size_um,
        "periodic": settings.periodic,
        "phases": json.dumps(sorted(settings.phases)),
        "units": "lengths in um, angles in rad",
    }
    with new_h5(output, "tessellation", settings.canonical_json(), attributes) as file:
        put(file, "index", np.arange(start, stop))
        put(file, "status", np.array([bool(reason) for reason in reasons], np.uint8))
        put(file, "reason", reasons)
        put_grains(file, films)
