"""A page on this computer: draw grain structures, see their stiffness, upload your own (Streamlit).

`serve` starts it; the rest of the module is the page itself, which Streamlit runs from the top at every change.
"""

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from polysve.base.errors import InputError

LARGEST_UPLOAD_MB = 20
UPLOADS = ("csv", "npz", "ang", "ctf")
ENSEMBLE = "explore"


def serve(model: Path, port: int) -> None:
    """Serve the page to this computer alone until the command is stopped.

    Raises
    ------
    InputError
        If Streamlit is not installed, or the model is none.
    """
    from polysve.learning.model_card import read_card

    read_card(model)
    if find_spec("streamlit") is None:
        raise InputError(
            "streamlit is not installed: ./run polysve explore installs it, as does pip install --group explore"
        )
    options = {
        "server.address": "127.0.0.1",
        "server.port": port,
        "server.headless": "true",
        "server.maxUploadSize": LARGEST_UPLOAD_MB,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = ["-m", "streamlit", "run", *flags, __file__, "--", str(model)]
    os.execv(sys.executable, [sys.executable, *command])


def page(model: Path) -> None:
    """The page."""
    import streamlit as st

    st.set_page_config("PolySVE", layout="wide")
    st.title("PolySVE: stiffness of a polysilicon film")
    surrogate = _load(model)
    drawn, uploaded = st.tabs(["Random structure", "Your own film"])
    with drawn:
        _random_structure(surrogate)
    with uploaded:
        _upload(surrogate)


def _load(model: Path):
    import streamlit as st

    from polysve.surrogate.network import load_surrogate

    return st.cache_resource(load_surrogate, show_spinner="Loading the network")(str(model))


def _random_structure(surrogate) -> None:
    import streamlit as st

    from polysve.settings.labels import TessellateSettings
    from polysve.settings.model import parse

    left, middle, right = st.columns([1, 2, 2])
    trained_um, grain_um = surrogate.card.windows_um[0], surrogate.card.grain_sizes_um[0]
    with left:
        window = st.slider("Window (µm)", 0.5, 10.0, trained_um, 0.5)
        grain = st.slider("Grain size (µm)", 0.1, 2.0, grain_um, 0.05)
        spacing = st.slider("Smallest spacing over grain size", 0.0, 0.75, 0.5, 0.05)
        seed = st.number_input("Seed", 0, 10**6, 1)
        more = st.slider("Structures in the histogram", 50, 1000, 200, 50)
    values = {
        "window_um": window,
        "grain_size_um": grain,
        "spacing_fraction": spacing,
        "seed": seed,
    }
    try:
        settings = parse(TessellateSettings, values, "sliders")
        film = _draw(settings, 0)
        _show(surrogate, film, middle, right)
    except InputError as error:
        st.error(str(error))
        return
    with left:
        if st.button("Finite elements"):
            _finite_elements(surrogate, settings)
        if st.button("Fill the histogram"):
            _histogram(surrogate, settings, more)


def _draw(settings, index: int):
    from polysve.grains.tessellation import draw_film

    return draw_film(settings, ENSEMBLE, index)


def _show(surrogate, film, picture_column, polar_column) -> None:
    """The structure, its numbers and its polar plot."""
    from polysve.figures import films, style
    from polysve.surrogate.network import OUTSIDE

    prediction = surrogate.predict(film)
    with style.style("column"):
        picture_column.pyplot(films.structure(film))
        if prediction.stiffness_gpa is not None:
            polar_column.pyplot(films.polar(prediction))
    modulus, half = prediction.young_modulus_gpa[0], prediction.half_width_gpa[0]
    picture_column.metric(
        f"Young's modulus along x1, network (GPa, ± {half:.2g} at {100 * prediction.coverage:g} %)",
        f"{modulus:.3f}",
    )
    outside = [OUTSIDE[name] for name, flag in prediction.outside.items() if flag[0]]
    if outside:
        picture_column.warning(f"Outside the training: {', '.join(outside)}")


def _finite_elements(surrogate, settings) -> None:
    """The label of the structure shown."""
    import streamlit as st

    from polysve.crystals import catalogue
    from polysve.crystals.stiffness import young_modulus
    from polysve.fem.homogenize import homogenize

    film = _draw(settings, 0).made_of(catalogue.crystal(surrogate.card.material))
    label = homogenize(film)
    for name, stiffness in label.stiffness_gpa.items():
        st.metric(f"{name.upper()}, finite elements (GPa)", f"{young_modulus(stiffness):.3f}")


def _histogram(surrogate, settings, count: int, batch: int = 50) -> None:
    """A histogram that fills as structures are drawn."""
    import numpy as np
    import streamlit as st

    place, moduli = st.empty(), np.empty(0)
    for start in range(0, count, batch):
        films = [_draw(settings, index) for index in range(start, min(start + batch, count))]
        moduli = np.append(moduli, surrogate.predict(films).young_modulus_gpa)
        counts, edges = np.histogram(moduli, 20)
        centres = ((edges[1:] + edges[:-1]) / 2).round(2)
        place.bar_chart({"GPa": centres, "structures": counts}, x="GPa", y="structures", height=250)
    st.caption(f"{count} structures: {moduli.mean():.2f} ± {moduli.std(ddof=1):.2f} GPa")


def _upload(surrogate) -> None:
    """Prediction of a file, or the line that says what is wrong with it."""
    import streamlit as st

    window = st.number_input(
        "Side of the window (µm), for tables of generators",
        0.1,
        1000.0,
        surrogate.card.windows_um[0],
    )
    given = st.file_uploader(
        f"Generators, label image or EBSD map, at most {LARGEST_UPLOAD_MB} MB", type=UPLOADS
    )
    if given is None:
        return
    from polysve.commands.predict import predict
    from polysve.films.reading import Reading

    with tempfile.TemporaryDirectory() as folder:
        # the sender's name is shown but never becomes a path
        path = Path(folder) / f"upload{Path(given.name).suffix.lower()}"
        path.write_bytes(given.getbuffer())
        try:
            result = predict(surrogate, path, Reading(window if path.suffix == ".csv" else None))
        except InputError as error:
            st.error(str(error).replace(str(path), given.name))
            return
    left, right = st.columns(2)
    if result.field is None:
        _show(surrogate, result.film, left, right)
        return
    from polysve.figures import films, style

    with style.style("column"):
        st.pyplot(films.field(result.field, result.film, result.sve_um))
    moduli = result.prediction.young_modulus_gpa
    st.metric(f"Mean of {len(moduli)} windows (GPa)", f"{moduli.mean():.3f}")


if __name__ == "__main__":
    # Streamlit puts this folder first on the path, where its modules would hide others of their names
    sys.path.remove(str(Path(__file__).parent))
    page(Path(sys.argv[1]))
