"""Inputs against the ensembles they come from: every picture, every number, and who may be where in the split."""

import json
import shutil
from typing import get_args

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polysve.base.errors import InputError
from polysve.data.ensemble import Ensemble
from polysve.data.inputs import Split
from polysve.data.seal import seal
from polysve.learning import encoding
from polysve.settings.experiment import PreprocessSlice
from polysve.stages import preprocess


def recipe(**changes):
    return PreprocessSlice(**{"train_ensembles": ["ratio4"], "pixels": 24, **changes})


def prepare(ensembles, folder, **changes):
    """Run the stage and read everything it wrote."""
    preprocess.run(folder / "inputs.h5", ensembles, recipe(**changes))
    with h5py.File(folder / "inputs.h5") as file:
        read = {n: {k: v[:] for k, v in g.items()} | dict(g.attrs) for n, g in file.items()}
        return read, dict(file.attrs)


@pytest.mark.parametrize("shown", get_args(PreprocessSlice.model_fields["encoding"].annotation))
def test_inputs_are_those_of_the_ensemble(ensembles, tmp_path, shown):
    groups, attributes = prepare(ensembles, tmp_path, encoding=shown, median_passes=1)
    assert json.loads(attributes["crystals"])["film"]["c44_gpa"] == 79.51
    assert attributes["boundary_condition"] == "pbc"
    for name, pixels in (("ratio4", 24), ("ratio6", 36)):
        group = groups[name]
        assert group["images"].shape[1:3] == (pixels, pixels)
        assert group["window_um"] / group["grain_size_um"] == float(name[-1])
        source = Ensemble(ensembles[name])
        rows = {index: row for row, index in enumerate(source.index)}
        assert sorted(group["index"]) == sorted(rows)
        for n, index in enumerate(group["index"]):
            row = rows[index]
            film = source.film(row)
            image = encoding.encode(film, pixels, shown, 1)
            assert np.array_equal(group["images"][n], image)
            stiffness = source.stiffness("pbc")[row]
            assert np.array_equal(group["stiffness"][n], stiffness)
            assert np.allclose(1 / np.linalg.inv(stiffness)[0, 0], group["young_modulus"][n])
            c11, c22, c66, c12, c16, c26 = stiffness[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
            if shown == "log_stiffness":
                assert group["targets"][n].tolist() == [c11, c22, c66, c12, c16, c26]
                means = film.area_fractions @ encoding.log_stiffness(film.stiffness_gpa)
            else:
                assert group["targets"][n].tolist() == [c11, c66, c16]
                mean = film.area_fractions @ np.exp(4j * film.theta_rad)
                means = [mean.real, mean.imag]
            assert np.allclose(group["window_means"][n], means)
            assert np.isclose(group["squared_areas"][n], np.sum(film.area_fractions**2))


def test_ensembles_of_schema_1_give_the_same_inputs(ensembles, tmp_path):
    """Files of before: angles instead of orientations, no cells, one material."""
    old = tmp_path / "ratio4.h5"
    shutil.copy(ensembles["ratio4"], old)
    with h5py.File(old, "r+") as file:
        for name in ("orientation", "phase", "piece_offsets", "piece_grain"):
            del file[name]
        del file["vertex_offsets"], file["vertices"]
        file.attrs["schema_version"] = 1
        file.attrs["material"] = json.dumps(json.loads(file.attrs.pop("crystals"))["film"])
    seal(old)
    new, _ = prepare({"ratio4": ensembles["ratio4"]}, tmp_path)
    read, _ = prepare({"ratio4": old}, tmp_path)
    for name, values in new["ratio4"].items():
        found = read["ratio4"][name]
        if name in ("crystals", "textures"):
            assert json.loads(found) == json.loads(values)
        else:
            assert np.allclose(found, values, atol=1e-12), name


def test_young_modulus_target_and_constant_pixel_number(ensembles, tmp_path):
    groups, _ = prepare(
        ensembles,
        tmp_path,
        target="young_modulus",
        constant_pitch=False,
        boundary_condition="kubc",
    )
    for name, group in groups.items():
        assert group["images"].shape[1:3] == (24, 24)
        assert np.array_equal(group["targets"][:, 0], group["young_modulus"])
        with h5py.File(ensembles[name]) as file:
            by_index = dict(zip(file["index"][:], file["young_modulus/kubc"][:], strict=True))
        assert np.allclose(group["young_modulus"], [by_index[i] for i in group["index"]])


@pytest.mark.parametrize("augmentation", ["naive", "consistent"])
def test_copies_are_made_of_training_sves_only(ensembles, tmp_path, augmentation):
    groups, _ = prepare(ensembles, tmp_path, augmentation=augmentation)
    plain, _ = prepare(ensembles, tmp_path)
    assert set(groups["ratio6"]["symmetry"]) == {0}
    group = groups["ratio4"]
    splits = {}
    for index, split in zip(group["index"], group["split"], strict=True):
        splits.setdefault(index, set()).add(split)
    assert all(len(each) == 1 for each in splits.values())
    for index, each in splits.items():
        copies = sorted(group["symmetry"][group["index"] == index])
        assert copies == (list(range(8)) if each == {Split.TRAINING} else [0])
    originals = group["symmetry"] == 0
    for name in ("index", "split", "images", "stiffness"):
        assert np.array_equal(group[name][originals], plain["ratio4"][name])

    source = Ensemble(ensembles["ratio4"])
    turns = np.array([pair[0] for pair in encoding.SYMMETRIES])[group["symmetry"]]
    mirrored = np.array([pair[1] for pair in encoding.SYMMETRIES])[group["symmetry"]]
    truth = source.stiffness("pbc")[np.searchsorted(source.index, group["index"])]
    sign = np.where(mirrored, -1, 1) if augmentation == "consistent" else np.ones(len(truth))
    # By the bulk identity, of the three free numbers only C16 sees a symmetry, and only the mirror.
    assert np.allclose(group["targets"][:, 2], sign * truth[:, 0, 2], atol=1e-6)
    assert np.allclose(group["targets"][:, :2], truth[:, [0, 2], [0, 2]], atol=1e-6)
    assert np.allclose(group["young_modulus"], 1 / np.linalg.inv(truth)[:, 0, 0], atol=1e-6)
    assert set(turns) == {0, 1, 2, 3}
    seen = group["images"].mean((1, 2), dtype=float)
    assert np.allclose(seen, group["window_means"], atol=1e-5)


@given(
    count=st.integers(8, 3000),
    seed=st.integers(0, 2**31),
    validation=st.floats(0.05, 0.4),
    test=st.floats(0.05, 0.4),
    data=st.data(),
)
@settings(max_examples=50)
def test_split_is_a_partition_that_grows_only_in_training(count, seed, validation, test, data):
    how = {"seed": seed, "validation_fraction": validation, "test_fraction": test}
    parts = preprocess.split(count, "ratio4", recipe(**how))
    counts = np.bincount(parts, minlength=3)
    assert counts[Split.TEST] == max(1, round(test * count))
    assert counts[Split.VALIDATION] == max(1, round(validation * count))
    assert counts[:3].sum() == count
    if counts[Split.TRAINING] >= 4:
        fewer = data.draw(st.integers(4, int(counts[Split.TRAINING])))
        small = preprocess.split(count, "ratio4", recipe(**how, train_count=fewer))
        assert np.array_equal(small == Split.TEST, parts == Split.TEST)
        assert np.array_equal(small == Split.VALIDATION, parts == Split.VALIDATION)
        assert np.sum(small == Split.TRAINING) == fewer
        assert np.all(parts[small == Split.TRAINING] == Split.TRAINING)


def test_split_depends_on_seed_and_name():
    parts = preprocess.split(500, "ratio4", recipe())
    assert np.array_equal(parts, preprocess.split(500, "ratio4", recipe(augmentation="naive")))
    assert not np.array_equal(parts, preprocess.split(500, "ratio4", recipe(seed=2)))
    assert not np.array_equal(parts, preprocess.split(500, "ratio6", recipe()))


def test_train_count_leaves_sves_out(ensembles, tmp_path):
    groups, _ = prepare(ensembles, tmp_path, train_count=5)
    assert np.sum(groups["ratio4"]["split"] == Split.TRAINING) == 5
    assert len(groups["ratio4"]["index"]) == 5 + 6 + 6
    assert len(groups["ratio6"]["index"]) == 12


def test_two_training_ensembles(ensembles, tmp_path):
    groups, _ = prepare(ensembles, tmp_path, train_ensembles=["ratio6", "ratio4"])
    assert groups["ratio6"]["images"].shape[1] == 24
    assert groups["ratio4"]["images"].shape[1] == 16
    assert all(set(group["split"]) == {0, 1, 2} for group in groups.values())


def test_inputs_are_the_same_twice(ensembles, tmp_path):
    first, _ = prepare(ensembles, tmp_path, augmentation="consistent")
    again, _ = prepare(dict(reversed(ensembles.items())), tmp_path, augmentation="consistent")
    for name, group in first.items():
        assert all(np.array_equal(values, again[name][key]) for key, values in group.items())


def damaged(file):
    """Break a byte in the middle of the last label image."""
    with h5py.File(file) as opened:
        chunk = opened["label_image"].id.get_chunk_info(len(opened["label_image"]) - 1)
    with open(file, "rb+") as opened:
        opened.seek(chunk.byte_offset + chunk.size // 2)
        byte = opened.read(1)
        opened.seek(-1, 1)
        opened.write(bytes([byte[0] ^ 0xFF]))


def without_pbc(file):
    with h5py.File(file, "r+") as opened:
        del opened["stiffness/pbc"]
    seal(file)


def of_copper(file):
    with h5py.File(file, "r+") as opened:
        crystal = json.loads(opened.attrs["crystals"])["film"]
        copper = {"c11_gpa": 168.4, "c12_gpa": 121.4, "c44_gpa": 75.4}
        opened.attrs["crystals"] = json.dumps({"film": crystal | copper})
    seal(file)


def no_ensemble(file):
    file.write_text("x_um,y_um\n")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damaged, r"ratio6.h5: damaged: its bytes do not match"),
        (without_pbc, r"ratio6.h5: boundary_condition = 'pbc' is not in the file; .*kubc"),
        (of_copper, r"ratio6.h5: crystals = copper: .*harmonic show one crystal, silicon"),
        (no_ensemble, r"ratio6.h5: has no seal"),
    ],
)
def test_bad_files_are_refused_by_name_and_leave_nothing(ensembles, tmp_path, spoil, message):
    file = tmp_path / "ratio6.h5"
    shutil.copy(ensembles["ratio6"], file)
    spoil(file)
    folder = tmp_path / "out"
    with pytest.raises(InputError, match=message):
        preprocess.run(folder / "inputs.h5", {**ensembles, "ratio6": file}, recipe())
    assert not list(folder.glob("*"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_ensembles": ["ratio5"]}, "train_ensembles = ratio5: .*ratio4, ratio6"),
        ({"train_count": 29}, "train_count = 29: ratio4 has 40 SVEs.*train_count may be 1 to 28"),
    ],
)
def test_bad_settings_are_refused(ensembles, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        preprocess.run(tmp_path / "inputs.h5", ensembles, recipe(**changes))
    assert not list(tmp_path.glob("*"))
