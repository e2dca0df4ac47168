"""Figures of beams: what they do, why it scatters, how safe they are, what measured ones say."""

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from scipy import stats

from polysve.device.infer import NAMES, Posterior
from polysve.device.view import View
from polysve.figures.style import DENSITY_MAP, FILL, PREDICTED, panels
from polysve.settings.device import LimitSettings

QUANTITIES = {
    "stiffness_n_per_m": "stiffness",
    "frequency_hz": "first frequency",
    "deflection_um": "deflection",
    "curl_um": "curl",
    "torsion_nnm_per_rad": "torsion",
}
SOURCES = {
    "grains": "grains",
    "width_um": "width",
    "thickness_um": "thickness",
    "density_kg_m3": "density",
    "stress_mpa": "stress",
    "gradient_mpa_per_um": "gradient of stress",
}
NEAR = 5
"""Widths of the held end that are shown."""
MARGINALS = {
    "grain_size_um": "grain size (µm)",
    "width_offset_um": "mean width offset (µm)",
    "width_offset_std_um": "its scatter (µm)",
}


def distributions(
    samples: dict[float, dict[str, np.ndarray]], limits: dict[float, tuple[LimitSettings, ...]]
) -> Figure:
    """Distributions of a beam's stiffness, first frequency and deflection over their means; dotted: the limit."""
    names = ("stiffness_n_per_m", "frequency_hz", "deflection_um")
    figure, axes = panels(len(names), 1, 0.42)
    for axis, name in zip(axes, names, strict=True):
        for width, sample in samples.items():
            change = 100 * (sample[name] / sample[name].mean() - 1)
            axis.hist(
                change,
                30,
                density=True,
                histtype="step",
                label=f"{width:g} µm wide:\n± {change.std():.2g} %",
            )
        for number, (width, each) in enumerate(limits.items()):
            for limit in (limit for limit in each if limit.quantity == name):
                place = (limit.at_least or limit.at_most) / samples[width][name].mean()
                axis.axvline(100 * (place - 1), ymax=0.7, color=f"C{number}", ls=":")
        axis.set(title=QUANTITIES[name], ylabel="density", yticks=[])
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axes[-1].set_xlabel("difference from the mean (%)")
    return figure


def shares(found: dict[float, dict]) -> Figure:
    """Shares of the variance by quantity, stacked by source; by width, from `scatter.variance_shares`."""
    quantities = {
        name: label for name, label in QUANTITIES.items() if name in next(iter(found.values()))
    }
    figure, axes = panels(len(found), 1, 0.5, sharex=True)
    for axis, (width, each) in zip(axes, found.items(), strict=True):
        sources = list(next(iter(each.values())))
        left = np.zeros(len(quantities))
        for number, source in enumerate(sources):
            size = np.array(
                [100 * max(each[name][source]["first_order"], 0) for name in quantities]
            )
            label = SOURCES[source] if axis is axes[0] else None
            axis.barh(list(quantities.values()), size, left=left, color=f"C{number}", label=label)
            left += size
        axis.barh(list(quantities.values()), np.maximum(100 - left, 0), left=left, color=FILL)
        axis.set(xlim=(0, 100), title=f"{width:g} µm wide")
        axis.invert_yaxis()
    axes[-1].set_xlabel("share of the variance (%); grey: interactions")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def index(found: dict[float, dict]) -> Figure:
    """Reliability index β against width, with its interval; by width, from `reliability.reliability`."""
    figure = Figure()
    axis = figure.subplots()
    known = {w: each for w, each in found.items() if each["reliability_index"] is not None}
    for width, each in known.items():
        low, high = each["reliability_index_interval"]
        beta = each["reliability_index"]
        counted = each["method"] == "counted"
        axis.errorbar(
            width,
            beta,
            [[beta - low if low is not None else 0], [high - beta if high is not None else 0]],
            fmt="s" if counted else "o",
            color="C1" if counted else PREDICTED,
            capsize=2,
        )
    betas = [each["reliability_index"] for each in known.values()]
    axis.plot(list(known), betas, color=PREDICTED, lw=0.8)
    axis.plot([], [], "s", color="C1", label="counted")
    axis.plot([], [], "o", color=PREDICTED, label="importance sampling")
    axis.set(
        xlabel="width as drawn (µm)", ylabel="reliability index β", title="bars: 95 % interval"
    )
    powers = np.arange(-9, 0)
    right = axis.secondary_yaxis("right", functions=(lambda beta: beta, lambda beta: beta))
    right.set_yticks(-stats.norm.ppf(10.0**powers), [f"$10^{{{power}}}$" for power in powers])
    right.set_ylabel("failure probability")
    axis.legend()
    return figure


def posterior(found: Posterior) -> Figure:
    """Densities of grain size, mean offset and its scatter, with those known before; grey: 90 %."""
    figure, axes = panels(len(NAMES), 1, 0.4)
    for axis, name, after, before in zip(axes, NAMES, found.draws.T, found.prior.T, strict=True):
        low, high = np.quantile(after, [0.05, 0.95])
        axis.axvspan(low, high, color=FILL, alpha=0.5, lw=0)
        axis.hist(before, 40, density=True, histtype="step", color="C1", label="before")
        axis.hist(after, 40, density=True, histtype="step", color=PREDICTED, label="after")
        axis.set(xlabel=MARGINALS[name], ylabel="density", yticks=[])
    axes[0].legend()
    return figure


def beam(view: View) -> Figure:
    """A beam under its force, deflection enlarged, and the grains and the axial stress of its held end."""
    near = int(NEAR * (view.modulus_gpa.shape[1]))
    low, high = np.quantile(view.modulus_gpa, [0.001, 0.999])
    grains = {"cmap": DENSITY_MAP, "clim": (low, high)}
    most = np.quantile(np.abs(view.stress_mpa), 0.999)
    figure, axes = panels(3, 1, 0.36)
    enlarged = float(f"{view.nodes_um.max() / 6 / np.abs(view.displacement_um).max():.1g}")
    bent = view.nodes_um + enlarged * view.displacement_um
    axes[0].add_collection(_pixels(bent, view.modulus_gpa, **grains))
    axes[0].set_title(f"under {view.force_un:g} µN, deflection {enlarged:g} times enlarged")
    held = view.nodes_um[: near + 1]
    for axis, values, label, options in (
        (axes[1], view.modulus_gpa, "E along x1 (GPa)", grains),
        (axes[2], view.stress_mpa, "axial stress (MPa)", {"cmap": "RdBu_r", "clim": (-most, most)}),
    ):
        cells = axis.add_collection(_pixels(held, values[:near], **options))
        figure.colorbar(cells, ax=axis, label=label)
        axis.set_title("its held end, at rest" if axis is axes[1] else "axial stress there")
    for axis in axes:
        axis.set(aspect="equal", ylabel="x2 (µm)")
        axis.autoscale_view()
    axes[2].set_xlabel("x1 (µm)")
    return figure


def _pixels(nodes_um: np.ndarray, values: np.ndarray, **options) -> PolyCollection:
    """Pixels between nodes, coloured."""
    corners = [nodes_um[:-1, :-1], nodes_um[1:, :-1], nodes_um[1:, 1:], nodes_um[:-1, 1:]]
    shapes = np.stack(corners, 2).reshape(-1, 4, 2)
    # an edge of the same colour hides the seams
    return PolyCollection(
        shapes, array=values.ravel(), rasterized=True, edgecolor="face", lw=0.2, **options
    )
