"""Figures of ensembles."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from polysve.crystals.square import PlaneStress
from polysve.crystals.stiffness import young_modulus
from polysve.figures.grains import add_key, draw_grains
from polysve.figures.style import (
    ANGLES_DEG,
    DENSITY_MAP,
    PREDICTED,
    THEORY,
    THETA_MAP,
    TRUE,
    common_limits,
    is_slide,
    panels,
)
from polysve.grains.film import Film


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
    edges = np.linspace(*common_limits(*samples.values()), 41)
    for name, values in samples.items():
        label = f"{name.upper()}: {values.mean():.2f} ± {values.std():.2f} GPa"
        axis.hist(values, edges, density=True, histtype="step", label=label)
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


def gallery(films: Sequence[Film], captions: Sequence[str]) -> Figure:
    """Grain structures in colour, in rows of four or five.

    Parameters
    ----------
    films : sequence of Film
        Of one size.
    captions : sequence of str
        Written above each.
    """
    figure, axes = _grid(captions)
    for axis, film, caption in zip(axes, films, captions, strict=False):
        image = draw_grains(axis, film)
        axis.set_title(caption, fontsize="x-small" if is_slide() else "medium")
    add_key(figure, image, list(axes), films[0])
    return figure


def worst_gallery(
    pictures: Sequence[np.ndarray], captions: Sequence[str], window_um: float, of_angles: bool
) -> Figure:
    """Network inputs as θ in radians, or as the modulus along x1 in GPa, at each pixel, row 0 at the bottom."""
    figure, axes = _grid(captions)
    if of_angles:
        scale = {"cmap": THETA_MAP, "vmin": 0, "vmax": 90}
        pictures = [np.degrees(picture) for picture in pictures]
    else:
        low, high = min(map(np.min, pictures)), max(map(np.max, pictures))
        scale = {"cmap": DENSITY_MAP, "vmin": low, "vmax": high}
    for axis, picture, caption in zip(axes, pictures, captions, strict=False):
        image = axis.imshow(picture, extent=(0, window_um, 0, window_um), **scale)
        axis.set_title(caption, fontsize="x-small" if is_slide() else "medium")
    ticks = ANGLES_DEG if of_angles else None
    bar = figure.colorbar(image, ax=list(axes), ticks=ticks, shrink=0.8, format="%g")
    bar.set_label("θ (°), 90 = 0" if of_angles else "E along x1 (GPa)")
    return figure


def _grid(captions: Sequence[str]) -> tuple[Figure, np.ndarray]:
    """Panels for so many windows, with labels on the outer ones."""
    columns = 5 if len(captions) % 5 == 0 else min(4, len(captions))
    rows = -(-len(captions) // columns)
    lines = 1 + captions[0].count("\n")
    figure, axes = panels(rows, columns, 0.95 + 0.15 * lines, sharex=True, sharey=True)
    for axis in axes[len(captions) :]:
        axis.set_axis_off()
    for axis in axes[columns * (rows - 1) :]:
        axis.set_xlabel("x1 (µm)")
    for axis in axes[::columns]:
        axis.set_ylabel("x2 (µm)")
    return figure, axes
