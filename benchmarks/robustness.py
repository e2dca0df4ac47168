"""How many SVEs fail? Tessellates many, meshes and homogenizes many at every ratio, and watches the memory.

An SVE fails if a stage raises an error, or if its label breaks what holds for every SVE: the bulk identity, the order
of the boundary conditions, and the geometric mean under PBC to 1 %.
"""

import argparse
import json
import resource
import sys
import time
from multiprocessing import get_context

from polysve.crystals.catalogue import find
from polysve.fem.label import label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.grains.tessellation import draw_film, grain_count
from polysve.settings.labels import HomogenizeSettings, MeshSettings, TessellateSettings

GRAIN_SIZE_UM = 0.5
BULK, ORDER, GEOMETRIC_MEAN = 1e-9, -1e-9, 1e-2
MESHES = {
    "fan": MeshSettings(),
    "gmsh": MeshSettings(algorithm="gmsh", element_size_fraction=0.8),
}


def settings_of(ratio: float, periodic: bool) -> TessellateSettings:
    return TessellateSettings(
        window_um=ratio * GRAIN_SIZE_UM, grain_size_um=GRAIN_SIZE_UM, periodic=periodic
    )


def tessellate(ratio: float, count: int, periodic: bool) -> dict:
    """Draw and check that the cells fill the window."""
    settings = settings_of(ratio, periodic)
    failures, start = [], time.process_time()
    for index in range(count):
        try:
            tiling = draw_film(settings, "robustness", index).shape
        except Exception as error:
            failures.append([index, f"{type(error).__name__}: {error}"])
            continue
        if abs(tiling.areas_um2().sum() / settings.window_um**2 - 1) > 1e-9:
            failures.append([index, "the cells do not fill the window"])
        elif len(set(tiling.grain.tolist())) != grain_count(settings):
            failures.append([index, "a grain has no cell"])
    return {
        "ratio": ratio,
        "periodic": periodic,
        "n": count,
        "n_failed": len(failures),
        "failures": failures[:20],
        "cpu_ms_per_sve": 1e3 * (time.process_time() - start) / count,
    }


def broken(quality: dict[str, float]) -> str:
    """What a label breaks, or nothing."""
    bulk = max(value for name, value in quality.items() if name.startswith("bulk_residual"))
    if not bulk <= BULK:
        return f"bulk residual {bulk:.1e}"
    if not quality["order_residual"] >= ORDER:
        return f"order residual {quality['order_residual']:.1e}"
    if not abs(quality["geometric_mean_defect"]) <= GEOMETRIC_MEAN:
        return f"geometric mean defect {quality['geometric_mean_defect']:.1e}"
    return ""


def label(ratio: float, count: int, periodic: bool, algorithm: str) -> dict:
    """Tessellate, mesh and homogenize in this process."""
    settings, mesh_settings = settings_of(ratio, periodic), MESHES[algorithm]
    homogenize_settings = HomogenizeSettings(indicator=False)
    failures, worst, memory_mb = [], {}, {}
    start = time.process_time()
    for index in range(count):
        try:
            film = draw_film(settings, "robustness", index).made_of(find("silicon"))
            mesh = mesh_tiling(film.shape, settings.window_um, GRAIN_SIZE_UM, mesh_settings)
            quality = label_mesh(mesh, film.stiffness_gpa, homogenize_settings).quality
            reason = broken(quality)
        except Exception as error:
            reason, quality = f"{type(error).__name__}: {error}", {}
        if reason:
            failures.append([index, reason])
        for name, value in quality.items():
            size = -value if name == "order_residual" else abs(value)
            worst[name] = max(size, worst.get(name, size))
        if index + 1 in (min(500, count), count):
            memory_mb[index + 1] = peak_memory_mb()
    return {
        "ratio": ratio,
        "algorithm": algorithm,
        "periodic": periodic,
        "n": count,
        "n_failed": len(failures),
        "failures": failures[:20],
        "peak_memory_mb": memory_mb,
        "cpu_ms_per_sve": 1e3 * (time.process_time() - start) / count,
        "largest_bulk_residual": max(v for k, v in worst.items() if k.startswith("bulk")),
        "largest_geometric_mean_defect": worst["geometric_mean_defect"],
        "largest_order_violation": max(0.0, worst["order_residual"]),
    }


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def alone(function, *arguments):
    """Call in a new process, so that its peak memory is its own."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tessellations", type=int, default=100_000, help="at ratio 4")
    parser.add_argument("--count", type=int, default=5000, help="labels of each ratio")
    parser.add_argument("--ratios", type=float, nargs="*", default=[1, 2, 4, 6, 10, 20])
    parser.add_argument("--gmsh-ratios", type=float, nargs="*", default=[4], help="with gmsh, too")
    parser.add_argument("--periodic", action="store_true", help="periodic tessellations")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = {"tessellations": None, "labels": []}
    if options.tessellations:
        result["tessellations"] = alone(tessellate, 4, options.tessellations, options.periodic)
        found = result["tessellations"]
        print(f"{found['n']} tessellations, {found['n_failed']} failed", file=sys.stderr)
    cases = [(ratio, "fan") for ratio in options.ratios]
    cases += [(ratio, "gmsh") for ratio in options.gmsh_ratios]
    for ratio, algorithm in cases:
        found = alone(label, ratio, options.count, options.periodic, algorithm)
        result["labels"].append(found)
        peaks = ", ".join(f"{mb:.0f} MB at {n}" for n, mb in found["peak_memory_mb"].items())
        print(
            f"ratio {ratio:g}, {algorithm}: {found['n']} labels, {found['n_failed']} failed, {peaks}, "
            f"{found['cpu_ms_per_sve']:.1f} ms each",
            file=sys.stderr,
        )
    if options.json:
        print(json.dumps(result, indent=1))
    failed = sum(
        each["n_failed"] for each in [*result["labels"], result["tessellations"] or {"n_failed": 0}]
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
