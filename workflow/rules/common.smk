"""The configuration, checked before any job starts, and what the rules of all stages share."""

import os
import sys
import time
from functools import cache
from pathlib import Path

from snakemake.settings.types import DeploymentMethod, RerunTrigger
from snakemake.utils import min_version

from polysve.base.errors import InputError
from polysve.data.digest import source_digest
from polysve.data.origin import difference
from polysve.learning.plan import check_study
from polysve.settings.families import shard_films
from polysve.settings.model import parse as parse_settings
from polysve.settings.study import Settings

# not workflow.basedir: that of another workflow, if it uses this one as a module
REPOSITORY = Path(str(workflow.current_basedir)).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "workflow"))
import one_run
import ownership
from asked import Asked
from image import image
from paths import Paths, shards, trial_names

min_version("9.10")

# `configfile` would be merged with the user's own file: two dictionaries of ensembles would become one.
if not workflow.overwrite_configfiles:

    configfile: f"{REPOSITORY}/config/config.yaml"


try:
    STUDY = parse_settings(Settings, config, "configuration")
    check_study(STUDY)
except InputError as error:
    print(f"polysve: {error}", file=sys.stderr)
    sys.exit(2)

paths = Paths(STUDY.results)
DEPLOYMENT = workflow.deployment_settings.deployment_method


# ---- code and results that are not what is asked for ----


@cache
def code(stage):
    """Digest of the source of a stage, as a parameter: changed code makes its results anew, comments do not."""
    return source_digest(f"polysve.stages.{stage}")


# An image holds the code that it was built with: its results would be made again and again.
asked = Asked(STUDY, (lambda stage: None) if DeploymentMethod.APPTAINER in DEPLOYMENT else code)

NOW = ".snakemake/asked"
if workflow.is_main_process:
    # newer than any result, and other in content, by which Snakemake would else tell that nothing has changed
    Path(NOW).parent.mkdir(exist_ok=True)
    Path(f"{NOW}.part").write_text(f"{STUDY.results}\n{time.time_ns()}\n")
    os.replace(f"{NOW}.part", NOW)


def remake(result, steps):
    """Input that makes a result anew where its own record is not what is asked for, whatever Snakemake remembers.

    It is always the same file, newer than any result, whose time counts only there.

    Parameters
    ----------
    result : str
        Pattern of the file that holds the record.
    steps : callable
        Gives what is asked for, from the name of an ensemble, experiment, search or device.
    """

    def now(wildcards):
        values = dict(wildcards.items())
        keys = ("ensemble", "experiment", "search", "device", "films", "ratio")
        names = [values[key] for key in keys if key in values]
        return NOW if is_stale(result.format(**values), steps(*names)) else ancient(NOW)

    return now


told = set()


def is_stale(file, steps):
    """Whether a result is there, but not what is asked for; each reason is told once."""
    # who has Snakemake look at times only gets that
    if not workflow.is_main_process or RerunTrigger.PARAMS not in workflow.rerun_triggers:
        return False
    reason = difference(file, steps)
    if reason and reason not in told:
        told.add(reason)
        print(f"polysve: {file}: {reason}. It and its like are made anew", file=sys.stderr)
    return reason is not None


# ---- one run, one study in a folder ----

if "--unlock" in sys.argv:
    one_run.unlock()

other_study, loses = ownership.other_study(STUDY, workflow.configfiles, Path(paths.study))
if workflow.is_main_process and other_study and (workflow.output_settings.dryrun or not loses):
    print(f"polysve: {other_study}", file=sys.stderr)


onstart:
    refusal = one_run.hold() or (loses and other_study)
    if refusal:
        print(f"polysve: {refusal}", file=sys.stderr)
        sys.exit(2)


# ---- what rules share ----


wildcard_constraints:
    ensemble="|".join(STUDY.ensembles) or "-",
    films="|".join(STUDY.films) or "-",
    ratio=r"[0-9.]+",
    experiment="|".join(STUDY.experiments) or "-",
    search="|".join(STUDY.searches) or "-",
    device="|".join(STUDY.devices) or "-",
    trial=r"\d{4}",
    start=r"\d+",
    stop=r"\d+",


# The image that envs/apptainer.def builds. It holds this package, the environment of --sdm conda doesn't.
if DeploymentMethod.APPTAINER in DEPLOYMENT:

    container: image(REPOSITORY / "polysve.sif")


# Snakemake itself keeps numerical libraries to the threads of a rule (OMP_NUM_THREADS and the like).
if DeploymentMethod.CONDA in DEPLOYMENT:
    shell.prefix(f'polysve() {{ PYTHONPATH="{REPOSITORY}/src" python -m polysve "$@"; }}; ')
else:
    # last, so that an image goes before the folder of this Python
    shell.prefix(f'export PATH="$PATH:{Path(sys.executable).parent}"; ')


def grains(wildcards):
    """Mean number of grains in a shard: what its memory and time are asked for by."""
    count = int(wildcards.stop) - int(wildcards.start)
    return round(count * STUDY.tessellate_slice(wildcards.ensemble).ratio ** 2)


def shards_of(wildcards):
    """Names of the shards of an ensemble."""
    return shards(STUDY.ensembles[wildcards.ensemble].count, STUDY.shard_size(wildcards.ensemble))


def reported():
    """Files that the report reads, by the option of the command and the name; one order whatever that of the keys."""
    ensembles = sorted(STUDY.ensembles)
    return {
        "ensemble": {name: paths.ensemble(name) for name in ensembles},
        "portrait": {name: paths.portrait("gallery.svg", name) for name in ensembles},
        "experiment": {
            name: paths.experiment("metrics.json", name) for name in sorted(STUDY.experiments)
        },
        "search": {name: paths.search("trials.csv", name) for name in sorted(STUDY.searches)},
        "audit": {name: paths.audit(name) for name in ensembles if STUDY.audit.count},
        "device": {name: paths.device("beams.json", name) for name in sorted(STUDY.devices)},
    }


def films_of_study(wildcards):
    """Shards of all families of films."""
    return [
        paths.films(name, f"{ratio:g}", shard)
        for name, family in STUDY.films.items()
        for ratio, count in family.counts.items()
        for shard in shards(count, shard_films(family, ratio, STUDY.shard_grains))
    ]


def ensembles_of(wildcards):
    """Ensembles of an experiment, or those that the trials of a search are trained on."""
    if hasattr(wildcards, "search"):
        return STUDY.experiments[STUDY.searches[wildcards.search].experiment].train_ensembles
    return STUDY.experiments[wildcards.experiment].ensembles


def named_ensembles(wildcards):
    """The same as options of a command."""
    return [f"--ensemble={name}={paths.ensemble(name)}" for name in ensembles_of(wildcards)]
