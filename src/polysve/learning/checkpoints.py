"""The state of an interrupted training, in one file."""

import json
from pathlib import Path

import keras
import numpy as np

from polysve.base.files import atomic_path


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
        arrays = {"fingerprint": self.fingerprint, "history": json.dumps(history)}
        arrays |= {f"state/{number}": value for number, value in enumerate(_state(network))}
        arrays |= {f"best/{number}": value for number, value in enumerate(best)}
        with atomic_path(self.path) as temporary:
            np.savez(temporary, **arrays)

    def restore(self, network) -> tuple[list[np.ndarray], list[dict]]:
        """Set the network and its optimizer; return best weights and history, both empty if there is no checkpoint."""
        if not self.path.exists():
            return [], []
        with np.load(self.path) as file:
            if file["fingerprint"] != self.fingerprint:
                return [], []
            state = [file[name] for name in file if name.startswith("state/")]
            for variable, value in zip(_state(network), state, strict=True):
                variable.assign(value)
            best = [file[name] for name in file if name.startswith("best/")]
            return best, json.loads(str(file["history"]))

    def remove(self):
        """Forget the training: it is finished."""
        self.path.unlink(missing_ok=True)


def _state(network) -> list:
    """Variables of a compiled network that a further epoch depends on: weights, optimizer, random states."""
    dropouts = [layer for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    seeds = [layer.seed_generator.state for layer in dropouts]
    return [*network.weights, *network.optimizer.variables, *seeds]
