"""Ensembles to what a network reads: images, targets, and the split for training and testing."""

import json
import zlib
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.base.progress import track
from polysve.crystals.stiffness import pack, young_modulus
from polysve.data import h5
from polysve.data.ensemble import Ensemble
from polysve.data.inputs import Split
from polysve.learning import encoding
from polysve.learning.log_mean import log_mean
from polysve.learning.plan import image_pixels, split_counts
from polysve.settings.experiment import PreprocessSlice
from polysve.settings.model import Model


def run(output: Path, ensembles: dict[str, Path], settings: PreprocessSlice) -> None:
    """Write the inputs of an experiment: one group per ensemble.

    A group holds ``images`` (n, p, p, channels), ``targets`` (n, 1, 3 or 6), ``index``, ``symmetry`` (0 for
    an SVE itself, else the number of its turned or mirrored copy), ``split`` (0 training, 1 validation,
    2 test, 3 calibration), ``stiffness`` (n, 3, 3) and ``young_modulus`` (n) in GPa, ``window_means`` (n, 2 or 6),
    those of cos 4θ and sin 4θ or of log Q, ``squared_areas`` (n), the sum of the grains' squared area fractions,
    and ``log_mean_modulus`` (n) in GPa and ``log_spread`` (n) as `learning.log_mean` has them. Its attributes tell
    window, grain size, and crystals and textures of the phases.

    Parameters
    ----------
    output : Path
        HDF5 file to write.
    ensembles : dict of str to Path
        Ensemble files by name, those trained on among them.
    settings : PreprocessSlice

    Raises
    ------
    InputError
        A file is missing, damaged or no ensemble, lacks the boundary condition, or is of crystals that the
        encoding cannot tell apart; there are too few SVEs.
    """
    for name in settings.train_ensembles:
        if name not in ensembles:
            given = ", ".join(ensembles)
            raise InputError(
                f"train_ensembles = {name}: no such ensemble given; there are: {given}"
            )
    names = dict.fromkeys([*settings.train_ensembles, *ensembles])
    sources = {name: Ensemble(ensembles[name]) for name in names}
    first = sources[settings.train_ensembles[0]]
    for source in sources.values():
        source.stiffness(settings.boundary_condition)
        if settings.encoding != "log_stiffness":
            _check_one_crystal(source, first, settings.encoding)
    attributes = {
        "encoding": settings.encoding,
        "targets": settings.target,
        "boundary_condition": settings.boundary_condition,
        "crystals": _json(first.phases),
        "train_ensembles": json.dumps(settings.train_ensembles),
    }
    with h5.new_h5(
        output, "inputs", settings.canonical_json(), attributes, [ensembles[name] for name in names]
    ) as file:
        for name, source in sources.items():
            divide = split if name in settings.train_ensembles else calibration_split
            parts = divide(len(source), name, settings)
            pixels = image_pixels(settings, source.window_um, first.window_um)
            _write_group(file.create_group(name), source, parts, pixels, settings)


def _check_one_crystal(source: Ensemble, first: Ensemble, shown: str) -> None:
    (one, *_), found = first.crystals, source.crystals
    if not all(np.array_equal(each.stiffness_gpa, one.stiffness_gpa) for each in found):
        raise InputError(
            f"{source.path}: crystals = {', '.join(each.name for each in found)}: images of the encoding {shown} show "
            f"one crystal, {one.name} here; log_stiffness shows any"
        )


def split(count: int, name: str, settings: PreprocessSlice) -> np.ndarray:
    """Assign each SVE of a training ensemble to training, validation, test, or to nothing.

    Validation and test are the same for every ``train_count``, and a smaller training set is part of a
    larger one.

    Parameters
    ----------
    count : int
        Number of SVEs.
    name : str
        Of the ensemble; each one is shuffled in its own way.
    settings : PreprocessSlice

    Returns
    -------
    array of uint8, shape (count,)
        0 training, 1 validation, 2 test, 255 not used.

    Raises
    ------
    InputError
        Fewer SVEs are left for training than asked for.
    """
    shuffle = np.random.default_rng([settings.seed, zlib.crc32(name.encode())])
    wanted, validation, test = split_counts(count, settings, name)
    parts = np.full(count, Split.UNUSED, np.uint8)
    order = shuffle.permutation(count)
    parts[order[:test]] = Split.TEST
    parts[order[test : test + validation]] = Split.VALIDATION
    parts[order[test + validation :][:wanted]] = Split.TRAINING
    return parts


def calibration_split(count: int, name: str, settings: PreprocessSlice) -> np.ndarray:
    """Assign each SVE of an ensemble that is not trained on: the share of validation to calibration, the rest to test.

    Returns
    -------
    array of uint8, shape (count,)
        2 test, 3 calibration.
    """
    shuffle = np.random.default_rng([settings.seed, zlib.crc32(name.encode())])
    parts = np.full(count, Split.TEST, np.uint8)
    parts[shuffle.permutation(count)[: int(settings.validation_fraction * count)]] = (
        Split.CALIBRATION
    )
    return parts


def targets(stiffness_gpa: np.ndarray, target: str, encoding: str) -> np.ndarray:
    """What the network learns, GPa: Ē, all of C̄, or C̄11, C̄66, C̄16, to which the bulk identity adds the rest.

    Examples
    --------
    >>> targets(np.diag([160.0, 160.0, 70.0])[None], "stiffness", "harmonic")
    array([[160.,  70.,   0.]])
    """
    if target == "young_modulus":
        return young_modulus(stiffness_gpa)[:, None]
    if encoding == "log_stiffness":
        return pack(stiffness_gpa)
    return stiffness_gpa[:, [0, 2, 0], [0, 2, 2]]


def _write_group(
    group: h5py.Group, source: Ensemble, parts: np.ndarray, pixels: int, settings: PreprocessSlice
) -> None:
    """Write the SVEs of one ensemble, each followed by its copies if it is trained on."""
    augmented = (parts == Split.TRAINING) & (settings.augmentation != "none")
    counts = np.where(augmented, len(encoding.SYMMETRIES), 1) * (parts != Split.UNUSED)
    sve, symmetry = np.nonzero(np.arange(len(encoding.SYMMETRIES)) < counts[:, None])
    stiffness = source.stiffness(settings.boundary_condition)[sve]
    if settings.augmentation == "consistent":
        stiffness = np.array(
            [encoding.move_stiffness(c, s) for c, s in zip(stiffness, symmetry, strict=True)]
        )
    means, facts = _write_images(group, source, counts, pixels, settings)
    tables = {
        "index": source.index[sve],
        "split": parts[sve],
        "symmetry": symmetry.astype(np.uint8),
        "stiffness": stiffness,
        "young_modulus": young_modulus(stiffness),
        "targets": targets(stiffness, settings.target, settings.encoding),
        "window_means": means,
        "squared_areas": facts[sve, 0],
        "log_mean_modulus": facts[sve, 1],
        "log_spread": facts[sve, 2],
    }
    for name, values in tables.items():
        h5.put(group, name, values)
    group.attrs["window_um"] = source.window_um
    group.attrs["grain_size_um"] = source.grain_size_um
    group.attrs["crystals"] = _json(source.phases)
    group.attrs["textures"] = _json(source.textures)


def _json(settings: dict[str, Model]) -> str:
    return json.dumps({name: each.model_dump(mode="json") for name, each in settings.items()})


def _write_images(
    group: h5py.Group, source: Ensemble, counts: np.ndarray, pixels: int, settings: PreprocessSlice
) -> tuple[np.ndarray, np.ndarray]:
    """Write the images of all SVEs and their copies.

    Returns
    -------
    means : array, shape (samples, 2 or 6)
        Window means of cos 4θ and sin 4θ, or of log Q.
    facts : array, shape (SVEs, 3)
        Sum of the squared area fractions of the grains, and their log-mean.
    """
    shape = (pixels, pixels, encoding.CHANNELS[settings.encoding])
    written = group.create_dataset(
        "images", (counts.sum(), *shape), "f4", chunks=(1, *shape), fletcher32=True
    )
    recipe = settings.model_dump(include={"encoding", "median_passes"})
    linear = "log_stiffness" if settings.encoding == "log_stiffness" else "harmonic"
    means, facts, row = [], np.zeros((len(source), 3)), 0
    name = group.name.strip("/")
    for sve in track(np.flatnonzero(counts), f"images of {name}", int((counts > 0).sum())):
        film = source.film(sve)
        facts[sve] = film.area_fractions @ film.area_fractions, *log_mean(film)
        augmentation = settings.augmentation if counts[sve] > 1 else "none"
        copies = encoding.copies(film, augmentation, pixels=pixels, **recipe)
        written[row : row + len(copies)] = copies
        row += len(copies)
        for copy in range(len(copies)):
            symmetry = copy if augmentation == "consistent" else 0
            means.append(film.area_fractions @ encoding.grain_values(film, linear, symmetry))
    return np.array(means), facts
