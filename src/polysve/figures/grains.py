"""Grains of a film in colour: by θ where it tells all, else by the inverse pole figure."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from polysve.base.types import Array
from polysve.crystals.orientation import ipf_colours
from polysve.figures.style import ANGLES_DEG, THETA_MAP
from polysve.grains.film import Film

PIXELS = 512
BOUNDARY = 40
"""Grey of a line between grains."""


def draw_grains(axis: Axes, film: Film):
    """Colour the grains of a film; returns the image."""
    from polysve.grains.raster import grain_numbers

    width_um, height_um = film.size_um
    numbers = grain_numbers(film, PIXELS)
    options = {}
    if film.theta_rad is not None:
        picture = np.degrees(film.theta_rad)[numbers]
        options = {"cmap": THETA_MAP, "vmin": 0, "vmax": 90}
    else:
        picture = grain_colours(film)[numbers]
    return axis.imshow(picture, extent=(0, width_um, 0, height_um), **options)


def grain_colours(film: Film, direction=(0.0, 0.0, 1.0)) -> Array:
    """Inverse-pole-figure colours of a direction of the film, red, green, blue in [0, 1] for each grain."""
    colours = np.empty((len(film.phase), 3))
    for phase, crystal in enumerate(film.crystals):
        grains = film.phase == phase
        if grains.any():
            colours[grains] = ipf_colours(film.quaternions[grains], crystal.point_group, direction)
    return colours


def picture(film: Film, direction=(0.0, 0.0, 1.0), pixels: int = PIXELS) -> NDArray[np.uint8]:
    """Grains in inverse-pole-figure colours with dark boundaries, shape (rows, columns, 3), row 0 at the top."""
    from polysve.grains.raster import grain_numbers

    numbers = grain_numbers(film, pixels)
    painted = np.uint8(255 * grain_colours(film, direction))[numbers]
    below, left = numbers[1:] != numbers[:-1], numbers[:, 1:] != numbers[:, :-1]
    painted[1:][below] = painted[:, 1:][left] = BOUNDARY
    return painted[::-1]


def add_key(figure: Figure, image, axes: list[Axes], film: Film) -> None:
    """Colour bar of θ, or a line that tells what the colours mean; the key itself is `pole_figure_key`."""
    if film.theta_rad is not None:
        bar = figure.colorbar(image, ax=axes, ticks=ANGLES_DEG, shrink=0.8, format="%g")
        bar.set_label("θ (°), 90 = 0")
        return
    names = ", ".join(dict.fromkeys(crystal.name for crystal in film.crystals))
    figure.supxlabel(
        f"colour: which crystal direction is the film normal ({names})", fontsize="medium"
    )


def pole_figure_key(film: Film) -> Figure:
    """Key of the inverse-pole-figure colours of a film's first crystal, by orix."""
    from orix.plot import DirectionColorKeyTSL, IPFColorKeyTSL  # noqa: F401
    from orix.vector import Vector3d

    key = IPFColorKeyTSL(film.crystals[0].point_group, direction=Vector3d.zvector())
    with mpl.rc_context():
        return key.plot(return_figure=True)
