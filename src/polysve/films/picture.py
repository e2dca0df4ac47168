"""Label images in `.npz` files."""

import math
import zipfile
import zlib
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import LARGEST_FILE_BYTES, check_size
from polysve.grains.film import GrainMap

MOST_GRAINS = 65_535


def read_label_image(path: Path, window_um: float | None = None) -> GrainMap:
    """Read a label image with its table of angles from an `.npz` file.

    The file holds ``label_image`` (rows, columns), whole numbers with row 0 at the bottom (y up); ``theta_deg``
    (grains,), the angle of grain 0, 1, ...; and ``window_um``, the width, unless it is given.

    Raises
    ------
    InputError
        For a file that is no such thing, labels without an angle, angles that are not finite, and no or two widths.
    """
    arrays = _arrays(path)
    for name in ("label_image", "theta_deg"):
        if name not in arrays:
            raise InputError(f"{path}: has no {name}; label_image and theta_deg are needed")
    labels, theta_deg = arrays["label_image"], arrays["theta_deg"]
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "ui":
        raise InputError(
            f"{path}: label_image is {labels.dtype} of the shape {labels.shape}; "
            "whole numbers of the shape (rows, columns) are needed"
        )
    if theta_deg.ndim != 1 or theta_deg.dtype.kind not in "uif" or not np.isfinite(theta_deg).all():
        raise InputError(f"{path}: theta_deg must be a list of finite numbers, one for each grain")
    if labels.min() < 0 or labels.max() >= len(theta_deg) or len(theta_deg) > MOST_GRAINS:
        raise InputError(
            f"{path}: label_image goes from {labels.min()} to {labels.max()}; "
            f"theta_deg allows 0 to {len(theta_deg) - 1}, and {MOST_GRAINS} grains are the most"
        )
    width_um = _width(path, arrays.get("window_um"), window_um)
    theta_rad = np.mod(np.radians(theta_deg.astype(float)), np.pi / 2)
    return GrainMap(labels.astype(np.uint16), theta_rad, width_um / labels.shape[1])


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of an `.npz` file; none that would need pickle, none that unpack to more than is allowed."""
    check_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > LARGEST_FILE_BYTES:
            raise InputError(f"{path}: unpacks to {size} bytes; allowed are {LARGEST_FILE_BYTES}")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: cannot be read as a .npz file of arrays ({error})") from None


def _width(path: Path, stored: np.ndarray | None, given_um: float | None) -> float:
    """Width of a map in µm, from the file or from the caller."""
    if stored is None and given_um is None:
        raise InputError(f"{path}: has no window_um, and --window was not given; one is needed")
    width = np.asarray(given_um if stored is None else stored)
    if width.shape != () or width.dtype.kind not in "uif" or not (0 < width < math.inf):
        raise InputError(f"{path}: window_um = {width}; allowed is a positive number")
    if stored is not None and given_um is not None and not math.isclose(width, given_um):
        raise InputError(f"{path}: window_um = {width:g}, but --window is {given_um:g}")
    return float(width)
