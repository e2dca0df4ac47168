"""The page in a real browser: it draws, answers, takes uploads and reports nothing to the console."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from studies import RATIO4

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("streamlit")
CHROMIUM = shutil.which("chromium")
PATIENCE_MS = 240_000

pytestmark = [
    pytest.mark.surrogate,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@pytest.fixture(scope="module")
def address(small_model):
    """Address of the page, served by the command."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "polysve", "explore", "--model", small_model, "--port", str(port)],
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


@pytest.fixture
def page(browser, address):
    """The page with its first structure; any error on the console fails the test."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    errors = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.get_by_test_id("stMetricValue").first.wait_for()
    yield page
    page.close()
    assert errors == []


def modulus(page):
    return float(page.get_by_test_id("stMetricValue").first.inner_text())


def test_a_slider_changes_the_structure_and_its_modulus(page):
    before = modulus(page)
    assert 120 < before < 180
    assert page.get_by_test_id("stImage").count() >= 2
    page.get_by_role("slider").first.press("ArrowRight")
    page.wait_for_function(
        "old => document.querySelector('[data-testid=stMetricValue]').innerText != old",
        arg=f"{before:.3f}",
    )
    page.get_by_text("Outside the training").first.wait_for()
    assert 120 < modulus(page) < 180


def test_finite_elements_stand_beside_the_network(page):
    network = modulus(page)
    page.get_by_role("button", name="Finite elements").click()
    label = page.get_by_test_id("stMetric").filter(has_text="PBC, finite elements")
    solved = float(label.get_by_test_id("stMetricValue").inner_text())
    assert abs(solved - network) < 0.3


def test_the_histogram_fills(page):
    page.get_by_role("button", name="Fill the histogram").click()
    page.get_by_text("200 structures:").wait_for()


def test_uploads_good_and_broken(page, tmp_path):
    from polysve.grains.tessellation import draw_film

    page.get_by_role("tab", name="Your own film").click()
    drawn = draw_film(RATIO4, "upload", 0)
    rows = np.column_stack([drawn.generators_um, np.degrees(drawn.theta_rad)])
    good, broken = tmp_path / "good.csv", tmp_path / "broken.csv"
    np.savetxt(good, rows, delimiter=",", header="x_um,y_um,theta_deg", comments="")
    broken.write_text("x_um,y_um,theta_deg\n1,1,nan\n")
    chooser = page.get_by_test_id("stFileUploaderDropzone").locator("input")
    panel = page.get_by_role("tabpanel").filter(has=page.get_by_test_id("stFileUploader"))

    chooser.set_input_files(broken)
    refusal = panel.get_by_test_id("stAlert")
    refusal.wait_for()
    assert "broken.csv: line 2" in refusal.inner_text()
    chooser.set_input_files(good)
    panel.get_by_test_id("stMetricValue").wait_for()
    assert 120 < float(panel.get_by_test_id("stMetricValue").inner_text()) < 180


def test_an_upload_above_the_stated_size_is_refused(page, tmp_path):
    page.get_by_role("tab", name="Your own film").click()
    page.get_by_text("at most 20 MB").first.wait_for()
    large = tmp_path / "large.csv"
    large.write_bytes(b"0" * 21_000_000)
    page.get_by_test_id("stFileUploaderDropzone").locator("input").set_input_files(large)
    page.get_by_text("21.0MB").wait_for()
    page.wait_for_timeout(6000)
    # what reaches the server is answered, with a refusal at the least
    assert page.get_by_test_id("stAlert").count() == 0


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
