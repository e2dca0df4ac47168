import json
import os

import h5py
import numpy as np
import pytest
from studies import make_ensemble, make_shard

from polysve.base import files
from polysve.base.errors import InputError
from polysve.data.checking import faults_in
from polysve.settings.labels import AssembleSettings, HomogenizeSettings, TessellateSettings
from polysve.stages import assemble, homogenize, mesh, tessellate


def contents(path):
    """Every data set and attribute, but for how the file came about."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
        found |= {
            f"@{key}": value
            for key, value in file.attrs.items()
            if key not in ("provenance", "settings")
        }
    return found


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def test_an_ensemble_does_not_depend_on_how_it_was_cut_into_shards(tmp_path):
    one = contents(make_ensemble(tmp_path / "one", 6, 3))
    other = contents(make_ensemble(tmp_path / "other", 6, 4))
    assert one["index"].tolist() == list(range(6))
    assert same(one, other)


def test_the_same_call_gives_the_same_bytes(tmp_path):
    first, second = (make_shard(tmp_path / name, 0, 2) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_ensemble_holds_what_the_design_fixes(tmp_path):
    path = make_ensemble(tmp_path, 6, 3)
    with h5py.File(path) as file:
        assert file["label_image"].shape == (6, 32, 32) and file["label_image"].dtype == np.uint16
        assert file["label_image"].fletcher32 and file["label_image"].compression
        for name in ("kubc", "subc", "pbc"):
            assert file[f"stiffness/{name}"].shape == (6, 3, 3)
            compliance = np.linalg.inv(file[f"stiffness/{name}"][:])
            assert np.allclose(
                file[f"young_modulus/{name}"][:], 1 / compliance[:, 0, 0], rtol=1e-13
            )
            assert file[f"quality/bulk_residual_{name}"][:].max() < 1e-9
            assert file[f"quality/raw_stiffness/{name}"].shape == (6, 3, 3)
        assert file["offsets"][:].tolist() == list(range(0, 97, 16))
        assert file["theta"].shape == (96,) and file["generators"].shape == (96, 2)
        assert file["orientation"].shape == (96, 4) and not file["phase"][:].any()
        assert json.loads(file.attrs["crystals"])["film"]["c11_gpa"] == 165.64
        for key in (
            "units",
            "settings",
            "seed",
            "package_versions",
            "code_version",
        ):
            assert key in file.attrs
        assert file.attrs["schema_version"] == 2
        assert file.attrs["corrected"] and file.attrs["n_failed"] == 0
    assert faults_in(path) == []


def test_a_failing_sve_is_recorded_and_the_others_go_on(tmp_path, monkeypatch):
    real = mesh.mesh_tiling
    calls = []

    def third_fails(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise ValueError("no mesh today")
        return real(*arguments)

    monkeypatch.setattr(mesh, "mesh_tiling", third_fails)
    settings = {"ensemble": "small", "count": 4, "shard_size": 4, "label_pixels": 32}
    make_shard(tmp_path / "small", 0, 4)
    output = tmp_path / "small.h5"
    with pytest.raises(
        InputError, match=r"1 of 4 SVEs failed.*SVE 2: mesh: ValueError: no mesh today"
    ):
        assemble.run(tmp_path / "small", output, AssembleSettings(**settings))
    assert not output.exists()
    assemble.run(tmp_path / "small", output, AssembleSettings(max_failed_fraction=0.5, **settings))
    with h5py.File(output) as file:
        assert file["index"][:].tolist() == [0, 1, 3]
        assert (
            file["label_image"].shape[0]
            == len(file["stiffness/pbc"])
            == len(file["offsets"]) - 1
            == 3
        )
        assert file.attrs["n_failed"] == 1
        assert '"2": "mesh: ValueError: no mesh today"' in file.attrs["failed"]
    assert faults_in(output) == []


def test_an_impossible_spacing_fails_its_sve_by_name(tmp_path):
    drawn = TessellateSettings(window_um=5.0, grain_size_um=0.5, spacing_fraction=0.75)
    path = tmp_path / "t.h5"
    tessellate.run(path, "tight", 0, 1, drawn)
    with h5py.File(path) as file:
        assert file["status"][0] == 0
    tight = drawn.model_copy(update={"spacing_fraction": 0.95})
    tessellate.run(path, "tight", 0, 1, tight)
    with h5py.File(path) as file:
        assert file["status"][0] == 1
        assert b"generators fit a window of 5" in file["reason"][0]


def test_shards_made_with_other_settings_do_not_mix(tmp_path):
    make_shard(tmp_path / "small", 0, 2)
    make_shard(tmp_path / "small", 2, 4, solver=HomogenizeSettings(element_order=2))
    with pytest.raises(InputError, match="different settings"):
        assemble.run(
            tmp_path / "small",
            tmp_path / "o.h5",
            AssembleSettings(ensemble="small", count=4, shard_size=2),
        )


def test_a_mesh_of_other_sves_is_refused(tmp_path):
    make_shard(tmp_path, 0, 2)
    make_shard(tmp_path, 2, 4)
    with pytest.raises(InputError, match="other SVEs"):
        homogenize.run(
            tmp_path / "tessellations/000000-000002.h5",
            tmp_path / "meshes/000002-000004.h5",
            tmp_path / "o.h5",
            HomogenizeSettings(),
        )
    with pytest.raises(InputError, match="a mesh file is needed"):
        homogenize.run(
            *[tmp_path / "tessellations/000000-000002.h5"] * 2,
            tmp_path / "o.h5",
            HomogenizeSettings(),
        )


def test_nothing_is_left_under_the_final_name_when_writing_fails(tmp_path):
    target = tmp_path / "deep" / "file.h5"

    def write(text, stop):
        with files.atomic_path(target) as temporary:
            temporary.write_text(text)
            if stop:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        write("half", True)
    assert list(target.parent.iterdir()) == []
    write("whole", False)
    assert target.read_text() == "whole"


def test_atomic_folder_replaces_what_it_makes_and_removes_what_a_killed_process_left(tmp_path):
    (tmp_path / ".part").mkdir()
    (tmp_path / ".part/half.svg").write_text("<sv")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures/old.svg").write_text("old")
    (tmp_path / "kept.csv").write_text("kept")
    with files.atomic_folder(tmp_path) as folder:
        (folder / "figures").mkdir()
        (folder / "figures/new.svg").write_text("new")
        assert (tmp_path / "figures/old.svg").exists()
    found = {
        str(file.relative_to(tmp_path)): file.read_text()
        for file in tmp_path.rglob("*")
        if file.is_file()
    }
    assert found == {"figures/new.svg": "new", "kept.csv": "kept"}


def test_atomic_folder_keeps_what_stands_when_the_block_fails(tmp_path):
    (tmp_path / "kept.csv").write_text("kept")

    def fail():
        with files.atomic_folder(tmp_path) as folder:
            (folder / "kept.csv").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("kept.csv", "kept")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="writable folder"), files.atomic_path(tmp_path / "f"):
        pass
