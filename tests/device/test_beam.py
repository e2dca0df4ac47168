"""Beams of a spec: putting together, sources of scatter, correction, reliability, refusals and the command."""

import json

import numpy as np
import pytest
from command import assert_refused, polysve

from polysve.base.errors import InputError
from polysve.crystals import catalogue
from polysve.device import scatter
from polysve.device.beam import draw_beams
from polysve.device.check import corrected
from polysve.device.sample import Strips, put_together
from polysve.device.section import Sections
from polysve.settings.device import BeamSettings, LawSettings, read_spec

pytestmark = pytest.mark.device

SLICES = 32


def strips(count=1, modulus=150.0, spread=0.0, width=2.0):
    """Strips 8 widths long of sections that scatter, uncoupled, with ends that take nothing."""
    random = np.random.default_rng(2)
    young = modulus * (1 + spread * random.normal(size=(count, SLICES)))
    stiffness = young[..., None, None] * np.diag([width, width**3 / 12])
    film = modulus / 0.91 * np.array([[1, 0.3, 0], [0.3, 1, 0], [0, 0, 0.35]])
    shear = 5 / 6 * width * young / 2.6
    sections = Sections(stiffness, shear, np.tile(film, (count, SLICES, 1, 1)))
    root, middle = np.zeros((2, count, 3, 3))
    return Strips(sections, root, middle, width / 4, width)


def evaluate(settings, **sources):
    """One uniform beam."""
    means = {"width_um": 2, "thickness_um": 1, "density_kg_m3": 2330, "stress_mpa": 0}
    values = means | {"gradient_mpa_per_um": 0} | sources
    grains = put_together(
        strips(), np.random.default_rng(0), 1, settings.length_um, settings.support
    )
    arrays = scatter.Sources(**{name: np.full(1, float(v)) for name, v in values.items()})
    found = scatter.evaluate(grains, arrays, 2.0, settings)
    return {name: each[0] for name, each in found.items()}


@pytest.mark.parametrize("length", [3.0, 20.0, 21.3, 60.0])
@pytest.mark.parametrize("support", ["cantilever", "clamped"])
def test_beams_of_any_length_are_filled(length, support):
    beams = put_together(strips(5, spread=0.1), np.random.default_rng(1), 7, length, support)
    assert beams.ends_um[-1] == pytest.approx(length)
    sizes = np.diff(beams.ends_um, prepend=0)
    assert sizes.min() > 0 and sizes.max() <= 0.5 + 1e-9
    assert beams.shear.shape == (7, len(sizes))


def test_clamped_beam_begins_at_its_ends_and_in_its_middle():
    """With coupling of one sign and a root that prefers one side: turned by half a turn both are of the other sign."""
    one = strips(1, spread=0.1)
    one.sections.stiffness[..., 0, 1] = one.sections.stiffness[..., 1, 0] = 7.0
    one.root[0] = [[1, 2, 3], [2, 4, 5], [3, 5, 6]]
    one.middle[0] = 3 * one.root[0]
    beams = put_together(one, np.random.default_rng(1), 1, 12.0, "clamped")
    np.testing.assert_array_equal(beams.shear[0], beams.shear[0, ::-1])
    np.testing.assert_array_equal(beams.stiffness[0, :, 0, 1], 2 * ([7] * 6 + [-7] * 6))
    np.testing.assert_array_equal(beams.root[0, 1], [[1, 2, -3], [2, 4, -5], [-3, -5, 6]])
    np.testing.assert_array_equal(beams.middle, one.middle)


def test_width_and_thickness_act_as_in_the_textbook():
    """A beam long enough for its shear not to count."""
    slender = BeamSettings(length_um=400.0, widths_um=(2.0,), thickness_um=1.0, force_un=1e-3)
    one, other = evaluate(slender), evaluate(slender, width_um=1.8, thickness_um=1.2)
    ratio = {name: other[name] / one[name] for name in one if one[name]}
    assert one["stiffness_n_per_m"] == pytest.approx(3 * 150e3 * 2**3 / 12 / 400**3, rel=1e-4)
    assert ratio["stiffness_n_per_m"] == pytest.approx(0.9**3 * 1.2, rel=1e-4)
    assert ratio["frequency_hz"] == pytest.approx(0.9, rel=1e-4)
    flat = slender.model_copy(update={"bending": "out_of_plane"})
    one, other = evaluate(flat), evaluate(flat, width_um=1.8, thickness_um=1.2)
    assert one["stiffness_n_per_m"] == pytest.approx(3 * 150e3 * 2 / 12 / 400**3, rel=1e-4)
    assert other["stiffness_n_per_m"] / one["stiffness_n_per_m"] == pytest.approx(
        0.9 * 1.2**3, rel=1e-4
    )
    assert other["frequency_hz"] / one["frequency_hz"] == pytest.approx(1.2, rel=1e-4)


def test_gradient_of_stress_curls_a_cantilever_into_a_circle():
    found = evaluate(BeamSettings(thickness_um=1.0), gradient_mpa_per_um=3.0)
    assert found["curl_um"] == pytest.approx(3e-3 / 150 * 60**2 / 2, rel=1e-9)


def test_torsion_of_a_rectangle():
    """0.2287 b t³ for b = 2 t (Timoshenko & Goodier, Theory of Elasticity, section 109)."""
    found = evaluate(BeamSettings(thickness_um=1.0))
    assert found["torsion_nnm_per_rad"] == pytest.approx(150 / 2.6 * 0.2287 * 2 / 60, rel=3e-3)


def test_tension_raises_the_frequency_of_a_clamped_beam_alone():
    for support, ratio in (("cantilever", 1.0), ("clamped", 1.05)):
        settings = BeamSettings(support=support, thickness_um=1.0)
        one, other = evaluate(settings), evaluate(settings, stress_mpa=150)
        assert (other["frequency_hz"] / one["frequency_hz"] > ratio) == (support == "clamped")


def test_shares_of_a_sum_are_those_of_its_variances():
    """Grains uniform from 0 to 1, variance 1/12; a normal width and a log-normal thickness."""
    of = {name: LawSettings(mean=1.0) for name in scatter.Sources._fields}
    of["width_um"] = LawSettings(mean=2.0, std=0.1)
    of["thickness_um"] = LawSettings(mean=1.0, std=0.2, law="log_normal")

    def compute(numbers, sources):
        total = numbers / 1000 + sources.width_um + sources.thickness_um
        return {"sum": total, "constant": np.ones(len(numbers))}

    found = scatter.variance_shares(compute, of, 1000, seed=3)
    assert list(found) == ["sum"]
    variance = {"grains": 1 / 12, "width_um": 0.01, "thickness_um": 0.04}
    for source, each in variance.items():
        share = each / sum(variance.values())
        assert found["sum"][source]["first_order"] == pytest.approx(share, abs=0.03)
        assert found["sum"][source]["total_order"] == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("law", ["normal", "log_normal"])
def test_sources_have_the_mean_and_spread_of_their_law(law):
    of = {name: LawSettings(mean=2.0, std=0.3, law=law) for name in scatter.Sources._fields}
    drawn = scatter.draw_sources(of, np.random.default_rng(1), 100_000)
    for each in drawn:
        assert each.mean() == pytest.approx(2, abs=0.005)
        assert each.std() == pytest.approx(0.3, abs=0.005)
    assert np.corrcoef(drawn)[0, 1] == pytest.approx(0, abs=0.02)


def test_correction_finds_the_mean_and_scatter_that_the_chain_misses():
    random = np.random.default_rng(5)
    sample = random.normal(10, 1, 20_000)
    chained = random.normal(10, 1, 100)
    found = corrected(11 + 1.3 * (chained - 10) + 0.05 * random.normal(size=100), chained, sample)
    assert found["mean"] == pytest.approx(11, abs=3 * found["mean_standard_error"])
    assert found["mean_standard_error"] < 0.02
    assert found["std"] == pytest.approx(1.3, abs=3 * found["std_standard_error"])
    assert found["bias_percent"] == pytest.approx(-100 / 11, abs=1)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("length_um: -1", "length_um"),
        ("length: 3", "unknown key"),
        ("limit: {quantity: frequency_hz}", "at_least"),
        ("- 1", "keys"),
        ("a: [", "YAML"),
        ("widths_um: [0.3]", "grain_size_um = 0.5"),
        ("width_offset_um: -2.5", "eats a beam 2 µm wide"),
        ("width_offset_um: {mean: -1, std: 0.3}", "eats a beam 2 µm wide"),
        ("width_offset_um: {mean: -0.1, std: -0.01}", "width_offset_um.std"),
        ("thickness_um: {mean: 1, std: 0.5}", "not always positive"),
        ("thickness_um: {mean: -1, std: 0.5, law: log_normal}", "log-normal"),
        ("length_um: 6", "4 times"),
        ("{length_um: 19, support: clamped}", "10 times"),
        ("{length_um: 30, thickness_um: 8, bending: out_of_plane}", "3.75 times"),
    ],
)
def test_wrong_beams_are_refused(tmp_path, text, words):
    path = tmp_path / "beam.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as refusal:
        read_spec(path)
    assert "\n" not in str(refusal.value)
    assert "beam.yaml" in str(refusal.value)


def test_empty_spec_is_a_beam(tmp_path):
    path = tmp_path / "beam.yaml"
    path.write_text("")
    assert read_spec(path).widths_um == (2.0, 5.0)


@pytest.mark.faults
@pytest.mark.parametrize("support", ["cantilever", "clamped"])
def test_forces_that_bend_too_far_are_refused(support):
    with pytest.raises(InputError, match="force_un"):
        evaluate(BeamSettings(force_un=3e4, support=support))


@pytest.mark.faults
def test_what_weighs_nothing_is_refused():
    with pytest.raises(InputError, match="density_kg_m3"):
        scatter.laws(BeamSettings(), 2.0, None)


def small(**changes):
    values = {"widths_um": (2.0,), "length_um": 20.0, "structures": 100, "beams": 200}
    return BeamSettings(**values | changes)


def test_limit_on_what_a_beam_does_not_do_is_refused():
    settings = small(support="clamped", limit={"quantity": "curl_um", "at_most": 1.0})
    with pytest.raises(InputError, match="curl_um"):
        draw_beams(settings, catalogue.find("silicon"), workers=1)


def test_multiple_of_a_curl_that_is_zero_is_refused():
    settings = small(limit={"quantity": "curl_um", "at_most": 1.5, "of_nominal": True})
    with pytest.raises(InputError, match="of_nominal"):
        draw_beams(settings, catalogue.find("silicon"), workers=1)


@pytest.mark.faults
def test_film_without_scatter_gives_beams_without_scatter_as_heavy_as_their_crystal():
    """Cubic <111> films are isotropic in their plane, of silicon 168.963 GPa."""
    pace = []
    for name in ("silicon", "copper"):
        crystal = catalogue.find(name)
        (sample,) = draw_beams(small(texture="<111>"), crystal, workers=1)
        modulus = sample.strips.modulus_gpa.mean()
        np.testing.assert_allclose(sample.strips.modulus_gpa, modulus, rtol=1e-3)
        values = sample.values["stiffness_n_per_m"]
        np.testing.assert_allclose(values, sample.nominal["stiffness_n_per_m"], rtol=1e-5)
        pace.append(sample.nominal["frequency_hz"] / np.sqrt(modulus / crystal.density_kg_m3))
        if name == "silicon":
            assert modulus == pytest.approx(168.963, rel=1e-3)
    # shear takes a little, and not the same
    assert pace[0] == pytest.approx(pace[1], rel=5e-3)


def test_command(tmp_path):
    spec, figure = tmp_path / "beam.yaml", tmp_path / "beam.png"
    spec.write_text(
        "widths_um: [2]\nlength_um: 20\nstructures: 100\nbeams: 500\nthickness_um: {mean: 2, std: 0.02}\n"
        "limit: {quantity: deflection_um, at_most: 1.005, of_nominal: true}\n"
    )
    answer = polysve("beam", spec, "--check", 10, "--figure", figure, "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["crystal"] == "silicon"
    found = json.loads(answer.stdout)["widths"][0]
    assert figure.stat().st_size > 10_000
    modulus, inertia = found["windows"]["mean_gpa"] * 1e3, 2 * 2**3 / 12
    # less the deflection by shear
    assert found["stiffness_n_per_m"]["mean"] == pytest.approx(
        3 * modulus * inertia / 20**3, rel=0.02
    )
    assert 0 < found["reliability"]["failure_probability"] < 1
    check = found["check"]["stiffness_n_per_m"]
    assert abs(check["bias_percent"]) < 0.2
    assert check["correlation"] > 0.99
    # grains alone scatter in the check
    assert check["std"] < found["stiffness_n_per_m"]["std"]
    shares = found["shares"]["stiffness_n_per_m"]
    assert set(shares) == {"grains", "thickness_um"}
    spec.write_text("length_um: 3\n")
    assert_refused(polysve("beam", spec), "length_um = 3")
