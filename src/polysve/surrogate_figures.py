"""Figures of what a network predicts: directions, fields, laws and beams."""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from polysve.field import Field
from polysve.figures import PREDICTED, draw_structure
from polysve.images import QUARTER_RAD
from polysve.model_card import DIRECTIONS_RAD
from polysve.structures import CellMap, GrainMap
from polysve.surrogate import Prediction


def theta_picture(film: CellMap | GrainMap, pixels: int = 512) -> np.ndarray:
    """θ in radians at each pixel of a film, row 0 at the bottom."""
    picture = film.to_pixels(pixels) if isinstance(film, CellMap) else film
    return np.mod(picture.theta_rad, QUARTER_RAD)[picture.labels]


def polar(prediction: Prediction, half_width_gpa: float) -> Figure:
    """Young's modulus in every direction of the film.

    Parameters
    ----------
    prediction : Prediction
        Of one SVE: drawn with its interval. Of many: their mean, and the range of nine tenths of them.
    half_width_gpa : float
        Of the interval that holds the modulus of one SVE in all directions at once.
    """
    angles = np.append(DIRECTIONS_RAD, DIRECTIONS_RAD + np.pi)
    moduli = np.tile(prediction.directional_gpa(DIRECTIONS_RAD), 2)
    if len(moduli) == 1:
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


def field(moduli: Field, film: CellMap | GrainMap, sve_um: float) -> Figure:
    """Grain structure of a film, and Ē of the window that moves over it at the window's centre.

    Parameters
    ----------
    moduli : Field
    film : CellMap or GrainMap
    sve_um : float
        Side of the window.
    """
    width_um, height_um = film.size_um
    inches = mpl.rcParams["figure.figsize"][0]
    figure = Figure(
        figsize=(2 * inches, min(0.75 * inches * height_um / width_um + 0.5, 2 * inches))
    )
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    picture = draw_structure(left, theta_picture(film), width_um)
    picture.set_extent((0, width_um, 0, height_um))
    figure.colorbar(picture, ax=left, label="θ (°), 90 = 0", ticks=(0, 45, 90))
    cells = right.pcolormesh(
        moduli.x_um, moduli.y_um, moduli.young_modulus_gpa, cmap="viridis", shading="nearest"
    )
    figure.colorbar(cells, ax=right, label="Ē (GPa)")
    right.set_title(f"window of {sve_um:g} µm about each point")
    for axis in (left, right):
        axis.set(aspect="equal", xlabel="x1 (µm)", xlim=(0, width_um), ylim=(0, height_um))
    left.set_ylabel("x2 (µm)")
    return figure
