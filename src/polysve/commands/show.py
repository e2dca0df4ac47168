"""One SVE for the eye: its numbers, a picture of its fields, a file for ParaView."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.progress import busy
from polysve.commands.pictures import PICTURES, write_figure
from polysve.crystals.stiffness import young_modulus
from polysve.data.ensemble import Ensemble
from polysve.fem import fields
from polysve.fem.boundary import SOLVERS
from polysve.fem.mesh import mesh_tiling
from polysve.figures.fields import draw
from polysve.grains.film import Film
from polysve.grains.mesh import Mesh
from polysve.settings.labels import MeshSettings


def describe(path: Path, index: int) -> Iterator[str]:
    """Say in lines what an ensemble file holds of one SVE.

    Raises
    ------
    InputError
        There is no such SVE.
    """
    ensemble = Ensemble(path)
    row = ensemble.row(index)
    film = ensemble.film(row)
    made_of = ", ".join(dict.fromkeys(crystal.name for crystal in film.crystals))
    yield (
        f"SVE {index}: {film.n_grains} grains of {made_of} in {ensemble.window_um:g} x {ensemble.window_um:g} µm, "
        f"L/s = {ensemble.ratio:g}{_angles(film)}"
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
    if load not in fields.LOADS:
        raise InputError(f"--load = {load}: allowed are {', '.join(fields.LOADS)}")
    if not 0 < abs(mean_strain) < 1:
        raise InputError(f"--strain = {mean_strain:g}: must be a small number other than zero")
    if picture and picture.suffix not in PICTURES:
        raise InputError(
            f"--fields = {picture}: allowed are names that end in {', '.join(PICTURES)}"
        )
    with busy(f"solving SVE {index}"):
        film, mesh = read_sve(path, index, element_size_fraction)
        solution = fields.solve_fields(film, mesh, boundary_condition, load, mean_strain)
        if vtu:
            fields.write_vtu(vtu, solution)
        if picture:
            write_figure(picture, lambda: draw(solution, load))


def _angles(film: Film) -> str:
    """Range of the angles where θ tells them."""
    if film.theta_rad is None:
        return ""
    degrees = np.degrees(film.theta_rad)
    return f", angles from {degrees.min():.1f} to {degrees.max():.1f} degrees"


def read_sve(path: Path, index: int, element_size_fraction: float) -> tuple[Film, Mesh]:
    """Film of an SVE of an ensemble, and a mesh of it.

    Parameters
    ----------
    path : Path
        Ensemble file.
    index : int
        Number of the SVE.
    element_size_fraction : float
        Edge length over the grain size.

    Raises
    ------
    InputError
        There is no such SVE.
    """
    ensemble = Ensemble(path)
    film = ensemble.film(ensemble.row(index))
    settings = MeshSettings(algorithm="gmsh", element_size_fraction=element_size_fraction)
    return film, mesh_tiling(film.shape, ensemble.window_um, ensemble.grain_size_um, settings)
