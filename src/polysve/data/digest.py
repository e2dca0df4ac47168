"""Digest of the source code that a stage's numbers depend on."""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType

PACKAGE = "polysve"
LEFT_OUT = ("base", "settings", "films", "data.records", "data.digest", "data.origin")
"""Rooms and modules that decide no number of a study: what settings say reaches a stage as settings, `films` reads
what somebody brings, the others tell of the work."""
IMPORT = re.compile(
    rf"^[ \t]*(?:import ({PACKAGE}[\w.]*)|from ({PACKAGE}[\w.]*) import (?:\(([^)]*)\)|(.*)))",
    re.MULTILINE,
)
COMMENT = re.compile("#.*")


@cache
def source_digest(module: str, root: Path = Path(__file__).parents[1]) -> str:
    """Digest of all source code that a module of this package reaches by its imports.

    Comments, the words of docstrings and layout don't count, nor do the rooms and modules `LEFT_OUT`. Of a module that
    has a folder of its name beside it, such as the template of a page, the files there count too.

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


@cache
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
    """Byte code of a module, which has no comments and here no words of docstrings, and the names it imports anywhere.

    The compiler takes a quarter of the time that a tree of the syntax takes, and each job and each look at a study need
    the code of all stages.
    """
    source = _file(name, root).read_text(encoding="utf-8")
    code = compile(source, name, "exec", dont_inherit=True, optimize=2)
    return "\n".join(_parts(code)), frozenset(_imported(source))


def _imported(source: str) -> Iterator[str]:
    r"""Names of the package that a source imports, and of what it takes from them.

    Examples
    --------
    >>> sorted(_imported("    from polysve.fem import label  # of films\\nimport numpy"))
    ['polysve.fem', 'polysve.fem.label']
    """
    for whole, module, several, rest in IMPORT.findall(source):
        yield whole or module
        for each in COMMENT.sub("", several or rest).split(","):
            if module and each.strip():
                yield f"{module}.{each.split()[0]}"


def _parts(code: CodeType) -> Iterator[str]:
    """All of a code object that says what it does: not where it stands."""
    yield code.co_code.hex()
    # what a set holds comes in an order of its own at each start
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _parts(each)
        else:
            yield repr(sorted(map(repr, each)) if isinstance(each, frozenset) else each)
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
    names = code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    yield repr((*counts, *names, code.co_exceptiontable.hex()))
