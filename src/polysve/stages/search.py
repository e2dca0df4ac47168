"""The outcome of a search: a table of its trials, the best experiment, and what mattered."""

import csv
import math
import warnings
from pathlib import Path

import optuna
import yaml
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import TrialState
from optuna.visualization import matplotlib as drawings

from polysve.base import files
from polysve.base.errors import InputError
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.figures import style
from polysve.learning import trials
from polysve.learning.trials import COMPLETE, FAILED, PRUNED, Trial
from polysve.settings.model import place
from polysve.settings.study import SearchSlice

OUTPUTS = TABLE, BEST, HISTORY, IMPORTANCE = (
    "trials.csv",
    "best.yaml",
    "history.svg",
    "importance.svg",
)
LOSS = "validation loss (share of the variance)"
STATES = {
    COMPLETE: TrialState.COMPLETE,
    PRUNED: TrialState.PRUNED,
    FAILED: TrialState.FAIL,
}


def run(folder: Path, settings: SearchSlice) -> None:
    """Gather the trials of a search.

    Parameters
    ----------
    folder : Path
        Holds ``trials/0000.json`` and so on; ``trials.csv`` (best first), ``best.yaml`` (an experiment to paste into a
        configuration), ``history.svg`` and ``importance.svg`` are written beside it. Its name is that of the search.
    settings : SearchSlice

    Raises
    ------
    InputError
        If a trial is missing, or none was trained to its end.
    """
    found = [Trial.read(trial_path(folder, number)) for number in range(settings.trials)]
    rank = list(STATES)
    found.sort(
        key=lambda trial: (
            rank.index(trial.state),
            math.inf if trial.loss is None else trial.loss,
            trial.number,
        )
    )
    if found[0].state != COMPLETE:
        raise InputError(
            f"{folder}: none of {len(found)} trials was trained to its end; trial {found[0].number} {found[0].state}: "
            f"{found[0].reason}"
        )
    with files.atomic_path(folder / TABLE) as temporary:
        write_table(temporary, found)
    with files.atomic_path(folder / BEST) as temporary:
        temporary.write_text(best(folder.resolve().name, found, settings))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = remembered(found, settings)
    with style.style():
        for name, figure in (
            (HISTORY, history(study)),
            (IMPORTANCE, importance(study, settings.seed)),
        ):
            with files.atomic_path(folder / name) as temporary:
                style.save(figure, temporary)
            plt.close(figure)
    write_record(
        folder / f"search{RECORD_SUFFIX}",
        "search",
        settings.canonical_json(),
        [folder / name for name in OUTPUTS],
        [trial_path(folder, found[0].number)],
    )


def trial_path(folder: Path, number: int) -> Path:
    """File of one trial."""
    return folder / f"trials/{number:04d}.json"


def write_table(path: Path, found: list[Trial]) -> None:
    """Write one row for each trial, in the order given."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        keys = list(found[0].values)
        writer.writerow(["trial", "state", "loss", *keys, "epochs", "seconds", "reason"])
        for trial in found:
            numbers = [trial.number, trial.state, trial.loss]
            told = [len(trial.losses), trial.seconds, trial.reason]
            writer.writerow([*numbers, *(trial.values[key] for key in keys), *told])


def best(name: str, found: list[Trial], settings: SearchSlice) -> str:
    """The experiment with the values of the best trial, as YAML; what is left out is at its default."""
    winner = found[0]
    experiment = settings.experiment.substituted(winner.values, name)
    written = experiment.model_dump(mode="json", exclude_defaults=True)
    for key, value in winner.values.items():
        place(written, key, value)
    told = (
        f"# Trial {winner.number} of {len(found)}: validation loss {winner.loss:.3e} of the variance after "
        f"{len(winner.losses)} epochs.\n# Goes below `experiments:` of a configuration.\n"
    )
    return told + yaml.safe_dump(
        {f"{name}_best": written}, sort_keys=False, default_flow_style=None
    )


def remembered(found: list[Trial], settings: SearchSlice) -> optuna.Study:
    """Optuna's study of the trials, in the order they began."""
    study = optuna.create_study()
    for trial in sorted(found, key=lambda each: each.order):
        study.add_trial(
            optuna.trial.create_trial(
                state=STATES[trial.state],
                value=trial.loss if trial.state == COMPLETE else None,
                params=trials.parameters(trial.values, settings.space),
                distributions=trials.distributions(settings.space),
                intermediate_values=dict(enumerate(trial.losses, 1)),
            )
        )
    return study


def history(study: optuna.Study) -> Figure:
    """Validation loss of the trials in the order they began, and the best so far."""
    axis = drawn(drawings.plot_optimization_history, study, target_name=LOSS)
    stopped = [each for each in study.trials if each.state == TrialState.PRUNED]
    if stopped:
        numbers = [each.number for each in stopped]
        losses = [min(each.intermediate_values.values()) for each in stopped]
        axis.plot(numbers, losses, "x", color=style.THEORY, label="pruned")
    axis.collections[0].set(label="finished", color=style.PREDICTED)
    axis.lines[0].set(label="best so far", color=style.BASELINE, alpha=1)
    axis.set(title="", xlabel="trials in the order they began", yscale="log")
    axis.legend(loc="lower center", bbox_to_anchor=(0.45, 1), ncols=3, columnspacing=1)
    return axis.figure


def importance(study: optuna.Study, seed: int) -> Figure:
    """How much of the variance of log(loss) each key explains by itself; the shares add up to 1.

    Functional analysis of variance: Hutter, Hoos & Leyton-Brown (2014), An efficient approach for assessing
    hyperparameter importance.
    """
    losses = {each.value for each in study.trials if each.state == TrialState.COMPLETE}
    if len(losses) < 2:
        figure, (axis,) = style.panels(1, 1, 0.5)
        axis.set_axis_off()
        axis.text(0.5, 0.5, "one finished trial shows no importance", ha="center")
        return figure
    axis = drawn(
        drawings.plot_param_importances,
        study,
        evaluator=FanovaImportanceEvaluator(seed=seed),
        target=lambda trial: math.log(trial.value),
        target_name="log(loss)",
    )
    axis.set_title("", loc="left")
    axis.set(xlabel="share of the explained variance", ylabel="")
    axis.grid(visible=False, axis="y")
    axis.get_legend().remove()
    return axis.figure


def drawn(plot, study: optuna.Study, **options) -> Axes:
    """Optuna's drawing, in the style of our figures in place of its own."""
    with plt.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        axis = plot(study, **options)
    size = plt.rcParams["font.size"]
    axis.figure.set_size_inches(plt.rcParams["figure.figsize"])
    axis.figure.set_layout_engine("constrained")
    axis.figure.set_facecolor("white")
    axis.set_facecolor("white")
    axis.grid(color=plt.rcParams["grid.color"], lw=plt.rcParams["grid.linewidth"])
    axis.spines[:].set(edgecolor="black", linewidth=plt.rcParams["axes.linewidth"])
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(
        which="both",
        color="black",
        labelcolor="black",
        labelsize=plt.rcParams["xtick.labelsize"],
    )
    for text in (axis.xaxis.label, axis.yaxis.label, *axis.texts):
        text.set(fontsize=size, color="black")
    return axis
