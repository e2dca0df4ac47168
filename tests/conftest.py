"""What several test files share."""

import shutil

import pytest
from runs import ROOT, Study


@pytest.fixture(scope="session")
def smoke_config(tmp_path_factory):
    """The smoke study, with its results where a study's are if it names no folder."""
    file = tmp_path_factory.mktemp("config") / "smoke.yaml"
    text = (ROOT / "config/smoke.yaml").read_text()
    assert "results: results/smoke\n" in text
    file.write_text(text.replace("results: results/smoke\n", ""))
    return file


@pytest.fixture
def study(tmp_path, smoke_config):
    """A smoke study that has not run yet, with a configuration of its own."""
    return Study(tmp_path / "study", smoke_config).with_config(tmp_path / "config.yaml")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, smoke_config):
    """A finished smoke study. Tests only read it; those that change something copy it."""
    study = Study(tmp_path_factory.mktemp("finished"), smoke_config)
    study.snakemake()
    return study


@pytest.fixture
def copy_of_the_repository(tmp_path):
    """Folder with all that a study runs on, which a test may change; its name has a space."""
    folder = tmp_path / "a clone"
    for part in ("src", "workflow", "config", "envs", "docs"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("Snakefile", "requirements.lock"):
        shutil.copy(ROOT / part, folder / part)
    return folder


@pytest.fixture(scope="session")
def ensembles(tmp_path_factory):
    """Two small ensembles under all boundary conditions: ``{"ratio4": file, "ratio6": file}``."""
    from studies import RATIO4, make_ensemble

    folder = tmp_path_factory.mktemp("ensembles")
    drawn = {"ratio4": (40, RATIO4), "ratio6": (12, RATIO4.model_copy(update={"window_um": 3.0}))}
    return {
        name: make_ensemble(folder, count, ensemble=name, drawn=settings)
        for name, (count, settings) in drawn.items()
    }


@pytest.fixture(scope="session")
def small_ensemble(tmp_path_factory):
    """Ensemble file of 140 SVEs at ratio 4."""
    from studies import PERIODIC_LABELS, make_ensemble

    return make_ensemble(tmp_path_factory.mktemp("ensemble"), 140, **PERIODIC_LABELS)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory, small_ensemble):
    """Spectral network trained on the small ensemble; its inputs and history lie beside it."""
    from studies import make_model

    return make_model(tmp_path_factory.mktemp("model"), small_ensemble)
