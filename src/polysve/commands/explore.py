"""A page on this computer: draw films of any texture and crystal, see their stiffness, bring your own (Streamlit).

`serve` starts it; the rest of the module is the page itself, which Streamlit runs from the top at every change. What a
tab has computed is kept in the session until the film of that tab changes, whatever else is opened meanwhile.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from polysve.base.errors import InputError

LARGEST_UPLOAD_MB = 20
UPLOADS = ("csv", "npz", "ang", "ctf", "h5oina", "h5", "tess")
ENSEMBLE = "explore"
CONDITIONS = {"pbc": "periodic", "kubc": "uniform strain", "subc": "uniform stress"}
FIBRES = ("<100>", "<110>", "<111>", "<112>", "<311>")
TEXTURES = {"cubic": ("random", *FIBRES), "hexagonal": ("random", "basal", "prismatic")}
OTHER_TEXTURES = ("random", "<100>", "<010>", "<001>")
DIRECTIONS = {"the film normal": (0.0, 0.0, 1.0), "x1": (1.0, 0.0, 0.0)}
AS_FILE = "as the file says"
PICTURE_PIXELS = 400


def serve(model: Path | None, port: int) -> None:
    """Serve the page to this computer alone until the command is stopped.

    Raises
    ------
    InputError
        If Streamlit is not installed, or the model is none.
    """
    if model is not None:
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
    command = ["-m", "streamlit", "run", *flags, __file__, "--", *map(str, filter(None, [model]))]
    os.execv(sys.executable, [sys.executable, *command])


def page(model: str | None) -> None:
    """The page."""
    import streamlit as st

    st.set_page_config("PolySVE", layout="wide")
    st.title("PolySVE: how stiff is a film?")
    surrogate = _load(model) if model else None
    drawn, brought = st.tabs(["Random film", "Your own film"])
    with drawn:
        # a change in one tab runs that tab alone
        st.fragment(_drawn)(surrogate)
    with brought:
        st.fragment(_brought)(surrogate)


def _load(model: str):
    import streamlit as st

    from polysve.surrogate.network import load_surrogate

    return st.cache_resource(load_surrogate, show_spinner="Loading the network")(model)


def _drawn(surrogate) -> None:
    """A random film as the controls say; the picture stands first, since on a phone the columns are stacked."""
    import streamlit as st

    from polysve.settings.labels import LARGEST_SPACING

    shown, controls = st.columns([3, 1], gap="large")
    with controls:
        crystal = _crystal_of_list("drawn")
        texture = st.selectbox("Texture", TEXTURES.get(crystal.symmetry, OTHER_TEXTURES))
        ratio = st.slider("Window over grain size, L/s", 1.0, 20.0, 4.0, 0.5)
        grain_um = st.slider("Grain size (µm)", 0.05, 2.0, 0.5, 0.05)
        spacing = st.slider("Smallest spacing over grain size", 0.0, LARGEST_SPACING, 0.5, 0.05)
        periodic = st.toggle("Grains continue on the other side")
        seed = st.number_input("Seed", 0, 10**6, 1)
        condition, colours = _condition_and_colours("drawn", "x1")
        more = st.slider("Films in the histogram", 50, 1000, 200, 50)
    try:
        settings = _settings(ratio * grain_um, grain_um, spacing, periodic, seed, texture, crystal)
        film = _draw(settings, crystal, 0)
    except InputError as error:
        shown.error(str(error))
        return
    key = (settings.canonical_json(), crystal.name)
    told = f"{texture} {'texture' if texture == 'random' else 'fibre'}"
    with shown:
        _answers(film, key, condition, colours, told, surrogate, "drawn")
        _histogram(settings, crystal, condition, more, key)


def _crystal_of_list(tab: str, first: tuple[str, ...] = ()):
    """The crystal that is chosen from the catalogue; None for what stands before it in the list."""
    import streamlit as st

    from polysve.crystals import catalogue
    from polysve.settings.material import catalogue as names

    name = st.selectbox("Crystal", (*first, *names()), key=f"{tab} crystal")
    return None if name in first else catalogue.find(name)


def _condition_and_colours(tab: str, direction: str):
    import streamlit as st

    condition = st.selectbox(
        "Boundary condition",
        CONDITIONS,
        format_func=lambda name: f"{name.upper()}, {CONDITIONS[name]}",
        key=f"{tab} condition",
    )
    colours = st.selectbox(
        "Colour: crystal direction along",
        DIRECTIONS,
        index=list(DIRECTIONS).index(direction),
        key=f"{tab} colours",
    )
    return condition, colours


def _settings(window_um, grain_um, spacing, periodic, seed, texture: str, crystal):
    from polysve.settings.labels import TessellateSettings
    from polysve.settings.model import parse
    from polysve.settings.texture import texture_settings

    drawn = {
        "window_um": round(window_um, 6),
        "grain_size_um": grain_um,
        "spacing_fraction": spacing,
        "periodic": periodic,
        "seed": int(seed),
        "phases": {"film": {"texture": texture_settings(texture), "symmetry": crystal.symmetry}},
    }
    return parse(TessellateSettings, drawn, "structures")


def _draw(settings, crystal, index: int):
    from polysve.grains.tessellation import draw_film

    return draw_film(settings, ENSEMBLE, index).made_of(crystal)


def _kept(name: str, key, make: Callable | None):
    """What was made under a name for the present key; without `make`, None where nothing was."""
    import streamlit as st

    stored = st.session_state.get(name)
    if stored is not None and stored[0] == key:
        return stored[1]
    if make is None:
        return None
    made = make()
    st.session_state[name] = (key, made)
    return made


def _answers(film, key, condition: str, colours: str, told: str, surrogate, tab: str) -> None:
    """Picture, training-free answer with its polar plot, finite elements where asked for, download."""
    import streamlit as st

    from polysve.commands.archive import archive
    from polysve.figures.page import polar
    from polysve.surrogate.training_free import Series

    try:
        free = _kept(
            f"{tab} free",
            (key, condition),
            lambda: Series(film.crystals, condition).predict([film]),
        )
    except InputError as error:
        st.error(str(error))
        free = None
    width_um, height_um = film.size_um
    made_of = ", ".join(dict.fromkeys(crystal.name for crystal in film.crystals))
    st.markdown(
        f"**{film.n_grains} grains of {made_of}**, {told}, {width_um:g} × {height_um:g} µm, "
        f"{condition.upper()} ({CONDITIONS[condition]})"
    )
    left, right = st.columns(2)
    with left:
        _picture(film, colours)
    if free is not None:
        modulus, half = free.young_modulus_gpa[0], free.half_width_gpa[0]
        right.metric(
            "Young's modulus along x1 (GPa)",
            f"{modulus:.3f}",
            help="By a series that needs no training, with its interval.",
        )
        right.caption(f"without training, ± {half:.2g} GPa at {100 * free.coverage:g} %")
        right.plotly_chart(
            polar(free),
            theme="streamlit",
            key=f"{tab} polar",
            config={"displayModeBar": False},
            alt=_stiffest(free),
        )
        right.caption(_stiffest(free))
        for warning in free.warnings("film"):
            right.warning(warning)
    solved = _finite_elements(film, key, tab)
    network = _network(film, surrogate)
    st.download_button(
        "Download structure, numbers and figures (.zip)",
        lambda: archive(film, free, solved, told, network),
        "polysve-film.zip",
        on_click="ignore",
        key=f"{tab} download",
    )


def _picture(film, colours: str) -> None:
    import streamlit as st

    from polysve.figures.grains import picture

    st.image(
        picture(film, DIRECTIONS[colours], PICTURE_PIXELS),
        caption=f"Inverse-pole-figure colours: which crystal direction points along {colours}. x1 to the right, x2 up",
        alt=f"{film.n_grains} grains in the colours of their orientation",
        width="stretch",
    )


def _stiffest(prediction) -> str:
    """The polar plot in words."""
    import numpy as np

    from polysve.crystals.stiffness import DIRECTIONS_RAD

    moduli = prediction.directional_gpa(DIRECTIONS_RAD)[0]
    ends = (
        f"{moduli[place]:.2f} GPa at {np.degrees(DIRECTIONS_RAD[place]):.0f}°"
        for place in (moduli.argmin(), moduli.argmax())
    )
    return "Young's modulus against the direction from x1: {} to {}".format(*ends)


def _finite_elements(film, key, tab: str):
    """The label of the film once it was asked for: under all three conditions, kept until the film changes."""
    import streamlit as st

    from polysve.crystals.stiffness import young_modulus
    from polysve.fem.homogenize import homogenize

    asked = st.button("Finite elements", key=f"{tab} solve")
    try:
        with st.spinner("Solving"):
            label = _kept(f"{tab} solved", key, (lambda: homogenize(film)) if asked else None)
    except InputError as error:
        st.error(str(error))
        return None
    if label is not None:
        columns = st.columns(len(CONDITIONS))
        for column, name in zip(columns, CONDITIONS, strict=True):
            column.metric(
                f"{name.upper()}, finite elements (GPa)",
                f"{young_modulus(label.stiffness_gpa[name]):.3f}",
            )
    return label


def _network(film, surrogate) -> float | None:
    """What the trained network says of Ē, or why it says nothing."""
    import streamlit as st

    if surrogate is None:
        return None
    try:
        found = surrogate.predict([film])
    except InputError as error:
        st.caption(f"Network: {error}")
        return None
    modulus, half = float(found.young_modulus_gpa[0]), found.half_width_gpa[0]
    st.metric(
        f"{found.boundary_condition.upper()}, network (GPa)",
        f"{modulus:.3f}",
    )
    st.caption(
        f"trained on {surrogate.crystals[0].name}, ± {half:.2g} GPa at {100 * found.coverage:g} %"
    )
    for warning in found.warnings("film"):
        st.warning(f"Network: {warning}")
    return modulus


def _histogram(settings, crystal, condition: str, count: int, key, batch: int = 25) -> None:
    """The scatter of many films of the same law, which fills as they are drawn and is kept like all else."""
    import numpy as np
    import streamlit as st

    from polysve.surrogate.training_free import Series

    name, key = "drawn histogram", (key, condition, count)
    asked = st.button("Fill the histogram")
    moduli, place = _kept(name, key, None), st.empty()
    if moduli is None and not asked:
        return
    if moduli is None:
        moduli, series = np.empty(0), Series((crystal,), condition)
        for start in range(0, count, batch):
            films = (_draw(settings, crystal, index) for index in range(start, start + batch))
            moduli = np.append(moduli, series.predict(films).young_modulus_gpa)
            _bars(place, moduli)
        _kept(name, key, lambda: moduli)
    _bars(place, moduli)
    st.caption(
        f"{count} films, {condition.upper()}: {moduli.mean():.2f} ± {moduli.std(ddof=1):.2f} GPa"
    )


def _bars(place, moduli) -> None:
    import numpy as np

    counts, edges = np.histogram(moduli, 20)
    centres = ((edges[1:] + edges[:-1]) / 2).round(3)
    place.bar_chart({"GPa": centres, "films": counts}, x="GPa", y="films", height=250)


def _brought(surrogate) -> None:
    """The film of a file, or the line that says what is wrong with it."""
    import streamlit as st

    from polysve.films.frames import FRAMES

    shown, controls = st.columns([3, 1], gap="large")
    with controls:
        given = st.file_uploader(
            f"Generators, label image, EBSD map or Neper tessellation, at most {LARGEST_UPLOAD_MB} MB",
            type=UPLOADS,
        )
        crystal = _crystal_of_list("brought", (AS_FILE,))
        window_um = st.number_input("Side of the window (µm), for tables", 0.1, 1000.0, 2.0)
        frame = st.selectbox("Axes of a map's angles", ("usual for the file", *FRAMES))
        condition, colours = _condition_and_colours("brought", "the film normal")
    if given is None:
        shown.info("Drop a file on the field to see its film.")
        return
    frame = frame if frame in FRAMES else None
    key = (given.file_id, crystal and crystal.name, window_um, frame)
    try:
        film = _kept("brought film", key, lambda: read_upload(given, crystal, window_um, frame))
    except InputError as error:
        shown.error(str(error))
        return
    with shown:
        for note in film.notes:
            st.caption(note)
        _answers(film, key, condition, colours, given.name, surrogate, "brought")


def read_upload(given, crystal, window_um: float, frame: str | None):
    """Film of an uploaded file.

    Raises
    ------
    InputError
        With the sender's name of the file, which is shown but never becomes a path.
    """
    from polysve.films.readers import read_film
    from polysve.films.reading import Reading

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{Path(given.name).suffix.lower()}"
        path.write_bytes(given.getbuffer())
        reading = Reading(
            window_um=window_um if path.suffix == ".csv" else None,
            materials={} if crystal is None else {"": crystal},
            frame=frame,
        )
        try:
            return read_film(path, reading)
        except InputError as error:
            raise InputError(str(error).replace(str(path), given.name)) from None


if __name__ == "__main__":
    # Streamlit puts this folder first on the path, where its modules would hide others of their names
    sys.path.remove(str(Path(__file__).parent))
    page(sys.argv[1] if len(sys.argv) > 1 else None)
