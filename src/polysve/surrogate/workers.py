"""Processes that draw random films and do with each what is asked, on all cores.

They load neither Keras nor what `characterize` does with the results.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import cpu_count, get_context
from typing import NamedTuple, TypeVar

import numpy as np

from polysve.base.errors import InputError
from polysve.base.memory import keep_freed_memory
from polysve.base.progress import track
from polysve.base.types import Array
from polysve.crystals.crystal import Crystal
from polysve.films.sample import read_samples
from polysve.grains.film import Film
from polysve.grains.tessellation import draw_film
from polysve.settings.labels import HomogenizeSettings, TessellateSettings

Made = TypeVar("Made")
ENSEMBLE = "characterize"
"""Name from which, with seed and index, every structure follows."""
CHUNK = 16
MOST_PER_CORE = 4


class Check(NamedTuple):
    """Finite-element solutions of the first structures."""

    young_modulus_gpa: Array
    seconds: float
    """Wall time, on all workers."""


class Workers:
    """Processes that draw structures, make images and solve; one for each core.

    Use it in a ``with`` block. The processes start anew, so a script that uses it needs its
    ``if __name__ == "__main__":``.
    """

    def __init__(self, count: int | None = None):
        self.count = count or cpu_count()
        if not 1 <= self.count <= MOST_PER_CORE * cpu_count():
            raise InputError(
                f"--workers = {self.count}: allowed is 1 to {MOST_PER_CORE * cpu_count()} on {cpu_count()} cores"
            )
        # a network loaded later shares the cores with the workers; TensorFlow's waiting threads would take their time
        for kind in ("INTRAOP", "INTEROP"):
            os.environ.setdefault(f"TF_NUM_{kind}_THREADS", "1")
        self._pool = ProcessPoolExecutor(
            self.count, mp_context=get_context("spawn"), initializer=_make_ready
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown(cancel_futures=True)

    def start(self) -> None:
        """Wait until all processes are up, so that their start is not timed."""
        list(self._pool.map(_warm_up, range(4 * self.count)))

    def films(
        self,
        settings: TessellateSettings,
        crystals: tuple[Crystal, ...],
        count: int,
        work: Callable[[Film], Made],
    ) -> Iterator[Made]:
        """What `work` makes of `count` random films, in order, a few chunks ahead of the reader."""
        measured = read_samples(phase.texture for phase in settings.phases.values())
        waiting = deque()
        for start in range(0, count, CHUNK):
            stop = min(start + CHUNK, count)
            waiting.append(
                self._pool.submit(_draw, settings, measured, crystals, start, stop, work)
            )
            if len(waiting) > 2 * self.count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()

    def solve(
        self,
        settings: TessellateSettings,
        crystals: tuple[Crystal, ...],
        count: int,
        boundary_condition: str,
    ) -> Check:
        """Label the first films by finite elements, as the study does."""
        begin = time.perf_counter()
        work = partial(_modulus, boundary_condition=boundary_condition)
        tasks = self.films(settings, crystals, count, work)
        moduli = np.array(list(track(tasks, "finite elements", count)))
        return Check(moduli, time.perf_counter() - begin)


def _make_ready() -> None:
    # what is loaded later would not be limited
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    keep_freed_memory()


def _warm_up(number: int) -> None:
    from polysve.fem import label  # noqa: F401

    time.sleep(0.05)


def _draw(
    settings, measured, crystals, start: int, stop: int, work: Callable[[Film], Made]
) -> list[Made]:
    """What is made of some films."""
    return [
        work(draw_film(settings, ENSEMBLE, index, measured).made_of(*crystals))
        for index in range(start, stop)
    ]


def _modulus(film: Film, boundary_condition: str) -> float:
    """Ē of one film by finite elements."""
    from polysve.crystals.stiffness import young_modulus
    from polysve.fem.homogenize import homogenize

    settings = HomogenizeSettings(boundary_conditions=(boundary_condition,))
    label = homogenize(film, settings)
    return float(young_modulus(label.stiffness_gpa[boundary_condition]))
