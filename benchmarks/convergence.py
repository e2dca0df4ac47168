"""How the error of one label falls with the size of the elements, measured by the exact geometric mean.

Under periodic boundary conditions the geometric mean of the extreme moduli is known, so no finer solution is needed.
"""

import argparse
import json
import sys

import numpy as np
import skfem

from polysve.crystals.catalogue import find
from polysve.crystals.square import extreme_moduli, upright
from polysve.fem.apparent import apparent_stiffness
from polysve.fem.mesh import mesh_tiling
from polysve.grains.mesh import Mesh
from polysve.grains.tessellation import draw_film
from polysve.settings.labels import MeshSettings, TessellateSettings

GRAIN_SIZE_UM = 0.5
COARSE = {
    "gmsh": MeshSettings(algorithm="gmsh", element_size_fraction=0.8),
    "fan": MeshSettings(),
}
# refinements that a laptop solves, by order
LEVELS = {1: 5, 2: 4, 3: 3}


def refine(mesh: Mesh, times: int) -> Mesh:
    """Cut every triangle into four, so many times."""
    coarse = skfem.MeshTri1(
        np.ascontiguousarray(mesh.nodes_um.T), np.ascontiguousarray(mesh.triangles.T)
    )
    if times == 0:
        return mesh
    fine = coarse.refined(times)
    parent = coarse.element_finder()(*fine.p[:, fine.t].mean(1))
    return Mesh(fine.p.T.copy(), fine.t.T.copy(), mesh.grain[parent])


def measure(count: int) -> dict:
    """Defect of the geometric mean by mesher, order and refinement: root mean square over the SVEs."""
    exact = upright(find("silicon").stiffness_gpa).geometric_mean
    settings = TessellateSettings(window_um=4 * GRAIN_SIZE_UM, grain_size_um=GRAIN_SIZE_UM)
    films = [
        draw_film(settings, "convergence", index).made_of(find("silicon")) for index in range(count)
    ]
    result = {}
    for mesher, coarse in COARSE.items():
        meshes = [
            mesh_tiling(each.shape, settings.window_um, GRAIN_SIZE_UM, coarse) for each in films
        ]
        for order, levels in LEVELS.items():
            defects, unknowns = [], []
            for times in range(levels):
                row = []
                for film, mesh in zip(films, meshes, strict=True):
                    fine = refine(mesh, times)
                    elements = film.stiffness_gpa[fine.grain]
                    found = apparent_stiffness(fine, elements, ("pbc",), order)["pbc"]
                    row.append(np.sqrt(np.prod(extreme_moduli(found))) / exact - 1)
                defects.append(float(np.sqrt(np.mean(np.square(row)))))
                unknowns.append(
                    int(np.median([len(mesh.triangles) for mesh in meshes])) * 4**times * order**2
                )
            rates = np.log2(np.array(defects[:-1]) / defects[1:])
            result[f"{mesher} P{order}"] = {
                "unknowns": unknowns,
                "defect": defects,
                "rates": rates.tolist(),
            }
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.count)
    if options.json:
        json.dump(result, sys.stdout, indent=1)
        return
    for name, row in result.items():
        defects = "  ".join(f"{defect:.1e}" for defect in row["defect"])
        print(
            f"{name:<8} defect {defects}   rates {' '.join(f'{rate:.2f}' for rate in row['rates'])}"
        )


if __name__ == "__main__":
    main()
