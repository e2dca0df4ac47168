"""Join the shards of one ensemble into its data set."""

import json
from pathlib import Path

import h5py
import numpy as np

from polysve.base.errors import InputError
from polysve.base.progress import track
from polysve.data.h5 import new_h5, put, put_grains, read_shard
from polysve.data.shards import TessellationShard
from polysve.grains.raster import label_image
from polysve.settings.labels import AssembleSettings

SHARED = ("settings", "mesh_settings")


def run(ensemble_dir: Path, output: Path, settings: AssembleSettings) -> None:
    """Write the ensemble; SVEs that failed are left out, counted and named in its attributes.

    Raises
    ------
    InputError
        If shards are missing or do not belong together, or too many SVEs failed.
    """
    names = [
        f"{start:06d}-{min(start + settings.shard_size, settings.count):06d}.h5"
        for start in range(0, settings.count, settings.shard_size)
    ]
    solved = [_read_solved(Path(ensemble_dir) / "stiffness" / name) for name in names]
    for each in solved[1:]:
        for key in SHARED:
            if each[0][key] != solved[0][0][key]:
                raise InputError(
                    f"{ensemble_dir}: shards were made with different {key}; run the study again"
                )
    reasons = [reason.decode() for _, data in solved for reason in data["reason"]]
    kept = np.array([not reason for reason in reasons])
    index = np.concatenate([data["index"] for _, data in solved])
    _count_failures(index, reasons, settings)

    first = TessellationShard(Path(ensemble_dir) / "tessellations" / names[0])
    # the record of one shard stands for all: they differ only in the range of indices
    example = Path(ensemble_dir) / "stiffness" / names[0]
    attributes = _attributes(first, solved[0][0])
    with new_h5(output, "ensemble", settings.canonical_json(), attributes, [example]) as file:
        file.attrs["n_failed"] = int((~kept).sum())
        file.attrs["failed"] = json.dumps(
            {int(i): reason for i, reason in zip(index, reasons, strict=True) if reason}
        )
        put(file, "index", index[kept])
        for name in solved[0][1]:
            if name not in ("index", "status", "reason"):
                put(file, name, np.concatenate([data[name] for _, data in solved])[kept])
        _write_structures(
            file, [Path(ensemble_dir) / "tessellations" / name for name in names], kept, settings
        )


def _read_solved(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Attributes and all data of a stiffness shard."""
    data = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            data[name] = item[()]

    with read_shard(path, "stiffness") as file:
        try:
            file.visititems(keep)
        except OSError as error:
            raise InputError(
                f"{path}: damaged ({str(error).splitlines()[0]}); delete it and run again"
            ) from None
        return dict(file.attrs), data


def _count_failures(index: np.ndarray, reasons: list[str], settings: AssembleSettings) -> None:
    """Stop, loudly, if more SVEs failed than allowed."""
    failed = [f"SVE {i}: {reason}" for i, reason in zip(index, reasons, strict=True) if reason]
    fraction = len(failed) / len(index)
    if fraction > settings.max_failed_fraction or len(failed) == len(index):
        raise InputError(
            f"{settings.ensemble}: {len(failed)} of {len(index)} SVEs failed, a fraction of {fraction:.3g}; "
            f"max_failed_fraction allows {settings.max_failed_fraction:g}. First: {failed[0]}"
        )


def _attributes(structures: TessellationShard, solved: dict) -> dict:
    """What the ensemble says of itself."""
    homogenize = json.loads(solved["settings"])
    return {
        "ensemble": structures.attributes["ensemble"],
        "seed": structures.attributes["seed"],
        "window_um": structures.attributes["window_um"],
        "grain_size_um": structures.attributes["grain_size_um"],
        "periodic": structures.attributes["periodic"],
        "tessellate_settings": structures.attributes["settings"],
        "mesh_settings": solved["mesh_settings"],
        "homogenize_settings": solved["settings"],
        "crystals": json.dumps(
            {
                name: homogenize["phases"].get(name, homogenize["material"])
                for name in json.loads(structures.attributes["phases"])
            }
        ),
        "corrected": solved["corrected"],
        "units": "generators and vertices in um, orientation as w, x, y, z, theta in rad, weight in um2, "
        "stiffness and moduli in GPa (Voigt 11, 22, 12, engineering shear)",
        "label_image_axes": "(SVE, y upwards, x); pixel centres; value = row of the grain within the SVE",
    }


def _write_structures(
    file: h5py.File, paths: list[Path], kept: np.ndarray, settings: AssembleSettings
) -> None:
    """Write grains, polygons and label images of the SVEs kept, shard by shard."""
    pixels = settings.label_pixels
    images = file.create_dataset(
        "label_image",
        (int(kept.sum()), pixels, pixels),
        np.uint16,
        chunks=(1, pixels, pixels),
        compression="gzip",
        compression_opts=1,
        fletcher32=True,
    )
    films = []
    for row in track(range(len(kept)), f"label images of {settings.ensemble}", len(kept)):
        if row % settings.shard_size == 0:
            shard = TessellationShard(paths[row // settings.shard_size])
        if not kept[row]:
            continue
        film = shard[row % settings.shard_size]
        images[len(films)] = label_image(film.shape, film.size_um[0], pixels)
        films.append(film)
    put_grains(file, films)
