"""Snakemake without the seconds that loading it takes: each run is a fork of a process that has loaded it."""

import atexit
import multiprocessing
import os
import sys
from multiprocessing import forkserver
from pathlib import Path

import pytest

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["loaded"])


def start(arguments, folder, environment, output):
    """Start Snakemake in a folder; what it prints goes to a file. Returns the process."""
    with pytest.MonkeyPatch.context() as patch:
        # or the server would not find what to load, and say nothing: Python 3.11 does not hand sys.path on
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        forkserver.ensure_running()
    arguments = [str(each) for each in arguments]
    process = CONTEXT.Process(target=_run, args=(arguments, folder, environment, output))
    process.start()
    return process


def snakemake(arguments, folder, environment, output):
    """Run Snakemake in a folder; return its exit code, and what it printed."""
    process = start(arguments, folder, environment, output)
    process.join()
    return process.exitcode, output.read_text()


def _run(arguments, folder, environment, output):
    assert "snakemake.cli" in sys.modules
    with open(os.devnull) as nothing, open(output, "w") as file:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    atexit._clear()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    _take_package_from(environment["PYTHONPATH"])
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    try:
        main(arguments)
    finally:
        atexit._run_exitfuncs()  # a fork ends without them; the lock of a run is given back there


def _take_package_from(source):
    """The package that was loaded is that of this repository, not of a copy."""
    import loaded

    if source != loaded.SOURCE:
        for name in [each for each in sys.modules if each.partition(".")[0] == "polysve"]:
            del sys.modules[name]
        sys.path.insert(0, source)
