"""A film to take away from the page: its structure, what was computed of it, and figures, in one archive."""

import io
import json
import zipfile

import numpy as np

from polysve.commands.apparent import describe
from polysve.crystals.orientation import to_euler
from polysve.figures import films, style
from polysve.films.generators import POINTS
from polysve.films.reading import EULER, THETA
from polysve.films.table import PHASE
from polysve.grains.film import Film
from polysve.grains.raster import grain_numbers

PIXELS = 1024
"""Along the longer side of a film that is given as a label image."""


def archive(film: Film, free, label, told: str, network: float | None) -> bytes:
    """What the page shows, to take away: a structure that every command reads, numbers, figures."""
    numbers = describe(film) | {"told": told, "periodic": film.periodic}
    if free is not None:
        numbers["without_training"] = {
            "boundary_condition": free.boundary_condition,
            "young_modulus_gpa": float(free.young_modulus_gpa[0]),
            "interval_gpa": free.interval_gpa[0].tolist(),
            "coverage": free.coverage,
            "stiffness_gpa": free.stiffness_gpa[0].tolist(),
        }
    if label is not None:
        numbers["finite_elements"] = {
            "stiffness_gpa": {name: c.tolist() for name, c in label.stiffness_gpa.items()}
        }
    if network is not None:
        numbers["network"] = {"young_modulus_gpa": network}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target, style.style():
        name, content = structure(film)
        target.writestr(name, content)
        target.writestr("numbers.json", json.dumps(numbers, indent=1))
        drawings = {"structure.svg": films.structure(film)}
        if free is not None:
            drawings["polar.svg"] = films.polar(free)
        for name, figure in drawings.items():
            text = io.BytesIO()
            figure.savefig(text, format="svg", metadata={"Date": None})
            target.writestr(name, text.getvalue())
    return stream.getvalue()


def structure(film: Film) -> tuple[str, bytes]:
    """A film as a file that `read_film` reads: generators where it was drawn from some, else a label image."""
    names = [film.crystals[phase].name for phase in film.phase]
    if film.theta_rad is None:
        columns, angles_deg = EULER, to_euler(film.quaternions)
    else:
        columns, angles_deg = THETA, np.degrees(film.theta_rad)[:, None]
    if film.generators_um is not None and film.weights_um2 is None:
        rows = [",".join([*POINTS, *columns, PHASE])]
        for numbers, name in zip(np.hstack([film.generators_um, angles_deg]), names, strict=True):
            rows.append(",".join([*map(repr, numbers.tolist()), name]))
        return "film.csv", "\n".join([*rows, ""]).encode()
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        label_image=grain_numbers(film, PIXELS),
        euler_deg=to_euler(film.quaternions),
        phase=np.array(names),
        window_um=film.size_um[0],
    )
    return "film.npz", stream.getvalue()
