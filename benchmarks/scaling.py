"""Cost against size: time for each grain and peak memory from small windows to large, and two shards at a time.

Time per grain is processor time of mesh and label (all three boundary conditions), the median over the SVEs of one
ratio; the exponent is the slope of its logarithm over that of the number of grains.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from robustness import GRAIN_SIZE_UM, alone, peak_memory_mb, settings_of

from polysve.crystals.catalogue import find
from polysve.fem.label import label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.grains.tessellation import draw_film, grain_count
from polysve.settings.labels import HomogenizeSettings, MeshSettings

LARGEST_EXPONENT = 0.3


def cost(ratio: float, count: int) -> dict:
    """Time by part and memory of one ratio, in this process."""
    settings, mesh_settings = settings_of(ratio, False), MeshSettings()
    homogenize_settings = HomogenizeSettings(indicator=False)
    silicon, times = find("silicon"), []
    # the first SVE only warms up
    for index in [0, *range(count)]:
        start = time.process_time()
        film = draw_film(settings, "scaling", index).made_of(silicon)
        drawn = time.process_time()
        mesh = mesh_tiling(film.shape, settings.window_um, GRAIN_SIZE_UM, mesh_settings)
        meshed = time.process_time()
        label_mesh(mesh, film.stiffness_gpa, homogenize_settings)
        times.append((drawn - start, meshed - drawn, time.process_time() - meshed))
    tessellate_ms, mesh_ms, label_ms = 1e3 * np.median(times[1:], axis=0)
    grains = grain_count(settings)
    return {
        "ratio": ratio,
        "grains": grains,
        "n": count,
        "tessellate_ms": tessellate_ms,
        "mesh_ms": mesh_ms,
        "label_ms": label_ms,
        "ms_per_grain": (mesh_ms + label_ms) / grains,
        "peak_memory_mb": peak_memory_mb(),
    }


def exponent(rows: list[dict]) -> float:
    """Slope of log(ms per grain) over log(grains)."""
    grains, ms = (np.log([row[key] for row in rows]) for key in ("grains", "ms_per_grain"))
    return float(np.polyfit(grains, ms, 1)[0])


def shard_command(polysve: str, folder: Path, ratio: float, start: int, stop: int) -> str:
    """Command lines of the three stages of one shard."""
    name = f"{start:06d}-{stop:06d}"
    cells, mesh, stiffness = (
        folder / f"{name}-{stage}.h5" for stage in ("cells", "mesh", "stiffness")
    )
    drawn = settings_of(ratio, False).canonical_json()
    return " && ".join(
        [
            f"{polysve} tessellate {cells} --ensemble scaling --start {start} --stop {stop} --settings '{drawn}'",
            f"{polysve} mesh {cells} {mesh} --settings '{MeshSettings().canonical_json()}'",
            f"{polysve} homogenize {cells} {mesh} {stiffness} --settings '{HomogenizeSettings().canonical_json()}'",
        ]
    )


def wall_seconds(commands: list[str]) -> float:
    """Time until commands started together are done."""
    single = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    start = time.perf_counter()
    running = [
        subprocess.Popen(each, shell=True, env=os.environ | single, stderr=subprocess.DEVNULL)
        for each in commands
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise RuntimeError(f"a stage failed: exit codes {codes}")
    return time.perf_counter() - start


def two_shards(program: str, ratio: float, size: int, repeats: int) -> dict:
    """Throughput of two shards at a time over that of one, each the best of several in turn.

    The same of a loop that needs neither memory nor disk tells what this machine has to give just now.
    """
    loop = f"{sys.executable} -c 'for _ in range({size * 200_000}): pass'"
    with tempfile.TemporaryDirectory() as folder:
        shards = [
            shard_command(program, Path(folder), ratio, size * number, size * (number + 1))
            for number in range(2)
        ]
        times = [
            [wall_seconds(each) for each in (shards[:1], shards, [loop], [loop, loop])]
            for _ in range(repeats)
        ]
    one, two, one_loop, two_loops = np.min(times, axis=0)
    return {
        "ratio": ratio,
        "sves_per_shard": size,
        "one_s": float(one),
        "two_s": float(two),
        "speedup": float(2 * one / two),
        "speedup_of_empty_loops": float(2 * one_loop / two_loops),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ratios", type=float, nargs="+", default=[2, 4, 6, 10, 20, 40])
    parser.add_argument("--grains", type=int, default=4000, help="in all, at each ratio")
    parser.add_argument("--shard", type=int, default=500, help="SVEs of ratio 4 in a shard")
    parser.add_argument("--repeats", type=int, default=3, help="of one and of two shards")
    parser.add_argument("--program", default=f"{sys.executable} -m polysve", help="of a shard")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [
        alone(cost, ratio, max(3, options.grains // grain_count(settings_of(ratio, False))))
        for ratio in options.ratios
    ]
    shards = two_shards(options.program, 4, options.shard, options.repeats)
    result = {"rows": rows, "exponent": exponent(rows), "two_shards": shards}
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        print("ratio  grains  tessellate    mesh      label   ms per grain   peak MB")
        for row in rows:
            print(
                f"{row['ratio']:5g}{row['grains']:8d}{row['tessellate_ms']:9.1f} ms"
                f"{row['mesh_ms']:7.1f} ms{row['label_ms']:8.1f} ms{row['ms_per_grain']:12.3f}"
                f"{row['peak_memory_mb']:12.0f}"
            )
        print(
            f"time per grain grows like grains^{result['exponent']:.2f}, to be at most {LARGEST_EXPONENT}"
        )
        print(
            f"two shards at a time: {shards['speedup']:.2f} times the throughput of one; "
            f"empty loops: {shards['speedup_of_empty_loops']:.2f}"
        )


if __name__ == "__main__":
    main()
