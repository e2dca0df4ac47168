"""Charts of the report: small SVG whose colours are those of the page, light or dark."""

from collections.abc import Callable, Sequence
from html import escape

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import MaxNLocator
from scipy.stats import norm

from polysve.base.types import Array
from polysve.crystals.stiffness import young_modulus
from polysve.figures.style import DENSITY_MAP, common_limits
from polysve.grains.film import Film
from polysve.learning.metrics import standard_errors

WIDTH, HEIGHT = 420, 262
LEFT, RIGHT, TOP, BOTTOM = 68, 14, 10, 44
SIDE = 200
"""Of a film's picture, in its own units."""
SHADES = 32
LEVEL = 0.95
"""Of the intervals that are drawn."""
SCATTER_TICKS = [tick * ten for ten in (0.01, 0.1, 1, 10) for tick in (1, 1.5, 2, 3, 5, 7)]


def shades() -> list[str]:
    """Colours of grains, from the softest to the stiffest along x1."""
    chosen = mpl.colormaps[DENSITY_MAP](np.linspace(0.05, 0.97, SHADES))
    return [mpl.colors.to_hex(colour) for colour in chosen]


def grains(film: Film, limits_gpa: tuple[float, float]) -> list[list[int]]:
    """Polygons of a film: for each the number of its shade, then x and y of its corners from the upper left.

    Parameters
    ----------
    film : Film
        Grains as polygons.
    limits_gpa : tuple of float
        Young's moduli along x1 that have the first and the last of the shades.
    """
    low, high = limits_gpa
    share = (young_modulus(film.stiffness_gpa) - low) / ((high - low) or 1)
    shade = np.clip((share * SHADES).astype(int), 0, SHADES - 1)
    places = np.rint(film.shape.vertices_um / film.size_um * SIDE).astype(int)
    places[:, 1] = SIDE - places[:, 1]
    corners = np.split(places, film.shape.offsets[1:-1])
    return [
        [int(shade[grain]), *each.ravel().tolist()]
        for grain, each in zip(film.shape.grain, corners, strict=True)
    ]


def picture(polygons: list[list[int]], title: str) -> str:
    """Film of `grains` as SVG."""
    colours = shades()
    drawn = "".join(
        f'<polygon fill="{colours[shade]}" points="{" ".join(map(str, places))}"/>'
        for shade, *places in polygons
    )
    return (
        f'<svg class="film" viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{escape(title)}">'
        f"{drawn}</svg>"
    )


def distribution(
    true_gpa: Array, predicted_gpa: Array | None, marked_gpa: float, x_label: str
) -> str:
    """Density of Ē by finite elements, a network's on top, and the modulus of the film that is shown."""
    samples = [true_gpa] if predicted_gpa is None else [true_gpa, predicted_gpa]
    low, high = common_limits(*samples)
    bins = int(np.clip(2 * len(true_gpa) ** 0.5, 8, 36))
    edges = np.linspace(low, high, bins + 1)
    densities = [np.histogram(sample, edges, density=True)[0] for sample in samples]
    axes = Axes((low, high), (0, 1.12 * max(map(np.max, densities))), x_label, "density (1/GPa)")
    for kind, density in zip(("fe", "network"), densities, strict=False):
        x = np.repeat(edges, 2)
        axes.line(x, np.concatenate([[0], np.repeat(density, 2), [0]]), f"steps {kind}")
    axes.line([marked_gpa, marked_gpa], [0, axes.y_limits[1]], "mark")
    return axes.svg("Distribution of the Young's modulus")


def size_effect(samples: dict[float, Array], law_percent: float) -> str:
    """Scatter of Ē in percent of its mean against L/s, with intervals, and the law s/L.

    Parameters
    ----------
    samples : dict of float to array
        Ē of the films of each ratio.
    law_percent : float
        Factor of s/L.
    """
    points = np.array([_scatter_percent(sample) for sample in samples.values()])
    line = np.geomspace(0.85 * min(samples), 1.18 * max(samples), 2)
    every = np.concatenate([law_percent / line, points.ravel()])
    limits = 0.9 * every[every > 0].min(), 1.1 * every.max()
    axes = Axes(
        (line[0], line[-1]),
        limits,
        "window over grain size, L/s",
        "scatter of Ē (% of the mean)",
        scale=np.log,
        x_ticks=list(samples),
        y_ticks=[tick for tick in SCATTER_TICKS if limits[0] <= tick <= limits[1]],
    )
    axes.line(line, law_percent / line, "law")
    for ratio, (low, middle, high) in zip(samples, points, strict=True):
        axes.line([ratio, ratio], [max(low, limits[0]), high], "bar fe")
        axes.point(ratio, middle, "fe")
    return axes.svg("Scatter against the size of the window")


def films(samples: dict[str, Array], x_label: str) -> str:
    """Range of Ē of several films: the middle 98 %, mean ± standard deviation, mean."""
    low, high = common_limits(*samples.values())
    rows = len(samples)
    axes = Axes((low, high), (rows - 0.4, -0.6), x_label, "", y_ticks=[], height=60 + 46 * rows)
    for row, (name, sample) in enumerate(samples.items()):
        axes.line(np.quantile(sample, [0.01, 0.99]), [row, row], "range")
        spread = sample.mean() + np.array([-1, 1]) * sample.std()
        axes.line(spread, [row, row], "spread")
        axes.point(sample.mean(), row, "network")
        axes.text(low, row, name, -12)
    return axes.svg("Young's modulus of each film")


def half_widths(sample: Array) -> tuple[float, float]:
    """Half widths of the intervals (`LEVEL`) of mean and standard deviation."""
    factor = norm.ppf(0.5 + LEVEL / 2)
    return tuple(float(factor * error) for error in standard_errors(sample))


def _scatter_percent(sample: Array) -> tuple[float, float, float]:
    """Lower end, value and upper end of the scatter over the mean."""
    half, scale = half_widths(sample)[1], 100 / sample.mean()
    return (sample.std() - half) * scale, sample.std() * scale, (sample.std() + half) * scale


class Axes:
    """Two axes with their ticks and labels, to which marks are added; the page gives each kind of mark its colour.

    Parameters
    ----------
    x_limits, y_limits : tuple of float
    x_label, y_label : str
    x_ticks, y_ticks : sequence of float, optional
    scale : callable, optional
        What places are proportional to, such as `numpy.log`.
    height : float
    """

    def __init__(
        self,
        x_limits: tuple[float, float],
        y_limits: tuple[float, float],
        x_label: str,
        y_label: str,
        x_ticks: Sequence[float] | None = None,
        y_ticks: Sequence[float] | None = None,
        scale: Callable = np.asarray,
        height: float = HEIGHT,
    ):
        self.x_limits, self.y_limits, self.scale, self.height = x_limits, y_limits, scale, height
        self.marks = []
        x_ticks = _ticks(x_limits) if x_ticks is None else x_ticks
        y_ticks = _ticks(y_limits) if y_ticks is None else y_ticks
        bottom = height - BOTTOM
        for tick in x_ticks:
            self._label(self.x(tick), bottom + 17, f"{tick:g}", "middle")
            self.marks.append(
                f'<path class="axis" d="M{self.x(tick):.1f} {bottom}v4"/>',
            )
        for tick in y_ticks:
            self._label(LEFT - 7, self.y(tick) + 4, f"{tick:g}", "end")
            self.marks.append(
                f'<path class="grid" d="M{LEFT} {self.y(tick):.1f}H{WIDTH - RIGHT}"/>'
            )
        self.marks.append(f'<path class="axis" d="M{LEFT} {bottom}H{WIDTH - RIGHT}"/>')
        self._label((LEFT + WIDTH - RIGHT) / 2, height - 6, x_label, "middle")
        middle = (TOP + bottom) / 2
        self.marks.append(
            f'<text class="middle" transform="translate(14 {middle}) rotate(-90)">{y_label}</text>'
        )

    def x(self, value):
        """Place of a value from the left."""
        return LEFT + (WIDTH - LEFT - RIGHT) * self._share(value, self.x_limits)

    def y(self, value):
        """Place of a value from the top."""
        return TOP + (self.height - TOP - BOTTOM) * (1 - self._share(value, self.y_limits))

    def _share(self, value, limits):
        low, high = self.scale(limits[0]), self.scale(limits[1])
        return (self.scale(value) - low) / (high - low)

    def line(self, x, y, kind: str) -> None:
        """Add straight lines from point to point."""
        places = zip(self.x(np.asarray(x, float)), self.y(np.asarray(y, float)), strict=True)
        path = "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
        self.marks.append(f'<path class="{kind}" d="M{path}"/>')

    def point(self, x: float, y: float, kind: str) -> None:
        """Add a ring, or a dot for a network."""
        radius = 5.5 if kind == "fe" else 3.5
        self.marks.append(
            f'<circle class="point {kind}" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius}"/>'
        )

    def text(self, x: float, y: float, words: str, up: float) -> None:
        """Add words at a point, so many units above it."""
        self._label(self.x(x), self.y(y) + up, words, "start")

    def _label(self, x: float, y: float, words: str, kind: str) -> None:
        self.marks.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>')

    def svg(self, title: str) -> str:
        """The whole chart."""
        return (
            f'<svg class="chart" viewBox="0 0 {WIDTH} {self.height}" role="img" '
            f'aria-label="{escape(title)}">{"".join(self.marks)}</svg>'
        )


def _ticks(limits: tuple[float, float]) -> list[float]:
    """Round numbers within limits."""
    low, high = sorted(limits)
    return [float(tick) for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]
