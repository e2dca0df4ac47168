"""Inference, images ready: SVEs a second of every network on all cores, beside finite elements in the same run."""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from training import ARCHITECTURES, recipe, samples

import polysve
from polysve.crystals.square import plane_stress
from polysve.learning.training import Inputs
from polysve.networks import architectures, physical

PERIODIC = Inputs([], [], "stiffness", "pbc", plane_stress(165.64, 63.94, 79.51))


def predicted(pixels: int, count: int) -> dict[str, float]:
    """SVEs per second of every network, the best of five turns."""
    data, found = samples(count, pixels, 3), {}
    for architecture in (*ARCHITECTURES, "spectral", "born"):
        settings = recipe(architecture, 1).network
        network = architectures.build(settings, data.images, data.targets, 1, PERIODIC.head())
        seconds = []
        for _ in range(6):  # the first one compiles
            start = time.perf_counter()
            physical.predict_targets(network, data.images)
            seconds.append(time.perf_counter() - start)
        found[architecture] = count / min(seconds[1:])
    return found


def labelled(count: int) -> float:
    """Labels of ratio 4 per second on one core, all boundary conditions and indicator, drawing not counted."""
    films = [
        polysve.draw(window_um=2.0, grain_size_um=0.5, index=each) for each in range(count + 1)
    ]
    for number, film in enumerate(films):
        if number == 1:  # the first one loads libraries
            start = time.perf_counter()
        polysve.homogenize(film)
    return count / (time.perf_counter() - start)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=512, help="SVEs predicted in one call")
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--labels", type=int, default=100, help="SVEs labelled by finite elements")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rates, finite_elements = predicted(options.pixels, options.count), labelled(options.labels)
    if options.json:
        found = {
            "predicted_sves_per_second": rates,
            "labelled_sves_per_second_and_core": finite_elements,
            "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0],
        }
        print(json.dumps(found, indent=1))
        return
    for name, rate in rates.items():
        print(f"{name:<9} predicts {rate:.0f} SVEs per second")
    print(f"finite elements label {finite_elements:.0f} per second and core")


if __name__ == "__main__":
    main()
