"""Small ensembles and networks, made by the stages as the workflow makes them, that many tests share."""

from polysve.settings.experiment import PreprocessSlice, TrainSettings
from polysve.settings.labels import (
    AssembleSettings,
    HomogenizeSettings,
    MeshSettings,
    TessellateSettings,
)

RATIO4 = TessellateSettings(window_um=2.0, grain_size_um=0.5)
PERIODIC_LABELS = {
    "mesher": MeshSettings(element_size_fraction=0.8),
    "solver": HomogenizeSettings(boundary_conditions=("pbc",), indicator=False),
}
"""What labels for a network under PBC alone take, and no more."""
PARTS = ("tessellations", "meshes", "stiffness")


def make_shard(
    folder,
    start,
    stop,
    ensemble="small",
    drawn=RATIO4,
    mesher=MeshSettings(),  # noqa: B008
    solver=HomogenizeSettings(),  # noqa: B008
):
    """One shard through three stages; returns the stiffness file."""
    from polysve.stages import homogenize, mesh, tessellate

    structures, meshes, stiffness = (folder / part / f"{start:06d}-{stop:06d}.h5" for part in PARTS)
    tessellate.run(structures, ensemble, start, stop, drawn)
    mesh.run(structures, meshes, mesher)
    homogenize.run(structures, meshes, stiffness, solver)
    return stiffness


def make_ensemble(
    folder, count, shard_size=None, ensemble="small", label_pixels=32, **shard_options
):
    """Ensemble file of some SVEs; its shards lie in a folder beside it."""
    from polysve.stages import assemble

    size = shard_size or count
    for start in range(0, count, size):
        make_shard(folder / ensemble, start, min(start + size, count), ensemble, **shard_options)
    settings = AssembleSettings(
        ensemble=ensemble, count=count, shard_size=size, label_pixels=label_pixels
    )
    assemble.run(folder / ensemble, folder / f"{ensemble}.h5", settings)
    return folder / f"{ensemble}.h5"


def make_model(folder, ensemble, preprocess=None, network=None):
    """Network trained on the ensemble "small"; its inputs and history lie beside it."""
    from polysve.stages import preprocess as preprocessing
    from polysve.stages import train

    recipe = {"train_ensembles": ["small"], "pixels": 64} | (preprocess or {})
    settings = TrainSettings(network=network or {"architecture": "spectral"}, epochs=2)
    inputs, model = folder / "inputs.h5", folder / "model.keras"
    preprocessing.run(inputs, {"small": ensemble}, PreprocessSlice(**recipe))
    train.run(inputs, model, folder / "history.csv", settings)
    return model
