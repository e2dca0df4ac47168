"""One training of a search, with values that Optuna draws from what the other trials came to."""

import hashlib
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState

from polysve.base import files
from polysve.base.errors import InputError
from polysve.data import digest, records
from polysve.data.seal import require_whole
from polysve.learning import training, trials
from polysve.settings.experiment import PreprocessSlice, TrainSettings
from polysve.settings.search import TrialSlice
from polysve.stages import preprocess

JOB = "job"
"""User attribute that holds the number of the job a trial belongs to."""


def run(
    output: Path,
    study_path: Path,
    ensembles: dict[str, Path],
    number: int,
    settings: TrialSlice,
) -> None:
    """Train one network and tell the study how good it became.

    Only the training and validation SVEs of the training ensembles are used.

    Parameters
    ----------
    output : Path
        JSON file to write, a `trials.Trial`.
    study_path : Path
        Optuna's journal, which all trials share, perhaps from several machines; made if it is not there.
    ensembles : dict of str to Path
        Training ensembles by name.
    number : int
        Of the trial. If an earlier job of this number was killed, its trial counts as failed and another begins.
    settings : TrialSlice

    Raises
    ------
    InputError
        An ensemble is missing or damaged. Values that cannot be trained are no error, but a failed trial.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = open_study(study_path, ensembles, number, settings)
    for each in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if each.user_attrs.get(JOB) == number:
            study.tell(each.number, state=TrialState.FAIL)
    trial = study.ask(trials.distributions(settings.space))
    trial.set_user_attr(JOB, number)
    values = trials.values(trial.params, settings.space)
    print(f"trial {number}: " + ", ".join(f"{key} = {value}" for key, value in values.items()))
    losses = []

    def watch(epoch, loss):
        losses.append(loss)
        trial.report(loss, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned(f"after epoch {epoch} worse than the median of the others")

    state, reason, start = trials.COMPLETE, "", time.perf_counter()
    try:
        train(ensembles, values, settings, watch)
    except (optuna.TrialPruned, InputError) as error:
        pruned = isinstance(error, optuna.TrialPruned)
        state, reason = trials.PRUNED if pruned else trials.FAILED, str(error)
    seconds = round(time.perf_counter() - start, 1)
    made = trials.Trial(number, trial.number, state, reason, values, losses, seconds)
    if state == trials.COMPLETE:
        study.tell(trial, made.loss)
    else:  # a failed one too: Optuna learns nothing from trials that it knows as failed
        study.tell(trial, state=TrialState.PRUNED)
    print(f"{state} {reason}".strip() + f", validation loss {made.loss}")
    with files.atomic_path(output) as temporary:
        made.write(temporary)
    record = output.with_suffix(records.RECORD_SUFFIX)
    records.write_record(
        record, "trial", settings.canonical_json(), [output], list(ensembles.values())
    )


def open_study(
    path: Path, ensembles: dict[str, Path], number: int, settings: TrialSlice
) -> optuna.Study:
    """Optuna's study of these settings, this code and these ensembles: others in the same file have other names.

    The sampler's seed is a function of the search's seed and the number of the trial.
    """
    name = hashlib.sha256(settings.canonical_json().encode())
    name.update(digest.source_digest(__name__).encode())
    for file in ensembles.values():
        require_whole(file)
        name.update(records.file_digest(file).encode())
    seed = np.random.SeedSequence([settings.seed, number]).generate_state(1)[0]
    startup = settings.startup_trials
    return optuna.create_study(
        storage=JournalStorage(open_journal(path)),
        study_name=name.hexdigest()[:16],
        load_if_exists=True,
        sampler=optuna.samplers.TPESampler(
            n_startup_trials=startup, seed=int(seed), constant_liar=True
        ),
        pruner=optuna.pruners.MedianPruner(startup, n_warmup_steps=settings.warmup_epochs),
    )


def open_journal(path: Path) -> JournalFileBackend:
    """Optuna's journal, without the unfinished line of a job that died writing: Optuna reads nothing behind one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name = str(path.absolute())  # the lock is a link to it
    lock = JournalFileSymlinkLock(name)
    journal = JournalFileBackend(name, lock)
    lock.acquire()
    try:
        with open(path, "rb+") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
    finally:
        lock.release()
    return journal


def train(ensembles: dict[str, Path], values: dict, settings: TrialSlice, watch) -> None:
    """Make the inputs and train, with some settings replaced, in a folder that is removed."""
    sections = {"preprocess": {}, "train": {}}
    for key, value in values.items():
        section, _, inner = key.partition(".")
        sections[section][inner] = value
    preparation: PreprocessSlice = settings.preprocess.substituted(
        sections["preprocess"], "preprocess"
    )
    recipe: TrainSettings = settings.train.substituted(sections["train"], "train")
    with tempfile.TemporaryDirectory(prefix="polysve-trial-") as folder:
        inputs = Path(folder) / "inputs.h5"
        preprocess.run(inputs, ensembles, preparation)
        training.train(
            training.read_inputs(inputs), recipe, Path(folder) / "checkpoint.npz", watch=watch
        )
