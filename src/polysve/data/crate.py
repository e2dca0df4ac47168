"""A study as one archive that can be handed on: an RO-Crate, which repositories and their tools read.

The archive holds the results, a README, ``ro-crate-metadata.json`` (RO-Crate 1.1, https://w3id.org/ro/crate/1.1) and
``manifest-sha256.txt`` with the checksum of each file, as ``sha256sum --check`` reads it. Its seal is that of networks.
"""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from polysve.base.errors import InputError
from polysve.base.files import ARCHIVE_DAMAGE, atomic_path
from polysve.data.checking import faults_in
from polysve.data.layouts import CARD
from polysve.data.records import RECORD_SUFFIX, file_digest
from polysve.data.seal import seal, seal_faults

METADATA, MANIFEST, STUDY = "ro-crate-metadata.json", "manifest-sha256.txt", "study.yaml"
RECORD = "record: settings, code, package versions, and the checksum of each result"
PARTS = {
    STUDY: "the study's settings, all spelled out",
    "report.html": "the answer, all figures and tables on one page that needs no network",
    "comparison*.csv": "every experiment side by side",
    "ensembles/*.h5": "data set: grains, label images, stiffness under each boundary condition",
    "ensembles/*/audit.json": "some labels of a data set again, by other programs",
    "ensembles/*/figures/*.svg": "figures of a data set",
    "experiments/*/model.keras": "trained network, with its card inside",
    "experiments/*/card.json": "the card of a network: what it was made for, and how far it errs",
    "experiments/*/history.csv": "how its training went",
    "experiments/*/metrics.json": "how well it predicts",
    "experiments/*/predictions/*": "every prediction",
    "experiments/*/figures/*": "figures of an experiment",
    "searches/*/*": "trials of a search for hyperparameters, and the best one",
    "devices/*/beams.json": "beams: their scatter, its sources, how many fail",
    "devices/*/figures/*.svg": "figures of these beams",
    "*.provenance.json": RECORD,
    "ensembles/*/*.json": RECORD,
    "ensembles/*/figures/*.json": RECORD,
    "experiments/*/*.json": RECORD,
    "devices/*/*.json": RECORD,
    "README.md": "what is where",
    MANIFEST: "SHA-256 of each file",
}
"""What belongs into the archive, by its place, and what it is. Shards, pictures for networks, logs are made again."""
NEEDED = {
    "ensembles": ("ensembles/{}.h5",),
    "experiments": ("experiments/{}/model.keras", "experiments/{}/metrics.json"),
    "searches": ("searches/{}/trials.csv",),
    "devices": ("devices/{}/beams.json",),
}
FORMATS = {
    ".h5": "application/x-hdf5",
    ".keras": "application/zip",
    ".csv": "text/csv",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".html": "text/html",
    ".yaml": "application/yaml",
    ".md": "text/markdown",
    ".txt": "text/plain",
}
COMPRESSED = (".h5", ".keras")
DAMAGE = *ARCHIVE_DAMAGE, KeyError, ValueError, TypeError, AttributeError
"""What archives and descriptions that are not ours, or no longer, may raise."""
README = """# {title}

A study by PolySVE {version}: the stiffness of thin films a few grains wide, and its scatter.

| file | holds |
|---|---|
{table}

Is every byte as it was? `polysve check {archive}` looks at the checksums, the seals, the layout of each data set and
the laws that its numbers must obey. Without PolySVE, in the folder of the unpacked archive:

    sha256sum --check {manifest}

The same study again, from the first random grain: `./run demo --configfile {study}`. `polysve provenance FILE` prints
what a result was made from. Licence: {license}.
"""


def write_crate(
    results: Path, output: Path, title: str, authors: Sequence[str] = (), license_id="CC-BY-4.0"
) -> int:
    """Pack a finished study; returns the number of files.

    Parameters
    ----------
    results : Path
        Folder of a study's results.
    output : Path
        Archive to write, ``.zip``.
    title : str
    authors : sequence of str
        Names.
    license_id : str
        Of the results, as the SPDX list spells it.

    Raises
    ------
    InputError
        If the study is not finished, or one of its files is damaged.
    """
    if output.suffix != ".zip":
        raise InputError(f"{output}: an RO-Crate is written as .zip")
    files = _files_of(results)
    with tempfile.TemporaryDirectory() as folder, atomic_path(output) as temporary:
        for name in [each for each in files if each.endswith("/model.keras")]:
            files |= _written(f"{Path(name).parent}/card.json", _card(files[name]), Path(folder))
        readme = _readme(files, title, output.name, license_id)
        files |= _written("README.md", readme, Path(folder))
        digests = {name: file_digest(file) for name, file in files.items()}
        metadata = _metadata(files, digests, title, authors, license_id)
        files |= _written(METADATA, metadata, Path(folder))
        digests[METADATA] = file_digest(files[METADATA])
        lines = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
        files |= _written(MANIFEST, lines.encode(), Path(folder))
        _pack(files, temporary)
        seal(temporary)
        if faults := crate_faults(temporary):
            raise InputError(f"{results}: {faults[0].removeprefix(f'{temporary}: ')}")
    return len(files)


def _files_of(results: Path) -> dict[str, Path]:
    """Files of the study that a folder holds, by their place in it; other studies' leftovers are none."""
    import yaml

    if not (results / STUDY).is_file():
        raise InputError(f"{results}: has no {STUDY}; the folder of a finished study is needed")
    study = yaml.safe_load((results / STUDY).read_text()) or {}
    names = {kind: list(study.get(kind) or ()) for kind in NEEDED}
    needed = [each.format(name) for kind in NEEDED for name in names[kind] for each in NEEDED[kind]]
    for name in needed:
        if not (results / name).is_file():
            raise InputError(f"{results}: has no {name}; the folder of a finished study is needed")
    found = {}
    for pattern in PARTS:
        for file in sorted(results.glob(pattern)):
            kind, *inner = file.relative_to(results).parts
            own = not inner or inner[0].removesuffix(".h5") in names[kind]
            if own and file.suffix in FORMATS:
                found[str(file.relative_to(results))] = file
    return found


def _written(name: str, content: bytes, folder: Path) -> dict[str, Path]:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return {name: file}


def _card(model: Path) -> bytes:
    with zipfile.ZipFile(model) as archive:
        return archive.read(CARD)


def _what(name: str) -> str:
    """What a file is."""
    return next(what for pattern, what in PARTS.items() if Path(name).match(pattern))


def _readme(files: dict[str, Path], title: str, archive: str, license_id: str) -> bytes:
    from importlib.metadata import version

    places = [each for each in PARTS if any(Path(name).match(each) for name in files)]
    table = "\n".join(f"| `{place}` | {PARTS[place]} |" for place in [*places, MANIFEST])
    text = README.format(
        title=title,
        version=version("polysve"),
        table=table,
        archive=archive,
        manifest=MANIFEST,
        study=STUDY,
        license=license_id,
    )
    return text.encode()


def _metadata(
    files: dict[str, Path],
    digests: dict[str, str],
    title: str,
    authors: Sequence[str],
    license_id: str,
) -> bytes:
    """The crate's description of itself: what its files are, what made them, who answers for it."""
    from importlib.metadata import version

    from rocrate.model import ContextEntity, Person
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["sha256"] = "https://schema.org/sha256"
    crate.name = title
    crate.description = (
        "Random grain structures of a thin film, their apparent stiffness by finite elements, and networks trained "
        "on them"
    )
    crate.datePublished = date.today().isoformat()
    crate.license = crate.add(
        ContextEntity(
            crate,
            f"https://spdx.org/licenses/{license_id}",
            {"@type": "CreativeWork", "name": license_id},
        )
    )
    if authors:
        crate.creator = [
            crate.add(Person(crate, f"#author{number}", {"name": name}))
            for number, name in enumerate(authors, 1)
        ]
    entities = {}
    for name, file in (files | {MANIFEST: None}).items():
        properties = {"name": _what(name), "encodingFormat": FORMATS[Path(name).suffix]}
        if file is not None:
            properties |= {"contentSize": str(file.stat().st_size), "sha256": digests[name]}
        entities[name] = crate.add_file(file, name, properties=properties)
    program = {"@type": "SoftwareApplication", "name": "PolySVE", "version": version("polysve")}
    made = crate.add_action(
        crate.add(ContextEntity(crate, "#polysve", program)),
        "#study",
        object=[entities[STUDY]],
        result=[entity for name, entity in entities.items() if name not in (STUDY, MANIFEST)],
        properties={"name": "The study, run by its workflow"},
    )
    crate.root_dataset["mentions"] = [made]
    return b"".join(chunk for _, chunk in crate.metadata.stream())


def _pack(files: dict[str, Path], path: Path) -> None:
    """Write the archive; the same bytes at any time."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in files.items():
            entry = zipfile.ZipInfo(name)
            stored = file.suffix in COMPRESSED
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as packed, open(file, "rb") as whole:
                shutil.copyfileobj(whole, packed)


def is_crate(path: Path) -> bool:
    """Whether a file is an archive that `write_crate` made, as far as its table of contents tells."""
    try:
        with zipfile.ZipFile(path) as archive:
            return not {METADATA, MANIFEST}.isdisjoint(archive.namelist())
    except DAMAGE:
        return False


def crate_faults(path: Path) -> list[str]:
    """Faults of an archive, one line each: missing, changed and unnamed files, and those inside of each file.

    Its own seal is asked for only where it has one: who packs the same files anew breaks nothing.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = _faults(archive)
            sealed = bool(archive.comment)
    except DAMAGE as error:
        found, sealed = [f"damaged: {' '.join(str(error).split())}"], False
    if not found and sealed:
        return seal_faults(path)
    return [f"{path}: {fault}" for fault in found]


def _faults(archive: zipfile.ZipFile) -> list[str]:
    names = set(archive.namelist())
    if MANIFEST not in names:
        return [f"has no {MANIFEST}"]
    lines = archive.read(MANIFEST).decode().splitlines()
    digests = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    # without its description it is a heap of files
    missing = sorted(({METADATA, "README.md"} | digests.keys()) - names)
    found = [f"has no {name}" for name in missing]
    found += [
        f"holds {name}, which {MANIFEST} does not name"
        for name in sorted(names - digests.keys() - {MANIFEST})
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(digests.keys() & names):
            found += [
                f"{name}: {fault}" for fault in _member_faults(archive, name, digests, folder)
            ]
    return found


def _member_faults(
    archive: zipfile.ZipFile, name: str, digests: dict[str, str], folder: str
) -> list[str]:
    """Faults of one file of the archive."""
    try:
        file = Path(archive.extract(name, folder))
    except DAMAGE as error:
        return [f"damaged: {' '.join(str(error).split())}"]
    if file_digest(file) != digests[name]:
        return [f"damaged: its bytes do not match {MANIFEST}"]
    if file.suffix in COMPRESSED:
        found = [fault.removeprefix(f"{file}: ") for fault in faults_in(file)]
    elif name.endswith(RECORD_SUFFIX):
        found = _record_faults(json.loads(file.read_text()), Path(name).parent, digests)
    elif name == METADATA:
        found = _metadata_faults(json.loads(file.read_text()), digests)
    else:
        found = []
    file.unlink()
    return found


def _record_faults(record: dict, place: Path, digests: dict[str, str]) -> list[str]:
    """Results that are not those which a record says were made; what was left out of the archive is not asked for."""
    return [
        f"{place / output} is not what was made"
        for output, digest in record["outputs"].items()
        if digests.get(str(place / output), digest) != digest
    ]


def _metadata_faults(metadata: dict, digests: dict[str, str]) -> list[str]:
    """Files that the crate's description does not know, or knows otherwise."""
    told = {each["@id"]: each.get("sha256") for each in metadata["@graph"]}
    return [
        f"does not describe {name} as it is"
        for name, digest in digests.items()
        if name != METADATA and told.get(name) != digest
    ]
