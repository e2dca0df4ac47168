"""A sample of strips, and beams put together from it.

Beams are long, so that a few strips, put together at random, make many of them. What a clamped end takes goes with the
strip that begins there, and what a loaded middle takes.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import cpu_count, get_context
from typing import NamedTuple

import numpy as np

from polysve.base.progress import track
from polysve.base.types import Array, Integers
from polysve.crystals.stiffness import shear_modulus
from polysve.device import whole
from polysve.device.section import Sections, sections
from polysve.device.strip import FilmLaw

ACROSS = 32
"""Pixels across a beam."""
SLICE = 8
"""Pixels along a slice."""
STRIP_WIDTHS = 8
"""Length of a strip over its width: neighbours share grains but at the ends of strips, which then count little."""
ROOT_WIDTHS = 3
"""Length over width of the piece whose clamped end is examined."""
TURNED_END = np.outer([-1, -1, 1], [-1, -1, 1])
"""Of flexibility in u, v and slope, when a beam is turned by 180° in its plane."""
TURNED_SECTION = np.array([[1, -1], [-1, 1]])
"""Of tension and bending."""


class Strips(NamedTuple):
    """Strips of one width."""

    sections: Sections
    """Of shape (strips, slices)."""
    root: Array
    """What the strips' first ends take if they are clamped, shape (strips, 3, 3); see `whole.root`."""
    middle: Array
    """What they take if a beam is loaded there and goes on the other way, shape (strips, 3, 3)."""
    slice_um: float
    width_um: float

    @property
    def modulus_gpa(self) -> Array:
        """Young's modulus of a uniform beam as stiff in bending, of pieces as long as the beam is wide."""
        piece = ACROSS // SLICE
        compliance = 1 / self.sections.bending.reshape(len(self.root), -1, piece)
        return 12 / self.width_um**3 / compliance.mean(-1).ravel()


class GrainBeams(NamedTuple):
    """Beams as their grains make them; stiffness for a thickness of 1 µm."""

    stiffness: Array
    """Shape (beams, slices, 2, 2)."""
    shear: Array
    film_shear_gpa: Array
    """In-plane shear modulus of slices, shape (beams, slices)."""
    root: Array
    """What the ends take if they are clamped, shape (beams, 2, 3, 3)."""
    middle: Array
    """What the middle takes on either side if it is loaded, shape (beams, 3, 3)."""
    strips: Integers
    """Which strips a beam is made of, shape (beams, pieces)."""
    ends_um: Array

    def pick(self, numbers: Integers) -> "GrainBeams":
        """Some of the beams."""
        return GrainBeams(*(each[numbers] for each in self[:-1]), self.ends_um)


def examine(log_q: Array, pixel_um: float) -> Strips:
    """Strips from their pictures, shape (strips, along, across, 6)."""
    found = sections(log_q, pixel_um, SLICE)
    slice_um = SLICE * pixel_um
    near = ROOT_WIDTHS * log_q.shape[2]
    root, middle = (
        np.array(
            [
                whole.root(each[:near], pixel_um, _part(found, number), slice_um, guided)
                for number, each in enumerate(log_q)
            ]
        )
        for guided in (False, True)
    )
    return Strips(found, root, middle, slice_um, log_q.shape[2] * pixel_um)


def _part(found: Sections, strip: int) -> Sections:
    """Slices of the piece that an end is examined on."""
    return Sections(*(each[strip, : ROOT_WIDTHS * ACROSS // SLICE] for each in found))


def draw_strips(
    law: FilmLaw, width_um: float, count: int, seed: int, workers: int | None = None
) -> Strips:
    """Draw strips of one width and examine them, on all cores.

    A strip is a function of the seed, the width and its number.
    """
    tasks = [(law, width_um, [seed, round(1e6 * width_um), number]) for number in range(count)]
    parts = list(track(in_processes(_draw, tasks, workers), f"strips {width_um:g} µm wide", count))
    found = Sections(
        *(np.concatenate(each) for each in zip(*(p.sections for p in parts), strict=True))
    )
    root, middle = (np.concatenate(each) for each in zip(*(p[1:3] for p in parts), strict=True))
    return Strips(found, root, middle, parts[0].slice_um, width_um)


def _draw(task: tuple[FilmLaw, float, list[int]]) -> Strips:
    law, width_um, seed = task
    pixels = STRIP_WIDTHS * ACROSS, ACROSS
    random = np.random.default_rng(seed)
    log_q = law.strip(random, (STRIP_WIDTHS * width_um, width_um), pixels)
    return examine(log_q[None], width_um / ACROSS)


def in_processes(work, tasks: list, workers: int | None) -> Iterator:
    """Results of tasks in their order, from processes that have one thread each."""
    from threadpoolctl import threadpool_limits

    workers = min(workers or cpu_count(), len(tasks))
    if workers == 1:
        with threadpool_limits(1):
            yield from map(work, tasks)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, threadpool_limits, (1,)) as pool:
        yield from pool.map(work, tasks)


def put_together(
    strips: Strips, random: np.random.Generator, count: int, length_um: float, support: str
) -> GrainBeams:
    """Beams of strips taken at random.

    A beam that is clamped at both ends is made of four quarters: two begin at their clamped ends, two in the middle.
    """
    if support == "cantilever":
        return _piece(strips, random, count, length_um)
    outer, inner, middle, end = (_piece(strips, random, count, length_um / 4) for _ in range(4))
    found = _facing(_facing(outer, inner), _facing(middle, end))
    return found._replace(
        root=np.stack([outer.root[:, 0], end.root[:, 0] * TURNED_END], 1),
        middle=(inner.middle + middle.middle) / 2,
    )


def _facing(left: GrainBeams, right: GrainBeams) -> GrainBeams:
    """Beams that go on as the right ones, turned by 180°, which changes no Q."""
    length_um = left.ends_um[-1] + right.ends_um[-1]
    return left._replace(
        stiffness=np.concatenate([left.stiffness, right.stiffness[:, ::-1] * TURNED_SECTION], 1),
        shear=np.concatenate([left.shear, right.shear[:, ::-1]], 1),
        film_shear_gpa=np.concatenate([left.film_shear_gpa, right.film_shear_gpa[:, ::-1]], 1),
        strips=np.concatenate([left.strips, right.strips], 1),
        ends_um=np.concatenate([left.ends_um, length_um - right.ends_um[-2::-1], [length_um]]),
    )


def _piece(strips: Strips, random: np.random.Generator, count: int, length_um: float) -> GrainBeams:
    """Strips one after the other from a clamped end, or from the middle."""
    number, per_strip = strips.sections.shear.shape
    slices = int(np.ceil(length_um / strips.slice_um * (1 - 1e-9)))
    chosen = random.integers(number, size=(count, -(-slices // per_strip)))
    stiffness, shear, film = (
        each[chosen].reshape(count, -1, *each.shape[2:])[:, :slices] for each in strips.sections
    )
    root, middle = strips.root[chosen[:, 0]], strips.middle[chosen[:, 0]]
    ends = np.minimum(strips.slice_um * np.arange(1, slices + 1), length_um)
    film_shear = shear_modulus(film)
    both = np.stack([root, 0 * root], 1)
    return GrainBeams(stiffness, shear, film_shear, both, middle, chosen, ends)


def whole_strip(log_q: Array, pixel_um: float) -> GrainBeams:
    """One beam from its own picture, shape (along, across, 6)."""
    strips = examine(log_q[None], pixel_um)
    own, turned = strips.sections, _turned(strips.sections)
    half = own.shear.shape[1] // 2
    near = ROOT_WIDTHS * log_q.shape[1]

    def end(log_q, sections, first, guided):
        piece = log_q[first * SLICE : first * SLICE + near]
        slices = _part(Sections(*(each[:, first:] for each in sections)), 0)
        return whole.root(piece, pixel_um, slices, strips.slice_um, guided)

    far = end(log_q[::-1, ::-1], turned, 0, False) * TURNED_END
    middle = [
        end(each, sections, half, True)
        for each, sections in ((log_q, own), (log_q[::-1, ::-1], turned))
        if SLICE * half >= near
    ]
    stiffness, shear, film = own
    ends = strips.slice_um * np.arange(1, shear.shape[1] + 1)
    both = np.stack([strips.root[0], far])[None]
    mean = np.mean(middle or [np.zeros((3, 3))], 0)[None]
    return GrainBeams(
        stiffness, shear, shear_modulus(film), both, mean, np.zeros((1, 1), int), ends
    )


def _turned(found: Sections) -> Sections:
    """Strips turned by 180°."""
    stiffness, shear, film = (each[:, ::-1] for each in found)
    return Sections(stiffness * TURNED_SECTION, shear, film)
