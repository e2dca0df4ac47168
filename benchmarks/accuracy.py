"""Discretization error of the labels against a mesh four times finer.

The reference has gmsh triangles of a quarter of the size, quadratic elements and the same correction.
"""

import argparse
import json
import sys
import time

import numpy as np

from polysve.crystals.stiffness import young_modulus
from polysve.fem.label import label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.grains.tessellation import draw_film
from polysve.settings.labels import HomogenizeSettings, MeshSettings, TessellateSettings

GRAIN_SIZE_UM = 0.5
CONDITIONS = ("kubc", "subc", "pbc")
REFERENCE = (
    MeshSettings(algorithm="gmsh", element_size_fraction=0.1),
    HomogenizeSettings(element_order=2, indicator=False),
)
VARIANTS = {
    "fan P2": (MeshSettings(), HomogenizeSettings(element_order=2, indicator=False)),
    "fan P3 (default)": (MeshSettings(), HomogenizeSettings(indicator=False)),
    "gmsh 0.4 P1": (
        MeshSettings(algorithm="gmsh", element_size_fraction=0.4),
        HomogenizeSettings(element_order=1, indicator=False),
    ),
    "gmsh 0.4 P2": (
        MeshSettings(algorithm="gmsh", element_size_fraction=0.4),
        HomogenizeSettings(element_order=2, indicator=False),
    ),
    "gmsh 0.8 P3": (
        MeshSettings(algorithm="gmsh", element_size_fraction=0.8),
        HomogenizeSettings(element_order=3, indicator=False),
    ),
}


def moduli(structure, window_um: float, settings) -> tuple[np.ndarray, np.ndarray, float]:
    """Ē raw and as a label under the three conditions, and the milliseconds it took."""
    mesh_settings, homogenize_settings = settings
    start = time.process_time()
    mesh = mesh_tiling(structure.shape, window_um, GRAIN_SIZE_UM, mesh_settings)
    label = label_mesh(mesh, structure.theta_rad, homogenize_settings)
    elapsed_ms = 1e3 * (time.process_time() - start)
    raw = np.array([young_modulus(label.raw_stiffness_gpa[name]) for name in CONDITIONS])
    return (
        raw,
        np.array([young_modulus(label.stiffness_gpa[name]) for name in CONDITIONS]),
        elapsed_ms,
    )


def measure(ratio: float, count: int) -> dict:
    """Relative errors of every variant at one ratio."""
    settings = TessellateSettings(window_um=ratio * GRAIN_SIZE_UM, grain_size_um=GRAIN_SIZE_UM)
    structures = [draw_film(settings, "accuracy", index) for index in range(count)]
    reference = np.array([moduli(each, settings.window_um, REFERENCE)[1] for each in structures])
    table = {}
    for name, variant in VARIANTS.items():
        found = [moduli(each, settings.window_um, variant) for each in structures]
        row = {"ms_per_sve": float(np.median([each[2] for each in found]))}
        for kind, column in (("raw", 0), ("label", 1)):
            error = np.abs(np.array([each[column] for each in found]) / reference - 1)
            for number, condition in enumerate(CONDITIONS):
                row[f"{kind}_{condition}"] = {
                    "rms": float(np.sqrt((error[:, number] ** 2).mean())),
                    "p99": float(np.quantile(error[:, number], 0.99)),
                    "max": float(error[:, number].max()),
                    "share_below_1e-4": float((error[:, number] < 1e-4).mean()),
                }
        table[name] = row
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--ratios", type=float, nargs="+", default=[4, 6, 10])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ratios = {f"{ratio:g}": measure(ratio, options.count) for ratio in options.ratios}
    if options.json:
        json.dump({"count": options.count, "ratios": ratios}, sys.stdout, indent=1)
        return
    for ratio, table in ratios.items():
        for name, row in table.items():
            errors = "  ".join(
                f"{c} {row[f'raw_{c}']['max']:.1e} -> {row[f'label_{c}']['max']:.1e}"
                for c in CONDITIONS
            )
            print(
                f"ratio {ratio:>3}  {name:<17} {row['ms_per_sve']:6.1f} ms  largest error, raw -> label: {errors}"
            )


if __name__ == "__main__":
    main()
