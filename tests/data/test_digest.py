"""A stage's digest names every function that its numbers depend on, and nothing that tells of the work alone.

Which functions a stage calls is found by running it; each is then changed in a copy of the package.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from polysve.data import digest

PACKAGE = Path(digest.__file__).parents[1]
STAGES = ("tessellate", "mesh", "homogenize", "assemble", "preprocess", "train")
TRACED = Path(__file__).parents[1] / "traced.py"


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """Functions that each stage calls on a few SVEs: stage to places ``(file, line)``."""
    command = [sys.executable, TRACED, tmp_path_factory.mktemp("traced")]
    # calls of compiled functions would not be seen
    plain = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=plain)
    found = json.loads(answer.stdout.splitlines()[-1])
    return {stage: {(file, line) for file, line in places} for stage, places in found.items()}


class Copy:
    """A copy of the package whose functions can be changed one at a time."""

    def __init__(self, root, monkeypatch):
        shutil.copytree(PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
        self.root, self.read = root, {}
        parse = digest._module.__wrapped__

        def module(name, package):
            if name not in self.read:
                self.read[name] = parse(name, package)
            return self.read[name]

        # the digest keeps what it has read of a package, which never changes while a program runs
        monkeypatch.setattr(digest, "_module", module)
        self.before = {stage: self.digest(stage) for stage in STAGES}

    def digest(self, stage):
        return digest.source_digest.__wrapped__(f"polysve.stages.{stage}", self.root)

    def changed_stages(self, file, insertions, stages=STAGES):
        """Which stages' digests change when a statement is put before some lines of a file."""
        path = self.root / file
        text = path.read_text()
        lines = text.splitlines()
        for number, indent in sorted(insertions, reverse=True):
            lines.insert(number - 1, " " * indent + "pass")
        path.write_text("\n".join(lines) + "\n")
        name = ".".join(["polysve", *Path(file).with_suffix("").parts])
        kept = self.read.pop(name, None)
        found = {stage for stage in stages if self.digest(stage) != self.before[stage]}
        path.write_text(text)
        self.read[name] = kept
        return found


@pytest.fixture
def copy(tmp_path, monkeypatch):
    return Copy(tmp_path / "polysve", monkeypatch)


@cache
def functions(file):
    """First and last line of each function of a file, and line and indent of its first statement."""
    found = []
    for node in ast.walk(ast.parse((PACKAGE / file).read_text())):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            documented = ast.get_docstring(node) is not None and len(node.body) > 1
            statement = node.body[documented]
            start = min(
                [statement.lineno, *(e.lineno for e in getattr(statement, "decorator_list", []))]
            )
            found.append((first, node.end_lineno, (start, statement.col_offset)))
    return found


def innermost(file, line):
    """Where to change the function that holds a line; None for what a module or a class holds itself."""
    around = [
        (last - first, place) for first, last, place in functions(file) if first <= line <= last
    ]
    return min(around)[1] if around else None


def left_out(file):
    name = ".".join(Path(file).with_suffix("").parts)
    return any(f"{name}.".startswith(f"{each}.") for each in digest.LEFT_OUT)


def test_a_change_of_any_function_that_a_stage_calls_changes_its_digest(called, copy):
    callers = {}
    for stage, places in called.items():
        for file, line in places:
            if not left_out(file) and (place := innermost(file, line)):
                callers.setdefault((file, place), set()).add(stage)
    assert len(callers) > 200
    for (file, place), stages in callers.items():
        missed = stages - copy.changed_stages(file, [place], stages)
        assert not missed, (
            f"{file}, line {place[0]}: called by {missed}, whose digest does not see it"
        )


def test_what_is_counted_on_is_seen_to_be_called(called):
    """The faults that were measured: grain_count and image_pixels stood where no digest saw them."""

    def calls(stage, file, name):
        tree = ast.parse((PACKAGE / file).read_text())
        (line,) = (n.lineno for n in ast.walk(tree) if getattr(n, "name", None) == name)
        return (file, line) in called[stage]

    assert calls("tessellate", "grains/tessellation.py", "grain_count")
    assert calls("preprocess", "learning/plan.py", "image_pixels")
    assert not calls("tessellate", "learning/plan.py", "image_pixels")
    # compiled functions, too
    assert any(file == "grains/half_planes.py" for file, _ in called["tessellate"])
    assert any(file.startswith("networks/") for file, _ in called["train"])


@pytest.mark.parametrize("room", ["base", "settings", "films", "figures", "commands"])
def test_rooms_that_decide_no_number_are_in_no_digest(copy, room):
    files = [str(each.relative_to(PACKAGE)) for each in (PACKAGE / room).rglob("*.py")]
    assert len(files) > 1
    for file in files:
        places = {place for _, _, place in functions(file)}
        assert copy.changed_stages(file, places) == set(), file


def test_rooms_hold_nothing_beside_their_modules():
    """The digest follows the names of modules: what a package itself held would be missed."""
    for file in PACKAGE.rglob("*/__init__.py"):
        assert file.read_text() == "", file


BEFORE = '''"""A module."""

LIMIT = 3  # of x


def less(x, y=1):
    """Say so."""
    return x in {1, 2} or (x < LIMIT and y)
'''


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("A module", "Another text", False),
        ("Say so", "Say it", False),
        ("  # of x", "", False),
        ("\n\n\n", "\n\n\n\n\n", False),
        ("x in {1, 2} or (x", "x in {1, 2} or (\n        x", False),
        ("LIMIT = 3", "LIMIT = 4", True),
        ("y=1", "y=2", True),
        ("y=1", "*, y=1", True),
        ("{1, 2}", "{1, 3}", True),
        ("<", "<=", True),
        ("less", "fewer", True),
        ("x < LIMIT", "x < math.pi", True),
    ],
)
def test_what_counts_in_a_module(tmp_path, old, new, counts):
    file, read = tmp_path / "one.py", digest._module.__wrapped__
    found = []
    for text in (BEFORE, BEFORE.replace(old, new)):
        file.write_text(text)
        found.append(read("polysve.one", tmp_path)[0])
    assert BEFORE.replace(old, new) != BEFORE
    assert (found[0] != found[1]) == counts


def test_imports_are_found_wherever_they_stand():
    source = """
from polysve.base import errors, files as f  # and more
from polysve.fem import (
    label,  # the one
    mesh,
)

def late():
    import polysve.grains.film
    from numpy import polysve
"""
    assert set(digest._imported(source)) == {
        "polysve.base",
        "polysve.base.errors",
        "polysve.base.files",
        "polysve.fem",
        "polysve.fem.label",
        "polysve.fem.mesh",
        "polysve.grains.film",
    }
