"""Fields of one SVE: their means are the apparent stiffness, and ParaView reads the same numbers."""

import meshio
import numpy as np
import pytest

from polysve.base.errors import InputError
from polysve.commands import show
from polysve.crystals.orientation import to_euler
from polysve.fem import apparent, fields

BOUNDARY_CONDITIONS = ("kubc", "subc", "pbc")


@pytest.fixture(scope="module")
def sve(ensembles):
    return show.read_sve(ensembles["ratio4"], 7, 0.3)


@pytest.mark.parametrize("load", fields.LOADS)
@pytest.mark.parametrize("boundary_condition", BOUNDARY_CONDITIONS)
def test_means_of_the_fields(sve, boundary_condition, load):
    film, mesh = sve
    solution = fields.solve_fields(*sve, boundary_condition, load, 2e-3)
    share = mesh.signed_areas_um2() / mesh.signed_areas_um2().sum()
    mean_strain = np.zeros(3)
    mean_strain[fields.LOADS.index(load)] = 2e-3
    elements = film.stiffness_gpa[mesh.grain]
    stiffness = apparent.apparent_stiffness(mesh, elements, (boundary_condition,), 2)
    assert np.allclose(share @ solution.strain, mean_strain, atol=1e-12)
    assert np.allclose(share @ solution.stress_gpa, stiffness[boundary_condition] @ mean_strain)


def test_boundary_conditions_are_seen_in_the_fluctuation(sve):
    _, mesh = sve
    side = mesh.nodes_um.max()
    edge = np.isclose(mesh.nodes_um, 0) | np.isclose(mesh.nodes_um, side)
    on_edge, left = edge.any(1), np.isclose(mesh.nodes_um[:, 0], 0)
    right = np.isclose(mesh.nodes_um[:, 0], side)
    kubc, pbc = (fields.solve_fields(*sve, name).fluctuation_um for name in ("kubc", "pbc"))
    assert np.abs(kubc[on_edge]).max() < 1e-12 < np.abs(kubc[~on_edge]).max()
    facing = [pbc[each][np.argsort(mesh.nodes_um[each, 1])] for each in (left, right)]
    assert np.allclose(*facing, atol=1e-12)
    assert np.abs(pbc[on_edge]).max() > 1e-6


def test_vtu_is_read_back(sve, tmp_path):
    film, mesh = sve
    solution = fields.solve_fields(*sve)
    fields.write_vtu(tmp_path / "sve.vtu", solution)
    read = meshio.read(tmp_path / "sve.vtu")
    assert np.array_equal(read.points[:, :2], solution.mesh.nodes_um)
    assert np.array_equal(read.cells_dict["triangle"], solution.mesh.triangles)
    assert np.array_equal(read.point_data["displacement_um"][:, :2], solution.displacement_um)
    (stresses,) = read.cell_data["stress_11_22_12_gpa"]
    assert np.array_equal(stresses, solution.stress_gpa)
    (angles,) = read.cell_data["euler_deg"]
    assert np.allclose(angles, to_euler(film.quaternions)[mesh.grain])
    assert np.allclose(np.radians(angles[:, 0]), film.theta_rad[mesh.grain])


def test_picture_and_numbers(ensembles, tmp_path):
    file = ensembles["ratio4"]
    show.solve_and_write(file, 3, "pbc", "12", 1e-3, 0.4, tmp_path / "f.svg", tmp_path / "f.vtu")
    assert b"<svg" in (tmp_path / "f.svg").read_bytes()[:500]
    lines = list(show.describe(file, 3))
    assert lines[0].startswith("SVE 3: 16 grains of silicon in 2 x 2 µm, L/s = 4")
    assert {line.split()[0] for line in lines[1:]} == {"KUBC", "SUBC", "PBC"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"index": 40}, "has no SVE 40; its 40 SVEs go from 0 to 39"),
        ({"boundary_condition": "mixed"}, "--bc = mixed: allowed are kubc, subc, pbc"),
        ({"load": "13"}, "--load = 13: allowed are 11, 22, 12"),
        ({"mean_strain": 0.0}, "--strain = 0: must be"),
        ({"picture": "fields.gif"}, "fields.gif: allowed are names that end in .svg, .pdf, .png"),
    ],
)
def test_wrong_arguments_are_refused(ensembles, tmp_path, changes, message):
    arguments = {
        "index": 1,
        "boundary_condition": "pbc",
        "load": "11",
        "mean_strain": 1e-3,
        "picture": "fields.svg",
    } | changes
    arguments["picture"] = tmp_path / arguments["picture"]
    with pytest.raises(InputError, match=message):
        show.solve_and_write(
            ensembles["ratio4"], **arguments, element_size_fraction=0.4, vtu=tmp_path / "f.vtu"
        )
    assert not list(tmp_path.iterdir())
