"""Ensembles to what a network reads: images, targets, and the split for training and testing."""

import json
import zlib
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.base.progress import track
from polysve.crystals import square
from polysve.data import h5
from polysve.data.ensemble import Ensemble
from polysve.learning import encoding
from polysve.learning.plan import image_pixels
from polysve.settings.experiment import PreprocessSlice

TRAIN, VALIDATION, TEST, UNUSED = 0, 1, 2, 255
CHUNK = 64


def run(output: Path, ensembles: dict[str, Path], settings: PreprocessSlice) -> None:
    """Write the inputs of an experiment: one group per ensemble.

    A group holds ``images`` (n, p, p, channels), ``targets`` (n, 1 or 3), ``index``, ``symmetry`` (0 for
    an SVE itself, else the number of its turned or mirrored copy), ``split`` (0 training, 1 validation,
    2 test), ``stiffness`` (n, 3, 3) and ``young_modulus`` (n) in GPa, ``harmonic_means`` (n, 2), the window
    means of cos 4θ and sin 4θ, and ``squared_areas`` (n), the sum of the grains' squared area fractions.

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
        A file is missing, damaged or no ensemble, lacks the boundary condition or is of another
        material; there are too few SVEs or pixels.
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
        if source.material != first.material:
            raise InputError(
                f"{source.path}: material = {source.material}, but that of {first.path} is "
                f"{first.material}; an experiment has one material"
            )
    attributes = {
        "encoding": settings.encoding,
        "targets": settings.target,
        "boundary_condition": settings.boundary_condition,
        "material": json.dumps(first.material),
        "train_ensembles": json.dumps(settings.train_ensembles),
    }
    with h5.new_h5(
        output, "inputs", settings.canonical_json(), attributes, [ensembles[name] for name in names]
    ) as file:
        for name, source in sources.items():
            parts = np.full(len(source), TEST, np.uint8)
            if name in settings.train_ensembles:
                parts = split(len(source), name, settings)
            pixels = image_pixels(settings, source.window_um, first.window_um)
            _write_group(file.create_group(name), source, parts, pixels, settings)


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
    test = max(1, round(settings.test_fraction * count))
    validation = max(1, round(settings.validation_fraction * count))
    left = count - test - validation
    wanted = left if settings.train_count is None else settings.train_count
    if not 1 <= wanted <= left:
        raise InputError(
            f"train_count = {wanted}: {name} has {count} SVEs, of which {test} are for test and "
            f"{validation} for validation; allowed is 1 to {max(left, 0)}"
        )
    parts = np.full(count, UNUSED, np.uint8)
    order = shuffle.permutation(count)
    parts[order[:test]] = TEST
    parts[order[test : test + validation]] = VALIDATION
    parts[order[test + validation :][:wanted]] = TRAIN
    return parts


def targets(stiffness_gpa: np.ndarray, target: str) -> np.ndarray:
    """What the network learns, GPa: Ē, or C̄11, C̄66, C̄16; the bulk identity gives the rest of C̄.

    Examples
    --------
    >>> targets(np.diag([160.0, 160.0, 70.0])[None], "stiffness")
    array([[160.,  70.,   0.]])
    """
    if target == "young_modulus":
        return square.young_modulus(stiffness_gpa)[:, None]
    return stiffness_gpa[:, [0, 2, 0], [0, 2, 2]]


def _write_group(
    group: h5py.Group, source: Ensemble, parts: np.ndarray, pixels: int, settings: PreprocessSlice
) -> None:
    """Write the SVEs of one ensemble, each followed by its copies if it is trained on."""
    augmented = (parts == TRAIN) & (settings.augmentation != "none")
    counts = np.where(augmented, len(encoding.SYMMETRIES), 1) * (parts != UNUSED)
    sve, symmetry = np.nonzero(np.arange(len(encoding.SYMMETRIES)) < counts[:, None])
    stiffness = source.stiffness(settings.boundary_condition)[sve]
    means, squared_areas = _write_images(group, source, counts, pixels, settings)
    means = means[sve]
    if settings.augmentation == "consistent":
        stiffness = np.array(
            [encoding.move_stiffness(c, s) for c, s in zip(stiffness, symmetry, strict=True)]
        )
        mirrored = np.array([mirror for _, mirror in encoding.SYMMETRIES])[symmetry]
        means[mirrored, 1] *= -1
    tables = {
        "index": source.index[sve],
        "split": parts[sve],
        "symmetry": symmetry.astype(np.uint8),
        "stiffness": stiffness,
        "young_modulus": square.young_modulus(stiffness),
        "targets": targets(stiffness, settings.target),
        "harmonic_means": means,
        "squared_areas": squared_areas[sve],
    }
    for name, values in tables.items():
        h5.put(group, name, values)
    group.attrs["window_um"] = source.window_um
    group.attrs["grain_size_um"] = source.grain_size_um


def _write_images(
    group: h5py.Group, source: Ensemble, counts: np.ndarray, pixels: int, settings: PreprocessSlice
) -> tuple[np.ndarray, np.ndarray]:
    """Write all images, some SVEs at a time, for label images soon fill the memory.

    Returns
    -------
    means : array, shape (SVEs, 2)
        Window means of cos 4θ and sin 4θ.
    squared_areas : array, shape (SVEs,)
        Sum of the squared area fractions of the grains.
    """
    shape = (pixels, pixels, encoding.CHANNELS[settings.encoding])
    written = group.create_dataset(
        "images", (counts.sum(), *shape), "f4", chunks=(1, *shape), fletcher32=True
    )
    recipe = settings.model_dump(include={"encoding", "median_passes"})
    means, squared_areas = np.zeros((len(source), 2)), np.zeros(len(source))
    row = 0
    name = group.name.strip("/")
    for start in track(range(0, len(source), CHUNK), f"images of {name}", len(source), CHUNK):
        for sve, labels in enumerate(source.label_images(start, start + CHUNK), start):
            if counts[sve] == 0:
                continue
            theta = source.theta(sve)
            area = np.bincount(labels.ravel(), minlength=len(theta)) / labels.size
            means[sve] = area @ np.cos(4 * theta), area @ np.sin(4 * theta)
            squared_areas[sve] = area @ area
            augmentation = settings.augmentation if counts[sve] > 1 else "none"
            copies = encoding.copies(labels, theta, augmentation, pixels=pixels, **recipe)
            written[row : row + len(copies)] = copies
            row += len(copies)
    return means, squared_areas
