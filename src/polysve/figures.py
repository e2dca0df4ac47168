"""Figures of ensembles and experiments, vector, for a journal column or a slide.

Every function returns a matplotlib figure and takes plain arrays; `save` writes it. Draw in ``with style("slide"):``
for another size than a column's.
"""

from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib import style as mpl_style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from polysve import metrics
from polysve.crystal import PlaneStress, young_modulus

TRUE, PREDICTED, BASELINE, THIRD, THEORY = "#000000", "#0072B2", "#D55E00", "#009E73", "#6e6e6e"
FILL = "#c8c8c8"
THETA_MAP = "twilight"
"""Cyclic: 0° and 90°, the soft direction of silicon, are the same light grey; 45°, the stiff one, is dark."""
DENSITY_MAP = "viridis"
ANGLES_DEG = (0, 22.5, 45, 67.5, 90)


def sheets(size: str = "column") -> list[Path]:
    """Style sheets of a size, for `matplotlib.pyplot.style.use`."""
    folder = Path(__file__).parent / "style"
    return [folder / "column.mplstyle", folder / "slide.mplstyle"][: 2 if size == "slide" else 1]


@contextmanager
def style(size: str = "column"):
    """Draw with the package's style sheet: ``"column"`` (89 or 183 mm wide) or ``"slide"`` (10 × 5.6 inches)."""
    with mpl.rc_context():
        mpl_style.use(sheets(size))
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure; the same figure gives the same file, so no date goes into it."""
    FigureCanvasAgg(figure)
    with style():
        metadata = {"Date": None} if path.suffix == ".svg" else {"CreationDate": None}
        figure.savefig(path, metadata=metadata if path.suffix in (".svg", ".pdf") else None)


def parity(
    true_gpa: np.ndarray,
    predicted_gpa: np.ndarray,
    baseline_gpa: np.ndarray,
    title: str,
) -> Figure:
    """Predicted against true Ē with the density of points; the 6-parameter fit on window means beside it.

    Parameters
    ----------
    true_gpa, predicted_gpa, baseline_gpa : array, shape (n,)
        Ē of the finite elements, the network and the fit.
    title : str
        Names the ensemble and the number of SVEs.
    """
    figure, axes = panels(1, 2, 0.86, sharex=True, sharey=True)
    low, high = _limits(true_gpa, predicted_gpa, baseline_gpa)
    shared = {"gridsize": 45, "mincnt": 1, "extent": (low, high, low, high), "linewidths": 0.1}
    named = zip(axes, ("network", "6-parameter fit"), (predicted_gpa, baseline_gpa), strict=True)
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
    edges = np.linspace(*_limits(*(v for t, p in ensembles.values() for v in (t, p))), 37)
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


def moduli(samples: dict[str, np.ndarray], limits: dict[str, float], ratio: float) -> Figure:
    """Distribution of Ē under each boundary condition.

    Parameters
    ----------
    samples : dict of str to array, shape (n,)
        Ē in GPa by boundary condition.
    limits : dict of str to float
        Moduli to mark, GPa: those of the crystal's axes and that of an infinite window.
    ratio : float
        L/s.
    """
    figure, axes = panels(1, 1, 0.8)
    axis = axes[0]
    edges = np.linspace(*_limits(*samples.values()), 41)
    colours = (BASELINE, THIRD, PREDICTED)
    for (name, values), colour in zip(samples.items(), colours, strict=False):
        label = f"{name.upper()}: {values.mean():.2f} ± {values.std():.2f} GPa"
        axis.hist(values, edges, density=True, histtype="step", color=colour, label=label)
    for name, value in limits.items():
        if edges[0] < value < edges[-1]:
            label = f"{name}: {value:.2f} GPa"
            axis.axvline(value, ymax=0.62, color=THEORY, lw=0.8, ls="--", label=label)
    axis.set(xlabel="Ē (GPa)", ylabel="density (1/GPa)")
    axis.set_title(f"{len(values)} SVEs, L/s = {ratio:g}: mean ± std", loc="left")
    axis.set_ylim(top=1.6 * axis.get_ylim()[1])
    axis.legend(loc="upper left")
    return figure


def size_effect(
    ratios: np.ndarray,
    samples: dict[str, list[np.ndarray]],
    spread_factor: float,
    crystal: PlaneStress,
) -> Figure:
    """Mean and scatter of Ē against the ratio L/s, with the theory of many independent grains.

    Parameters
    ----------
    ratios : array, shape (k,)
        L/s of each ensemble.
    samples : dict of str to list of arrays
        For each series (``"finite elements"``, ``"network"``) the Ē of each ensemble, GPa.
    spread_factor : float
        (L/s)² times the mean sum of squared area fractions, 1 for grains of one area.
    crystal : PlaneStress
        Gives the limit of the mean, and by how much Ē follows the window mean of cos 4θ.

    Notes
    -----
    To first order Ē follows the window mean of cos 4θ alone, whose variance over random angles is Σ aᵢ²/2 for grains
    with area fractions aᵢ. Hence std(Ē) = |dE/dc| √(spread_factor/2) s/L, with no number fitted.
    """
    figure, (mean_axis, scatter_axis) = panels(1, 2, 0.72)
    markers = {"finite elements": ("o", TRUE, "none"), "network": ("x", PREDICTED, PREDICTED)}
    for name, arrays in samples.items():
        marker, colour, face = markers[name]
        n, mean, std = (np.array([f(a) for a in arrays]) for f in (len, np.mean, np.std))
        shared = {"fmt": marker, "color": colour, "mfc": face, "label": name, "capsize": 2}
        mean_axis.errorbar(ratios, mean, 2 * std / np.sqrt(n), **shared)
        # For a near-normal sample the standard error of a standard deviation is std/√(2n).
        scatter_axis.errorbar(ratios, 100 * std / mean, 200 * std / mean / np.sqrt(2 * n), **shared)
    limit = crystal.geometric_mean
    mean_axis.axhline(limit, color=THEORY, ls="--", label=f"limit {limit:.3f} GPa")
    step = 1e-4
    slope = np.diff(young_modulus(crystal.stiffness_from_harmonics([-step, step], [0.0, 0.0])))
    line = np.geomspace(0.8 * min(ratios), 1.25 * max(ratios), 50)
    theory = abs(float(slope[0]) / (2 * step)) * np.sqrt(spread_factor / 2) / line
    scatter_axis.loglog(line, 100 * theory / limit, color=THEORY, ls="--", label="theory, ∝ s/L")
    mean_axis.set_xscale("log")
    for axis in (mean_axis, scatter_axis):
        axis.set_xticks(ratios, [f"{ratio:g}" for ratio in ratios])
        axis.set_xticks([], minor=True)
        axis.set_xlabel("window over grain size, L/s")
        axis.legend()
    scatter_axis.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    scatter_axis.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    low, high = 100 * theory.min() / limit, 100 * theory.max() / limit
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if 0.7 * low < t < 1.4 * high]
    scatter_axis.set_yticks(ticks)
    mean_axis.set_ylabel("mean of Ē (GPa)")
    scatter_axis.set_ylabel("standard deviation of Ē (%)")
    mean_axis.margins(y=0.5)
    mean_axis.ticklabel_format(axis="y", useOffset=False)
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


def gallery(
    theta_images: Sequence[np.ndarray], captions: Sequence[str], window_um: float
) -> Figure:
    """Grain structures coloured by θ on a cyclic scale, in rows of four or five.

    Parameters
    ----------
    theta_images : sequence of arrays, shape (h, h)
        θ in radians at each pixel, row 0 at the bottom.
    captions : sequence of str
        Written above each.
    window_um : float
        Side of the window.
    """
    columns = 5 if len(captions) % 5 == 0 else min(4, len(captions))
    rows = -(-len(captions) // columns)
    lines = 1 + captions[0].count("\n")
    figure, axes = panels(rows, columns, 0.95 + 0.15 * lines, sharex=True, sharey=True)
    for axis, theta, caption in zip(axes, theta_images, captions, strict=False):
        picture = draw_structure(axis, theta, window_um)
        axis.set_title(caption, fontsize="x-small" if _is_slide() else "medium")
    for axis in axes[len(captions) :]:
        axis.set_axis_off()
    for axis in axes[columns * (rows - 1) :]:
        axis.set_xlabel("x1 (µm)")
    for axis in axes[::columns]:
        axis.set_ylabel("x2 (µm)")
    _theta_bar(figure, picture, list(axes))
    return figure


def draw_structure(axis: Axes, theta_image: np.ndarray, window_um: float):
    """Colour one window by θ (radians); returns the image for a colour bar."""
    return axis.imshow(
        np.degrees(theta_image),
        cmap=THETA_MAP,
        vmin=0,
        vmax=90,
        extent=(0, window_um, 0, window_um),
    )


def _theta_bar(figure: Figure, picture, axes: list[Axes]) -> None:
    bar = figure.colorbar(picture, ax=axes, ticks=ANGLES_DEG, shrink=0.8, format="%g")
    bar.set_label("θ (°), 90 = 0")


def panels(rows: int, columns: int, shape: float, **sharing) -> tuple[Figure, np.ndarray]:
    """Make a figure with a flat array of axes; `shape` is the height of a panel over its width."""
    figure = Figure()
    width, height = mpl.rcParams["figure.figsize"]
    if not _is_slide():
        width = width if columns == 1 else 7.2
        height = width / columns * shape * rows
    figure.set_size_inches(width, height)
    axes = figure.subplots(rows, columns, squeeze=False, **sharing)
    return figure, axes.ravel()


def _is_slide() -> bool:
    return mpl.rcParams["font.size"] > 12


def _limits(*arrays: np.ndarray) -> tuple[float, float]:
    """Smallest and largest value with a margin."""
    low, high = min(a.min() for a in arrays), max(a.max() for a in arrays)
    margin = 0.04 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def _many_nines(r2: float) -> str:
    """R² with as many digits as tell it from 1.

    Examples
    --------
    >>> _many_nines(0.9123), _many_nines(0.9999876)
    ('0.912', '0.999988')
    """
    digits = 3 if r2 < 0.99 else min(7, 1 - int(np.floor(np.log10(max(1 - r2, 1e-7)))))
    return f"{r2:.{digits}f}"
