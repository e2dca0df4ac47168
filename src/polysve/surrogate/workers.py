"""Processes that draw random structures, make their images and solve them, on all cores.

They load neither Keras nor what `characterize` does with the results.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import cpu_count, get_context
from typing import NamedTuple

import numpy as np

from polysve.base.errors import InputError
from polysve.base.progress import track
from polysve.base.types import Array
from polysve.crystals import catalogue
from polysve.grains.tessellation import draw_film
from polysve.learning.model_card import ModelCard
from polysve.settings.labels import HomogenizeSettings, TessellateSettings
from polysve.surrogate.network_input import NetworkInput, network_input

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
            self.count, mp_context=get_context("spawn"), initializer=_one_thread
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._pool.shutdown(cancel_futures=True)

    def start(self) -> None:
        """Wait until all processes are up, so that their start is not timed."""
        list(self._pool.map(_warm_up, range(4 * self.count)))

    def inputs(
        self, settings: TessellateSettings, count: int, card: ModelCard
    ) -> Iterator[NetworkInput]:
        """Network inputs of `count` random structures, in order, a few chunks ahead of the reader."""
        starts = iter(range(0, count, CHUNK))
        waiting = deque()
        for start in starts:
            task = self._pool.submit(_draw, settings, start, min(start + CHUNK, count), card)
            waiting.append(task)
            if len(waiting) > 2 * self.count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()

    def solve(
        self,
        settings: TessellateSettings,
        count: int,
        homogenize: HomogenizeSettings,
        boundary_condition: str,
    ) -> Check:
        """Label the first structures by finite elements, as the study does."""
        begin = time.perf_counter()
        tasks = [
            self._pool.submit(_solve, settings, index, homogenize, boundary_condition)
            for index in range(count)
        ]
        moduli = [task.result() for task in track(tasks, "finite elements", count)]
        return Check(np.array(moduli), time.perf_counter() - begin)


def _one_thread() -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


def _warm_up(number: int) -> None:
    from polysve.fem import label  # noqa: F401

    time.sleep(0.05)


def _draw(settings: TessellateSettings, start: int, stop: int, card: ModelCard) -> list:
    """Network inputs of some structures."""
    crystal = catalogue.crystal(card.material)
    films = (draw_film(settings, ENSEMBLE, index).made_of(crystal) for index in range(start, stop))
    return [network_input(film, card) for film in films]


def _solve(settings, index: int, options: HomogenizeSettings, boundary_condition: str) -> float:
    """Ē of one structure by finite elements."""
    from polysve.crystals.stiffness import young_modulus
    from polysve.fem.homogenize import homogenize

    film = draw_film(settings, ENSEMBLE, index).made_of(catalogue.crystal(options.material))
    return float(young_modulus(homogenize(film, options).stiffness_gpa[boundary_condition]))
