"""Snakemake's dry runs without the seconds that loading it takes: each is a fork of a process that has loaded it."""

import multiprocessing
import os
import sys

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", "snakemake.cli", "h5py", "pydantic"])


def dry_run(arguments, folder, source, output):
    """Run Snakemake in a folder with the package of a repository; return its exit code, and what it printed."""
    arguments = [str(each) for each in (*arguments, "--dry-run")]
    process = CONTEXT.Process(target=_run, args=(arguments, folder, source, output))
    process.start()
    process.join()
    return process.exitcode, output.read_text()


def _run(arguments, folder, source, output):
    with open(output, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(folder)
    sys.path.insert(0, str(source / "src"))
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main(arguments)
