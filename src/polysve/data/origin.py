"""What results were made from, read from their own records, and compared with what is asked for.

Each result carries the settings and the digest of the code of its stage, and of all stages before it: an HDF5 file
in an attribute, the other results of a stage in one file beside them (``*.provenance.json``).
"""

import json
from pathlib import Path
from typing import NamedTuple


class Origin(NamedTuple):
    """One step on the way to a result."""

    stage: str
    settings: str
    """Canonical JSON."""
    code: str | None
    """Digest of the stage's source; None where any code will do."""


def read(file: Path) -> list[Origin]:
    """Origins of a result, or of the results that a ``*.provenance.json`` names; the earliest step first.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError
        If the file is missing or holds no record that can be read.
    """
    return _origins(_record(Path(file)))


def difference(file: Path, asked: list[Origin]) -> str | None:
    """Say in a few words how a result is not what is asked for; None if it is, or if there is none.

    Parameters
    ----------
    file : Path
        HDF5 file or ``*.provenance.json``. One that cannot be read is not what is asked for.
    asked : list of Origin
        All steps to the result, the earliest first.
    """
    try:
        found = read(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return "holds no record that can be read"
    return compare(found, asked)


def compare(found: list[Origin], asked: list[Origin]) -> str | None:
    """Say what differs first between the steps that were gone and those asked for.

    Examples
    --------
    >>> made = Origin("tessellate", '{"seed":1,"window_um":2.0}', "1234")
    >>> compare([made], [made])
    >>> compare([made], [made._replace(settings='{"seed":2,"window_um":2.0}')])
    'made with tessellate: seed = 1, asked for is 2'
    >>> compare([made], [made._replace(code="5678")])
    'made by another code of tessellate: 1234, asked for is 5678'
    >>> compare([made], [])
    'made from a tessellate that is not asked for'
    """
    anyhow = {step.stage for step in asked if step.code is None}
    found = [step._replace(code=None) if step.stage in anyhow else step for step in found]
    missing = [step for step in asked if step not in found]
    surplus = [step for step in found if step not in asked]
    for wanted in missing:
        had = next((step for step in surplus if step.stage == wanted.stage), None)
        if had is None:
            return f"made without a {wanted.stage} that is asked for"
        if had.settings != wanted.settings:
            return f"made with {wanted.stage}: {_changed(had.settings, wanted.settings)}"
        return f"made by another code of {wanted.stage}: {had.code}, asked for is {wanted.code}"
    return f"made from a {surplus[0].stage} that is not asked for" if surplus else None


def _record(file: Path) -> dict:
    if file.suffix == ".json":
        return json.loads(file.read_text())
    import h5py

    with h5py.File(file) as opened:
        return json.loads(opened.attrs["provenance"])


def _origins(record: dict) -> list[Origin]:
    settings = json.dumps(record["settings"], sort_keys=True, separators=(",", ":"))
    steps = [step for earlier in record["made_from"] for step in _origins(earlier)]
    steps.append(Origin(record["stage"], settings, record["code_digest"]))
    return list(dict.fromkeys(steps))


def _changed(had: str, wanted: str) -> str:
    """The first setting that differs, by its dotted key."""
    had, wanted = _flat(json.loads(had)), _flat(json.loads(wanted))
    for key in [*wanted, *had]:
        if had.get(key) != wanted.get(key):
            return f"{key} = {had.get(key)}, asked for is {wanted.get(key)}"
    return "another type of number"


def _flat(values: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in values.items():
        inner = _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else None
        flat |= inner if inner else {f"{prefix}{key}": value}
    return flat
