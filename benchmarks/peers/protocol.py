"""What every contestant of benchmarks/labels.py shares: the SVEs, the stopwatch and the conversation.

A contestant is a process that is given a file of SVEs, reads one request a line and answers each with one line of
JSON, so that all of them can be asked in turn about the same SVE.
"""

import json
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

# displacement gradients of the unit strains 11, 22 and 12 (engineering shear)
UNIT_STRAINS = np.array([[[1.0, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0.5], [0.5, 0]]])


class Sve(NamedTuple):
    """One SVE: polygons that tile a square window, and the stiffness of the grain in each."""

    window_um: float
    grain_size_um: float
    size_um: float
    """Largest edge of an element, for those who mesh with gmsh."""
    nodes_um: np.ndarray
    loops: np.ndarray
    """Nodes of all polygons in a row, counter-clockwise, edges too short to mesh taken out."""
    offsets: np.ndarray
    """Where each polygon begins in `loops`."""
    grain: np.ndarray
    """Grain of each polygon."""
    tiling_grain: np.ndarray
    tiling_offsets: np.ndarray
    tiling_vertices_um: np.ndarray
    """The polygons as they were drawn."""
    theta_rad: np.ndarray
    stiffness_gpa: np.ndarray
    """Of each grain, (grains, 3, 3), Voigt 11, 22, 12."""
    crystal_gpa: np.ndarray
    """Parts of the stiffness that go with 1, cos 4θ and sin 4θ, (3, 3, 3)."""


class Stopwatch:
    """Wall and processor time, in ms, by part of the work."""

    def __init__(self):
        self.wall_ms, self.cpu_ms = defaultdict(float), defaultdict(float)

    @contextmanager
    def __call__(self, part: str):
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall_ms[part] += 1e3 * (time.perf_counter() - wall)
        self.cpu_ms[part] += 1e3 * (time.process_time() - cpu)


def write_sves(path, sves: list[Sve], images: dict[str, np.ndarray]) -> None:
    """Write the SVEs, and the images {number}/image{pixels} of those who need no mesh, to one .npz file."""
    arrays = {
        f"{number}/{name}": value
        for number, sve in enumerate(sves)
        for name, value in sve._asdict().items()
    }
    arrays |= images
    np.savez(path, **arrays)


def read_sve(file, number: int) -> Sve:
    return Sve(*(file[f"{number}/{name}"][()] for name in Sve._fields))


def serve(homogenize, versions: dict[str, str]) -> None:
    """Answer requests {"sve": number, "boundary_conditions": [...], ...} until the input ends.

    Parameters
    ----------
    homogenize : callable
        (sve, boundary_conditions, watch, **rest of the request) to {boundary condition: C̄}; a request for
        "pixels" adds the argument `image`, shape (2, pixels, pixels): means of cos 4θ and sin 4θ.
    versions : dict
        Packages that do the work, for the record.
    """
    # whatever a library prints goes to stderr
    answers, sys.stdout = sys.stdout, sys.stderr
    with np.load(sys.argv[1]) as file:
        print(json.dumps({"versions": versions}), file=answers, flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            number, watch = request.pop("sve"), Stopwatch()
            if "pixels" in request:
                request["image"] = file[f"{number}/image{request.pop('pixels')}"]
            wanted = tuple(request.pop("boundary_conditions"))
            try:
                found = homogenize(read_sve(file, number), wanted, watch, **request)
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            else:
                answer = {
                    "stiffness_gpa": {name: np.asarray(c).tolist() for name, c in found.items()},
                    "wall_ms": watch.wall_ms,
                    "cpu_ms": watch.cpu_ms,
                }
            print(json.dumps(answer), file=answers, flush=True)
