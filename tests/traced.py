"""Which functions of the package a stage calls: a program for the tests of the digest.

It makes an ensemble and two networks of a few SVEs in the folder that it is given, and prints
JSON: stage to ``[file below the package, line]`` of each function.
"""

import json
import os
import sys
from pathlib import Path

import polysve
from polysve.settings.experiment import PreprocessSlice, TrainSettings
from polysve.settings.labels import (
    AssembleSettings,
    HomogenizeSettings,
    MeshSettings,
    TessellateSettings,
)
from polysve.stages import assemble, homogenize, mesh, preprocess, tessellate, train

PACKAGE = Path(polysve.__file__).parent
COUNT = 4


def called_by(run, *arguments):
    """Where the functions begin that one call reaches."""
    found = set()

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(f"{PACKAGE}{os.sep}"):
            found.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    sys.setprofile(note)
    try:
        run(*arguments)
    finally:
        sys.setprofile(None)
    return {(str(Path(file).relative_to(PACKAGE)), line) for file, line in found}


def main(folder: Path):
    drawn = TessellateSettings(window_um=1.0, grain_size_um=0.5)
    assembled = AssembleSettings(ensemble="few", count=COUNT, shard_size=COUNT, label_pixels=16)
    structures, meshes, stiffness = (
        folder / part / f"000000-{COUNT:06d}.h5"
        for part in ("tessellations", "meshes", "stiffness")
    )
    file, inputs = folder / "few.h5", folder / "inputs.h5"
    recipe = PreprocessSlice(train_ensembles=["few"], pixels=8, augmentation="consistent")
    outputs = folder / "model.keras", folder / "history.csv"
    small = {"filters": [2], "terms": 2, "dense_nodes": 2}
    recipes = [
        TrainSettings(network={"architecture": name} | small, epochs=1)
        for name in ("cnn", "spectral")
    ]
    found = {
        "tessellate": called_by(tessellate.run, structures, "few", 0, COUNT, drawn),
        "mesh": called_by(mesh.run, structures, meshes, MeshSettings()),
        "homogenize": called_by(
            homogenize.run, structures, meshes, stiffness, HomogenizeSettings()
        ),
        "assemble": called_by(assemble.run, folder, file, assembled),
        "preprocess": called_by(preprocess.run, inputs, {"few": file}, recipe),
        "train": set().union(*(called_by(train.run, inputs, *outputs, each) for each in recipes)),
    }
    return {stage: sorted(functions) for stage, functions in found.items()}


if __name__ == "__main__":
    answer = main(Path(sys.argv[1]))
    print(json.dumps(answer))
