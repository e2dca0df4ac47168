"""Where every file of a study lies, relative to the working directory. The rules take all their paths from here.

Without arguments a function gives the pattern of a rule; with arguments, the path of one file.
"""

RESULTS = "results"
SHARD = "{start}-{stop}"


def shards(count: int, size: int) -> list[str]:
    """Names of the shards of an ensemble: index ranges, the last one perhaps shorter.

    Examples
    --------
    >>> shards(1200, 500)
    ['000000-000500', '000500-001000', '001000-001200']
    """
    return [f"{start:06d}-{min(start + size, count):06d}" for start in range(0, count, size)]


def shard_folder(ensemble="{ensemble}"):
    return f"{RESULTS}/ensembles/{ensemble}"


def tessellation(ensemble="{ensemble}", shard=SHARD):
    return f"{shard_folder(ensemble)}/tessellations/{shard}.h5"


def mesh(ensemble="{ensemble}", shard=SHARD):
    return f"{shard_folder(ensemble)}/meshes/{shard}.h5"


def stiffness(ensemble="{ensemble}", shard=SHARD):
    return f"{shard_folder(ensemble)}/stiffness/{shard}.h5"


def ensemble(ensemble="{ensemble}"):
    return f"{RESULTS}/ensembles/{ensemble}.h5"


def experiment_folder(experiment="{experiment}"):
    return f"{RESULTS}/experiments/{experiment}"


def portrait(file, ensemble="{ensemble}"):
    """A figure of one ensemble."""
    return f"{shard_folder(ensemble)}/figures/{file}"


def experiment(file, experiment="{experiment}"):
    """A file of one experiment: inputs.h5, model.keras, metrics.json, ..."""
    return f"{experiment_folder(experiment)}/{file}"


def search(file, search="{search}"):
    """A file of one search: trials.csv, best.yaml, study.log, ..."""
    return f"{RESULTS}/searches/{search}/{file}"


def trial(number="{trial}", search="{search}", suffix=".json"):
    """What one trial of a search came to."""
    return f"{RESULTS}/searches/{search}/trials/{number}{suffix}"


def trials(count: int) -> list[str]:
    """Numbers of the trials of a search.

    Examples
    --------
    >>> trials(2)
    ['0000', '0001']
    """
    return [f"{number:04d}" for number in range(count)]


def log(stage, of):
    return f"{RESULTS}/logs/{stage}/{of}.log"


def benchmark(stage, of):
    return f"{RESULTS}/benchmarks/{stage}/{of}.tsv"


COMPARISON = f"{RESULTS}/comparison.csv"
COMPARISON_SUMMARY = f"{RESULTS}/comparison_summary.csv"
REPORT = f"{RESULTS}/report.html"
