"""The digest of a stage's code changes with what the code does, and with nothing else."""

import ast
import json
import shutil
from pathlib import Path

import pytest

from polysve.base.errors import InputError
from polysve.data import digest, records

SOURCE = Path(records.__file__).parents[1]
USED_BY = {"report": ["compare"], "trial": ["preprocess"]}
STAGES = sorted(file.stem for file in (SOURCE / "stages").glob("*.py") if file.stem != "__init__")


@pytest.fixture
def package(tmp_path):
    """A package of its own whose stage reaches `deep` only by way of `shallow`."""
    root = tmp_path / "package"
    for room in ("stages", "settings", "base"):
        (root / room).mkdir(parents=True)
    files = {
        "__init__": "",
        "settings/__init__": "",
        "settings/study": "X = 1\n",
        "base/__init__": "",
        "base/files": "Y = 1\n",
        "basement": "Z = 1\n",
        "other": "X = 1\n",
        "deep": '"""Text."""\n\ndef f(x):\n    """Text."""\n    return x + 1  # why\n',
        "shallow": "def g():\n    from polysve import deep\n    return deep.f(1)\n",
        "stages/__init__": "",
        "stages/one": "import polysve.shallow\nfrom polysve.settings.study import X\n"
        "from polysve.base.files import Y\nfrom polysve.basement import Z\nfrom numpy import sin\n",
    }
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    return root


def digest_of(root):
    digest._module.cache_clear()
    digest.source_digest.cache_clear()
    return digest.source_digest("polysve.stages.one", root)


def test_reaches_modules_imported_by_imported_modules_inside_functions(package):
    found = digest.source_modules("polysve.stages.one", package)
    assert found == [
        "polysve",
        "polysve.basement",
        "polysve.deep",
        "polysve.shallow",
        "polysve.stages.one",
    ]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("deep.py", '"""Text."""\ndef f(x):\n    """Text."""\n    return x + 1\n'),
        (
            "deep.py",
            '"""Other text."""\n\n\ndef f( x ):\n    """Other."""\n\n    return (x + 1)  # else\n',
        ),
        ("settings/study.py", "X = 2\n"),
        ("base/files.py", "Y = 2\n"),
        ("other.py", "X = 2\n"),
        ("new.py", "X = 2\n"),
    ],
)
def test_keeps_digest_of_text_without_effect(package, file, text):
    before = digest_of(package)
    (package / file).write_text(text)
    assert digest_of(package) == before


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("deep.py", "def f(x):\n    return x + 2\n"),
        ("deep.py", "def f(x):\n    'text'\n    return 'text'\n"),
        ("deep.py", "def f(y):\n    return y + 1\n"),
        ("shallow.py", "from polysve import deep, other\n\ndef g():\n    return deep.f(1)\n"),
        ("__init__.py", "X = 2\n"),
        ("basement.py", "Z = 2\n"),
    ],
)
def test_changes_digest_with_code(package, file, text):
    before = digest_of(package)
    (package / file).write_text(text)
    assert digest_of(package) != before


def test_a_string_that_is_no_docstring_counts(package):
    (package / "deep.py").write_text("def f(x):\n    return 'a'\n")
    before = digest_of(package)
    (package / "deep.py").write_text("def f(x):\n    return 'b'\n")
    assert digest_of(package) != before


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_itself_but_neither_on_command_line_nor_settings(stage):
    modules = digest.source_modules(f"polysve.stages.{stage}")
    assert f"polysve.stages.{stage}" in modules
    rooms = {name.split(".")[1] for name in modules if "." in name}
    assert not {"base", "settings", "cli", "commands"} & rooms
    assert [name for name in modules if name.startswith("polysve.stages.")] == [
        f"polysve.stages.{each}" for each in [*USED_BY.get(stage, []), stage]
    ]


def test_label_stages_do_not_depend_on_networks_or_figures():
    for stage in ("tessellate", "mesh", "homogenize"):
        modules = digest.source_modules(f"polysve.stages.{stage}")
        rooms = {name.split(".")[1] for name in modules if "." in name}
        assert rooms <= {"crystals", "grains", "fem", "data", "stages"}


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: file.stem)
def test_the_package_imports_itself_by_full_names_only(file):
    """The digest follows no relative import."""
    relative = [
        node.lineno
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.fixture
def recorded(tmp_path):
    (tmp_path / "figures").mkdir()
    outputs = [tmp_path / "metrics.json", tmp_path / "figures" / "parity.png"]
    for output in outputs:
        output.write_text(f"content of {output.name}")
    record = tmp_path / "evaluate.provenance.json"
    records.write_record(record, "compare", '{"seed":3,"a":1}', outputs, [])
    return tmp_path


@pytest.mark.parametrize("name", ["metrics.json", "figures/parity.png"])
def test_record_is_found_for_each_of_its_results(recorded, name):
    record = records.read_record(recorded / name)
    assert record["settings"] == {"seed": 3, "a": 1}
    assert record["seed"] == 3
    assert record["code_digest"] == digest.source_digest("polysve.stages.compare")
    assert record["package_versions"]["numpy"]
    json.dumps(record)


def test_record_of_a_changed_result_is_refused(recorded):
    (recorded / "metrics.json").write_text("better numbers")
    with pytest.raises(InputError, match=r"metrics.json: differs from what evaluate.prov"):
        records.read_record(recorded / "metrics.json")


def test_a_file_that_no_stage_made_is_refused(recorded):
    shutil.copy(recorded / "metrics.json", recorded / "mine.json")
    with pytest.raises(InputError, match=r"mine.json: no \*.provenance.json"):
        records.read_record(recorded / "mine.json")
