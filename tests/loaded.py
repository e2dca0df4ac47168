"""What a server of Snakemake loads: its plugins, what the Snakefile imports, the digests of all stages."""

import gc
import os
import sys
from pathlib import Path

import h5py  # noqa: F401
import smart_open  # noqa: F401
import snakemake_executor_plugin_slurm as slurm
import snakemake_executor_plugin_slurm_jobstep  # noqa: F401
from served import PYTHON
from snakemake import cli

import polysve.learning.plan
import polysve.settings.families
import polysve.settings.study  # noqa: F401
from polysve.data import digest, origin  # noqa: F401

cli.get_argument_parser()
# The plugin would ask for the state of its jobs ten seconds later each time that none has ended.
slurm.Executor.next_seconds_between_status_checks = property(lambda _: 1, lambda _, longer: None)
SOURCE = str(Path(digest.__file__).parents[2])
for file in Path(SOURCE).glob("polysve/stages/[a-z]*.py"):
    digest.source_digest(f"polysve.stages.{file.stem}")

gc.freeze()  # a fork need not look through all this, and so copy it


def main():
    """Run Snakemake as the environment of a fork says: with which package, and which Python for its jobs."""
    source = os.environ.get("PYTHONPATH", SOURCE)
    if source != SOURCE:  # a copy of the repository
        for name in [each for each in sys.modules if each.partition(".")[0] == "polysve"]:
            del sys.modules[name]
        sys.path.insert(0, source)
    sys.executable = os.environ.get(PYTHON, sys.executable)
    cli.main()
