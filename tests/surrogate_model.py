"""A small network, trained by the stages as the workflow trains it, that the tests of its tools share."""

from polysve.settings.experiment import PreprocessSlice, TrainSettings
from polysve.settings.labels import (
    AssembleSettings,
    HomogenizeSettings,
    MeshSettings,
    TessellateSettings,
)

TESSELLATE = TessellateSettings(window_um=2.0, grain_size_um=0.5)
COUNT = 140


def make_ensemble(folder, settings=TESSELLATE, count=COUNT, label_pixels=128):
    """Ensemble file of some SVEs."""
    from polysve.stages import assemble, homogenize, mesh, tessellate

    shard = f"{0:06d}-{count:06d}.h5"
    parts = {name: folder / name / shard for name in ("tessellations", "meshes", "stiffness")}
    for part in parts.values():
        part.parent.mkdir(parents=True)
    tessellate.run(parts["tessellations"], "small", 0, count, settings)
    coarse = MeshSettings(element_size_fraction=0.8)
    mesh.run(parts["tessellations"], parts["meshes"], coarse)
    homogenize.run(
        parts["tessellations"],
        parts["meshes"],
        parts["stiffness"],
        HomogenizeSettings(boundary_conditions=("pbc",), indicator=False),
    )
    output = folder / "ensemble.h5"
    assemble.run(
        folder,
        output,
        AssembleSettings(
            ensemble="small", count=count, shard_size=count, label_pixels=label_pixels
        ),
    )
    return output


def train(folder, ensemble, preprocess=None, network=None):
    """Network trained on an ensemble."""
    from polysve.stages import preprocess as preprocessing
    from polysve.stages import train as training

    settings = {"train_ensembles": ("small",), "pixels": 64} | (preprocess or {})
    recipe = TrainSettings(network=network or {"architecture": "spectral"}, epochs=2)
    inputs, model = folder / "inputs.h5", folder / "model.keras"
    preprocessing.run(inputs, {"small": ensemble}, PreprocessSlice(**settings))
    training.run(inputs, model, folder / "history.csv", recipe)
    return model
