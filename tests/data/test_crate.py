"""A study handed on: its archive is an RO-Crate, tells of every damage, and is written whole or not at all."""

import hashlib
import json
import random
import shutil
import zipfile

import h5py
import pytest
from command import assert_refused, polysve
from rocrate.rocrate import ROCrate

from polysve.data.crate import MANIFEST, METADATA, crate_faults, is_crate, write_crate
from polysve.data.seal import seal

pytestmark = pytest.mark.docs


@pytest.fixture(scope="module")
def archive(finished, tmp_path_factory):
    """The smoke study, packed by the command."""
    path = tmp_path_factory.mktemp("crate") / "study.zip"
    words = ("--title", "Films of silicon", "--author", "A. Student", "--license", "CC0-1.0")
    answer = polysve("export-study", finished.folder / "results", path, *words)
    assert answer.returncode == 0, answer.stderr
    assert [each.name for each in path.parent.iterdir()] == ["study.zip"]
    return path


def repacked(archive, target, without=(), changed=()):
    """The same files in a new archive, some left out or with other bytes."""
    changed = dict(changed)
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name not in without:
                new.writestr(name, changed.pop(name, None) or old.read(name))
        for name, content in changed.items():
            new.writestr(name, content)
    return target


def test_rocrate_reads_it_and_finds_what_the_standard_asks_for(archive, tmp_path):
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(tmp_path)
    graph = json.loads((tmp_path / METADATA).read_text())["@graph"]
    (descriptor,) = [each for each in graph if each["@id"] == METADATA]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert descriptor["about"] == {"@id": "./"}
    crate = ROCrate(tmp_path)
    root = crate.root_dataset
    assert root.type == "Dataset"
    assert crate.name == "Films of silicon"
    assert crate.description
    assert crate.datePublished.year >= 2024
    assert crate.license.id == "https://spdx.org/licenses/CC0-1.0"
    assert [person["name"] for person in crate.creator] == ["A. Student"]
    (made,) = root["mentions"]
    assert made["instrument"]["name"] == "PolySVE"
    parts = {part.id: part for part in root["hasPart"]}
    there = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert parts.keys() == there - {METADATA}
    for name, part in parts.items():
        assert part.type == "File" and part["encodingFormat"] and part["name"]
        content = (tmp_path / name).read_bytes()
        if name != MANIFEST:
            assert int(part["contentSize"]) == len(content)
            assert part["sha256"] == hashlib.sha256(content).hexdigest()
    assert {
        "study.yaml",
        "report.html",
        "comparison.csv",
        "ensembles/ratio4.h5",
        "experiments/spectral/model.keras",
        "experiments/spectral/card.json",
        "experiments/spectral/metrics.json",
        "experiments/spectral/train.provenance.json",
        "experiments/spectral/predictions/ratio6.csv",
    } <= there
    assert not [name for name in there if "tessellations" in name or "inputs" in name]
    # what sha256sum reads
    lines = dict(line.split("  ")[::-1] for line in (tmp_path / MANIFEST).read_text().splitlines())
    assert lines.keys() == there - {MANIFEST}


def test_it_is_checked_elsewhere_and_packed_anew(archive, tmp_path):
    copy = shutil.copy(archive, tmp_path / "copy.zip")
    assert polysve("check", copy).stdout == f"{copy}: whole and right\n"
    assert crate_faults(repacked(archive, tmp_path / "anew.zip")) == []


def test_every_flipped_byte_is_found(archive, tmp_path):
    whole, path = archive.read_bytes(), tmp_path / "damaged.zip"
    chance = random.Random(1)
    # anywhere, and in the table of contents and the seal at the end
    places = [chance.randrange(len(whole)) for _ in range(6)]
    places += [len(whole) - chance.randrange(1, 2000) for _ in range(6)] + [len(whole) - 80]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        answer = polysve("check", path)
        assert answer.returncode == 1, place
        assert all(line.startswith(f"{path}: ") for line in answer.stdout.splitlines())
    path.write_bytes(whole[:-1000])
    assert polysve("check", path).returncode == 1


@pytest.mark.parametrize(
    "name",
    [METADATA, MANIFEST, "README.md", "ensembles/ratio4.h5", "experiments/spectral/card.json"],
)
def test_every_missing_file_is_found(archive, tmp_path, name):
    path = repacked(archive, tmp_path / "part.zip", without=[name])
    assert is_crate(path)
    answer = polysve("check", path)
    assert (answer.returncode, answer.stdout) == (1, f"{path}: has no {name}\n")


def test_changed_and_unnamed_files_are_found(archive, tmp_path):
    changes = {"experiments/spectral/metrics.json": b"{}", "surplus.txt": b"?"}
    first, second = crate_faults(repacked(archive, tmp_path / "other.zip", changed=changes))
    assert "surplus.txt" in first
    assert "experiments/spectral/metrics.json: damaged" in second


def test_damaged_study_is_refused_and_nothing_is_left(finished, tmp_path):
    results = tmp_path / "results"
    shutil.copytree(finished.folder / "results", results)
    old = results / "experiments/old"
    shutil.copytree(results / "experiments/spectral", old)
    target = tmp_path / "handed/study.zip"
    write_crate(results, target, "title")
    with zipfile.ZipFile(target) as packed:
        assert not [name for name in packed.namelist() if "old" in name]
    target.unlink()

    predictions = results / "experiments/spectral/predictions/ratio4.csv"
    predictions.write_text(predictions.read_text().replace("1", "2", 1))
    answer = polysve("export-study", results, target)
    assert_refused(answer, "predictions/ratio4.csv is not what was made")

    # a seal that is right, a layout that is not
    with h5py.File(results / "ensembles/ratio6.h5", "r+") as file:
        del file["offsets"]
    seal(results / "ensembles/ratio6.h5")
    assert_refused(polysve("export-study", results, target), "ratio6.h5: has no /offsets")

    (results / "experiments/spectral/model.keras").unlink()
    assert_refused(polysve("export-study", results, target), "experiments/spectral/model.keras")
    (results / "study.yaml").unlink()
    assert_refused(polysve("export-study", results, target), "study.yaml")
    assert_refused(polysve("export-study", results, tmp_path / "study.tar"), ".zip")
    assert_refused(polysve("export-study", results, target, "--license", "my own"), "CC-BY-4.0")
    assert list(target.parent.iterdir()) == []
