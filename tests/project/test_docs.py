"""The documentation: it builds without a warning, and its commands work."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import yaml
from command import polysve
from scipy.stats import norm

from polysve import draw, homogenize
from polysve.crystals import catalogue
from polysve.crystals.stiffness import log_stiffness
from polysve.grains.raster import grain_numbers, paint
from polysve.settings.model import parse
from polysve.settings.study import Settings
from polysve.surrogate.born import image_stiffness
from polysve.surrogate.interval import calibration

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# A block of commands; a language other than sh is for reading.
BLOCK = re.compile(r"^``` ?(sh|\{ \.sh \.fails \})\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"^\./run polysve ([^|<>&;\\\n]*)\n", re.MULTILINE)
# What these pages show takes minutes to hours and was measured; the benchmarks have tests of their own.
MEASURED = {
    *("verification.md", "validation.md", "networks.md", "scaling.md"),
    *("characterize.md", "device.md"),
}
PAGES = sorted(
    str(page.relative_to(DOCS))
    for page in DOCS.rglob("*.md")
    if page.name not in MEASURED and BLOCK.search(page.read_text())
)
# In place of ./run, which sets up an environment: the one that the tests run in, loaded already.
RUN = """#!/bin/sh
export PATH="{served}/bin:{programs}:$PATH" PYTHONPATH="{root}/src"
if [ "$1" = demo ]; then
    shift
    exec "{served}/python" -m snakemake --snakefile "{root}/Snakefile" --cores 2 "$@"
fi
exec "$@"
"""


@pytest.fixture(scope="module")
def desk(finished, quick_jobs, tmp_path_factory):
    """A folder like a clone in which the smoke study has run."""
    desk = finished.copy_to(tmp_path_factory.mktemp("docs") / "clone").folder
    # the pages speak of the smoke study by its own folder, and of the default one
    shutil.copytree(finished.folder / "results", desk / "results/smoke")
    for name in ("config", "workflow", "docs"):
        (desk / name).symlink_to(ROOT / name)
    programs = Path(sys.executable).parent
    (desk / "run").write_text(RUN.format(served=quick_jobs, programs=programs, root=ROOT))
    (desk / "run").chmod(0o755)
    return desk


def type_in(commands, desk, fails=False):
    """Run what a reader would; plain commands of the program in this process, which has loaded it."""
    parts = [commands] if fails or "$" in commands else PROGRAM.split(commands)
    for place, part in enumerate(parts):
        if place % 2:
            answer = polysve(*shlex.split(part), cwd=desk)
        else:
            command = ["bash", "-euo", "pipefail", "-c", part]
            answer = subprocess.run(command, cwd=desk, capture_output=True, text=True, check=False)
        failed = answer.returncode != 0
        assert failed is fails, f"{part}\n{answer.stdout}{answer.stderr}"


@pytest.mark.docs
@pytest.mark.parametrize("page", PAGES)
def test_commands_on_a_page(page, desk):
    for kind, commands in BLOCK.findall((DOCS / page).read_text()):
        type_in(commands, desk, fails="fails" in kind)


@pytest.mark.docs
def test_commands_that_ask_the_network(desk):
    """With fewer structures and shorter beams than on the page. `explore`, a server, has tests of its own."""
    page = (DOCS / "characterize.md").read_text()
    blocks = dict(re.findall(r"^```(yaml|python)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    assert "length_um: 60.0" in blocks["yaml"]
    beams = blocks["yaml"].replace("length_um: 60.0", "length_um: 20.0")
    (desk / "beam.yaml").write_text(f"structures: 100\nbeams: 100\n{beams}")
    for name, side in (("points", 2), ("film", 8)):
        grid = [(x + 0.5, y + 0.5, 7 * x + 11 * y) for x in range(side) for y in range(side)]
        rows = [f"{x},{y},{theta}" for x, y, theta in grid]
        (desk / f"{name}.csv").write_text("\n".join(["x_um,y_um,theta_deg", *rows, ""]))
    with chdir(desk):
        exec(blocks["python"], {})
    for _, commands in BLOCK.findall(page):
        if "explore" not in commands:
            for found, instead in (
                (r"--count \d+", "--count 100"),
                (r"--check \d+", "--check 10"),
                ("polysve (characterize|beam)", r"polysve \1 --workers 1"),
            ):
                commands = re.sub(found, instead, commands)
            type_in(commands.replace("MODEL", "results/experiments/spectral/model.keras"), desk)
    for picture in re.findall(r"characterize/(\w+\.svg)", page):
        assert (desk / picture).stat().st_size > 5000, picture


@pytest.mark.docs
@pytest.mark.device
def test_page_of_devices_asks_and_answers(tmp_path):
    """Its commands in this process, with fewer strips and one width: they say what the page says, within chance."""
    page = (DOCS / "device.md").read_text()
    spec, study = map(yaml.safe_load, re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.DOTALL))
    parse(Settings, study, "page")
    beams, infer = (shlex.split(each)[2:] for _, each in BLOCK.findall(page))
    few = {"structures": 100, "beams": 500}
    (tmp_path / "beam.yaml").write_text(yaml.safe_dump(spec | few | {"widths_um": [2]}))
    answer = polysve(*beams, "--workers", 1, "--json", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    table = r"^\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) % \| (\S+) \((\S+) to (\S+)\) \| ([\d.]+) \|$"
    rows = {float(width): list(map(float, row)) for width, *row in re.findall(table, page, re.M)}
    assert list(rows) == spec["widths_um"]
    for found in json.loads(answer.stdout)["widths"]:
        frequency, safety = found["frequency_hz"], found["reliability"]
        mean, scatter, failures, *_, index = rows[found["width_um"]]
        assert mean == pytest.approx(frequency["mean"] / 1000, rel=0.01)
        assert scatter == pytest.approx(100 * frequency["std"] / frequency["mean"], rel=0.15)
        assert index == pytest.approx(safety["reliability_index"], abs=0.3)
        assert index == pytest.approx(-norm.ppf(failures), abs=0.01)
    assert found["shares"]["frequency_hz"]["width_um"]["total_order"] > 0.8

    few = {"structures": 100, "widths_um": [2]}
    (tmp_path / "beam.yaml").write_text(yaml.safe_dump(spec | few))
    rows = (DOCS / "device/measured.csv").read_text().splitlines()
    (tmp_path / "docs/device").mkdir(parents=True)
    kept = [row for row in rows if not row.startswith("1.5,")]
    (tmp_path / "docs/device/measured.csv").write_text("\n".join(kept) + "\n")
    answer = polysve(*infer, "--workers", 1, "--json", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    told = re.search(r"width offset .*\| −([\d.]+), −([\d.]+) to −([\d.]+) \|", page).groups()
    found = json.loads(answer.stdout)["posterior"]["width_offset_um"]["interval_90"]
    assert found[0] < -float(told[0]) < found[1], "half of the devices say so too"
    assert found[1] - found[0] < 0.05
    for picture in re.findall(r"device/(\w+\.svg)", page):
        assert (tmp_path / picture).stat().st_size > 5000, picture


@pytest.mark.docs
def test_coverage_on_the_page_is_what_the_calibration_counted():
    page = (DOCS / "characterize.md").read_text()
    record = calibration()["record"]["coverage_of_components_and_of_young_then_largest_error"]
    for condition, films in record["other films"].items():
        for film, told in films.items():
            counted = re.findall(r"L/s \d+: (\S+) (\S+) of \d+, ([^;]+)", told)
            components, young, largest = np.array(counted, float).T
            cells = (
                " / ".join(f"{100 * each:.0f}" for each in components),
                " / ".join(f"{100 * each:.0f}" for each in young),
                " / ".join(f"{1e5 * each:.2g}" for each in largest),
            )
            assert f"| {film} | {condition.upper()} | {' | '.join(cells)} |" in page


@pytest.fixture(scope="module")
def series_page():
    """Python blocks of the page, and what they define."""
    text = (DOCS / "series.md").read_text()
    blocks, names = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL), {}
    exec("\n".join(blocks), names)
    return blocks, names


@pytest.mark.docs
@pytest.mark.parametrize(
    ("material", "texture"), [("silicon", "<100>"), ("copper", "random"), ("zinc", "random")]
)
def test_series_of_twenty_lines(material, texture, series_page):
    """It has twenty lines, agrees with finite elements, and with the package's own on the same pixels."""
    blocks, names = series_page
    code = [line for line in blocks[1].splitlines() if line.strip() and '"""' not in line]
    assert len(code) <= 22, "with the first lines of both functions"
    assert abs(names["answer"] - names["exact"]).max() < 3e-4 * names["exact"][0, 0]

    picture, series, mandel = names["picture"], names["series"], names["mandel"]
    film = draw(2.0, 0.5, texture=texture, material=material, periodic=True, seed=3)
    stiffness = mandel @ film.stiffness_gpa @ mandel
    coarse, fine = (
        np.linalg.inv(mandel)
        @ series(picture(grain_numbers(film, 512), stiffness, pixels))
        @ np.linalg.inv(mandel)
        for pixels in (64, 128)
    )
    label = homogenize(film, boundary_conditions=("pbc",)).stiffness_gpa["pbc"]
    assert abs(2 * fine - coarse - label).max() < 3e-4 * label[0, 0]
    # the pixels of the package are exact averages: a picture of 512 is not quite
    own = image_stiffness(paint(film, log_stiffness(film.stiffness_gpa), 128), tolerance=1e-6)
    assert abs(2 * fine - coarse - own).max() < 1e-4 * own[0, 0]


@pytest.mark.docs
def test_series_of_the_notebook_is_that_of_the_page(series_page):
    blocks, _ = series_page
    notebook = (DOCS / "course/which_film.md").read_text()
    assert blocks[0].partition("\n\n\n")[2] in notebook
    assert blocks[1] in notebook


# Fenced and indented code, code in a line, targets of links.
NOT_PROSE = re.compile(r"^```.*?^```$|^ {4}.*?$|`[^`]*`|\]\([^)]*\)", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def first_numbers():
    """What the first pages say in digits, made as they say it was made."""
    sys.path.insert(0, str(DOCS))
    import make_figures

    films, quick, exact = zip(*make_figures.story_answers().values(), strict=True)
    grains = np.mean([[film.n_grains for film in each] for each in films])
    far = max(abs(many[:10] / few - 1).max() for many, few in zip(quick, exact, strict=True))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    counts = {
        name: sum(each["count"] for each in study["ensembles"].values())
        for name in ("config", "smoke")
        for study in [yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())]
    }
    assert quick[2].std() < 1e-3, "<111> cannot scatter"
    textures = {f"<{axis}>": axis for axis in ("100", "110", "111")}
    return {
        f"{grains:.0f}",
        f"{quick[0].mean():.0f}",
        f"{quick[2].mean():.0f}",
        *({"1", "10,000"} if far < 1e-4 else ()),
        *("3.11", "3.12", "3.13"),
        *(f"{count:,}" for count in counts.values()),
        str(len(catalogue.rows())),
        *textures.values(),
    }


@pytest.mark.docs
@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_numbers_of_the_first_pages_are_made_anew(page, first_numbers):
    prose = NOT_PROSE.sub(" ", (ROOT / page).read_text())
    said = {number.strip(",.") for number in re.findall(r"(?<![\w.])\d[\d.,]*", prose)}
    assert {"149", "169", "10,000"} <= said
    assert said <= first_numbers


@pytest.mark.docs
def test_picture_of_the_readme_is_what_the_script_draws(tmp_path, monkeypatch):
    """All its words and as many points; digits of coordinates may differ from machine to machine."""
    monkeypatch.syspath_prepend(DOCS)
    import make_figures

    from polysve.figures import style

    with style.style():
        style.save(make_figures.story(), tmp_path / "story.svg")
    drawn, kept = ((folder / "story.svg").read_text() for folder in (tmp_path, DOCS))
    for what in ("<use", "<!--.*?-->"):
        assert re.findall(what, drawn) == re.findall(what, kept)


@pytest.mark.docs
def test_pages_that_start_a_reader_have_commands():
    assert {"index.md", "howto/cluster.md", "howto/own-film.md"} <= set(PAGES)


@pytest.mark.docs
def test_site_builds_without_a_warning(tmp_path):
    site = tmp_path / "site"
    answer = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    settings = (site / "reference/settings.html").read_text()
    for key in ("ensembles.&lt;name&gt;.window_um", "homogenize.material.c44_gpa", "label_pixels"):
        assert key in settings, key
    rules = (site / "reference/rules.html").read_text()
    commands = (site / "reference/commands.html").read_text()
    for stage in (ROOT / "src/polysve/stages").glob("[a-z]*.py"):
        assert f'id="{stage.stem}"' in rules, stage.stem
        assert f"polysve {stage.stem}" in commands, stage.stem
    api = (site / "reference/api.html").read_text()
    for name in (
        "polysve.crystals.square.PlaneStress",
        "polysve.learning.encoding.encode",
        "polysve.learning.metrics.r2",
    ):
        assert f'id="{name}"' in api, name
    assert 'href="https://fonts' not in api
    notebooks = [each.stem for each in (DOCS / "course").glob("*.ipynb")]
    assert len(notebooks) >= 4
    for name in notebooks:
        shown = re.findall(r'src="([^"]+)" ?/?>', (site / f"course/{name}.html").read_text())
        pictures = [path for path in shown if path.startswith(f"{name}_files/")]
        assert len(pictures) >= 2, name
        assert all((site / "course" / path).stat().st_size > 5000 for path in pictures)
    for figure in ("story", "structures", "pipeline", "boundary_conditions", "identities"):
        assert (site / f"figures/{figure}.svg").stat().st_size > 10_000
