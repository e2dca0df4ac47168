"""Compute the apparent stiffness of the SVEs of one shard."""

import json
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from polysve.base.progress import track
from polysve.crystals import catalogue
from polysve.crystals.stiffness import young_modulus
from polysve.data.h5 import new_h5, put
from polysve.data.shards import MeshShard, TessellationShard, match, solvable
from polysve.fem.label import label_mesh
from polysve.settings.labels import HomogenizeSettings


@threadpool_limits.wrap(limits=1)
def run(tessellation: Path, mesh: Path, output: Path, settings: HomogenizeSettings) -> None:
    """Write the label of each SVE; those that cannot be solved are recorded with the reason."""
    structures, meshes = TessellationShard(tessellation), MeshShard(mesh)
    match(structures, meshes)
    crystals = [
        catalogue.crystal(settings.phases.get(name, settings.material))
        for name in json.loads(structures.attributes["phases"])
    ]
    labels, reasons = {}, list(meshes.reasons)
    for row in track(
        solvable(meshes.reasons), f"stiffness of {structures.attributes['ensemble']}", len(reasons)
    ):
        try:
            film = structures[row].made_of(*crystals)
            labels[row] = label_mesh(meshes[row], film.stiffness_gpa, settings)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            reasons[row] = f"homogenize: {type(error).__name__}: {error}"
    attributes = {
        "ensemble": structures.attributes["ensemble"],
        "mesh_settings": meshes.attributes["settings"],
        "corrected": settings.correct,
        "units": "stiffness and moduli in GPa, Voigt 11, 22, 12 with engineering shear",
    }
    with new_h5(
        output, "stiffness", settings.canonical_json(), attributes, [tessellation, mesh]
    ) as file:
        put(file, "index", structures.index)
        put(file, "status", np.array([bool(reason) for reason in reasons], np.uint8))
        put(file, "reason", reasons)
        nothing = np.full((3, 3), np.nan)
        for name in settings.boundary_conditions:
            stiffness = [
                labels[row].stiffness_gpa[name] if row in labels else nothing
                for row in range(len(reasons))
            ]
            raw = [
                labels[row].raw_stiffness_gpa[name] if row in labels else nothing
                for row in range(len(reasons))
            ]
            put(file, f"stiffness/{name}", stiffness)
            put(file, f"young_modulus/{name}", [young_modulus(each) for each in stiffness])
            put(file, f"quality/raw_stiffness/{name}", raw)
        put(file, "quality/grain_area_change", meshes.area_change)
        for name in next(iter(labels.values())).quality if labels else ():
            values = [
                labels[row].quality[name] if row in labels else np.nan
                for row in range(len(reasons))
            ]
            put(file, f"quality/{name}", values)
