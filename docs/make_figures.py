"""Figures of the documentation, drawn by the package itself when the site is built.

`python docs/make_figures.py FOLDER` writes them all, to look at; docs/story.svg, which the README shows, is one.
"""

import sys
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.tri import Triangulation

from polysve import api
from polysve.crystals import square
from polysve.crystals.catalogue import find
from polysve.crystals.stiffness import young_modulus
from polysve.fem import apparent, fields
from polysve.fem.mesh import mesh_tiling
from polysve.figures import style
from polysve.figures.grains import add_key, draw_grains
from polysve.grains import raster, tessellation
from polysve.grains.film import Film
from polysve.grains.mesh import Mesh
from polysve.learning import encoding
from polysve.settings.labels import MeshSettings, TessellateSettings

SILICON = find("silicon")
EXACT = square.upright(SILICON.stiffness_gpa)
GRAIN_UM = 0.5
AMPLIFIED = 2500
FILMS = 40
TEXTURES = ("<100>", "<110>", "<111>", "<311>", "random")
DETAIL_UM = (0.9, 1.4), (0.25, 0.75)
"""Part of the window whose pixels the figure of the pipeline shows."""


def draw_sve(ratio: int, index: int = 0) -> tuple[Film, float]:
    """One structure and its window in µm."""
    window_um = ratio * GRAIN_UM
    settings = TessellateSettings(window_um=window_um, grain_size_um=GRAIN_UM)
    film = tessellation.draw_film(settings, f"ratio{ratio}", index)
    return film.made_of(SILICON), window_um


def mesh_sve(sve: Film, window_um: float, size: float) -> Mesh:
    settings = MeshSettings(algorithm="gmsh", element_size_fraction=size)
    return mesh_tiling(sve.shape, window_um, GRAIN_UM, settings)


@cache
def story_answers() -> dict[str, tuple[list[Film], np.ndarray, np.ndarray]]:
    """Films of five textures of silicon, Ē of each without training, and of the first ten by finite elements, GPa."""
    found = {}
    for texture in TEXTURES:
        films = [
            api.draw(2.0, GRAIN_UM, texture, index=index, periodic=True) for index in range(FILMS)
        ]
        solved = [api.homogenize(each, boundary_conditions=("pbc",)) for each in films[:10]]
        exact = young_modulus([label.stiffness_gpa["pbc"] for label in solved])
        found[texture] = films, api.predict(films).young_modulus_gpa, exact
    return found


def story() -> Figure:
    """How stiff a film is, how much that scatters by texture, and how right the answer without training is."""
    figure, axes = style.panels(1, 3, 0.95)
    answers = story_answers()
    film = answers["random"][0][0]
    modulus = young_modulus(film.stiffness_gpa)[raster.grain_numbers(film, 256)]
    picture = axes[0].imshow(modulus, extent=(0, 2, 0, 2), vmin=130, vmax=188)
    axes[0].set(title="a film: E of its grains", xlabel="x1 (µm)", ylabel="x2 (µm)")
    axes[0].set(xticks=[0, 1, 2], yticks=[0, 1, 2])
    figure.colorbar(picture, ax=axes[0], label="GPa", shrink=0.8)
    jitter = np.random.default_rng(1).uniform(-0.25, 0.25, FILMS)
    for place, (texture, (_, quick, exact)) in enumerate(answers.items()):
        axes[1].plot(place + jitter, quick, ".", ms=3, alpha=0.7)
        axes[2].plot(exact, 1e6 * (quick[: len(exact)] / exact - 1), ".", ms=4, label=texture)
    axes[1].set_xticks(range(len(TEXTURES)), TEXTURES, rotation=30)
    axes[1].set(title=f"{FILMS} films of each texture, no training", ylabel="Ē (GPa)")
    axes[2].axhline(0, color=style.THEORY, lw=0.6)
    axes[2].set(title="against finite elements", xlabel="Ē by finite elements (GPa)")
    axes[2].set_ylabel("difference (ppm)")
    axes[2].set_ylim(-120, 80)
    axes[2].legend(ncols=2, handletextpad=0.1, columnspacing=0.6, loc="lower right")
    return figure


def structures() -> Figure:
    """Windows of three sizes with grains of one size."""
    figure, axes = style.panels(1, 3, 1.1)
    for axis, ratio in zip(axes, (4, 6, 10), strict=True):
        sve, _ = draw_sve(ratio)
        picture = draw_grains(axis, sve)
        axis.set(title=f"L/s = {ratio}", xlabel="x1 (µm)", ylabel="x2 (µm)")
    add_key(figure, picture, list(axes), sve)
    return figure


def pipeline() -> Figure:
    """Grains to network input: the window above, one corner of grains before and after each step below."""
    sve, window_um = draw_sve(4)
    grey, small = (encoding.encode(sve, pixels, "grey") for pixels in (512, 128))
    waves = encoding.encode(sve, 64)
    black, blue = (
        {"cmap": "gray", "vmin": 0, "vmax": 1},
        {"cmap": "coolwarm", "vmin": -1, "vmax": 1},
    )
    whole = [
        ("grains", raster.grain_numbers(sve, 512), {"cmap": "tab20"}),
        ("grey level θ/90°", grey[..., 0], black),
        ("cos 4θ, −1 to 1", waves[..., 0], blue),
        ("sin 4θ, −1 to 1", waves[..., 1], blue),
    ]
    steps = [
        ("grey, 512 × 512", grey[..., 0], black),
        ("averaged, 128 × 128", small[..., 0], black),
        ("median 3 × 3, 5 times", encoding.median_filter(small, 5)[..., 0], black),
        ("cos 4θ, 64 × 64", waves[..., 0], blue),
    ]
    figure, axes = style.panels(2, 4, 1.15)
    for axis, (title, picture, options) in zip(axes, whole + steps, strict=True):
        axis.imshow(picture, extent=(0, window_um, 0, window_um), **options)
        axis.set(title=title, xlabel="x1 (µm)", xticks=[0, 1, 2], yticks=[0, 1, 2])
    (left, right), (low, high) = DETAIL_UM
    for axis in axes[:4]:
        frame = Rectangle((left, low), right - left, high - low, fc="none", ec=style.BASELINE)
        axis.add_patch(frame)
    for axis in axes[4:]:
        axis.set(xlim=(left, right), ylim=(low, high), xticks=[left, right], yticks=[low, high])
    for axis in axes[::4]:
        axis.set_ylabel("x2 (µm)")
    return figure


def boundary_conditions() -> Figure:
    """What a mean strain along x1 does beside the mean strain, under each boundary condition."""
    sve, window_um = draw_sve(4)
    mesh = mesh_sve(sve, window_um, 0.2)
    edge = np.isin(mesh.nodes_um, [0, window_um]).any(1)
    figure, axes = style.panels(1, 3, 1.2, sharex=True, sharey=True)
    names = {
        "kubc": "KUBC: edge as ε·x",
        "pbc": "PBC: edges fit",
        "subc": "SUBC: edge free, t = σ·n",
    }
    for axis, (name, title) in zip(axes, names.items(), strict=True):
        solution = fields.solve_fields(sve, mesh, name)
        fluctuation_um = solution.fluctuation_um - solution.fluctuation_um[edge].mean(0)
        moved = mesh.nodes_um + AMPLIFIED * fluctuation_um
        triangles = Triangulation(*moved.T, mesh.triangles)
        drawn = axis.tripcolor(
            triangles, 1e3 * solution.stress_gpa[:, 0], vmin=120, vmax=180, rasterized=True
        )
        axis.set(aspect="equal", title=title, xlabel="x1 (µm)")
        axis.plot(
            *np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]).T * window_um, lw=0.8, color="k"
        )
    axes[0].set_ylabel("x2 (µm)")
    figure.colorbar(drawn, ax=list(axes), label="σ11 (MPa) at ε11 = 0.1 %", shrink=0.8)
    return figure


def identities() -> Figure:
    """The geometric-mean identity over many SVEs, and how the mesh approaches it."""
    figure, (left, right) = style.panels(1, 2, 0.8)
    extremes = []
    for index in range(80):
        sve, window_um = draw_sve(4, index)
        meshed = mesh_tiling(sve.shape, window_um, GRAIN_UM, MeshSettings())
        elements = sve.stiffness_gpa[meshed.grain]
        label = apparent.apparent_stiffness(meshed, elements, ("pbc",), 3)
        extremes.append(square.extreme_moduli(label["pbc"]))
    low, high = np.array(extremes).T
    left.plot(low, high, ".", color=style.PREDICTED, label="80 SVEs, PBC")
    line = np.linspace(low.min(), low.max(), 50)
    product = EXACT.young_modulus_100 * EXACT.young_modulus_110
    left.plot(line, product / line, color=style.TRUE, lw=0.8, label="E<100> E<110> / E_min")
    left.set(xlabel="smallest directional modulus (GPa)", ylabel="largest (GPa)")
    left.legend()
    sve, window_um = draw_sve(4)
    sizes = np.array([0.6, 0.3, 0.15, 0.075])
    for order, marker in ((1, "s"), (2, "o")):
        defects = []
        for size in sizes:
            mesh = mesh_sve(sve, window_um, size)
            elements = sve.stiffness_gpa[mesh.grain]
            label = apparent.apparent_stiffness(mesh, elements, ("pbc",), order)
            product = np.prod(square.extreme_moduli(label["pbc"]))
            defects.append(np.sqrt(product) / EXACT.geometric_mean - 1)
        right.loglog(sizes, defects, marker=marker, label=f"polynomial order {order}")
    right.set(xlabel="element edge over grain size", ylabel="defect of √(E_min E_max)")
    right.set_xticks(sizes, [f"{size:g}" for size in sizes])
    right.minorticks_off()
    right.legend()
    return figure


FIGURES = {
    each.__name__: each for each in (story, structures, pipeline, boundary_conditions, identities)
}


def write_all(folder: Path) -> None:
    """Write every figure as SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    with style.style():
        for name, draw in FIGURES.items():
            style.save(draw(), folder / f"{name}.svg")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
