"""How often the 90 % intervals of `polysve infer` hold the truth, for devices made of chains of their own grains."""

import argparse
import json
import time

import numpy as np

from polysve.crystals import catalogue
from polysve.device import scatter
from polysve.device.emulator import emulate
from polysve.device.infer import NAMES, infer
from polysve.device.measured import Measured
from polysve.device.sample import draw_strips, put_together
from polysve.device.strip import FilmLaw
from polysve.settings.device import SpecSettings

SETTINGS = {"widths_um": [2.0, 4.0], "length_um": 16.0, "seed": 1}
QUANTITY = "frequency_hz"
SIZES = 6
DEVICES = 20


def pools(settings: SpecSettings, sizes: np.ndarray, strips: int) -> dict:
    """Beams of one strip each, by width and grain size; none is of the emulator's strips."""
    crystal, found = catalogue.find("silicon"), {}
    for width in settings.widths_um:
        made_um = width + settings.prior.width_offset_um.mean
        for size in sizes:
            law = FilmLaw.of(settings, crystal, grain_size_um=size)
            found[width, size] = draw_strips(law, made_um, strips, 10**6 + round(1e6 * size), 1)
    return found


def measure(settings: SpecSettings, pool: dict, size: float, truth, random) -> Measured:
    """Devices of a film and an etch."""
    density = catalogue.find("silicon").density_kg_m3
    values, widths = [], []
    for width in settings.widths_um:
        strips = pool[width, size]
        grains = put_together(strips, random, len(strips.root), 16.0, settings.support)
        # each beam begins with a strip of its own, and at this length hardly has another
        _, first = np.unique(grains.strips[:, 0], return_index=True)
        chosen = random.choice(first, min(DEVICES, len(first)), replace=False)
        of = scatter.laws(settings, width, density)
        made = width + random.normal(truth[1], truth[2], len(chosen))
        sources = scatter.means(of, len(chosen))._replace(width_um=made)
        found = scatter.evaluate(grains.pick(chosen), sources, strips.width_um, settings)
        values.append(found[QUANTITY])
        widths.append(np.full(len(chosen), width))
    return Measured(QUANTITY, np.concatenate(values), np.concatenate(widths))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="films and etches")
    parser.add_argument("--strips", type=int, default=48, help="of each width and grain size")
    parser.add_argument("--structures", type=int, default=2000, help="of the emulator")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    settings = SpecSettings(**SETTINGS, structures=arguments.structures)
    prior, random = settings.prior, np.random.default_rng(17)
    low, high = prior.grain_size_um.low, prior.grain_size_um.high
    # middles of slices of the prior
    sizes = np.exp(np.log(low) + np.log(high / low) * (np.arange(SIZES) + 0.5) / SIZES)
    crystal = catalogue.find("silicon")
    emulators = {w: emulate(settings, crystal, QUANTITY, w, None, 1) for w in settings.widths_um}
    pool = pools(settings, sizes, arguments.strips)
    held, seconds = np.zeros(len(NAMES), int), 0.0
    for number in range(arguments.count):
        size = random.choice(sizes)
        spread = np.exp(
            random.uniform(*np.log([prior.width_offset_std_um.low, prior.width_offset_std_um.high]))
        )
        truth = size, random.normal(prior.width_offset_um.mean, prior.width_offset_um.std), spread
        devices = measure(settings, pool, size, truth, random)
        start = time.process_time()
        found = infer(settings, devices, emulators).summary()
        seconds += time.process_time() - start
        for place, (name, true) in enumerate(zip(NAMES, truth, strict=True)):
            below, above = found[name]["interval_90"]
            held[place] += below <= true <= above
        if not arguments.json:
            print(number + 1, dict(zip(NAMES, held.tolist(), strict=True)), flush=True)
    result = {"count": arguments.count, "held": dict(zip(NAMES, held.tolist(), strict=True))}
    result["exponents"] = {w: float(each.log_std[0]) for w, each in emulators.items()}
    result["seconds_each"] = seconds / arguments.count
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
