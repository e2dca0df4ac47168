"""How far a long command is: a bar on a terminal, now and then a plain line in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
LOG_SECONDS = 10


def track(items: Iterable[Item], what: str, total: int, step: int = 1) -> Iterator[Item]:
    """Pass items on while stderr tells how far the work is and how long it will take.

    Parameters
    ----------
    items : iterable
        What is worked through.
    what : str
        Name of the work, such as ``"images of ratio4"``.
    total : int
        Number of things there are in all.
    step : int
        Number of things in one item, such as the SVEs of a chunk.

    Examples
    --------
    >>> list(track("abc", "letters", 3))
    ['a', 'b', 'c']
    """
    if sys.stderr.isatty():
        yield from _bar(items, what, total, step)
    else:
        yield from _lines(items, what, total, step)


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Say on a terminal what takes some seconds and has no parts to count.

    Examples
    --------
    >>> with busy("loading the network"):
    ...     answer = 42
    """
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what}, some seconds"):
        yield


def _bar(items: Iterable[Item], what: str, total: int, step: int) -> Iterator[Item]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task, step)


def _lines(items: Iterable[Item], what: str, total: int, step: int) -> Iterator[Item]:
    start = told = time.monotonic()
    for number, item in enumerate(items, 1):
        yield item
        now, done = time.monotonic(), min(total, number * step)
        if now - told >= LOG_SECONDS:
            told = now
            left = (now - start) * (total / done - 1)
            print(f"{what}: {done} of {total}, about {left:.0f} s left", file=sys.stderr)
