"""The configuration, checked before any job starts, and what the rules of all stages share."""

import sys

from snakemake.settings.types import DeploymentMethod
from snakemake.utils import min_version

from polysve.base.errors import InputError
from polysve.data.digest import source_digest
from polysve.settings.model import parse as parse_settings
from polysve.learning.plan import check_study
from polysve.settings.study import Settings

sys.path.insert(0, f"{workflow.basedir}/workflow")
import one_run
import paths

min_version("9.10")

# `configfile` would be merged with the user's own file: two dictionaries of ensembles would become one.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


try:
    STUDY = parse_settings(Settings, config, "configuration")
    check_study(STUDY)
except InputError as error:
    print(f"polysve: {error}", file=sys.stderr)
    sys.exit(2)


if workflow.is_main_process:
    one_run.take_over()


onstart:
    one_run.hold()
    # At its default of 100 jobs a second Snakemake 9.27's limit never holds a job back, but it looks for new jobs once a
    # second more often for every job that has finished: after some thousand jobs this takes a core of its own.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


wildcard_constraints:
    ensemble="|".join(STUDY.ensembles),
    experiment="|".join(STUDY.experiments) or "-",
    search="|".join(STUDY.searches) or "-",
    trial=r"\d{4}",
    start=r"\d+",
    stop=r"\d+",


# --sdm apptainer: the image that envs/apptainer.def builds. It holds this package, the environment of --sdm conda doesn't.
container: f"{workflow.basedir}/polysve.sif"


# Snakemake itself keeps numerical libraries to the threads of a rule (OMP_NUM_THREADS and the like).
if DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method:
    shell.prefix(f'polysve() {{ PYTHONPATH="{workflow.basedir}/src" python -m polysve "$@"; }}; ')
else:
    # last, so that an image goes before the folder of this Python
    shell.prefix(f'export PATH="$PATH:{Path(sys.executable).parent}"; ')


def code(stage):
    """Digest of the source of a stage, as a parameter: changed code makes its results anew, comments do not."""
    return source_digest(f"polysve.stages.{stage}")


def grains(wildcards):
    """Mean number of grains in a shard: what its memory and time are asked for by."""
    count = int(wildcards.stop) - int(wildcards.start)
    return round(count * STUDY.tessellate_slice(wildcards.ensemble).ratio ** 2)
