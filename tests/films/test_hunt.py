"""Damaged and odd files of every kind: an answer within its bounds or one line, no third outcome."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polysve.base.errors import InputError
from polysve.films.readers import READERS, read_film
from polysve.films.reading import Reading

pytestmark = [pytest.mark.faults, pytest.mark.films]
HUNT = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks/hunt.py"))
SLOW = {"network"}
COUNT = 20


@pytest.mark.parametrize("name", sorted(set(HUNT["KINDS"]) - SLOW))
def test_damaged_files_are_answered_or_refused(name):
    found = {}
    HUNT["hunt"](name, range(10_000, 10_000 + COUNT), found.__setitem__)
    assert len(found) == COUNT
    assert set(found.values()) <= {"answered", "refused"}, found
    assert "refused" in found.values()


ODD = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(),
    st.sampled_from(["", "0,5", "1e", "x", "-0", "é", "0x1", "1_0"]),
)
PLAIN = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def answered_or_refused(path, **options):
    """A film whose parts belong together, or a refusal that names the file in one line."""
    film, refusal = None, ""
    try:
        film = read_film(path, Reading(**options))
    except InputError as error:
        refusal = str(error)
    if film is None:
        assert (str(path) in refusal or "--window" in refusal) and "\n" not in refusal
        return
    assert np.isfinite(film.quaternions).all() and np.isfinite(film.stiffness_gpa).all()
    assert len(film.quaternions) == len(film.phase) >= film.n_grains >= 1
    assert np.linalg.eigvalsh(film.stiffness_gpa).min() > 0
    assert film.area_fractions.min() >= 0
    assert film.area_fractions.sum() == pytest.approx(1)


@given(rows=st.lists(st.lists(ODD, min_size=1, max_size=4), max_size=5), window=ODD)
@PLAIN
def test_any_table(tmp_path, rows, window):
    path = tmp_path / "film.csv"
    text = "\n".join(["x_um,y_um,theta_deg", *(",".join(map(str, row)) for row in rows)])
    path.write_text(text)
    answered_or_refused(path, window_um=window if isinstance(window, float) else 2.0)


@given(
    points=st.lists(
        st.tuples(*[st.floats(0, 2, allow_subnormal=False)] * 2), min_size=1, max_size=12
    ),
    angles=st.tuples(*[st.floats(-1e6, 1e6)] * 3),
    periodic=st.booleans(),
)
@PLAIN
def test_any_generators(tmp_path, points, angles, periodic):
    path = tmp_path / "film.csv"
    angle = ",".join(map(repr, angles))
    rows = [f"{x!r},{y!r},{angle}" for x, y in points]
    path.write_text("\n".join(["x_um,y_um,phi1_deg,Phi_deg,phi2_deg", *rows]))
    answered_or_refused(path, window_um=2.0, periodic=periodic)


@given(
    shape=st.lists(st.integers(0, 5), max_size=3),
    low=st.integers(-2, 2),
    grains=st.integers(0, 3),
    kind=st.sampled_from(["uint8", "int64", "float32", "bool", "U3"]),
    width=ODD,
)
@PLAIN
def test_any_picture(tmp_path, shape, low, grains, kind, width):
    labels = (np.arange(np.prod(shape, dtype=int)) % 3 + low).reshape(shape).astype(kind)
    path = tmp_path / "film.npz"
    np.savez(path, label_image=labels, theta_deg=np.full(grains, 12.5), window_um=width)
    answered_or_refused(path)


@given(
    euler=st.tuples(*[st.floats(-7, 7) | st.just(float("nan"))] * 3),
    phase=st.integers(-1, 3),
    confidence=st.floats(-1, 1),
    columns=st.integers(5, 11),
    step=st.floats(1e-12, 1e12),
)
@PLAIN
def test_any_point_in_a_map(tmp_path, euler, phase, confidence, columns, step):
    header = [
        "Phase 1",
        "MaterialName Cu",
        "Symmetry 43",
        "Phase 2",
        "MaterialName Zn",
        "Symmetry 62",
    ]
    rows = []
    for number in range(30):
        angles = euler if number == 7 else (0.1, 0.2, 0.3)
        row = [*angles, step * (number % 6), step * (number // 6), 1, confidence, phase, 1, 1, 1]
        rows.append(" ".join(map(str, row[:columns])))
    path = tmp_path / "film.ang"
    path.write_text("\n".join([*(f"# {line}" for line in header), *rows]) + "\n")
    answered_or_refused(path)


@given(content=st.binary(max_size=200))
@PLAIN
def test_any_bytes_of_any_ending(tmp_path, content):
    table = tmp_path / "angles.csv"
    table.write_text("grain,theta_deg\n1,20\n")
    for ending in (*READERS, ".txt", ""):
        path = tmp_path / f"film{ending}"
        path.write_bytes(content)
        with pytest.raises(InputError) as refusal:
            read_film(path, Reading(2.0, orientations=table))
        assert path.name in str(refusal.value)
        assert "\n" not in str(refusal.value)
