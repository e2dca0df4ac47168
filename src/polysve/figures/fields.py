"""Picture of the fields of one SVE."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from polysve.fem.fields import LOADS, Fields
from polysve.figures import style
from polysve.figures.grains import add_key, draw_grains


def draw(fields: Fields, load: str) -> Figure:
    """Mesh, displacement and stresses of one SVE under a mean strain.

    Parameters
    ----------
    fields : Fields
    load : {"11", "22", "12"}
        Component of the mean strain, and of the stress that is shown.
    """
    figure, axes = style.panels(2, 2, 0.88, sharex=True, sharey=True)
    mesh, stress_mpa = fields.mesh, 1e3 * fields.stress_gpa
    triangles = Triangulation(*mesh.nodes_um.T, mesh.triangles)
    s11, s22, s12 = stress_mpa.T
    component = stress_mpa[:, LOADS.index(load)]
    mises = np.sqrt(s11**2 - s11 * s22 + s22**2 + 3 * s12**2)
    length_nm = 1e3 * np.hypot(*fields.fluctuation_um.T)
    shown = (
        (
            "|u − ε·x| (nm)",
            length_nm,
            {"shading": "gouraud"},
            "displacement fluctuation",
        ),
        (f"σ{load} (MPa)", component, {}, f"stress σ{load}"),
        ("σ (MPa)", mises, {}, "von Mises stress"),
    )
    add_key(figure, draw_grains(axes[0], fields.film), [axes[0]], fields.film)
    axes[0].set(aspect="equal", title="mesh")
    for axis, (unit, values, options, title) in zip(axes[1:], shown, strict=True):
        drawn = axis.tripcolor(triangles, values, rasterized=True, **options)
        figure.colorbar(drawn, ax=axis, label=unit)
        axis.set(aspect="equal", title=title)
    axes[0].triplot(triangles, lw=0.2, color=style.TRUE)
    for axis in axes[2:]:
        axis.set_xlabel("x1 (µm)")
    for axis in axes[::2]:
        axis.set_ylabel("x2 (µm)")
    return figure
