"""Draw the grain structures of one shard."""

from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.progress import track
from polysve.data.h5 import new_h5, put, put_ragged
from polysve.grains.tessellation import Structure, draw_structure
from polysve.grains.tiling import Tiling
from polysve.settings.labels import TessellateSettings

EMPTY = Structure(
    np.empty((0, 2)),
    np.empty(0),
    Tiling(np.empty(0, np.int64), np.zeros(1, np.int64), np.empty((0, 2))),
)


def run(output: Path, ensemble: str, start: int, stop: int, settings: TessellateSettings) -> None:
    """Write the structures of the SVEs start … stop - 1; those that cannot be drawn are recorded with the reason."""
    structures, reasons = [], []
    for index in track(range(start, stop), f"structures of {ensemble}", stop - start):
        try:
            structures.append(draw_structure(settings, ensemble, index))
            reasons.append("")
        except InputError as error:
            structures.append(EMPTY)
            reasons.append(str(error))
    attributes = {
        "ensemble": ensemble,
        "seed": settings.seed,
        "window_um": settings.window_um,
        "grain_size_um": settings.grain_size_um,
        "periodic": settings.periodic,
        "units": "lengths in um, angles in rad",
    }
    with new_h5(output, "tessellation", settings.canonical_json(), attributes) as file:
        put(file, "index", np.arange(start, stop))
        put(file, "status", np.array([bool(reason) for reason in reasons], np.uint8))
        put(file, "reason", reasons)
        generators, theta, tilings = zip(*structures, strict=True)
        put_ragged(file, "offsets", {"generators": generators, "theta": theta})
        put_ragged(
            file,
            "piece_offsets",
            {"piece_grain": [tiling.grain.astype(np.int32) for tiling in tilings]},
        )
        corners = [np.diff(tiling.offsets) for tiling in tilings]
        put(file, "vertex_offsets", np.concatenate([[0], np.cumsum(np.concatenate(corners))]))
        put(file, "vertices", np.concatenate([tiling.vertices_um for tiling in tilings]))
