"""Snakemake, as `./run demo` and `./run snakemake` start it: as the command of that name, but without loading pandas.

Its SLURM plugin imports pandas at each start on any machine, and its comparison of parameters looks for tables among
them, of which no rule here has any: half a second. Jobs run in Linux's class for long computations: else two of them
share one core for seconds while the other one idles.
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
    from snakemake.persistence import PersistenceBase

    PersistenceBase._serialize_param = PersistenceBase._serialize_param_builtin
    main()
