"""Digest of the source code that a stage's numbers depend on."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "polysve"
LEFT_OUT = ("base", "settings", "films", "data.records", "data.digest", "data.origin")
"""Rooms and modules that decide no number of a study: what settings say reaches a stage as settings, `films` reads
what somebody brings, the others tell of the work."""
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def source_digest(module: str, root: Path = Path(__file__).parents[1]) -> str:
    """Digest of all source code that a module of this package reaches by its imports.

    Comments, docstrings and layout don't count, nor do the rooms and modules `LEFT_OUT`. Of a module that has a folder
    of its name beside it, such as the template of a page, the files there count too.

    Parameters
    ----------
    module : str
        Dotted name, such as ``polysve.stages.mesh``.
    root : Path
        Folder of the package.

    Returns
    -------
    str
        Sixteen hexadecimal digits.

    Examples
    --------
    >>> len(source_digest("polysve.stages.tessellate"))
    16
    """
    digest = hashlib.sha256()
    for name in source_modules(module, root):
        digest.update(f"{name}\n{_module(name, root)[0]}\n".encode())
        for file in _texts(name, root):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def source_modules(module: str, root: Path = Path(__file__).parents[1]) -> list[str]:
    """Names of the modules of this package that a module imports, directly or not, itself included."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name in found or _left_out(name):
            continue
        found.add(name)
        waiting += [each for each in _module(name, root)[1] if _file(each, root)]
    return sorted(found)


def _left_out(name: str) -> bool:
    return any(f"{name}.".startswith(f"{PACKAGE}.{each}.") for each in LEFT_OUT)


def _file(name: str, root: Path) -> Path | None:
    """Source file of a module of the package, None for anything else."""
    package, *parts = name.split(".")
    place = root.joinpath(*parts)
    candidates = [place.with_suffix(".py"), place / "__init__.py"] if package == PACKAGE else []
    return next((each for each in candidates if each.is_file()), None)


def _texts(name: str, root: Path) -> list[Path]:
    """Files in the folder of a module's name, unless that is a package."""
    folder = root.joinpath(*name.split(".")[1:])
    if (folder / "__init__.py").is_file() or not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.is_file())


@cache
def _module(name: str, root: Path) -> tuple[str, frozenset[str]]:
    """Syntax of a module without docstrings and positions, and the names it imports anywhere."""
    tree = ast.parse(_file(name, root).read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.update({node.module}, (f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree), frozenset(names)
