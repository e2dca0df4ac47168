"""Figures that a command writes, in the package's style."""

from collections.abc import Callable
from pathlib import Path

from polysve.base.errors import InputError
from polysve.base.files import atomic_path

PICTURES = (".svg", ".pdf", ".png")


def check_ending(path: Path | None) -> None:
    """Refuse figures of another kind before anything is computed.

    Raises
    ------
    InputError
    """
    if path is not None and path.suffix not in PICTURES:
        raise InputError(f"{path}: allowed endings are {', '.join(PICTURES)}")


def write_figure(path: Path, draw: Callable) -> None:
    """Write what a function draws in the package's style."""
    from polysve.figures import style

    check_ending(path)
    with style.style(), atomic_path(path) as temporary:
        style.save(draw(), temporary)
