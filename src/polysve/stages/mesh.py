"""Mesh the grain structures of one shard."""

from pathlib import Path

import numpy as np

from polysve.base.progress import track
from polysve.data.h5 import new_h5, put, put_ragged
from polysve.data.shards import TessellationShard, solvable
from polysve.fem.mesh import grain_area_change, mesh_tiling
from polysve.grains.mesh import Mesh
from polysve.settings.labels import MeshSettings

EMPTY = Mesh(np.empty((0, 2)), np.empty((0, 3), np.int64), np.empty(0, np.int64))


def run(tessellation: Path, output: Path, settings: MeshSettings) -> None:
    """Write one mesh for each SVE; those that cannot be meshed are recorded with the reason."""
    shard = TessellationShard(tessellation)
    window_um, grain_size_um = shard.attributes["window_um"], shard.attributes["grain_size_um"]
    meshes, reasons = [EMPTY] * len(shard), list(shard.reasons)
    change = np.full(len(shard), np.nan)
    for row in track(
        solvable(shard.reasons), f"meshes of {shard.attributes['ensemble']}", len(shard)
    ):
        tiling = shard[row].shape
        try:
            meshes[row] = mesh_tiling(tiling, window_um, grain_size_um, settings)
            change[row] = grain_area_change(tiling, meshes[row])
        # gmsh raises plain exceptions; one SVE must not take its shard down
        except Exception as error:
            reasons[row] = f"mesh: {type(error).__name__}: {error}"
    attributes = {"ensemble": shard.attributes["ensemble"], "units": "lengths in um"}
    with new_h5(output, "mesh", settings.canonical_json(), attributes, [tessellation]) as file:
        put(file, "index", shard.index)
        put(file, "status", np.array([bool(reason) for reason in reasons], np.uint8))
        put(file, "reason", reasons)
        put(file, "grain_area_change", change)
        put_ragged(file, "node_offsets", {"nodes": [mesh.nodes_um for mesh in meshes]})
        put_ragged(
            file,
            "triangle_offsets",
            {
                "triangles": [mesh.triangles.astype(np.int32) for mesh in meshes],
                "triangle_grain": [mesh.grain.astype(np.int32) for mesh in meshes],
            },
        )
