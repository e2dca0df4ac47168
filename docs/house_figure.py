"""The picture of the rooms: their order from the contract in pyproject.toml, their arrows from the source itself."""

import ast
import tomllib
from collections import Counter
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from polysve.figures import style

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/polysve"
SAYS = {
    "commands": "what the tools of the command line say",
    "stages": "files in, files out: one for each rule",
    "figures": "one style, one module a family",
    "device": "sections, beams, reliability",
    "surrogate": "a film in, C̄ with an interval out",
    "learning": "encoding, training, judgement",
    "networks": "layers and architectures",
    "films": "what somebody brings: one reader for each ending",
    "data": "layouts, shards, records, seals",
    "fem": "meshes, elements, boundary conditions, labels",
    "grains": "tessellations, textures, films, pictures of them",
    "crystals": "stiffness, orientation, plane stress",
    "settings": "what a user may set",
    "base": "errors, files, progress: no science",
}


def rooms() -> list[str]:
    """Rooms from the top down, as the contract orders them."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = contract["contracts"][0]["layers"]
    return [name.removeprefix("polysve.") for name in layers if (SOURCE / name[8:]).is_dir()]


def arrows() -> Counter:
    """Number of modules of one room that import from another, by pair of rooms."""
    found = Counter()
    for file in SOURCE.glob("*/*.py"):
        names = {
            node.module.split(".")[1]
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("polysve.")
        }
        found.update((file.parent.name, name) for name in names - {file.parent.name})
    return found


def house() -> Figure:
    """Rooms one above the other, as wide as they have lines; an arrow for imports, thicker for more of them."""
    order = rooms()
    lines = {
        room: sum(len(file.read_text().splitlines()) for file in (SOURCE / room).glob("*.py"))
        for room in order
    }
    figure = Figure(figsize=(7.2, 6.4), layout="none")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, 10), ylim=(-0.4, len(order)))
    axis.set_axis_off()
    height = {room: len(order) - 1 - number for number, room in enumerate(order)}
    for room in order:
        y = height[room]
        box = FancyBboxPatch(
            (3.2, y + 0.12), 6.6, 0.72, "round,pad=0.03", fc="#eef3f7", ec=style.THEORY, lw=0.8
        )
        axis.add_patch(box)
        axis.text(3.35, y + 0.48, room, va="center", weight="bold")
        axis.text(4.65, y + 0.48, SAYS[room], va="center")
        axis.text(9.7, y + 0.48, f"{lines[room]:,} lines", va="center", ha="right", size="small")
    for (one, other), count in arrows().items():
        if one in height and other in height:
            reach = height[one] - height[other]
            axis.add_patch(
                FancyArrowPatch(
                    (3.15, height[one] + 0.4),
                    (3.15, height[other] + 0.55),
                    connectionstyle=f"arc3,rad={0.55 if reach > 0 else -0.55}",
                    arrowstyle="-|>",
                    mutation_scale=6,
                    lw=0.4 + 0.12 * count,
                    color=style.PREDICTED if reach > 0 else style.BASELINE,
                    alpha=0.55,
                    shrinkA=0,
                    shrinkB=0,
                )
            )
    return figure


def write(path: Path) -> None:
    """Write the picture."""
    with style.style():
        style.save(house(), path)
