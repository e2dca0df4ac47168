"""The first labels of one ensemble once more, by gmsh and scikit-fem."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from polysve.base.errors import InputError
from polysve.base.files import atomic_path
from polysve.base.progress import track
from polysve.base.types import Array, Integers
from polysve.crystals.stiffness import young_modulus
from polysve.data.audit import audit_line
from polysve.data.ensemble import Ensemble
from polysve.data.records import RECORD_SUFFIX, write_record
from polysve.fem.audit import Reference, reference
from polysve.fem.label import label_mesh
from polysve.fem.mesh import mesh_tiling
from polysve.grains.film import Film
from polysve.settings.labels import AuditSettings, HomogenizeSettings, MeshSettings
from polysve.settings.model import parse

MEASURES = ("stiffness", "young_modulus")


@threadpool_limits.wrap(limits=1)
def run(ensemble_file: Path, output: Path, settings: AuditSettings) -> None:
    """Write how far the labels are from the reference: ``audit.json``.

    It holds ``ensemble``, ``ratio``, ``n`` (SVEs compared), ``tolerance``, ``largest`` and ``reference_error`` (the
    largest of all below), ``boundary_conditions`` with what `compared` says, and the median ``seconds`` of one SVE by
    ``reference`` and by ``labels``.

    Parameters
    ----------
    ensemble_file : Path
    output : Path
    settings : AuditSettings

    Raises
    ------
    InputError
        The file is missing, damaged or no ensemble; gmsh cannot mesh an SVE; a label is off by more than the tolerance.
    """
    if not settings.count:
        raise InputError("--settings: count = 0: an audit takes at least 1 SVE")
    ensemble = Ensemble(ensemble_file)
    name, conditions = ensemble.attributes["ensemble"], ensemble.boundary_conditions
    index = ensemble.index[: settings.count]
    references, seconds = [], {"reference": [], "labels": []}
    label = _labels_again(ensemble)
    for row in track(range(len(index)), f"audit of {name}", len(index)):
        film = ensemble.film(row)
        what = f"{name}: SVE {index[row]}"
        took, found = _timed(_reference, film, conditions, settings.tolerance, what)
        references.append(found)
        seconds["reference"].append(took)
        seconds["labels"].append(_timed(label, film)[0])
    found = {
        each: compared(
            ensemble.stiffness(each)[: len(index)],
            np.array([of.stiffness_gpa[each] for of in references]),
            np.array([of.error[each] for of in references]),
            index,
        )
        for each in conditions
    }
    _refuse_wrong(found, name, settings.tolerance)
    report = {
        "ensemble": name,
        "ratio": ensemble.ratio,
        "n": len(index),
        "tolerance": settings.tolerance,
        "largest": max(each[of]["largest"] for each in found.values() for of in MEASURES),
        "reference_error": max(each["reference_error"] for each in found.values()),
        "boundary_conditions": found,
        "seconds": {of: float(np.median(took)) for of, took in seconds.items()},
    }
    with atomic_path(output) as temporary:
        temporary.write_text(json.dumps(report, indent=1) + "\n")
    record = output.with_suffix(RECORD_SUFFIX)
    write_record(record, "audit", settings.canonical_json(), [output], [ensemble_file])
    print(f"{name}: {audit_line([report])}")


def compared(labels_gpa: Array, references_gpa: Array, errors: Array, index: Integers) -> dict:
    """Differences of labels from their references under one boundary condition.

    Parameters
    ----------
    labels_gpa, references_gpa : array, shape (n, 3, 3)
    errors : array, shape (n,)
        Estimated largest error of a component of each reference over its C̄11.
    index : int array, shape (n,)
        Numbers of the SVEs.

    Returns
    -------
    dict
        ``stiffness`` (components of C̄, over C̄11) and ``young_modulus`` (over Ē), each with ``largest``, ``rms`` and
        ``sve``, the number of the one that differs most; ``reference_error``, the largest.

    Examples
    --------
    >>> right = np.array([np.diag([150.0, 150.0, 60.0])] * 2)
    >>> labels = right.copy()
    >>> labels[1, 1, 1] += 0.03
    >>> found = compared(labels, right, np.array([1e-5, 2e-5]), np.array([0, 7]))
    >>> found["stiffness"]["sve"], round(found["stiffness"]["largest"], 9)
    (7, 0.0002)
    >>> found["young_modulus"]["largest"], found["reference_error"]
    (0.0, 2e-05)
    """
    difference = (labels_gpa - references_gpa) / references_gpa[:, :1, :1]
    moduli = young_modulus(labels_gpa) / young_modulus(references_gpa) - 1
    found = {
        "stiffness": difference.reshape(len(index), -1),
        "young_modulus": moduli[:, None],
    }
    return {
        name: {
            "largest": float(np.abs(values).max()),
            "rms": float(np.sqrt(np.mean(values**2))),
            "sve": int(index[np.abs(values).max(1).argmax()]),
        }
        for name, values in found.items()
    } | {"reference_error": float(errors.max())}


def _refuse_wrong(found: dict[str, dict], ensemble: str, tolerance: float) -> None:
    """Stop, loudly, if a label is off by more than allowed."""
    largest, condition, measure = max(
        (found[condition][measure]["largest"], condition, measure)
        for condition in found
        for measure in MEASURES
    )
    if largest > tolerance:
        of = {"stiffness": "a component of C̄, over C̄11,", "young_modulus": "Ē"}[measure]
        raise InputError(
            f"{ensemble}: SVE {found[condition][measure]['sve']}, {condition}: {of} differs by {largest:.2g} from what "
            f"gmsh and scikit-fem give (own error {found[condition]['reference_error']:.1g}); audit.tolerance allows "
            f"{tolerance:g}"
        )


def _reference(film: Film, conditions: tuple[str, ...], accuracy: float, what: str) -> Reference:
    try:
        return reference(film.shape, film.size_um[0], film.stiffness_gpa, conditions, accuracy)
    except Exception as error:
        raise InputError(f"{what}: gmsh cannot mesh it ({error})") from None


def _labels_again(ensemble: Ensemble) -> Callable[[Film], None]:
    """Labels as the study made them, for the time that they take."""
    source = str(ensemble.path)
    mesher = parse(MeshSettings, ensemble.attributes["mesh_settings"], source)
    solver = parse(HomogenizeSettings, ensemble.attributes["homogenize_settings"], source)

    def label(film):
        mesh = mesh_tiling(film.shape, ensemble.window_um, ensemble.grain_size_um, mesher)
        label_mesh(mesh, film.stiffness_gpa, solver)

    return label


def _timed(work: Callable, *arguments) -> tuple[float, object]:
    """Seconds that a call takes, and what it gives."""
    started = time.perf_counter()
    found = work(*arguments)
    return time.perf_counter() - started, found
