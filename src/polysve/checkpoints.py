"""The state of an interrupted training, in one file."""

import json
from pathlib import Path

import h5py
import keras
import numpy as np


class Checkpoint:
    """Everything a training needs to go on, in one file that is replaced whole after each epoch.

    Parameters
    ----------
    path : Path
    fingerprint : str
        Of settings and data; a file with another one is ignored.
    """

    def __init__(self, path: Path, fingerprint: str):
        self.path, self.fingerprint = path, fingerprint

    def save(self, network, best: list[np.ndarray], history: list[dict]):
        """Write weights, optimizer and random states, best weights and history."""
        temporary = self.path.with_suffix(".tmp")
        with h5py.File(temporary, "w") as file:
            file.attrs.update(fingerprint=self.fingerprint, history=json.dumps(history))
            for name, arrays in (("state", _state(network)), ("best", best)):
                for number, array in enumerate(arrays):
                    file[f"{name}/{number:05d}"] = np.asarray(array)
        temporary.replace(self.path)

    def restore(self, network) -> tuple[list[np.ndarray], list[dict]]:
        """Set the network and its optimizer; return best weights and history, both empty if there is no checkpoint."""
        if not self.path.exists():
            return [], []
        with h5py.File(self.path) as file:
            if file.attrs["fingerprint"] != self.fingerprint:
                return [], []
            for variable, name in zip(_state(network), file["state"], strict=True):
                variable.assign(file["state"][name][()])
            best = [file["best"][name][()] for name in file["best"]]
            return best, json.loads(file.attrs["history"])

    def remove(self):
        """Forget the training: it is finished."""
        self.path.unlink(missing_ok=True)


def _state(network) -> list:
    """Variables of a compiled network that a further epoch depends on: weights, optimizer, random states."""
    dropouts = [layer for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    seeds = [layer.seed_generator.state for layer in dropouts]
    return [*network.weights, *network.optimizer.variables, *seeds]
