"""How long commands take to start: seconds until `polysve --help`, `apparent` and `predict` of one small film are done.

Each is run several times in turn with the others; the least is what the command itself needs. The second table tells
what imports cost on top of a bare interpreter.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOALS = {"--help": 0.4, "apparent": 1.0, "predict": 1.5}
PACKAGES = (
    "numpy",
    "numba",
    "scipy.linalg",
    "scipy.spatial",
    "scipy.sparse",
    "h5py",
    "pydantic",
    "typer",
    "orix.quaternion",
    "polysve.cli",
    "polysve.grains.cells",
    "polysve.fem.condensation",
)
FILM = "x_um,y_um,theta_deg\n0.3,0.4,10\n1.5,0.5,30\n0.6,1.5,50\n1.4,1.6,80\n"


def seconds(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of a command.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def least(commands: dict[str, list[str]], count: int) -> dict[str, dict[str, float]]:
    """Least wall and processor seconds of each command, run in turn; a first run of each only fills caches."""
    times = {name: [] for name in commands}
    for turn in range(count + 1):
        for name, command in commands.items():
            measured = seconds(command)
            if turn:
                times[name].append(measured)
    return {
        name: {
            "wall_seconds": min(t[0] for t in each),
            "processor_seconds": min(t[1] for t in each),
        }
        for name, each in times.items()
    }


def measure(count: int) -> dict:
    """Commands and imports."""
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.csv"
        film.write_text(FILM)
        polysve = [sys.executable, "-m", "polysve"]
        commands = least(
            {
                "--help": [*polysve, "--help"],
                "apparent": [*polysve, "apparent", str(film), "--window", "2", "--json"],
                "predict": [*polysve, "predict", str(film), "--window", "2", "--json"],
            },
            count,
        )
    imports = least(
        {"python": [sys.executable, "-c", ""]}
        | {name: [sys.executable, "-c", f"import {name}"] for name in PACKAGES},
        count,
    )
    bare = imports.pop("python")
    for name, each in commands.items():
        each["goal_seconds"] = GOALS[name]
    return {
        "commands": commands,
        "python": bare,
        "imports": {
            name: {key: value - bare[key] for key, value in each.items()}
            for name, each in imports.items()
        },
    }


def main() -> None:
    """Print the tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5, help="runs of each")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments.count)
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    print("command      wall s  processor s  goal s")
    for name, each in result["commands"].items():
        print(
            f"{name:<12}{each['wall_seconds']:>7.2f}{each['processor_seconds']:>13.2f}"
            f"{each['goal_seconds']:>8.1f}"
        )
    print("\nimport                     wall s  processor s")
    for name, each in result["imports"].items():
        print(f"{name:<27}{each['wall_seconds']:>6.2f}{each['processor_seconds']:>13.2f}")


if __name__ == "__main__":
    main()
