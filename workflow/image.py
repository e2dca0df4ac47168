"""The container image that rules run in, at a path that Snakemake takes."""

import os
from pathlib import Path

LINK = Path(".snakemake/polysve.sif")


def image(file: Path) -> str:
    """Path of an image from the working directory; of a link to it where that has a space, which Snakemake refuses."""
    path = os.path.relpath(file)
    if " " not in path:
        return path
    if not LINK.is_symlink() or LINK.readlink() != file:
        LINK.parent.mkdir(exist_ok=True)
        # in one step: other jobs may read the link
        new = LINK.with_suffix(f".{os.getpid()}")
        new.symlink_to(file)
        new.replace(LINK)
    return str(LINK)
