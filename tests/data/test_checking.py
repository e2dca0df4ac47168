"""What `polysve check` finds: a changed byte, a missing or short part, a label that breaks the physics."""

import random
import shutil

import h5py
import numpy as np
import pytest
from studies import PARTS, make_ensemble

from polysve.data.checking import faults_in
from polysve.data.layouts import LAYOUTS
from polysve.data.seal import seal
from polysve.settings.experiment import PreprocessSlice
from polysve.stages import preprocess

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One file of each kind, of three SVEs; tests that change one copy it."""
    folder = tmp_path_factory.mktemp("results")
    files = {"ensemble": make_ensemble(folder, 3), "inputs": folder / "inputs.h5"}
    recipe = PreprocessSlice(train_ensembles=["small"], pixels=8)
    preprocess.run(files["inputs"], {"small": files["ensemble"]}, recipe)
    shards = (folder / "small" / part / "000000-000003.h5" for part in PARTS)
    return files | dict(zip(("tessellation", "mesh", "stiffness"), shards, strict=True))


@pytest.fixture
def changed(results, tmp_path):
    """Change a copy of a result and seal it as if nothing had happened."""

    def change(kind, how):
        path = shutil.copy(results[kind], tmp_path / f"{kind}.h5")
        with h5py.File(path, "r+") as file:
            how(file["small"] if kind == "inputs" else file)
        seal(path)
        return path

    return change


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_flipped_byte_is_found(results, tmp_path, kind):
    assert faults_in(results[kind]) == []
    path, whole = tmp_path / "damaged.h5", results[kind].read_bytes()
    chance = random.Random(kind)
    for _ in range(50):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        found = faults_in(path)
        assert found and all(str(path) in fault for fault in found)
    path.write_bytes(whole[:-100])
    assert faults_in(path)


def datasets(file):
    found = []
    file.visititems(lambda name, item: isinstance(item, h5py.Dataset) and found.append(name))
    return found


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_missing_part_is_found(results, changed, kind):
    layout = LAYOUTS[kind]
    parts = layout.rows.keys() | layout.begins.keys()
    with h5py.File(results[kind]) as file:
        # weights are of films whose grains have a law of sizes
        assert set(file["small"] if kind == "inputs" else file) == parts - {"weight"}
    for name in parts - layout.optional:
        (fault,) = faults_in(changed(kind, lambda file, name=name: file.pop(name)))
        assert fault.endswith(f"/{name}")


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_part_that_is_too_short_is_found(results, changed, kind):
    with h5py.File(results[kind]) as file:
        names = datasets(file["small"] if kind == "inputs" else file)
    for name in names:

        def shorten(file, name=name):
            shorter = file[name][:-1]
            del file[name]
            file[name] = shorter

        assert faults_in(changed(kind, shorten)), name


def set_value(name, where, value):
    def change(file):
        file[name][where] = value

    return change


def kubc_as_pbc(file):
    file["stiffness/pbc"][1] = file["stiffness/kubc"][1]


def subc_as_kubc(file):
    file["stiffness/kubc"][2] = file["stiffness/subc"][2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_value("stiffness/pbc", (1, 0, 0), 150.0), "SVE 1: /stiffness/pbc breaks the bulk"),
        (kubc_as_pbc, "SVE 1: /stiffness/pbc misses"),
        (subc_as_kubc, "SVE 2: /young_modulus/kubc"),
        (subc_as_kubc, "SVE 2: /stiffness/pbc is stiffer than /stiffness/kubc"),
        (set_value("stiffness/pbc", (0, 0, 0), np.nan), "SVE 0: /stiffness/pbc is not finite"),
        (set_value("label_image", (1, 3, 3), 900), "SVE 1: /label_image numbers a grain"),
        (set_value("offsets", 1, 900), "/offsets does not rise"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_contents_are_found_even_under_a_right_seal(changed, change, message):
    assert any(message in fault for fault in faults_in(changed("ensemble", change)))
