"""Random films over a device of any outline, in files for other programs."""

from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import atomic_folder
from polysve.base.progress import track
from polysve.crystals.stiffness import young_modulus
from polysve.device.deck import write_deck, write_vtu
from polysve.device.device_mesh import DeviceMesh
from polysve.device.field import Field, draw_field, homogenised_field
from polysve.device.strip import FilmLaw
from polysve.settings.labels import LARGEST_SPACING

CUTS = ("average", "centre")


def write_fields(
    folder: Path,
    law: FilmLaw,
    mesh: DeviceMesh,
    thickness_um: float,
    seed: int,
    count: int,
    cut: str = "average",
    window_um: float | None = None,
) -> dict:
    """Write `field_0000.inp` and `field_0000.vtu`, and so on, and tell what they hold.

    Raises
    ------
    InputError
        See `field.draw_field` and `field.homogenised_field`; nothing is written then.
    """
    for name, value in (("--thickness", thickness_um), ("--grain-size", law.grain_size_um)):
        if not 0 < value < np.inf:
            raise InputError(f"{name} = {value:g}: allowed is more than 0")
    if not 0 <= law.spacing_fraction <= LARGEST_SPACING:
        raise InputError(
            f"--spacing = {law.spacing_fraction:g}: allowed are 0 to {LARGEST_SPACING}"
        )
    if cut not in CUTS:
        raise InputError(f"--cut = {cut}: allowed are {', '.join(CUTS)}")
    rows = []
    with atomic_folder(folder) as unfinished:
        for index in track(range(count), "films", count):
            if window_um is None:
                field = draw_field(law, mesh, seed, index, cut)
            else:
                field = homogenised_field(law, mesh, seed, index, window_um)
            name = f"field_{index:04d}"
            density = law.crystal.density_kg_m3
            write_deck(unfinished / f"{name}.inp", mesh, field, thickness_um, density)
            write_vtu(unfinished / f"{name}.vtu", mesh, field)
            rows.append(_row(folder, name, field))
    return {
        "elements": len(field.grain),
        "node_sets": {name: len(nodes) for name, nodes in mesh.node_sets.items()},
        "fields": rows,
    }


def _row(folder: Path, name: str, field: Field) -> dict:
    modulus = young_modulus(field.stiffness_gpa)
    return {
        "deck": str(folder / f"{name}.inp"),
        "vtu": str(folder / f"{name}.vtu"),
        "grains": len(np.unique(field.grain)),
        "elements_of_several_grains": int((~field.own).sum()),
        "mean_gpa": float(modulus.mean()),
        "std_gpa": float(modulus.std()),
    }


def text(report: dict) -> str:
    """A few lines to read."""
    sets = ", ".join(f"{name} ({count} nodes)" for name, count in report["node_sets"].items())
    lines = [f"{report['elements']} elements; sets: {sets}"]
    lines += [
        f"{row['deck']}, .vtu: {row['grains']} grains, {row['elements_of_several_grains']} elements of several; "
        f"Young's modulus along x1 {row['mean_gpa']:.2f} ± {row['std_gpa']:.2f} GPa"
        for row in report["fields"]
    ]
    return "\n".join(lines)
