"""Processes that draw and solve: each keeps to one thread, whatever is loaded in it and when."""

import pytest
from studies import RATIO4
from threads import threads

from polysve.base.errors import InputError
from polysve.crystals.catalogue import find
from polysve.surrogate.workers import Workers

pytestmark = [pytest.mark.faults, pytest.mark.surrogate]


def test_a_worker_has_one_thread(monkeypatch):
    for name in ("OMP", "OPENBLAS", "MKL"):
        monkeypatch.delenv(f"{name}_NUM_THREADS", raising=False)
    with Workers(1) as pool:
        (found,) = pool.films(RATIO4, (find("silicon"),), 1, threads)
    assert found and set(found) == {1}


def test_more_workers_than_the_cores_can_serve_are_refused():
    with pytest.raises(InputError, match="--workers = 1000: allowed is 1 to "):
        Workers(1000)
