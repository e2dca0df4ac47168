"""Figures of experiments."""

from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from polysve.figures.style import (
    BASELINE,
    DENSITY_MAP,
    FILL,
    PREDICTED,
    THEORY,
    TRUE,
    common_limits,
    panels,
)
from polysve.learning import metrics


def parity(
    true_gpa: np.ndarray,
    predicted_gpa: np.ndarray,
    baseline_gpa: np.ndarray,
    title: str,
) -> Figure:
    """Predicted against true Ē with the density of points; the quadratic fit on window means beside it.

    Parameters
    ----------
    true_gpa, predicted_gpa, baseline_gpa : array, shape (n,)
        Ē of the finite elements, the network and the fit.
    title : str
        Names the ensemble and the number of SVEs.
    """
    figure, axes = panels(1, 2, 0.86, sharex=True, sharey=True)
    low, high = common_limits(true_gpa, predicted_gpa, baseline_gpa)
    shared = {"gridsize": 45, "mincnt": 1, "extent": (low, high, low, high), "linewidths": 0.1}
    named = zip(axes, ("network", "quadratic fit"), (predicted_gpa, baseline_gpa), strict=True)
    drawn = []
    for axis, name, values in named:
        drawn.append(axis.hexbin(true_gpa, values, cmap=DENSITY_MAP, bins="log", **shared))
        axis.plot([low, high], [low, high], color=TRUE, lw=0.7, zorder=0)
        axis.set(xlim=(low, high), ylim=(low, high), aspect="equal", title=name)
        axis.set_xlabel("Ē, finite elements (GPa)")
        lines = (
            f"R² = {_many_nines(metrics.r2(true_gpa, values))}",
            f"rms error {metrics.rmse(true_gpa, values):.3g} GPa",
            f"bias {metrics.bias_percent(true_gpa, values):+.2g} %",
            f"scatter error {metrics.sdape_percent(true_gpa, values):.2f} %",
        )
        axis.text(0.98, 0.03, "\n".join(lines), transform=axis.transAxes, ha="right")
    most = max(each.get_array().max() for each in drawn)
    for each in drawn:
        each.set_norm(mpl.colors.LogNorm(1, max(2, most)))
    axes[0].set_ylabel("Ē, predicted (GPa)")
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if tick <= max(2, most)]
    bar = figure.colorbar(drawn[0], ax=list(axes), shrink=0.8, ticks=ticks, format="%d")
    bar.minorticks_off()
    bar.set_label("SVEs per cell")
    figure.suptitle(title)
    return figure


def loss_curves(history: dict[str, np.ndarray], diagnosis: dict) -> Figure:
    """Training and validation loss by epoch, the learning rate, and the verdict in words.

    Parameters
    ----------
    history : dict of arrays, shape (epochs,)
        ``loss``, ``val_loss`` (shares of the target's variance) and ``learning_rate``.
    diagnosis : dict
        Of `metrics.diagnose`.
    """
    figure, (axis,) = panels(1, 1, 0.9)
    axis.set_ylabel("loss (share of the variance)")
    axis.grid(axis="y")
    words = f"{diagnosis['verdict']}: {'; '.join(diagnosis['symptoms'])}"
    figure.suptitle(fill(words, 50), x=0.02, ha="left", fontsize="medium")
    if len(history["loss"]) == 1:
        values = [history["loss"][0], history["val_loss"][0]]
        axis.bar(["training", "validation"], values, 0.5, color=[PREDICTED, BASELINE])
        axis.set_xlabel("solved by least squares, one epoch")
        return figure
    epochs = np.arange(1, len(history["loss"]) + 1)
    axis.semilogy(epochs, history["loss"], color=PREDICTED, label="training")
    axis.semilogy(epochs, history["val_loss"], color=BASELINE, ls="--", label="validation")
    best = diagnosis["best_epoch"]
    axis.plot(best, history["val_loss"][best - 1], "o", color=BASELINE, label="kept")
    axis.set_xlabel("epoch")
    axis.xaxis.get_major_locator().set_params(integer=True)
    rate = axis.twinx()
    rate.spines["right"].set_visible(True)
    (line,) = rate.semilogy(
        epochs, history["learning_rate"], color=THEORY, lw=0.8, ls=":", drawstyle="steps-post"
    )
    rate.set_ylabel("learning rate")
    handles, labels = axis.get_legend_handles_labels()
    axis.legend([*handles, line], [*labels, "learning rate"])
    return figure


def distributions(ensembles: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """True and predicted distribution of Ē, one panel per ensemble.

    Parameters
    ----------
    ensembles : dict
        Name to true Ē and predicted Ē, each of shape (n,), GPa.
    """
    figure, axes = panels(len(ensembles), 1, 0.42, sharex=True)
    edges = np.linspace(*common_limits(*(v for t, p in ensembles.values() for v in (t, p))), 37)
    for axis, (name, (true, predicted)) in zip(axes, ensembles.items(), strict=True):
        axis.hist(true, edges, density=True, color=FILL, label="finite elements")
        axis.hist(predicted, edges, density=True, histtype="step", color=PREDICTED, label="network")
        text = (
            f"{name}: {len(true)} SVEs, std {true.std():.2f}, predicted {predicted.std():.2f} GPa"
        )
        axis.set_title(text, loc="left", fontsize="medium")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    axes[-1].set_xlabel("Ē (GPa)")
    figure.supylabel("density (1/GPa)", fontsize=mpl.rcParams["axes.labelsize"])
    return figure


def residuals(errors_gpa: np.ndarray, predictors: dict[str, np.ndarray]) -> Figure:
    """Prediction errors against what they might depend on, with the running mean ± one standard deviation.

    Parameters
    ----------
    errors_gpa : array, shape (n,)
        Predicted less true Ē.
    predictors : dict of str to array, shape (n,)
        Axis label to values: an even number of them.
    """
    figure, axes = panels(len(predictors) // 2, 2, 0.7, sharey=True)
    for axis, (label, values) in zip(axes, predictors.items(), strict=True):
        axis.plot(values, errors_gpa, ".", ms=4, color=PREDICTED, alpha=0.5, mew=0)
        groups = np.array_split(np.argsort(values), max(1, min(10, len(values) // 20)))
        centre = [values[g].mean() for g in groups]
        mean = np.array([errors_gpa[g].mean() for g in groups])
        std = np.array([errors_gpa[g].std() for g in groups])
        axis.errorbar(centre, mean, std, fmt="o-", ms=3, lw=1, color=BASELINE, capsize=2)
        axis.axhline(0, color=TRUE, lw=0.6)
        axis.locator_params(axis="x", nbins=5)
        axis.set_xlabel(label)
    for axis in axes[::2]:
        axis.set_ylabel("error of Ē (GPa)")
    return figure


def coverage(reached: dict[str, list[float]]) -> Figure:
    """Share of the true Ē in their intervals against the share that the intervals were made for.

    Parameters
    ----------
    reached : dict
        ``nominal``, and the shares reached by each ensemble, lists of one length.
    """
    figure, (axis,) = panels(1, 1, 0.9)
    nominal = 100 * np.array(reached["nominal"])
    axis.plot([0, 100], [0, 100], color=TRUE, lw=0.7)
    shown = {name: values for name, values in reached.items() if name != "nominal"}
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(shown)))
    for (name, values), colour in zip(shown.items(), colours, strict=True):
        axis.plot(nominal, 100 * np.array(values), "o-", ms=3, lw=1, color=colour, label=name)
    axis.set(xlim=(0, 100), ylim=(0, 102), xlabel="coverage of the interval (%)")
    axis.set_ylabel("true Ē in the interval (%)")
    axis.legend()
    return figure


def _many_nines(r2: float) -> str:
    """R² with as many digits as tell it from 1.

    Examples
    --------
    >>> _many_nines(0.9123), _many_nines(0.9999876)
    ('0.912', '0.999988')
    """
    digits = 3 if r2 < 0.99 else min(7, 1 - int(np.floor(np.log10(max(1 - r2, 1e-7)))))
    return f"{r2:.{digits}f}"
