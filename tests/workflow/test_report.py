"""The report in a real browser, without a network: what one sees first, and that every figure loads."""

import shutil

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.docs
WIDTHS = (1280, 400)
# The report's style library says that it is meant for development; nothing else may be said.
EXPECTED = "cdn.tailwindcss.com should not be used in production"
DECODE = """async uri => {
    const image = new Image(); image.src = uri; await image.decode();
    return [image.naturalWidth, image.naturalHeight]
}"""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=WIDTHS)
def page(request, browser, finished):
    """The report on a screen without a network; any message on the console fails the test."""
    context = browser.new_context(viewport={"width": request.param, "height": 900}, offline=True)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((finished.folder / "results/report.html").as_uri())
    page.wait_for_selector("table.overview")
    yield page
    assert [text for text in said if EXPECTED not in text] == []
    context.close()


def test_opens_with_the_table_of_experiments(page):
    table = page.locator("table.overview")
    box, width = table.bounding_box(), page.viewport_size["width"]
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert box["y"] + 150 < 900, "the table is not on the first screen"
    first = [row.split("\t")[0] for row in table.inner_text().splitlines()]
    assert first[:3] == ["experiment", "spectral", "published"], "best first"
    assert "48.7 / 25.8" in table.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_every_figure_loads(page):
    results = page.evaluate("results")
    figures = {path: result for path, result in results.items() if path.endswith(".svg")}
    assert len(figures) == 2 * (4 + 2 * 3) + 2 * 2
    for path, result in figures.items():
        width, height = page.evaluate(DECODE, result["data_uri"])
        assert width > 200 and height > 100, path
        assert result["caption"], path


def test_a_figure_is_found_by_clicking(page):
    page.get_by_text("Experiment spectral", exact=True).first.click()
    page.get_by_text("parity_ratio4", exact=True).wait_for()
    row = page.get_by_role("row").filter(has_text="parity_ratio4")
    row.get_by_role("link").first.click()
    figure = page.locator("#app img[src^='data:image/svg']").last
    figure.wait_for()
    assert figure.bounding_box()["x"] >= 0
    # letters of 8 points in a figure of 7.2 inches are read at its own size: on a phone it scrolls, not the page
    assert figure.bounding_box()["width"] == pytest.approx(7.2 * 96, rel=0.05)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    frame = page.locator("div.overflow-auto:has(img)").last
    assert (
        frame.evaluate("box => [box.scrollLeft = 1e4, box.scrollLeft + box.clientWidth][1]")
        >= (figure.bounding_box()["width"])
    )
