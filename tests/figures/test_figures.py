"""Figures that a reader can read: nothing clipped, no overlap of words, units on all axes, safe colours."""

import itertools
import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from structures import SILICON, draw, pictured

from polysve.fem.fields import solve_fields
from polysve.figures import ensembles, experiments, fields, style
from polysve.grains.mesh import Mesh
from polysve.learning import metrics

# Numbers have no unit.
PURE = re.compile(r"epoch|learning rate|SVEs per cell|cos 4θ|sin 4θ|grains|L/s|share of")


def drawn():
    """One of each figure, on data like those of a study."""
    random = np.random.default_rng(4)
    pairs = {}
    for ratio in (4, 6, 10):
        true = random.normal(148.2, 14 / ratio, 150)
        pairs[f"ratio{ratio}"] = (true, true + random.normal(0, 0.2, 150))
    true, predicted = pairs["ratio4"]
    epochs = np.arange(1, 31)
    history = {
        "loss": 1.0 / epochs,
        "val_loss": 1.2 / epochs**0.8,
        "learning_rate": np.where(epochs < 15, 1e-3, 5e-4),
    }
    closed_form = {key: values[:1] for key, values in history.items()}
    theta = [random.uniform(0, np.pi / 2, (20, 20)) for _ in range(5)]
    films = [draw(index)[0] for index in range(8)]
    tilted = [replace(film, theta_rad=None) for film in films]
    titles = [f"SVE {n}: Ē 148.21 GPa" for n in range(8)]
    captions = [f"SVE {number}\nĒ 148.21 GPa\nnetwork 148.50" for number in range(5)]
    samples = {"finite elements": [t for t, _ in pairs.values()]}
    samples["network"] = [p for _, p in pairs.values()]
    square = (np.array([[0.0, 0], [2, 0], [2, 2], [0, 2], [1, 1]]), [0, 1, 2, 3])
    mesh = Mesh(square[0], np.array([[k, (k + 1) % 4, 4] for k in range(4)]), np.arange(4))
    upright = pictured(np.arange(4).reshape(2, 2), np.linspace(0, 1.2, 4))
    four = replace(upright, shape=mesh, size_um=(2.0, 2.0))
    predictors = {"Ē (GPa)": true, "window mean of cos 4θ": true, "grains": true, "sin 4θ": true}
    return {
        "parity": experiments.parity(true, predicted, predicted, "ratio4, 150 SVEs, L/s = 4"),
        "loss": experiments.loss_curves(history, metrics.diagnose(history)),
        "closed form": experiments.loss_curves(closed_form, metrics.diagnose(closed_form)),
        "distributions": experiments.distributions(pairs),
        "size effect": ensembles.size_effect(np.array([4, 6, 10]), samples, 1.15, SILICON),
        "one ratio": ensembles.size_effect(
            np.array([4.0]), {"network": samples["network"][:1]}, 1.15, SILICON
        ),
        "residuals": experiments.residuals(predicted - true, predictors),
        "gallery": ensembles.gallery(films, titles),
        "gallery of any film": ensembles.gallery(tilted, titles),
        "worst": ensembles.worst_gallery(theta, captions, 2.0, of_angles=True),
        "moduli": ensembles.moduli(
            {"kubc": true + 1, "pbc": true, "subc": true - 1}, {"limit": 148.2}, 4.0
        ),
        "fields": fields.draw(solve_fields(four, mesh, "kubc"), "11"),
    }


@pytest.fixture(scope="module", params=["column", "slide"])
def drawings(request):
    """Figures as they are laid out for one size."""
    with style.style(request.param):
        made = drawn()
        for figure in made.values():
            FigureCanvasAgg(figure).draw()
        yield request.param, made


def ticks(axis):
    """Tick labels that are drawn: those beyond the limits of their axis exist too."""
    for scale in (axis.xaxis, axis.yaxis):
        low, high = sorted(scale.get_view_interval())
        for tick in [*scale.get_major_ticks(), *scale.get_minor_ticks()]:
            if low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def words(figure):
    """Titles, labels, notes and legends, and whether each is of a tick, with their boxes in pixels."""
    of_ticks = {text for axis in figure.axes for text in ticks(axis)}
    all_ticks = {
        text
        for axis in figure.axes
        for scale in (axis.xaxis, axis.yaxis)
        for tick in [*scale.get_major_ticks(), *scale.get_minor_ticks()]
        for text in (tick.label1, tick.label2)
    }
    for text in figure.findobj(mpl.text.Text):
        hidden = not text.get_visible() or not text.get_text().strip()
        off = text.axes is not None and not text.axes.axison
        if not hidden and not off and (text not in all_ticks or text in of_ticks):
            yield text, text in of_ticks, text.get_window_extent(figure.canvas.get_renderer())


def test_no_text_is_clipped(drawings):
    _, made = drawings
    for name, figure in made.items():
        width, height = figure.canvas.get_width_height()
        for text, _, box in words(figure):
            assert box.x0 > -1 and box.x1 < width + 1, (name, text.get_text())
            assert box.y0 > -1 and box.y1 < height + 1, (name, text.get_text())


def test_words_do_not_overlap(drawings):
    _, made = drawings
    for name, figure in made.items():
        boxes = [(text.get_text(), box) for text, _, box in words(figure)]
        for (one, first), (other, second) in itertools.combinations(boxes, 2):
            across = min(first.x1, second.x1) - max(first.x0, second.x0)
            along = min(first.y1, second.y1) - max(first.y0, second.y0)
            assert across < 2 or along < 8, f"{name}: {one!r} and {other!r}"


def test_every_axis_says_what_it_shows_and_in_which_unit(drawings):
    _, made = drawings
    for name, figure in made.items():
        labels = [figure.get_supylabel()]
        for axis in figure.axes:
            labels += [axis.get_xlabel(), axis.get_ylabel()]
            shown = {"x": axis.get_xlabel(), "y": axis.get_ylabel() or figure.get_supylabel()}
            for which, label in shown.items():
                scale = getattr(axis, f"{which}axis")
                group = getattr(axis, f"get_shared_{which}_axes")().get_siblings(axis)
                numbers = any(
                    tick.label1.get_visible() and tick.label1.get_text()
                    for tick in scale.get_major_ticks()
                )
                if axis.axison and numbers:
                    same = [getattr(each, f"get_{which}label")() for each in group]
                    assert label or any(same), (name, which)
        for label in filter(None, labels):
            assert PURE.search(label) or re.search(r"\(.+\)", label), (name, label)


def test_letters_can_be_read(drawings):
    size, made = drawings
    smallest = {"column": 6.5, "slide": 12}[size]
    for name, figure in made.items():
        assert figure.get_size_inches()[0] <= {"column": 7.21, "slide": 10}[size], name
        for text, _, _ in words(figure):
            assert text.get_fontsize() >= smallest, (name, text.get_text())


def test_each_boundary_condition_has_a_colour_of_its_own():
    samples = {name: np.arange(9.0) for name in ("kubc", "subc", "pbc", "mixed")}
    (axis,) = ensembles.moduli(samples, {}, 4.0).axes
    colours = {each.get_edgecolor() for each in axis.get_legend().get_patches()}
    assert len(colours) == 4


def test_ninety_degrees_look_like_zero():
    colours = mpl.colormaps[style.THETA_MAP]
    assert np.allclose(colours(0.0), colours(1.0), atol=0.02)
    steps = np.abs(np.diff(colours(np.linspace(0, 1, 91))[:, :3], axis=0)).max(1)
    assert steps.max() < 0.06, "no jump between neighbouring angles"


# Viénot, Brettel & Mollon (1999): what protanopes and deuteranopes see, in linear RGB.
BLIND = {
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
}


@pytest.mark.parametrize("kind", BLIND)
def test_series_differ_for_the_colour_blind_and_in_grey(kind):
    series = (style.PREDICTED, style.BASELINE, style.THIRD, style.TRUE)
    rgb = np.array([mpl.colors.to_rgb(colour) for colour in series])
    seen = (rgb**2.2) @ np.array(BLIND[kind]).T
    seen = np.clip(seen, 0, 1) ** (1 / 2.2)
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(one - other) > 0.15


def test_the_same_figure_gives_the_same_file(tmp_path):
    for name in ("a.svg", "b.svg"):
        with style.style():
            style.save(drawn()["size effect"], tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<text" not in (tmp_path / "a.svg").read_bytes(), (
        "letters are drawn, not borrowed fonts"
    )


def test_theory_is_the_variance_of_independent_grains():
    """The dashed line against a direct draw: Ē to first order of windows of 100 equal grains."""
    random = np.random.default_rng(8)
    cosine = np.cos(4 * random.uniform(0, np.pi / 2, (20_000, 100))).mean(1)
    step = 1e-4
    soft, stiff = (SILICON.stiffness_from_harmonics(c, 0.0) for c in (-step, step))
    slope = (1 / np.linalg.inv(stiff)[0, 0] - 1 / np.linalg.inv(soft)[0, 0]) / (2 * step)
    figure = ensembles.size_effect(
        np.array([10.0]), {"network": [SILICON.geometric_mean + slope * cosine]}, 1.0, SILICON
    )
    line = next(each for each in figure.axes[1].lines if "theory" in each.get_label())
    theory = np.interp(10.0, *line.get_data())
    drawn_percent = 100 * np.std(slope * cosine) / SILICON.geometric_mean
    assert theory == pytest.approx(drawn_percent, rel=0.02)
