"""An environment of its own for each peer, made by uv from the hashed requirements beside this file."""

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = {"dolfinx": "3.12", "sfepy": "3.11", "scikit_fem": "3.11", "fourier": "3.11"}


class Unavailable(Exception):
    """Why a peer cannot be asked here."""


def environment(peer: str, set_up: bool = True) -> Path:
    """Interpreter of a peer's environment, made or renewed where needed.

    Raises
    ------
    Unavailable
        If its Python is not there, if its packages cannot be installed, or if it is not set up and `set_up` is false.
    """
    folder = HERE / ".venv" / peer
    requirements = HERE / f"{peer}.txt"
    made_from = folder / "made-from"
    interpreter = folder / "bin" / "python"
    if made_from.exists() and made_from.read_text() == requirements.read_text():
        return interpreter
    if not set_up:
        raise Unavailable("not set up")
    uv = _find_uv()
    variables = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    for command in (
        [uv, "venv", "-q", "--clear", "--python", find_python(PYTHON[peer]), folder],
        [uv, "pip", "sync", "-q", "--require-hashes", "--python", interpreter, requirements],
    ):
        done = subprocess.run(command, env=variables, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    made_from.write_text(requirements.read_text())
    return interpreter


def find_python(wanted: str) -> str:
    """An interpreter of a version such as "3.12": this one, one on the PATH, or one that pyenv keeps.

    Raises
    ------
    Unavailable
    """
    pyenv = os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")
    candidates = [
        sys.executable,
        shutil.which(f"python{wanted}"),
        *sorted(glob.glob(f"{pyenv}/versions/{wanted}.*/bin/python")),
    ]
    for candidate in filter(None, candidates):
        program = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([candidate, "-c", program], capture_output=True, text=True)
        if done.stdout.strip() == wanted:
            return candidate
    raise Unavailable(f"its wheels need Python {wanted}, which is not installed here")


def _find_uv() -> str:
    private = HERE.parents[1] / ".tools" / "bin" / "uv"
    uv = private if private.exists() else shutil.which("uv")
    if uv is None:
        raise Unavailable("uv, which makes its environment, is not installed here")
    return str(uv)
