"""The report as one HTML file: template, style and script lie in the folder ``report``."""

import json
import math
from pathlib import Path

from polysve.figures import charts

FOLDER = Path(__file__).with_name("report")
CAPTIONS = {
    "loss": "Loss of training and validation over the epochs, and the learning rate.",
    "distributions": "True and predicted distribution of Ē at each ratio of window to grain size.",
    "size_effect": "Mean and scatter of Ē over the ratio of window to grain size.",
    "parity": "Predicted over true Ē of the test films; the line is equality.",
    "residuals": "Error of the prediction over what it may depend on: the true value, the modulus of the mean of "
    "log Q, the spread of log Q, and the effective number of grains.",
    "worst": "The test films that the network predicts worst; colour is the angle θ, or the modulus along x1, as the "
    "network reads it.",
    "coverage": "Share of the test films whose true Ē lies in its interval, over the share that it was made for.",
    "gallery": "The first structures, and Ē of each. Colour is the angle θ on a cyclic scale, light grains soft along "
    "the edges and dark ones stiff; of other films, which crystal direction is the film normal.",
    "distribution": "Ē of all films under each boundary condition: mean and standard deviation.",
    "scatter": "Stiffness, first frequency and deflection of the beams over their means; dotted: a limit.",
    "shares": "Share of the variance of each quantity that a source has by itself (first-order Sobol indices).",
    "safety": "Reliability index β, and the failure probability, against the width; bars: 95 % interval.",
    "beam": "One beam under its force, the grains of its held end, and the axial stress there.",
    "history": "Validation loss of each trial in the order they began, and the best so far. Crosses: trials stopped "
    "early because the others were better, with the loss they had reached.",
    "importance": "How much of the variance of log(loss) each setting explains by itself, the shares scaled to a sum "
    "of 1 (functional analysis of variance: Hutter, Hoos & Leyton-Brown 2014); a rough measure with few trials.",
}
"""What a figure shows, by its name or the first word of it."""


def render(values: dict, data: dict) -> str:
    """The page.

    Parameters
    ----------
    values : dict
        What the template names.
    data : dict
        What the script reads; without plots the page has no library for them.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["caption"] = caption
    environment.filters["digits"] = digits
    environment.filters["percent"] = percent
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return environment.get_template("report.html").render(
        **values,
        style=(FOLDER / "report.css").read_text(encoding="utf-8"),
        script=(FOLDER / "report.js").read_text(encoding="utf-8"),
        library=_plotly() if data["plots"] else "",
        data=text,
        level=100 * charts.LEVEL,
    )


def caption(figure: str) -> str:
    """What a figure shows.

    Examples
    --------
    >>> caption("parity_ratio4")
    'Predicted over true Ē of the test films; the line is equality.'
    """
    return CAPTIONS.get(figure) or CAPTIONS[figure.partition("_")[0]]


def digits(value: float, least: int = 3) -> str:
    """A number with so many significant digits, and with as many more as tell a share from 1.

    Examples
    --------
    >>> digits(0.12345), digits(0.999987), digits(-3.0), digits(1234.5)
    ('0.123', '0.999987', '−3', '1230')
    """
    if 0.99 < value < 1 - 1e-7:
        return f"{value:.{1 - math.floor(math.log10(1 - value))}f}"
    return f"{float(f'{value:.{least}g}'):.12g}".replace("-", "−")


def percent(value: float) -> str:
    """An error in percent with two decimals, or one from ten on.

    Examples
    --------
    >>> percent(0.0498), percent(25.83)
    ('0.05', '25.8')
    """
    return f"{value:.{1 if abs(value) >= 9.995 else 2}f}".replace("-", "−")


def _plotly() -> str:
    """Plotly's own script, which the package carries."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs().replace("</script", "<\\/script")
