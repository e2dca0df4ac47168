"""One style for all figures."""

from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import style as mpl_style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

TRUE, PREDICTED, BASELINE, THIRD, THEORY = "#000000", "#0072B2", "#D55E00", "#009E73", "#6e6e6e"
FILL = "#c8c8c8"
THETA_MAP = "twilight"
"""Cyclic: 0° and 90°, the soft direction of silicon, are the same light grey; 45°, the stiff one, is dark."""
DENSITY_MAP = "viridis"
ANGLES_DEG = (0, 22.5, 45, 67.5, 90)


def sheets(size: str = "column") -> list[Path]:
    """Style sheets of a size, for `matplotlib.pyplot.style.use`."""
    folder = Path(__file__).parent / "sheets"
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


def panels(rows: int, columns: int, shape: float, **sharing) -> tuple[Figure, np.ndarray]:
    """Make a figure with a flat array of axes; `shape` is the height of a panel over its width."""
    figure = Figure()
    width, height = mpl.rcParams["figure.figsize"]
    if not is_slide():
        width = width if columns == 1 else 7.2
        height = width / columns * shape * rows
    figure.set_size_inches(width, height)
    axes = figure.subplots(rows, columns, squeeze=False, **sharing)
    return figure, axes.ravel()


def is_slide() -> bool:
    """Whether figures are drawn for a slide now."""
    return mpl.rcParams["font.size"] > 12


def common_limits(*arrays: np.ndarray) -> tuple[float, float]:
    """Smallest and largest value with a margin."""
    low, high = min(a.min() for a in arrays), max(a.max() for a in arrays)
    margin = 0.04 * (high - low) or 1.0
    return float(low - margin), float(high + margin)
