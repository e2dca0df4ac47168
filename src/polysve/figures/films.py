"""Figures of what a film does: directions, fields and laws."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from polysve.crystals.stiffness import DIRECTIONS_RAD
from polysve.figures.grains import add_key, draw_grains
from polysve.figures.style import FILL, PREDICTED, THEORY
from polysve.grains.film import Film
from polysve.surrogate.moving_window import Field
from polysve.surrogate.prediction import Prediction


def polar(prediction: Prediction) -> Figure:
    """Young's modulus in every direction of the film.

    Parameters
    ----------
    prediction : Prediction
        Of one SVE: drawn with its interval. Of many: their mean, and the range of nine tenths of them.
    """
    angles = np.append(DIRECTIONS_RAD, DIRECTIONS_RAD + np.pi)
    moduli = np.tile(prediction.directional_gpa(DIRECTIONS_RAD), 2)
    if len(moduli) == 1:
        half_width_gpa = prediction.direction_half_width_gpa[0]
        low, middle, high = moduli[0] - half_width_gpa, moduli[0], moduli[0] + half_width_gpa
        band = f"{100 * prediction.coverage:g} % interval, ± {half_width_gpa:.2g} GPa"
    else:
        low, high = np.quantile(moduli, [0.05, 0.95], axis=0)
        middle, band = moduli.mean(0), f"nine tenths of {len(moduli)} SVEs"
    figure = Figure(figsize=(mpl.rcParams["figure.figsize"][0],) * 2)
    axis = figure.add_subplot(projection="polar")
    closed = np.append(angles, 2 * np.pi)
    low, middle, high = (np.append(each, each[0]) for each in (low, middle, high))
    axis.fill_between(closed, low, high, color=PREDICTED, alpha=0.25, lw=0, label=band)
    axis.plot(closed, middle, color=PREDICTED, label="E(φ)" if len(moduli) == 1 else "mean of E(φ)")
    margin = max(0.35 * np.ptp([low.min(), high.max()]), 0.5)
    # the centre is not zero: polysilicon's moduli differ by a few percent only
    axis.set_rlim(low.min() - 2 * margin, high.max() + margin)
    axis.set_rlabel_position(80)
    axis.yaxis.set_major_locator(mpl.ticker.MaxNLocator(4))
    axis.set_title("Young's modulus (GPa) against the direction from x1", pad=14)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2)
    return figure


def field(moduli: Field, film: Film) -> Figure:
    """Grain structure of a film, and Ē of the window that moves over it at the window's centre.

    Parameters
    ----------
    moduli : Field
    film : Film
    """
    width_um, height_um = film.size_um
    inches = mpl.rcParams["figure.figsize"][0]
    figure = Figure(
        figsize=(2 * inches, min(0.75 * inches * height_um / width_um + 0.5, 2 * inches))
    )
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    add_key(figure, draw_grains(left, film), [left], film)
    cells = right.pcolormesh(
        moduli.x_um,
        moduli.y_um,
        moduli.young_modulus_gpa,
        cmap="viridis",
        shading="nearest",
        rasterized=True,
    )
    figure.colorbar(cells, ax=right, label="Ē (GPa)")
    right.set_title(f"window of {moduli.sve_um:g} µm about each point")
    for axis in (left, right):
        axis.set(aspect="equal", xlabel="x1 (µm)", xlim=(0, width_um), ylim=(0, height_um))
    left.set_ylabel("x2 (µm)")
    return figure


def law(result: dict) -> Figure:
    """Histogram of Ē with the fitted laws, of `characterize.characterize`."""
    moduli, laws = result["young_modulus_gpa"], result["laws"]
    figure = Figure()
    axis = figure.subplots()
    axis.hist(moduli, result["histogram"]["edges_gpa"], density=True, color=FILL)
    line = np.linspace(moduli.min(), moduli.max(), 400)
    densities = _densities(laws)
    for (name, density), style in zip(densities.items(), ("-", "--"), strict=False):
        label = f"{name.replace('_', '-')}, AIC {laws[name]['aic'] - laws['normal']['aic']:+.1f}"
        axis.plot(line, density.pdf(line), ls=style, label=label)
    for percent in ("0.1", "99.9"):
        axis.axvspan(*result["quantile_intervals_gpa"][percent], color=THEORY, alpha=0.25, lw=0)
        axis.axvline(result["quantiles_gpa"][percent], color=THEORY, lw=0.8)
    axis.set(xlabel="Ē (GPa)", ylabel="density (1/GPa)")
    axis.set_title(
        f"{result['count']} SVEs of {result['window_um']:g} µm, L/s = {result['ratio']:g}; "
        "grey: 0.1 and 99.9 %",
        loc="left",
    )
    axis.set_ylim(top=1.4 * axis.get_ylim()[1])
    if densities:
        axis.legend(loc="upper center")
    return figure


def _densities(laws: dict) -> dict:
    """Distributions by law; none of films that do not scatter."""
    if laws["better"] == "no_scatter":
        return {}
    normal, log_normal = laws["normal"], laws["log_normal"]
    return {
        "normal": stats.norm(normal["mean_gpa"], normal["std_gpa"]),
        "log_normal": stats.lognorm(log_normal["log_std"], 0, log_normal["median_gpa"]),
    }


def size_law(results: list[dict], law: dict) -> Figure:
    """Scatter over mean of Ē against L/s, with the law s/L and the one with a free exponent."""
    figure = Figure()
    axis = figure.subplots()
    ratios = np.array([each["ratio"] for each in results])
    scatter = np.array([each["std_gpa"] / each["mean_gpa"] for each in results])
    ends = np.array([each["std_interval_gpa"] for each in results]).T
    ends = ends / [each["mean_gpa"] for each in results]
    line = np.geomspace(0.9 * ratios[0], 1.1 * ratios[-1], 50)
    axis.plot(line, 100 * law["factor_of_s_over_L"] / line, color=THEORY, label="s/L")
    free = 100 * law["factor"] * line ** -law["exponent"]
    axis.plot(line, free, color=THEORY, ls="--", label=f"(s/L)^{law['exponent']:.3f}")
    axis.errorbar(
        ratios,
        100 * scatter,
        100 * np.abs(ends - scatter),
        fmt="o",
        color=PREDICTED,
        label="network",
    )
    axis.set(
        xscale="log", yscale="log", xlabel="L/s", ylabel="standard deviation of Ē (% of its mean)"
    )
    axis.xaxis.set_major_locator(mpl.ticker.FixedLocator(ratios))
    axis.xaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    axis.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    axis.legend()
    return figure


def structure(film: Film) -> Figure:
    """Grains of a film in colour."""
    figure = Figure()
    axis = figure.subplots()
    add_key(figure, draw_grains(axis, film), [axis], film)
    axis.set(aspect="equal", xlabel="x1 (µm)", ylabel="x2 (µm)")
    return figure
