"""Where every file of a study lies, relative to the working directory. The rules take all their paths from here."""

SHARD = "{start}-{stop}"


def shards(count: int, size: int) -> list[str]:
    """Names of the shards of an ensemble: index ranges, the last one perhaps shorter.

    Examples
    --------
    >>> shards(1200, 500)
    ['000000-000500', '000500-001000', '001000-001200']
    """
    return [f"{start:06d}-{min(start + size, count):06d}" for start in range(0, count, size)]


def trial_names(count: int) -> list[str]:
    """Numbers of the trials of a search.

    Examples
    --------
    >>> trial_names(2)
    ['0000', '0001']
    """
    return [f"{number:04d}" for number in range(count)]


class Paths:
    """Files of a study below the folder of its results.

    Without arguments a method gives the pattern of a rule; with arguments, the path of one file.

    Examples
    --------
    >>> Paths("results").mesh()
    'results/ensembles/{ensemble}/meshes/{start}-{stop}.h5'
    >>> Paths("results/mine").ensemble("ratio4")
    'results/mine/ensembles/ratio4.h5'
    """

    def __init__(self, results: str):
        self.results = results
        self.comparison = f"{results}/comparison.csv"
        self.comparison_record = f"{results}/comparison.provenance.json"
        self.films_folder = f"{results}/films"
        self.atlas = f"{results}/atlas.csv"
        self.atlas_checks = f"{results}/atlas_checks.csv"
        self.atlas_record = f"{results}/atlas.provenance.json"
        self.report = f"{results}/report.html"
        self.report_record = f"{results}/report.provenance.json"
        self.study = f"{results}/study.yaml"

    def shard_folder(self, ensemble="{ensemble}"):
        return f"{self.results}/ensembles/{ensemble}"

    def tessellation(self, ensemble="{ensemble}", shard=SHARD):
        return f"{self.shard_folder(ensemble)}/tessellations/{shard}.h5"

    def mesh(self, ensemble="{ensemble}", shard=SHARD):
        return f"{self.shard_folder(ensemble)}/meshes/{shard}.h5"

    def stiffness(self, ensemble="{ensemble}", shard=SHARD):
        return f"{self.shard_folder(ensemble)}/stiffness/{shard}.h5"

    def ensemble(self, ensemble="{ensemble}"):
        return f"{self.results}/ensembles/{ensemble}.h5"

    def audit(self, ensemble="{ensemble}", suffix=".json"):
        """How far labels of one ensemble are from those of other programs."""
        return f"{self.shard_folder(ensemble)}/audit{suffix}"

    def portrait(self, file, ensemble="{ensemble}"):
        """A figure of one ensemble."""
        return f"{self.shard_folder(ensemble)}/figures/{file}"

    def films(self, films="{films}", ratio="{ratio}", shard=SHARD, suffix=".npz"):
        """Stiffness of some films of a family at one ratio L/s."""
        return f"{self.films_folder}/{films}/{ratio}/{shard}{suffix}"

    def device(self, file, device="{device}"):
        """A file of one kind of beam."""
        return f"{self.results}/devices/{device}/{file}"

    def experiment_folder(self, experiment="{experiment}"):
        return f"{self.results}/experiments/{experiment}"

    def experiment(self, file, experiment="{experiment}"):
        """A file of one experiment: inputs.h5, model.keras, metrics.json, ..."""
        return f"{self.experiment_folder(experiment)}/{file}"

    def search(self, file, search="{search}"):
        """A file of one search: trials.csv, best.yaml, study.log, ..."""
        return f"{self.results}/searches/{search}/{file}"

    def trial(self, number="{trial}", search="{search}", suffix=".json"):
        """What one trial of a search came to."""
        return f"{self.results}/searches/{search}/trials/{number}{suffix}"

    def verification(self, measurement="{measurement}"):
        """What one benchmark of the verification printed."""
        return f"{self.results}/verification/{measurement}.json"

    def log(self, stage, of):
        return f"{self.results}/logs/{stage}/{of}.log"

    def benchmark(self, stage, of):
        return f"{self.results}/benchmarks/{stage}/{of}.tsv"
