"""The command line: quick to start, and bad input is one line and exit code 2."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import assert_refused, polysve

ROOT = Path(__file__).parents[2]


def test_help_loads_no_heavy_package():
    """What keeps `polysve --help` under a second, without a stopwatch."""
    code = (
        "import sys; from polysve import cli; cli.app(['--help'], standalone_mode=False);"
        "print([name for name in sys.modules if '.' not in name], file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"numpy", "h5py", "scipy", "tensorflow", "keras", "gmsh", "matplotlib", "cv2", "skfem"}
    assert not heavy & set(json.loads(answer.stderr.replace("'", '"')))
    for stage in (ROOT / "src/polysve/stages").glob("[a-z]*.py"):
        assert stage.stem in answer.stdout


def tessellate(settings, ensemble="a", start=0, stop=1):
    return [
        *("tessellate", "new.h5", "--ensemble", ensemble),
        *("--start", start, "--stop", stop, "--settings", settings),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mesh", "absent.h5", "new.h5", "--settings", "{}"], ["absent.h5"]),
        (["no_such_command"], ["no_such_command"]),
        ([], ["ommand"]),
        (["check"], ["file"]),
        (["tessellate", "--no-such-option"], ["--no-such-option"]),
        (tessellate("{}"), ["--settings", "window_um"]),
        (tessellate("{"), ["--settings", "JSON"]),
        (tessellate('{"window_um":-1,"grain_size_um":0.5}'), ["window_um = -1", "greater"]),
        (tessellate('{"window_um":2,"grain_size_um":0.5,"grain":1}'), ["grain", "allowed"]),
        (["tessellate", "new.h5", "--ensemble", "a", "--start", "x"], ["--start", "integer"]),
        (
            tessellate('{"window_um":2,"grain_size_um":0.5}', start=5, stop=5),
            ["--stop = 5", "--start = 5"],
        ),
        (
            tessellate('{"window_um":2,"grain_size_um":0.5}', ensemble="A/b"),
            ["--ensemble", "A/b"],
        ),
        (
            ["preprocess", "new.h5", "--ensemble", "ratio4", "--settings", "{}"],
            ["ratio4", "NAME=FILE"],
        ),
        (["preprocess", "new.h5", "--ensemble", "a=absent.h5", "--settings", "{}"], ["absent.h5"]),
        (["mesh", "text.h5", "new.h5", "--settings", "{}"], ["text.h5"]),
        (["homogenize", "text.h5", "text.h5", "new.h5", "--settings", "{}"], ["text.h5"]),
        (
            [
                "preprocess",
                "new.h5",
                "--ensemble",
                "a=text.h5",
                "--settings",
                '{"train_ensembles":["a"]}',
            ],
            ["text.h5"],
        ),
        (["train", "text.h5", "new.keras", "new.csv", "--settings", "{}"], ["text.h5"]),
        (
            ["evaluate", *3 * ["text.h5"], "new", "--ensemble", "a=text.h5", "--settings", "{}"],
            ["text.h5"],
        ),
        (["compare", "new.csv", "text.h5"], ["text.h5"]),
        (["provenance", "text.h5"], ["text.h5"]),
    ],
    ids=lambda value: None if isinstance(value, list) and len(value) < 3 else "",
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, arguments, words):
    (tmp_path / "text.h5").write_text("no HDF5 at all")
    assert_refused(polysve(*arguments, cwd=tmp_path), *words)
    assert [file.name for file in tmp_path.iterdir()] == ["text.h5"]


def test_the_program_ends_as_its_main_function_does(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-m", "polysve", "mesh", "absent.h5", "new.h5", "--settings", "{}"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert_refused(answer, "absent.h5")


def test_exported_schema_is_that_of_the_settings():
    answer = polysve("schema")
    assert answer.returncode == 0
    assert (ROOT / "config/config.schema.json").read_text() == answer.stdout


def test_doctor_knows_gmsh_and_tensorflow(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS
    findings = json.loads(polysve("doctor", "--json").stdout)
    assert findings["gmsh"].startswith("works")
    assert findings["tensorflow"].startswith("works on CPU")
    assert "numpy" in findings["versions"]
    assert findings["cores"] == f"{os.cpu_count()} usable of {os.cpu_count()}"
