"""The trained network against finite elements: speed, error and coverage at several ratios.

Trains the spectral network on SVEs of ratio 4 if no model is given, as the workflow does.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from polysve.crystals.stiffness import young_modulus
from polysve.settings.experiment import PreprocessSlice, TrainSettings
from polysve.settings.labels import (
    AssembleSettings,
    HomogenizeSettings,
    MeshSettings,
    TessellateSettings,
)

GRAIN_UM = 0.5


def ensemble(folder: Path, ratio: int, count: int, seed: int = 1) -> Path:
    """Data set of SVEs, made by the stages in one shard."""
    from polysve.stages import assemble, homogenize, mesh, tessellate

    name, shard = f"ratio{ratio}", f"000000-{count:06d}.h5"
    parts = ("tessellations", "meshes", "stiffness")
    structures, meshes, stiffness = (folder / name / part / shard for part in parts)
    settings = TessellateSettings(seed=seed, window_um=ratio * GRAIN_UM, grain_size_um=GRAIN_UM)
    tessellate.run(structures, name, 0, count, settings)
    mesh.run(structures, meshes, MeshSettings())
    homogenize.run(structures, meshes, stiffness, HomogenizeSettings())
    output = folder / f"{name}.h5"
    assemble.run(
        folder / name, output, AssembleSettings(ensemble=name, count=count, shard_size=count)
    )
    return output


def train(folder: Path, count: int) -> Path:
    """Spectral network on SVEs of ratio 4."""
    from polysve.stages import preprocess
    from polysve.stages import train as training

    files = {"ratio4": ensemble(folder, 4, count)}
    inputs, model = folder / "inputs.h5", folder / "model.keras"
    preprocess.run(inputs, files, PreprocessSlice(train_ensembles=("ratio4",)))
    recipe = TrainSettings(network={"architecture": "spectral"})
    training.run(inputs, model, folder / "history.csv", recipe)
    return model


def judge(surrogate, ensembles: dict[int, Path]) -> dict:
    """Error and coverage on SVEs never seen, by ratio."""
    from polysve.data.ensemble import Ensemble

    judged = {}
    for ratio, path in ensembles.items():
        true = young_modulus(Ensemble(path).stiffness("pbc"))
        prediction = surrogate.predict(path)
        error = prediction.young_modulus_gpa - true
        judged[str(ratio)] = {
            "n": len(true),
            "rms_error_gpa": float(np.sqrt(np.mean(error**2))),
            "std_true_gpa": float(true.std()),
            "coverage_90": float(np.mean(np.abs(error) <= prediction.half_width_gpa)),
        }
    return judged


def cpu_seconds() -> float:
    """Of this process and of all its finished children."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measure(model: Path, folder: Path, arguments) -> dict:
    from polysve.surrogate.characterize import characterize
    from polysve.surrogate.network import load_surrogate
    from polysve.surrogate.workers import Workers

    surrogate = load_surrogate(model)
    settings = TessellateSettings(window_um=10 * GRAIN_UM, grain_size_um=GRAIN_UM)
    before = cpu_seconds()
    with Workers(arguments.workers) as workers:
        found = characterize(surrogate, workers, settings, arguments.count, arguments.check)
    # another seed than that of the training
    unseen = {r: ensemble(folder / "unseen", r, arguments.unseen, seed=2) for r in (4, 6, 10)}
    check = found["check"]
    seconds_each = check["seconds"] / check["count"]
    return {
        "count": arguments.count,
        "ratio": 10,
        "workers": arguments.workers,
        "seconds": found["seconds"],
        "rate_per_s": found["rate_per_s"],
        "finite_elements_rate_per_s": check["rate_per_s"],
        "times_as_fast_as_labels": check["times_as_fast"],
        "finite_elements_ms_each": 1e3 * seconds_each,
        "cpu_seconds_in_all": cpu_seconds() - before,
        "load_average": os.getloadavg()[0],
        "mean_gpa": found["mean_gpa"],
        "std_gpa": found["std_gpa"],
        "corrected_mean_gpa": check["mean_gpa"],
        "corrected_std_gpa": check["std_gpa"],
        "variance_removed": check["variance_removed"],
        "ratios": judge(surrogate, unseen),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="trained network; one is trained if not given")
    parser.add_argument("--count", type=int, default=10_000, help="structures drawn and predicted")
    parser.add_argument("--check", type=int, default=50, help="of them, solved by finite elements")
    parser.add_argument("--train", type=int, default=1000, help="SVEs to train on")
    parser.add_argument("--unseen", type=int, default=200, help="SVEs of each ratio to judge by")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for kind in (
        "INTRAOP",
        "INTEROP",
    ):  # as `polysve characterize` has it; TensorFlow is loaded later
        os.environ[f"TF_NUM_{kind}_THREADS"] = "1"
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = arguments.model or train(folder, arguments.train)
        result = measure(model, folder, arguments)
    result["seconds_in_all"] = time.perf_counter() - start
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    for key, value in result.items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
