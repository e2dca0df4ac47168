"""inputs.h5 to a trained network and the history of its training."""

from pathlib import Path

from polysve.base import files
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.data.seal import seal
from polysve.learning import model_card, training
from polysve.settings.experiment import TrainSettings


def run(inputs_path: Path, model_path: Path, history_path: Path, settings: TrainSettings) -> None:
    """Train one network.

    Parameters
    ----------
    inputs_path : Path
        inputs.h5 of the experiment.
    model_path : Path
        `.keras` file to write, with its `model_card.ModelCard`: images in, GPa out. A checkpoint lies beside it while
        the training runs.
    history_path : Path
        CSV to write, one row an epoch.
    settings : TrainSettings

    Raises
    ------
    InputError
        If the data do not fit the architecture, or the training diverges.
    """
    inputs = training.read_inputs(inputs_path)
    model, history, checkpoint = training.train(
        inputs, settings, model_path.with_suffix(".checkpoint.npz")
    )
    card = model_card.describe(inputs_path, model)
    with files.atomic_path(model_path) as temporary:
        model.save(temporary)
        model_card.write_card(temporary, card)
        seal(temporary)
    with files.atomic_path(history_path) as temporary:
        training.write_history(temporary, history)
    checkpoint.remove()
    write_record(
        model_path.parent / f"train{RECORD_SUFFIX}",
        "train",
        settings.canonical_json(),
        [model_path, history_path],
        [inputs_path],
    )
