"""The page: it draws any film, answers, keeps what it computed, takes uploads; in a real browser it fits a phone, works
by keyboard, and reports nothing to the console."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from io import BytesIO

import numpy as np
import pytest
from ebsd_maps import Map, write_ctf
from scipy.spatial.transform import Rotation

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("streamlit")
CHROMIUM = shutil.which("chromium")
PATIENCE_MS = 120_000

pytestmark = pytest.mark.surrogate
in_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


# ---- without a browser ----


def script(model):
    from pathlib import Path

    from polysve.commands.explore import page

    page(model and Path(model))


@pytest.fixture(autouse=True)
def own_main(monkeypatch):
    """Streamlit puts the page in the place of the main module, which processes that tests start later look for."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def app():
    """The page with its first film, run in this process."""
    from streamlit.testing.v1 import AppTest

    return AppTest.from_function(script, default_timeout=240, kwargs={"model": None}).run()


def shown(app):
    """Numbers on the page by their labels."""
    assert not app.exception
    return {metric.label: float(metric.value) for metric in app.metric}


def press(app, label):
    return next(button for button in app.button if button.label == label).click().run()


def choose(app, label, value):
    return next(box for box in app.selectbox if box.label == label).set_value(value).run()


MODULUS = "Young's modulus along x1 (GPa)"


def test_every_answer_names_film_crystal_and_condition(app):
    assert "**16 grains of silicon**, random texture, 2 × 2 µm, PBC" in app.markdown[0].value
    periodic = shown(app)[MODULUS]
    choose(app, "Boundary condition", "kubc")
    assert "KUBC (uniform strain)" in app.markdown[0].value
    assert shown(app)[MODULUS] > periodic
    choose(app, "Crystal", "zinc")
    choose(app, "Texture", "basal")
    assert "**16 grains of zinc**, basal fibre" in app.markdown[0].value
    # isotropic in its plane: one number for every film and condition
    isotropic = shown(app)[MODULUS]
    choose(app, "Boundary condition", "subc")
    app.number_input[0].set_value(7).run()
    assert shown(app)[MODULUS] == pytest.approx(isotropic, abs=2e-3)


@pytest.mark.faults
def test_finite_elements_stay_until_the_film_changes(app):
    press(app, "Finite elements")
    solved = shown(app)
    assert solved["PBC, finite elements (GPa)"] == pytest.approx(solved[MODULUS], abs=0.05)
    assert solved["KUBC, finite elements (GPa)"] > solved["SUBC, finite elements (GPa)"]
    next(each for each in app.slider if "histogram" in each.label).set_value(50).run()
    press(app, "Fill the histogram")
    assert any("50 films, PBC:" in caption.value for caption in app.caption)
    choose(app, "Boundary condition", "subc")
    assert shown(app).items() >= {n: v for n, v in solved.items() if "elements" in n}.items()
    app.number_input[0].set_value(2).run()
    assert list(shown(app)) == [MODULUS]
    press(app, "Finite elements")
    assert shown(app)["PBC, finite elements (GPa)"] != solved["PBC, finite elements (GPa)"]


def test_a_network_answers_for_films_that_it_knows_and_says_why_for_others(small_model):
    from streamlit.testing.v1 import AppTest

    model = {"model": str(small_model)}
    app = AppTest.from_function(script, default_timeout=240, kwargs=model).run()
    assert list(shown(app)) == [MODULUS]
    assert any(caption.value.startswith("Network: ") for caption in app.caption)
    choose(app, "Texture", "<100>")
    answers = shown(app)
    assert answers["PBC, network (GPa)"] == pytest.approx(answers[MODULUS], abs=0.3)


@pytest.mark.parametrize("generators", [True, False])
def test_what_is_taken_away_is_the_film(tmp_path, generators):
    import polysve
    from polysve.commands.archive import structure
    from polysve.films.readers import read_film
    from polysve.films.reading import Reading
    from polysve.grains.raster import pixelated

    film = polysve.draw(2.0, 0.5, "random", "zinc")
    film = film if generators else pixelated(film, 100)
    film = film if generators else film.__class__(**{**vars(film), "generators_um": None})
    name, content = structure(film)
    (tmp_path / name).write_bytes(content)
    found = read_film(tmp_path / name, Reading(2.0))
    assert [crystal.name for crystal in found.crystals] == ["zinc"]
    np.testing.assert_allclose(found.stiffness_gpa, film.stiffness_gpa, rtol=1e-9)
    np.testing.assert_allclose(found.area_fractions, film.area_fractions, rtol=1e-9)


# ---- in a browser ----


@pytest.fixture(scope="module")
def address():
    """Address of the page, served by the command."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "polysve", "explore", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5)
                break
            except OSError:
                assert server.poll() is None
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        # root runs Chromium only without its sandbox
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


def opened(browser, address, width=1280, scheme="light"):
    """The page with its first film."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.errors = []
    page.on("console", lambda told: told.type == "error" and page.errors.append(told.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(address)
    page.get_by_test_id("stMetricValue").first.wait_for()
    page.locator(".js-plotly-plot").first.wait_for()
    return page


@pytest.fixture
def page(browser, address):
    """Any error on the console fails the test."""
    page = opened(browser, address)
    yield page
    page.context.close()
    assert page.errors == []


def modulus(page):
    return float(page.get_by_test_id("stMetricValue").first.inner_text())


def until_changed(page, before):
    page.wait_for_function(
        "old => document.querySelector('[data-testid=stMetricValue]').innerText != old",
        arg=f"{before:.3f}",
    )


LUMINANCE = "element => getComputedStyle(element).{}.match(/[0-9.]+/g).slice(0, 3).map(Number)"


@in_browser
@pytest.mark.faults
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_picture_stands_before_the_controls_on_screens_of_any_kind(browser, address, width, scheme):
    page = opened(browser, address, width, scheme)
    picture, slider = (
        place.bounding_box()
        for place in (page.get_by_test_id("stImage").first, page.get_by_role("slider").first)
    )
    if width == 400:
        assert picture["y"] + picture["height"] < slider["y"]
        assert picture["y"] < 500 and picture["width"] > 330
    else:
        assert picture["x"] + picture["width"] < slider["x"]
        assert picture["y"] + picture["height"] < 900
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.get_by_text("16 grains of silicon").first.is_visible()
    # letters and background are far apart
    letters, ground = (
        np.mean(page.get_by_test_id("stApp").evaluate(LUMINANCE.format(name)))
        for name in ("color", "backgroundColor")
    )
    assert abs(letters - ground) > 180 and (ground > 128) == (scheme == "light")
    # the plot shows the page's ground
    plot = page.locator(".polarsublayer.plotbg path").first
    assert plot.evaluate("element => getComputedStyle(element).fillOpacity") == "0"
    assert page.errors == []
    page.context.close()


def tabbed_to(page, place):
    """Press the tabulator key until a place has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if place.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{place} cannot be reached by keyboard")


@in_browser
def test_by_keyboard_alone(page):
    before = modulus(page)
    tabbed_to(page, page.get_by_role("slider").first)
    page.keyboard.press("ArrowRight")
    until_changed(page, before)
    page.get_by_text("20 grains of silicon").first.wait_for()
    page.locator("body").focus()
    page.evaluate("document.activeElement.blur()")
    tabbed_to(page, page.get_by_role("button", name="Finite elements"))
    page.keyboard.press("Enter")
    page.get_by_test_id("stMetric").filter(has_text="PBC, finite elements").wait_for()
    page.evaluate("document.activeElement.blur()")
    tabbed_to(page, page.get_by_role("tab", name="Random film"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("Drop a file").wait_for()


@in_browser
def test_uploads_good_and_broken(page, tmp_path):
    page.get_by_role("tab", name="Your own film").click()
    broken = tmp_path / "broken.csv"
    broken.write_text("x_um,y_um,theta_deg\n1,1,nan\n")
    grain = np.arange(120) // 60
    turns = Rotation.random(2, random_state=1)[grain]
    write_ctf(tmp_path / "map.ctf", Map((10, 12), 0.1, turns, grain + 1, PHASES))
    chooser = page.get_by_test_id("stFileUploaderDropzone").locator("input")
    panel = page.get_by_role("tabpanel").filter(has=page.get_by_test_id("stFileUploader"))

    chooser.set_input_files(broken)
    refusal = panel.get_by_test_id("stAlert")
    refusal.filter(has_text="line 2").wait_for()
    assert "broken.csv: line 2" in refusal.inner_text()
    chooser.set_input_files(tmp_path / "map.ctf")
    panel.get_by_text("2 grains of copper, zinc").wait_for()
    panel.get_by_test_id("stImage").wait_for()
    assert panel.get_by_text("points along the film normal").is_visible()
    with page.expect_download() as download:
        panel.get_by_role("button", name="Download").click()
    with zipfile.ZipFile(BytesIO(download.value.path().read_bytes())) as found:
        assert found.namelist() == ["film.npz", "numbers.json", "structure.svg", "polar.svg"]


PHASES = (("copper", "cubic"), ("zinc", "hexagonal"))


@in_browser
def test_an_upload_above_the_stated_size_is_refused(page, tmp_path):
    page.get_by_role("tab", name="Your own film").click()
    page.get_by_text("at most 20 MB").first.wait_for()
    large = tmp_path / "large.csv"
    large.write_bytes(b"0" * 21_000_000)
    page.get_by_test_id("stFileUploaderDropzone").locator("input").set_input_files(large)
    page.get_by_text("21.0MB").wait_for()
    page.wait_for_timeout(3000)
    # what reaches the server is answered, with a refusal at the least
    (alert,) = page.get_by_test_id("stAlert").all()
    assert "Drop a file" in alert.inner_text()


@in_browser
def test_the_page_is_served_to_this_computer_alone(address):
    port = int(address.rsplit(":", 1)[1])
    listening = subprocess.run(
        ["python3", "-c", "print(open('/proc/net/tcp').read(), open('/proc/net/tcp6').read())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    local = [word for word in listening if word.endswith(f":{port:04X}") and word.count(":") == 1]
    assert local
    assert {word.split(":")[0] for word in local} == {"0100007F"}
