"""The same SVEs through PolySVE and its peers, in turn, in one run: what does a label cost, at which error?

Every contestant is a process of its own environment that solves one SVE after the other; all are asked about one SVE
before the next comes, in an order that rotates, so that what else the machine does falls on all alike. Peers mesh with
gmsh, edges of at most 0.4 of the grain size, and solve with quadratic elements; the Fourier solver takes an image.
Errors are those of the Young's modulus against quadratic elements on a gmsh mesh four times finer, corrected by the
exact geometric mean.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from polysve.crystals.catalogue import find
from polysve.crystals.square import upright
from polysve.crystals.stiffness import young_modulus
from polysve.fem.homogenize import homogenize
from polysve.fem.outline import clean_outline
from polysve.grains.raster import label_image
from polysve.grains.tessellation import draw_film
from polysve.settings.labels import (
    HomogenizeSettings,
    MeshSettings,
    TessellateSettings,
)

sys.path.insert(0, str(Path(__file__).parent / "peers"))
from environments import HERE, Unavailable, environment
from protocol import Sve, write_sves

GRAIN_SIZE_UM = 0.5
PEER_ELEMENT_SIZE = 0.4
REFERENCE = (
    MeshSettings(algorithm="gmsh", element_size_fraction=PEER_ELEMENT_SIZE / 4),
    HomogenizeSettings(element_order=2, indicator=False),
)
ALL = ("kubc", "subc", "pbc")
# largest relative difference of Ē from the reference that is discretization error and no mistake
AGREEMENT = 1e-3
# the peers that mesh solve one discrete problem, whatever the numbering
SAME_PROBLEM = 1e-5


class Task(NamedTuple):
    """One request to one contestant."""

    contestant: str
    driver: str
    conditions: tuple[str, ...]
    arguments: dict

    @property
    def name(self) -> str:
        return "all three" if len(self.conditions) == 3 else self.conditions[0]


def tasks() -> list[Task]:
    """Requests for one SVE."""
    raw = {"correct": False, "indicator": False}
    same_mesh = {"algorithm": "gmsh", "element_size_fraction": PEER_ELEMENT_SIZE}
    found = [
        Task("PolySVE", "polysve", ("kubc",), {"mesh": {}, "settings": raw}),
        Task("PolySVE", "polysve", ("pbc",), {"mesh": {}, "settings": {"indicator": False}}),
        Task("PolySVE", "polysve", ALL, {"mesh": {}, "settings": {"indicator": False}}),
        Task("PolySVE, with indicator", "polysve", ALL, {"mesh": {}, "settings": {}}),
    ]
    solvers = [
        (
            "PolySVE, gmsh P2",
            "polysve",
            {"mesh": same_mesh, "settings": raw | {"element_order": 2}},
        ),
        ("DOLFINx", "dolfinx", {}),
        ("SfePy", "sfepy", {}),
        ("scikit-fem", "scikit_fem", {}),
        ("scikit-fem, tuned", "scikit_fem", {"tuned": True}),
    ]
    found += [
        Task(name, driver, conditions, arguments)
        for name, driver, arguments in solvers
        for conditions in (("kubc",), ("pbc",), ALL)
    ]
    return found


def fourier_tasks(ratio: float, pixels_per_grain: list[int]) -> list[Task]:
    """Requests for the Fourier solver, which has one boundary condition and no mesh but pixels."""
    return [
        Task(
            f"Fourier, {each} pixels a grain", "fourier", ("pbc",), {"pixels": round(each * ratio)}
        )
        for each in pixels_per_grain
    ]


class Driver:
    """A contestant's process."""

    def __init__(self, name: str, interpreter: Path, sves: Path):
        single = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
        self.process = subprocess.Popen(
            [interpreter, HERE / f"with_{name}.py", sves],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | single,
        )
        self.versions = self.answer("versions")["versions"]

    def answer(self, key: str) -> dict:
        """Next line of JSON that has a key; what a library prints on its own is passed over."""
        for line in self.process.stdout:
            if line.startswith("{"):
                found = json.loads(line)
                if "error" in found:
                    raise RuntimeError(found["error"])
                if key in found:
                    return found
        raise RuntimeError(f"{self.process.args[1]} ended with {self.process.wait()}")

    def ask(self, **request) -> dict:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.answer("stiffness_gpa")

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def draw(ratio: float, count: int, pixels: list[int]) -> tuple[list[Sve], dict, np.ndarray]:
    """SVEs, their images, and the reference moduli (count, 3)."""
    settings = TessellateSettings(window_um=ratio * GRAIN_SIZE_UM, grain_size_um=GRAIN_SIZE_UM)
    merge_um = MeshSettings().merge_fraction * GRAIN_SIZE_UM
    crystal = upright(find("silicon").stiffness_gpa)
    zero, cos4, sin4 = (
        crystal.stiffness_from_harmonics(*each) for each in ((0, 0), (1, 0), (0, 1))
    )
    parts = np.array([zero, cos4 - zero, sin4 - zero])
    sves, images, reference = [], {}, []
    for index in range(count):
        film = draw_film(settings, "benchmark", index).made_of(find("silicon"))
        outline = clean_outline(film.shape, settings.window_um, merge_um)
        sves.append(
            Sve(
                settings.window_um,
                GRAIN_SIZE_UM,
                PEER_ELEMENT_SIZE * GRAIN_SIZE_UM,
                *outline,
                *film.shape,
                film.theta_rad,
                film.stiffness_gpa,
                parts,
            )
        )
        harmonics = np.stack([np.cos(4 * film.theta_rad), np.sin(4 * film.theta_rad)])
        for size in pixels:
            image = label_image(film.shape, settings.window_um, size)
            images[f"{index}/image{size}"] = harmonics[:, image]
        label = homogenize(film, REFERENCE[1], REFERENCE[0])
        reference.append([young_modulus(label.stiffness_gpa[name]) for name in ALL])
    return sves, images, np.array(reference)


def race(drivers: dict[str, Driver], requests: list[Task], count: int) -> list[list[dict]]:
    """Answers by request and SVE; the first SVE is asked twice and counted once, so that all are warm."""
    answers = [[] for _ in requests]
    for turn, number in enumerate([0, *range(count)]):
        for place in range(len(requests)):
            which = (place + turn) % len(requests)
            task = requests[which]
            answer = drivers[task.driver].ask(
                sve=number, boundary_conditions=task.conditions, **task.arguments
            )
            if turn:
                answers[which].append(answer)
    return answers


def summarize(task: Task, answers: list[dict], reference: np.ndarray) -> dict:
    """Median times by part and errors of one contestant in one task."""
    row = {"contestant": task.contestant, "task": task.name, "n": len(answers)}
    for clock in ("wall_ms", "cpu_ms"):
        totals = [sum(each[clock].values()) for each in answers]
        row[clock] = statistics.median(totals)
        for part in ("mesh", "assembly", "solve"):
            row[f"{part}_{clock}"] = statistics.median(
                sum(ms for name, ms in each[clock].items() if name.startswith(part))
                for each in answers
            )
    for name in task.conditions:
        moduli = young_modulus(np.array([each["stiffness_gpa"][name] for each in answers]))
        error = np.abs(moduli / reference[:, ALL.index(name)] - 1)
        row[f"error_{name}"] = {
            "rms": float(np.sqrt((error**2).mean())),
            "max": float(error.max()),
        }
    return row


def compare(rows: list[dict]) -> None:
    """Add to every row how many times longer it takes than PolySVE for the same task, and for all three."""
    own = {row["task"]: row for row in rows if row["contestant"] == "PolySVE"}
    for row in rows:
        for clock in ("wall", "cpu"):
            same, three = own.get(row["task"]), own["all three"]
            row[f"times_polysve_{clock}"] = row[f"{clock}_ms"] / same[f"{clock}_ms"]
            row[f"times_polysve_all_three_{clock}"] = row[f"{clock}_ms"] / three[f"{clock}_ms"]


def largest_disagreement(requests: list[Task], answers: list[list[dict]]) -> float:
    """Largest relative difference of C̄ between peers that solve the same discrete problem."""
    worst = 0.0
    peers = {"dolfinx", "sfepy", "scikit_fem"}
    for name in ALL:
        matrices = [
            np.array([each["stiffness_gpa"][name] for each in found])
            for task, found in zip(requests, answers, strict=True)
            if task.driver in peers and name in task.conditions
        ]
        for one in matrices[1:]:
            worst = max(worst, float(np.abs(one - matrices[0]).max() / np.abs(one).max()))
    return worst


def measure(
    ratio: float, count: int, interpreters: dict[str, Path], grain_pixels: list[int]
) -> dict:
    """Everything at one ratio."""
    requests = tasks() + fourier_tasks(ratio, grain_pixels)
    requests = [task for task in requests if task.driver in interpreters]
    pixels = [task.arguments["pixels"] for task in requests if "pixels" in task.arguments]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sves.npz"
        sves, images, reference = draw(ratio, count, pixels)
        write_sves(path, sves, images)
        drivers = {}
        try:
            for name, interpreter in interpreters.items():
                drivers[name] = Driver(name, interpreter, path)
            answers = race(drivers, requests, count)
        finally:
            for driver in drivers.values():
                driver.stop()
    rows = [summarize(*each, reference) for each in zip(requests, answers, strict=True)]
    compare(rows)
    worst = max(row[key]["max"] for row in rows for key in row if key.startswith("error_"))
    between = largest_disagreement(requests, answers)
    return {
        "rows": rows,
        "versions": {name: driver.versions for name, driver in drivers.items()},
        "largest_error": worst,
        "largest_difference_of_peers": between,
        "agree": worst <= AGREEMENT and between <= SAME_PROBLEM,
    }


def interpreters_of(peers: list[str], set_up: bool) -> tuple[dict[str, Path], dict[str, str]]:
    """Interpreters by contestant, and why others are skipped."""
    found, skipped = {"polysve": Path(sys.executable)}, {}
    for peer in peers:
        try:
            found[peer] = environment(peer, set_up)
        except Unavailable as reason:
            skipped[peer] = str(reason)
    return found, skipped


def print_table(ratio: str, result: dict) -> None:
    print(f"\nratio {ratio}: median ms a SVE, of which mesh, assembly, solve; processor time;")
    print("times as long as PolySVE for the same and for all three; error of Ē, rms (max)")
    for row in result["rows"]:
        errors = "  ".join(
            f"{name} {row[f'error_{name}']['rms']:.1e} ({row[f'error_{name}']['max']:.1e})"
            for name in ALL
            if f"error_{name}" in row
        )
        print(
            f"{row['contestant']:<28}{row['task']:<10}{row['wall_ms']:8.1f}"
            f"{row['mesh_wall_ms']:8.1f}{row['assembly_wall_ms']:7.1f}{row['solve_wall_ms']:7.1f}"
            f"{row['cpu_ms']:8.1f}{row['times_polysve_cpu']:7.1f}x"
            f"{row['times_polysve_all_three_cpu']:6.1f}x   {errors}"
        )
    print(f"all agree: {'yes' if result['agree'] else 'NO'}", end="; ")
    print(f"peers on one mesh differ by {result['largest_difference_of_peers']:.0e}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="SVEs of each ratio")
    parser.add_argument("--ratios", type=float, nargs="+", default=[4, 10])
    peers = ["dolfinx", "sfepy", "scikit_fem", "fourier"]
    parser.add_argument("--peers", nargs="*", default=peers, choices=peers)
    parser.add_argument("--pixels", type=int, nargs="+", default=[16, 32, 64], help="per grain")
    parser.add_argument("--no-set-up", action="store_true", help="skip peers not installed yet")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    interpreters, skipped = interpreters_of(options.peers, not options.no_set_up)
    ratios = {
        f"{ratio:g}": measure(ratio, options.count, interpreters, options.pixels)
        for ratio in options.ratios
    }
    if options.json:
        print(json.dumps({"count": options.count, "skipped": skipped, "ratios": ratios}, indent=1))
    else:
        for ratio, result in ratios.items():
            print_table(ratio, result)
        for peer, reason in skipped.items():
            print(f"{peer} skipped: {reason}")
    return 0 if all(result["agree"] for result in ratios.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
