"""Label images in `.npz` files."""

import math
import zipfile
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import ARCHIVE_DAMAGE, LARGEST_FILE_BYTES, check_size
from polysve.films.reading import MOST_GRAINS, Reading, orientations_of
from polysve.grains.film import Film, LabelImage

ANGLES = {"theta_deg": (), "euler_deg": (3,)}
"""Names of the table of angles, each with the shape of one entry."""


def read_label_image(path: Path, reading: Reading) -> Film:
    """Read a label image with its table of angles from an `.npz` file.

    The file holds ``label_image`` (rows, columns), whole numbers with row 0 at the bottom (y up); ``theta_deg``
    (grains,) or ``euler_deg`` (grains, 3), the angles of grain 0, 1, ...; perhaps ``phase`` (grains,), names; and
    ``window_um``, the width, unless it is given.

    Raises
    ------
    InputError
        For a file that is no such thing, labels without an angle, angles that are not finite, and no or two widths.
    """
    arrays = _arrays(path)
    name = next((name for name in ANGLES if name in arrays), None)
    if name is None or "label_image" not in arrays:
        missing = "label_image" if "label_image" not in arrays else "theta_deg"
        raise InputError(
            f"{path}: has no {missing}; label_image and theta_deg (or euler_deg) are needed"
        )
    labels, angles_deg = arrays["label_image"], arrays[name]
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "ui":
        raise InputError(
            f"{path}: label_image is {labels.dtype} of the shape {labels.shape}; "
            "whole numbers of the shape (rows, columns) are needed"
        )
    wanted = angles_deg.shape[:1] + ANGLES[name]
    if (
        angles_deg.shape != wanted
        or angles_deg.dtype.kind not in "uif"
        or not np.isfinite(angles_deg).all()
    ):
        raise InputError(f"{path}: {name} must be a list of finite numbers, one for each grain")
    if labels.min() < 0 or labels.max() >= len(angles_deg) or len(angles_deg) > MOST_GRAINS:
        raise InputError(
            f"{path}: label_image goes from {labels.min()} to {labels.max()}; "
            f"{name} allows 0 to {len(angles_deg) - 1}, and {MOST_GRAINS} grains are the most"
        )
    width_um = _width(path, arrays.get("window_um"), reading.window_um)
    pixel_um = width_um / labels.shape[1]
    quaternions, theta_rad = orientations_of(
        angles_deg.astype(float).reshape(len(angles_deg), -1), path
    )
    phases, phase = _phases(path, arrays.get("phase"), len(angles_deg))
    return Film(
        LabelImage(labels.astype(np.uint16), pixel_um),
        (width_um, pixel_um * labels.shape[0]),
        quaternions,
        phase,
        reading.crystals(phases, path),
        theta_rad=theta_rad,
    )


def _phases(path: Path, names: np.ndarray | None, count: int) -> tuple[list[str], np.ndarray]:
    """Names of the phases, and the phase of each grain."""
    if names is None:
        return [""], np.zeros(count, np.int64)
    if names.shape != (count,) or names.dtype.kind != "U":
        raise InputError(f"{path}: phase must be a list of names, one for each of {count} grains")
    phases, phase = np.unique(names, return_inverse=True)
    return phases.tolist(), phase


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
    except (*ARCHIVE_DAMAGE, ValueError) as error:
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
