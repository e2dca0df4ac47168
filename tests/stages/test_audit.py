"""The audit of an ensemble: right labels pass and are told of, a wrong one stops the run by its name."""

import json
import shutil

import h5py
import numpy as np
import pytest
from command import assert_refused, polysve

from polysve.crystals.orientation import from_theta
from polysve.data.records import read_record
from polysve.data.seal import seal
from polysve.settings.labels import AuditSettings

pytestmark = pytest.mark.verification
SETTINGS = AuditSettings(count=2)


def audit(ensemble, output, settings=SETTINGS):
    return polysve("audit", ensemble, output, "--settings", settings.canonical_json())


def test_right_labels_pass_with_their_differences(ensembles, tmp_path):
    answer = audit(ensembles["ratio4"], tmp_path / "audit.json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads((tmp_path / "audit.json").read_text())
    assert (found["ensemble"], found["n"], found["ratio"]) == ("ratio4", 2, 4.0)
    assert set(found["boundary_conditions"]) == {"kubc", "subc", "pbc"}
    for each in found["boundary_conditions"].values():
        for measure in ("stiffness", "young_modulus"):
            assert 0 < each[measure]["rms"] <= each[measure]["largest"] <= found["largest"]
            assert each[measure]["sve"] in (0, 1)
    # two programs that agree to the last digit would be one
    assert 1e-9 < found["largest"] < 3e-4
    assert 0 < found["reference_error"] < 3e-4
    assert min(found["seconds"].values()) > 0
    assert "checked by gmsh and scikit-fem on 2 SVEs" in answer.stdout
    assert read_record(tmp_path / "audit.json")["made_from"][0]["stage"] == "assemble"


@pytest.mark.parametrize("sve", [0, 1])
def test_a_grain_turned_by_two_degrees_is_found(ensembles, tmp_path, sve):
    """As if the labels had been solved with another angle than the structure has."""
    wrong = shutil.copy(ensembles["ratio4"], tmp_path / "wrong.h5")
    with h5py.File(wrong, "r+") as file:
        first, last = file["offsets"][sve : sve + 2]
        largest = first + np.bincount(file["label_image"][sve].ravel()).argmax()
        assert first <= largest < last
        file["theta"][largest] += np.deg2rad(2)
        file["orientation"][largest] = from_theta(file["theta"][largest : largest + 1])[0]
    seal(wrong)
    answer = audit(wrong, tmp_path / "audit.json")
    assert_refused(answer, f"ratio4: SVE {sve}, ", "audit.tolerance allows 0.0003")
    assert not list(tmp_path.glob("*.json"))


def test_an_audit_of_nothing_is_refused(ensembles, tmp_path):
    answer = audit(ensembles["ratio4"], tmp_path / "audit.json", AuditSettings(count=0))
    assert_refused(answer, "count = 0", "at least 1")
