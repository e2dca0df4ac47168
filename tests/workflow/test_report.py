"""The report in a real browser, without a network: what it says is what the files say, and it can be read."""

import csv
import json
import re
import shutil

import h5py
import pytest
from scipy.stats import kurtosis

from polysve.data.audit import audit_line

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.docs
WIDTHS = (1280, 400)
VALUE = r"([\d.]+)"
NUMBER = re.compile(r"−?\d[\d,]*(?:\.\d+)?")
TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter(each =>
    !each.closest(".scroll, pre, dialog, #parity") && each.getBoundingClientRect().right > innerWidth + 0.5
).map(each => each.outerHTML.slice(0, 200))"""
SMALL_TEXT = """() => [...document.querySelectorAll(".chart text")].filter(each =>
    each.textContent && each.getBoundingClientRect().height < 9
).map(each => each.textContent)"""


def numbers(text):
    return [float(each.replace("−", "-").replace(",", "")) for each in NUMBER.findall(text)]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=WIDTHS, scope="module")
def page(request, browser, finished):
    """The report on a screen without a network; a message on the console, or a request, fails the test."""
    context = browser.new_context(viewport={"width": request.param, "height": 900}, offline=True)
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url.partition(":")[0]))
    page.goto((finished.folder / "results/report.html").as_uri())
    page.wait_for_selector("#parity .points path")
    yield page
    assert said == []
    assert set(asked) <= {"file", "data"}
    context.close()


@pytest.fixture(scope="module")
def metrics(finished):
    """What each experiment came to, by its name."""
    files = (finished.folder / "results/experiments").glob("*/metrics.json")
    return {file.parent.name: json.loads(file.read_text()) for file in files}


def rows(page, table):
    """Text of the cells of a table, by the name of the row."""
    found = page.locator(table).evaluate(
        "table => [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.innerText))"
    )
    return {name: cells for name, *cells in found}


def test_the_answer_is_that_of_the_data(page, finished):
    pattern = (
        rf"Young’s modulus of {VALUE} ± {VALUE} GPa in windows of {VALUE} µm, and scatters by {VALUE} ± {VALUE} GPa "
        rf"\({VALUE} %\) from window to window; in windows of {VALUE} µm by {VALUE} ± {VALUE} GPa \({VALUE} %\)\."
    )
    told = [float(each) for each in re.search(pattern, page.locator("h1").inner_text()).groups()]
    moduli = {}
    for name in ("ratio4", "ratio6"):
        with h5py.File(finished.folder / f"results/ensembles/{name}.h5") as file:
            moduli[name] = file["young_modulus/pbc"][:]
    small, large = moduli.values()
    error = 1.96 * small.std() / len(small) ** 0.5
    assert told[:2] == pytest.approx([small.mean(), error], abs=0.006)
    for window, sample, values in ((2, small, told[2:6]), (3, large, told[6:])):
        assert values[0] == window
        assert values[1] == pytest.approx(sample.std(), abs=0.006)
        error = sample.std() * ((kurtosis(sample, fisher=False) - 1) / (4 * len(sample))) ** 0.5
        assert values[2] == pytest.approx(1.96 * error, abs=0.006)
        assert values[3] == pytest.approx(100 * sample.std() / sample.mean(), abs=0.006)


def test_the_audit_is_told(page, finished):
    files = sorted((finished.folder / "results/ensembles").glob("*/audit.json"))
    line = audit_line([json.loads(file.read_text()) for file in files])
    assert len(files) == 2 and page.locator(".audit").inner_text().lower() == f"{line}.".lower()


def test_first_screen_holds_answer_film_distribution_size_effect_and_networks(page):
    width = page.viewport_size["width"]
    if width == 1280:
        for part in ("h1", ".cards .film", ".cards figure:nth-child(3) .chart", "table.overview"):
            box = page.locator(part).bounding_box()
            assert box["y"] + min(box["height"], 120) < 900, part
    else:
        assert page.locator(".cards .film").bounding_box()["y"] < 900
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(SMALL_TEXT) == []


def test_tables_say_what_the_metrics_say(page, metrics):
    table = rows(page, "table.overview")
    assert list(table)[:2] == ["spectral", "published"], "best first"
    for name, told in metrics.items():
        for cell, ensemble in zip(table[name], told["ensembles"], strict=False):
            error, *interval = numbers(cell)
            assert error == pytest.approx(told["ensembles"][ensemble]["sdape_percent"], abs=0.06)
            assert interval == pytest.approx(
                told["intervals_95"][ensemble]["sdape_percent"], abs=0.06
            )
        last = list(told["ensembles"].values())[-1]
        assert numbers(table[name][2])[0] == pytest.approx(last["r2"], rel=5e-3)
        for place, method in ((3, "quadratic_fit"), (4, "series")):
            other = list(told["baselines"][method].values())[-1]
            assert numbers(table[name][place])[0] == pytest.approx(other["r2"], rel=5e-3)
        assert numbers(table[name][5]) == [told["n_training"]]
        assert numbers(table[name][6]) == [told["n_parameters"]]
        assert numbers(table[name][7])[0] == pytest.approx(told["train_seconds"], abs=0.51)
        measures = rows(page, f"#experiment-{name} table.measures")
        for ensemble, values in told["ensembles"].items():
            cells = [numbers(cell)[0] for cell in measures[ensemble]]
            keys = ("n", "r2", "mape_percent", "bias_percent")
            assert cells[:4] == pytest.approx([values[key] for key in keys], rel=6e-3)
            assert cells[4] == pytest.approx(values["sdape_percent"], abs=0.06)
            assert cells[5] == round(100 * values["coverage_90"])
            for cell, method in zip(
                cells[6:], ("quadratic_fit", "log_mean", "series"), strict=True
            ):
                assert cell == pytest.approx(told["baselines"][method][ensemble]["r2"], rel=6e-3)


def test_published_errors_stand_where_the_published_study_has_such_films(page):
    table = rows(page, "table.overview")
    published = {name: cells for name, cells in table.items() if name.startswith("published study")}
    assert [cells[0] for cells in published.values()] == ["48.7 %", "8.8 %", "2.4 %"]
    assert {cells[1] for cells in published.values()} == {"–"}, "it has no ratio 6"


def test_ensembles_are_told_as_they_are(page, finished):
    for name, cells in rows(page, "#ensembles table").items():
        with h5py.File(finished.folder / f"results/ensembles/{name}.h5") as file:
            moduli = file["young_modulus/pbc"][:]
        assert cells[0] == "⟨100⟩ silicon"
        assert numbers(cells[2]) == [len(moduli)]
        assert numbers(cells[3])[0] == pytest.approx(moduli.mean(), abs=6e-4)
        assert numbers(cells[4])[0] == pytest.approx(moduli.std(), abs=6e-4)


def test_every_figure_loads(page):
    images = page.locator(".gallery img")
    assert images.count() == 2 * (4 + 2 * 3) + 2 * 2
    page.evaluate("document.querySelectorAll('img').forEach(each => each.loading = 'eager')")
    decoded = page.evaluate(
        "Promise.all([...document.querySelectorAll('.gallery img')].map(each => each.decode().then(() =>"
        " [each.naturalWidth, each.naturalHeight])))"
    )
    assert all(width > 200 and height > 60 for width, height in decoded)
    page.locator(".gallery button").first.press("Enter")
    page.locator("dialog[open] img").wait_for()
    assert page.locator("dialog img").bounding_box()["width"] >= 690, "words of 8 points are read"
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_a_point_shows_its_film(page, finished):
    plots = json.loads(page.locator("#data").inner_text())["plots"]
    for experiment, ensembles in plots.items():
        for name, shown in ensembles.items():
            file = finished.folder / f"results/experiments/{experiment}/predictions/{name}.csv"
            with file.open() as opened:
                tested = [row for row in csv.DictReader(opened) if row["split"] == "test"]
            assert shown["index"] == [int(row["index"]) for row in tested]
            assert shown["predicted"] == pytest.approx(
                [float(row["predicted_gpa"]) for row in tested], abs=6e-4
            )
    page.get_by_role("button", name="published", exact=True).click()
    point = page.locator("#parity .points path").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#seen .film").wait_for()
    told = page.locator("#seen").inner_text().split()
    shown = plots["published"][told[0]]
    place = shown["index"].index(int(told[told.index("SVE") + 1]))
    assert f"{shown['true'][place]:.3f}" in told and f"{shown['predicted'][place]:.3f}" in told
    assert 9 <= page.locator("#seen polygon").count() <= 60


def test_dark_and_print_can_be_read(browser, finished):
    context = browser.new_context(color_scheme="dark", offline=True)
    page = context.new_page()
    page.goto((finished.folder / "results/report.html").as_uri())
    light = "getComputedStyle(document.body).color.match(/\\d+/g).map(Number)"
    assert min(page.evaluate(light)) > 200
    page.emulate_media(media="print", color_scheme="light")
    assert max(page.evaluate(light)) < 50
    assert (
        not page.locator("#parity").is_visible() and page.locator(".gallery img").first.is_visible()
    )
    context.close()
