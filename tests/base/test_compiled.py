import subprocess
import sys

import pytest

from polysve.base import compiled
from polysve.fem.fan import condense

MODULE = """
from polysve.base.compiled import compiled, inner

@inner()
def half(x):
    return x / 2

@compiled("f8(f8)")
def shift(x):
    return half(x) + {shift}
"""


def run(folder, shift, **environment):
    source = folder / "kernel.py"
    if not source.exists() or source.read_text() != MODULE.format(shift=shift):
        source.write_text(MODULE.format(shift=shift))
    done = subprocess.run(
        [sys.executable, "-c", "import kernel; print(kernel.shift(1.0))"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout), "compiling" in done.stderr


def test_compiled_once_and_anew_after_a_change(tmp_path):
    assert run(tmp_path, 1.0) == (1.5, True)
    assert run(tmp_path, 1.0) == (1.5, False)
    assert list((tmp_path / "__pycache__").glob("kernel.shift*.nbc"))
    assert run(tmp_path, 20.0) == (20.5, True)


def test_nowhere_to_keep_it_is_no_error(tmp_path):
    # a file where the folder would be, and no home
    (tmp_path / "__pycache__").touch()
    for _ in range(2):
        assert run(tmp_path, 3.0, HOME="/dev/null") == (3.5, True)


def test_the_home_serves_where_the_source_cannot_be_written(tmp_path):
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    home.mkdir()
    (source / "__pycache__").touch()
    assert run(source, 3.0, HOME=str(home)) == (3.5, True)
    assert list(home.rglob("kernel.shift*.nbc"))


def test_a_call_into_another_file_is_refused():
    def calls():
        return condense()

    with pytest.raises(TypeError, match="calls condense of another file"):
        compiled.inner()(calls)
