"""One SVE for the eye: its numbers, a picture of its fields, a file for ParaView."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from polysve import figures, stress
from polysve.crystal import young_modulus
from polysve.ensemble import Ensemble
from polysve.errors import InputError
from polysve.homogenization import SOLVERS
from polysve.progress import busy
from polysve.storage import atomic_path

PICTURES = (".svg", ".pdf", ".png")


def describe(path: Path, index: int) -> Iterator[str]:
    """Say in lines what an ensemble file holds of one SVE.

    Raises
    ------
    InputError
        There is no such SVE.
    """
    ensemble = Ensemble(path)
    row = ensemble.row(index)
    degrees = np.degrees(ensemble.theta(row))
    yield (
        f"SVE {index}: {len(degrees)} grains in {ensemble.window_um:g} x {ensemble.window_um:g} µm, "
        f"L/s = {ensemble.ratio:g}, angles from {degrees.min():.1f} to {degrees.max():.1f} degrees"
    )
    for name in ensemble.boundary_conditions:
        stiffness = ensemble.stiffness(name)[row]
        c11, c12, c16, c66 = stiffness[[0, 0, 0, 2], [0, 1, 2, 2]]
        yield (
            f"{name.upper()}  E = {young_modulus(stiffness):.4f}  C11 = {c11:.4f}  C12 = {c12:.4f}  "
            f"C16 = {c16:.4f}  C66 = {c66:.4f} GPa"
        )


def solve_and_write(
    path: Path,
    index: int,
    boundary_condition: str,
    load: str,
    mean_strain: float,
    element_size_fraction: float,
    picture: Path | None,
    vtu: Path | None,
) -> None:
    """Solve one SVE under a mean strain and write what is asked for.

    Parameters
    ----------
    path : Path
        Ensemble file.
    index : int
    boundary_condition : {"kubc", "subc", "pbc"}
    load : {"11", "22", "12"}
        Component of the mean strain.
    mean_strain : float
    element_size_fraction : float
        Edge length over the grain size.
    picture, vtu : Path, optional

    Raises
    ------
    InputError
        An argument is not one of those allowed, or there is no such SVE.
    """
    if boundary_condition not in SOLVERS:
        raise InputError(f"--bc = {boundary_condition}: allowed are {', '.join(SOLVERS)}")
    if load not in stress.LOADS:
        raise InputError(f"--load = {load}: allowed are {', '.join(stress.LOADS)}")
    if not 0 < abs(mean_strain) < 1:
        raise InputError(f"--strain = {mean_strain:g}: must be a small number other than zero")
    if picture and picture.suffix not in PICTURES:
        raise InputError(
            f"--fields = {picture}: allowed are names that end in {', '.join(PICTURES)}"
        )
    with busy(f"solving SVE {index}"):
        mesh, theta, material = stress.read_sve(path, index, element_size_fraction)
        fields = stress.solve(mesh, theta, material, boundary_condition, load, mean_strain)
        if vtu:
            stress.write_vtu(vtu, fields)
        if picture:
            with figures.style(), atomic_path(picture) as temporary:
                figures.save(draw(fields, load), temporary)


def draw(fields: stress.Fields, load: str) -> Figure:
    """Mesh, displacement and stresses of one SVE under a mean strain.

    Parameters
    ----------
    fields : stress.Fields
    load : {"11", "22", "12"}
        Component of the mean strain, and of the stress that is shown.
    """
    figure, axes = figures.panels(2, 2, 0.88, sharex=True, sharey=True)
    mesh, stress_mpa = fields.mesh, 1e3 * fields.stress_gpa
    triangles = Triangulation(*mesh.nodes_um.T, mesh.triangles)
    s11, s22, s12 = stress_mpa.T
    component = stress_mpa[:, stress.LOADS.index(load)]
    mises = np.sqrt(s11**2 - s11 * s22 + s22**2 + 3 * s12**2)
    theta = np.degrees(fields.theta_rad)[mesh.grain]
    length_nm = 1e3 * np.hypot(*fields.fluctuation_um.T)
    shown = (
        ("θ (°), 90 = 0", theta, {"cmap": figures.THETA_MAP, "vmin": 0, "vmax": 90}, "mesh"),
        (
            "|u − ε·x| (nm)",
            length_nm,
            {"shading": "gouraud"},
            "displacement fluctuation",
        ),
        (f"σ{load} (MPa)", component, {}, f"stress σ{load}"),
        ("σ (MPa)", mises, {}, "von Mises stress"),
    )
    for axis, (unit, values, options, title) in zip(axes, shown, strict=True):
        drawn = axis.tripcolor(triangles, values, rasterized=True, **options)
        figure.colorbar(
            drawn, ax=axis, label=unit, ticks=figures.ANGLES_DEG if title == "mesh" else None
        )
        axis.set(aspect="equal", title=title)
    axes[0].triplot(triangles, lw=0.2, color=figures.TRUE)
    for axis in axes[2:]:
        axis.set_xlabel("x1 (µm)")
    for axis in axes[::2]:
        axis.set_ylabel("x2 (µm)")
    return figure
