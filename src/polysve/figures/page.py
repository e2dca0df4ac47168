"""Figures of the page, by Plotly: they take its colours, light or dark, and tell numbers under the mouse."""

import numpy as np
import plotly.graph_objects as go

from polysve.figures.style import PREDICTED
from polysve.surrogate.prediction import Prediction

GRID, WORDS = "rgba(128, 128, 128, 0.4)", "#808080"
"""Seen on light and dark."""


def polar(prediction: Prediction) -> go.Figure:
    """Young's modulus of one film in every direction, with its interval."""
    angles = np.linspace(0, 2 * np.pi, 145)
    moduli = prediction.directional_gpa(angles)[0]
    half = prediction.direction_half_width_gpa[0]
    margin = max(0.4 * np.ptp(moduli), half, 1.0)
    lines = (
        ("interval, lower end", moduli - half, {"width": 0}, None),
        ("interval", moduli + half, {"width": 0}, "tonext"),
        ("E(φ)", moduli, {"width": 2, "color": PREDICTED}, None),
    )
    figure = go.Figure(
        [
            go.Scatterpolar(
                r=values,
                theta=np.degrees(angles),
                name=name,
                line=line,
                fill=fill,
                fillcolor="rgba(0, 114, 178, 0.3)",
                mode="lines",
                hovertemplate="%{theta:.0f}°: %{r:.2f} GPa",
            )
            for name, values, line, fill in lines
        ]
    )
    figure.update_layout(height=340, margin={"l": 40, "r": 40, "t": 30, "b": 30}, showlegend=False)
    axis = {"gridcolor": GRID, "linecolor": GRID, "tickfont": {"color": WORDS}}
    figure.update_polars(bgcolor="rgba(0, 0, 0, 0)", radialaxis=axis, angularaxis=axis)
    # the centre is not zero: most films' moduli differ by a few percent only
    figure.update_polars(
        radialaxis={
            "range": [moduli.min() - 2 * margin, moduli.max() + margin],
            "nticks": 5,
            "angle": 67,
        }
    )
    return figure
