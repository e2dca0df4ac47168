"""Snakemake, as the command of that name, but with pandas loaded only where something of it is used.

Its SLURM plugin imports pandas at each start on any machine, which is a third of a second. Jobs run in Linux's class
for long computations: else two of them share one core for seconds while the other one idles.
"""

import importlib.util
import os
import sys
from contextlib import suppress


class PutOff:
    """Finds a package, and leaves its loading to the first use of something in it."""

    def __init__(self, package: str):
        self.package = package

    def find_spec(self, name, path, target=None):
        """What Python asks of the finders in `sys.meta_path`."""
        if name != self.package:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


if __name__ == "__main__":
    sys.meta_path.insert(0, PutOff("pandas"))
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    from snakemake.cli import main

    main()
