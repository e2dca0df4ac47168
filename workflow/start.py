"""Snakemake, as the command of that name, but with pandas loaded only where something of it is used.

Its SLURM plugin imports pandas at each start on any machine, which is a third of a second. Jobs run in Linux's class
for long computations: else two of them share one core for seconds while the other one idles.
"""

import os
from contextlib import suppress

from polysve.base.late import put_off

if __name__ == "__main__":
    put_off("pandas")
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    from snakemake.cli import main

    main()
