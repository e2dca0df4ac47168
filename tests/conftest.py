"""What several test files share."""

import fcntl
import os
import shutil

import pytest
import served
from hypothesis import settings
from runs import ROOT, Study

# the same examples each time, however slow the machine
settings.register_profile("polysve", derandomize=True, deadline=None)
settings.load_profile("polysve")

# Libraries of linear algebra that use all cores wait for one another beside other tests, and take twice the time of the
# processor. No file above loads them.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

LONGEST = (
    "workflow/test_slurm.py",
    "project/test_docs.py",
    "workflow/test_faults.py",
    "project/test_notebooks.py",
    "workflow/test_rerun.py",
    "project/test_benchmarks.py",
    "project/test_setup.py",
    "learning/test_training.py",
    "device/test_infer.py",
    "networks/test_networks.py",
    "stages/test_search.py",
    "networks/test_any_film.py",
    "workflow/test_conventions.py",
    "device/test_beam.py",
    "commands/test_explore.py",
)
"""Files of tests that take minutes, begun first so that all workers end together."""
collect_ignore = ["loaded.py", "served.py", "traced.py"]
"""What other processes load: there are no examples in it."""
QUICK = ("base", "settings", "crystals", "grains", "films")
"""Rooms whose tests are the marker quick."""
HOUSES = (ROOT / "tests", ROOT / "src/polysve")


def pytest_xdist_auto_num_workers():
    """One more than there are cores, since tests also wait: for SLURM, for programs that they start, for each other."""
    return os.cpu_count() + 1


def pytest_ignore_collect(collection_path, config):
    """With ``-m quick`` other rooms are not even read: what they import takes longer to load than these tests take."""
    if config.option.markexpr == "quick" and collection_path.parent in HOUSES:
        return collection_path.name not in QUICK
    return None


def pytest_collection_modifyitems(items):
    """Sort the longest files to the front and mark what is quick."""
    places = {ROOT / "tests" / file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))
    rooms = {house / room for house in HOUSES for room in QUICK}
    for item in items:
        if item.path.parent in rooms:
            item.add_marker("quick")


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Function that fills a folder of a name by another function, once for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def folder_of(name, fill):
        folder, done = base / name, base / f"{name}.done"
        with open(base / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def quick_jobs(once):
    """Have studies and their jobs run without the seconds that Snakemake and the command line take to load."""
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    Study.served = once("served", lambda folder: served.start(folder, owner))
    return Study.served


@pytest.fixture(scope="session")
def smoke_config(once):
    """The smoke study, with its results where a study's are if it names no folder."""

    def fill(folder):
        text = (ROOT / "config/smoke.yaml").read_text()
        assert "results: results/smoke\n" in text
        (folder / "smoke.yaml").write_text(text.replace("results: results/smoke\n", ""))

    return once("config", fill) / "smoke.yaml"


@pytest.fixture
def study(tmp_path, smoke_config, quick_jobs):
    """A smoke study that has not run yet, with a configuration of its own."""
    return Study(tmp_path / "study", smoke_config).with_config(tmp_path / "config.yaml")


@pytest.fixture(scope="session")
def finished(once, smoke_config, quick_jobs):
    """A finished smoke study. Tests only read it; those that change something copy it."""
    return Study(
        once("finished", lambda folder: Study(folder, smoke_config).snakemake()), smoke_config
    )


@pytest.fixture
def copy_of_the_repository(tmp_path):
    """Folder with all that a study runs on, which a test may change; its name has a space."""
    folder = tmp_path / "a clone"
    # with what is compiled, which would take a minute, but without what another process is about to write
    unfinished = shutil.ignore_patterns("*.pyc.*", "*.tmp.*")
    for part in ("src", "workflow", "config", "envs", "docs"):
        shutil.copytree(ROOT / part, folder / part, ignore=unfinished)
    for part in ("Snakefile", "requirements.lock"):
        shutil.copy(ROOT / part, folder / part)
    return folder


@pytest.fixture(scope="session")
def ensembles(once):
    """Two small ensembles under all boundary conditions: ``{"ratio4": file, "ratio6": file}``."""
    from studies import RATIO4, make_ensemble

    ratio6 = RATIO4.model_copy(update={"window_um": 3.0})

    def fill(folder):
        make_ensemble(folder, 40, ensemble="ratio4", drawn=RATIO4)
        make_ensemble(folder, 12, ensemble="ratio6", drawn=ratio6)

    folder = once("ensembles", fill)
    return {name: folder / f"{name}.h5" for name in ("ratio4", "ratio6")}


@pytest.fixture(scope="session")
def small_ensemble(once):
    """Ensemble file of 140 SVEs at ratio 4."""
    from studies import PERIODIC_LABELS, make_ensemble

    return once("ensemble", lambda folder: make_ensemble(folder, 140, **PERIODIC_LABELS)) / (
        "small.h5"
    )


@pytest.fixture(scope="session")
def small_model(once, small_ensemble):
    """Spectral network trained on the small ensemble; its inputs and history lie beside it."""
    from studies import make_model

    return once("model", lambda folder: make_model(folder, small_ensemble)) / "model.keras"
