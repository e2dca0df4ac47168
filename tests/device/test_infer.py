"""From measured beams back to grain size, over-etch and its scatter."""

import numpy as np
import pytest
from command import assert_refused, polysve

from polysve.base.errors import InputError
from polysve.crystals import catalogue
from polysve.device.emulator import Emulator, emulate
from polysve.device.infer import beyond_prior, draw_prior, infer, log_prior
from polysve.device.measured import Measured, read_measured
from polysve.settings.device import SpecSettings, read_spec

pytestmark = pytest.mark.device

SETTINGS = SpecSettings(widths_um=(2.0, 4.0))


def emulator(width):
    """Frequencies that go with the width, and whose scatter by grains goes with its root."""
    offsets = np.linspace(-0.6, 0.4, 50)
    curve = np.polyfit(offsets, np.log(1e5 * (width + offsets)), 6)
    scatter = np.array([1.0, np.log(0.02 / np.sqrt(width))])
    return Emulator(curve, np.array([0.001, 0.0]), scatter, 0.05, 0.002)


EMULATORS = {width: emulator(width) for width in SETTINGS.widths_um}


def devices(random, size, offset, spread, count=30):
    """Drawn by what the emulators stand for, but for the second order of offsets, which is drawn."""
    values, widths = [], []
    for width in EMULATORS:
        made = width + random.normal(offset, spread, count)
        grains = random.normal(0.001 * size, 0.02 * size / np.sqrt(width), count)
        values.append(1e5 * made * np.exp(grains + random.normal(0, 0.002, count)))
        widths.append(np.full(count, width))
    return Measured("frequency_hz", np.concatenate(values), np.concatenate(widths))


def test_posterior_is_that_of_a_grid():
    """Sums over a grid of all four numbers, with the likelihood written out device by device."""
    measured = devices(np.random.default_rng(1), 0.5, -0.15, 0.02)
    found = infer(SETTINGS, measured, EMULATORS).summary()
    prior = SETTINGS.prior
    axes = (
        np.linspace(np.log(0.2), np.log(1.0), 40),
        np.linspace(-0.2, -0.1, 40),
        np.linspace(np.log(0.005), np.log(0.05), 40),
        np.linspace(-3, 3, 7),
    )
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 4)
    size, offset, spread = np.exp(points[:, 0]), points[:, 1], np.exp(points[:, 2])
    density = log_prior(prior, points)
    for width in SETTINGS.widths_um:
        logs = np.log(measured.values[measured.widths_um == width])
        made = width + offset
        mean = np.log(1e5 * made) - (spread / made) ** 2 / 2 + 0.001 * size
        grains = 0.02 * size / np.sqrt(width) * np.exp(0.05 * points[:, 3])
        variance = grains**2 + (spread / made) ** 2 + 0.002**2
        for each in logs:
            density -= np.log(variance) / 2 + (each - mean) ** 2 / (2 * variance)
    weight = np.exp(density - density.max())
    for name, values in zip(found, (size, offset, spread), strict=True):
        mean = np.average(values, weights=weight)
        std = np.sqrt(np.average((values - mean) ** 2, weights=weight))
        assert found[name]["mean"] == pytest.approx(mean, abs=0.15 * std), name
        assert found[name]["std"] == pytest.approx(std, rel=0.15), name


def test_intervals_hold_the_truth():
    """Four films and etches drawn from the prior; `benchmarks/infer.py` asks a hundred, made of whole chains."""
    random, held = np.random.default_rng(5), np.zeros(3)
    for _ in range(4):
        truth = [random.uniform(0.25, 0.9), random.normal(-0.1, 0.1), random.uniform(0.008, 0.04)]
        found = infer(SETTINGS, devices(random, *truth), EMULATORS).summary().values()
        intervals = [each["interval_90"] for each in found]
        held += [low < value < high for value, (low, high) in zip(truth, intervals, strict=True)]
    assert (held >= 3).all()


def test_few_devices_leave_what_was_known_before():
    few = devices(np.random.default_rng(2), 0.5, -0.1, 0.02, count=2)
    many = devices(np.random.default_rng(2), 0.5, -0.1, 0.02, count=300)
    widths = [
        np.ptp(infer(SETTINGS, each, EMULATORS).summary()["grain_size_um"]["interval_90"])
        for each in (few, many)
    ]
    assert widths[1] < 0.6 * widths[0]


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_devices_in_another_unit_are_refused(factor):
    measured = devices(np.random.default_rng(1), 0.5, -0.1, 0.02)
    with pytest.raises(InputError, match="off every draw of the prior") as refusal:
        infer(SETTINGS, measured._replace(values=factor * measured.values), EMULATORS)
    assert "\n" not in str(refusal.value)
    assert "allowed are Hz" in str(refusal.value)


def test_devices_that_the_prior_does_not_hold_are_counted():
    random = np.random.default_rng(1)
    measured, prior = devices(random, 0.5, -0.1, 0.02), SETTINGS.prior
    for factor, count in ((1.0, 0), (1.4, 60)):
        scaled = measured._replace(values=factor * measured.values)
        points = draw_prior(prior, random, 1000)
        assert beyond_prior(prior, scaled, EMULATORS, points, random) == count


def test_emulator_of_real_chains():
    """Frequencies go with the width; twice the grains, twice the scatter; thickness acts to first order."""
    prior = {"grain_size_um": {"low": 0.3, "high": 0.6}}
    settings = SpecSettings(
        widths_um=(2.0,),
        length_um=16.0,
        structures=160,
        bending="out_of_plane",
        thickness_um={"mean": 1.0, "std": 0.02},
        prior=prior,
    )
    found = emulate(settings, catalogue.find("silicon"), "frequency_hz", 2.0, workers=1)
    assert found.rest == pytest.approx(0.02, rel=0.02)
    assert abs(np.polyval(np.polyder(found.film), -0.1)) < 0.01
    ratio = np.exp(found.log_std[0] * np.log(2))
    assert 1.4 < ratio < 2.8
    assert 0.02 < found.log_std_error < 0.3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the columns are none"),
        ("frequency_khz\n1\n2\n3\n", "frequency_khz"),
        ("frequency_hz,stiffness_n_per_m\n1,1\n2,2\n3,3\n", "one of frequency_hz and"),
        ("frequency_hz,colour\n1,1\n2,2\n3,3\n", "colour"),
        ("frequency_hz,width_um\n1,2\n2,2\n3,5\n", "width_um = 5"),
        ("frequency_hz\n1\n2\n3\n", "no column width_um"),
        ("frequency_hz,width_um\n1,2\n2,2\n", "2 devices"),
        ("frequency_hz,width_um\n1,2\nx,2\n3,2\n", "line 3: x"),
        ("frequency_hz,width_um\n1,2\n-4,2\n3,2\n", "line 3: -4"),
        ("frequency_hz,width_um\n1,2\n4\n3,2\n", "line 3: 1 cells"),
    ],
)
def test_wrong_tables_are_refused(tmp_path, text, words):
    path = tmp_path / "measured.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as refusal:
        read_measured(path, (2.0, 4.0))
    assert "\n" not in str(refusal.value)
    assert "measured.csv" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("grain_size_um: {low: 1, high: 0.2}", "low below high"),
        ("width_offset_um: {mean: -0.1}", "std above 0"),
        ("width_offset_um: {mean: -1, std: 0.5}", "eats a beam"),
        ("grain_size_um: {low: 0.2, high: 3}", "as wide as a grain"),
    ],
)
def test_wrong_priors_are_refused(tmp_path, text, words):
    path = tmp_path / "beam.yaml"
    path.write_text(f"widths_um: [2]\nprior: {{{text}}}")
    with pytest.raises(InputError, match=words):
        read_spec(path)


def test_command(tmp_path):
    spec, table, figure = (tmp_path / name for name in ("beam.yaml", "m.csv", "m.png"))
    spec.write_text(
        "{widths_um: [2], length_um: 16, structures: 100, prior: {grain_size_um: {low: 0.3, high: 0.6}}}"
    )
    table.write_text("frequency_hz\n" + "\n".join(f"{9.5e3 + 20 * n}" for n in range(9)) + "\n")
    options = ("--spec", spec, "--workers", 1, "--figure", figure, "--json")
    answer = polysve("infer", table, *options)
    # on a slow machine lines of progress come before
    assert (answer.returncode, answer.stdout, figure.exists()) == (2, "", False)
    refusal = answer.stderr.splitlines()[-1]
    assert all(word in refusal for word in ("m.csv", "off every draw of the prior", "Hz"))
    table.write_text("mass\n1\n")
    assert_refused(polysve("infer", table, "--spec", spec), "m.csv", "mass")
