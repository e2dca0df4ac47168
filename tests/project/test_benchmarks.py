"""Every benchmark runs and prints what it promises; the numbers themselves are no matter of tests."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def run(name: str, *arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / name, *arguments, "--json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_labels_of_all_that_is_installed_agree():
    result = run("labels.py", "--count", "2", "--ratios", "2", "--pixels", "16", "--no-set-up")
    found = result["ratios"]["2"]
    rows = {(row["contestant"], row["task"]): row for row in found["rows"]}
    own = rows["PolySVE", "all three"]
    assert own["n"] == 2
    assert own["times_polysve_wall"] == 1
    assert own["mesh_wall_ms"] + own["assembly_wall_ms"] + own["solve_wall_ms"] > 0
    # the reference has other triangles: an error of zero would mean that it is not another solution
    assert all(0 < own[f"error_{name}"]["max"] < 3e-4 for name in ("kubc", "subc", "pbc"))
    assert found["agree"]
    assert ("PolySVE, gmsh P2", "kubc") in rows
    for peer, reason in result["skipped"].items():
        assert peer in {"dolfinx", "sfepy", "scikit_fem", "fourier"}
        assert reason
    assert ("DOLFINx", "kubc") in rows or "dolfinx" in result["skipped"]


@pytest.fixture
def in_this_environment(monkeypatch):
    """The module labels, asking the peers whose packages PolySVE itself needs with this interpreter."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import labels

    return labels, {name: Path(sys.executable) for name in ("polysve", "scikit_fem", "fourier")}


def test_peers_solve_the_same_problem(in_this_environment):
    labels, interpreters = in_this_environment
    found = labels.measure(2, 2, interpreters, [32])
    rows = {(row["contestant"], row["task"]): row for row in found["rows"]}
    assert found["largest_difference_of_peers"] < 1e-9
    for name in ("kubc", "subc", "pbc"):
        plain = rows["scikit-fem", "all three"][f"error_{name}"]["max"]
        own = rows["PolySVE, gmsh P2", "all three"][f"error_{name}"]["max"]
        assert plain == pytest.approx(own, rel=0.2)
    assert rows["Fourier, 32 pixels a grain", "pbc"]["error_pbc"]["max"] < 1e-3
    assert rows["Fourier, 32 pixels a grain", "pbc"]["times_polysve_wall"] > 0


def test_a_wrong_answer_is_noticed(in_this_environment, monkeypatch):
    labels, interpreters = in_this_environment
    ask = labels.Driver.ask

    def wrong(driver, **request):
        answer = ask(driver, **request)
        if request.get("tuned"):
            answer["stiffness_gpa"]["kubc"] = [
                [entry * 1.002 for entry in row] for row in answer["stiffness_gpa"]["kubc"]
            ]
        return answer

    monkeypatch.setattr(labels.Driver, "ask", wrong)
    requests = {name: interpreters[name] for name in ("polysve", "scikit_fem")}
    kubc = [task for task in labels.tasks() if task.conditions == ("kubc",)]
    three = [
        task
        for task in labels.tasks()
        if task.contestant == "PolySVE" and len(task.conditions) == 3
    ]
    monkeypatch.setattr(labels, "tasks", lambda: kubc + three)
    assert not labels.measure(2, 1, requests, [])["agree"]


def test_a_peer_without_its_python_is_skipped_with_the_reason(
    in_this_environment, monkeypatch, tmp_path
):
    labels, _ = in_this_environment
    import environments

    monkeypatch.setattr(environments, "HERE", tmp_path)
    monkeypatch.setattr(environments, "_find_uv", lambda: "uv")
    monkeypatch.setitem(environments.PYTHON, "fourier", "3.3")
    (tmp_path / "fourier.txt").write_text("")
    found, skipped = labels.interpreters_of(["fourier"], set_up=True)
    assert list(found) == ["polysve"]
    assert "Python 3.3" in skipped["fourier"]
    assert labels.interpreters_of(["fourier"], set_up=False)[1] == {"fourier": "not set up"}


def test_robustness_counts():
    result = run("robustness.py", "--tessellations", "20", "--count", "3", "--ratios", "1", "2")
    assert result["tessellations"]["n"] == 20
    assert result["tessellations"]["n_failed"] == 0
    assert [row["algorithm"] for row in result["labels"]] == ["fan", "fan", "gmsh"]
    assert [row["n"] for row in result["labels"]] == [3, 3, 3]
    for row in result["labels"]:
        assert row["n_failed"] == 0
        assert row["peak_memory_mb"]["3"] > 10
        assert row["largest_bulk_residual"] < 1e-9


def test_scaling_has_rows_and_an_exponent(quick_jobs):
    small = ("--ratios", "2", "4", "--grains", "16", "--shard", "2", "--repeats", "1")
    result = run("scaling.py", *small, "--program", str(quick_jobs / "bin/polysve"))
    assert [row["grains"] for row in result["rows"]] == [4, 16]
    first, second = (row["ms_per_grain"] for row in result["rows"])
    assert (result["exponent"] > 0) == (second > first)
    assert result["two_shards"]["speedup"] > 0
    assert all(row["peak_memory_mb"] > 10 for row in result["rows"])


def test_training_beside_bare_keras():
    small = ("--count", "24", "--pixels", "16", "--epochs", "4")
    found = run("training.py", "--architectures", "cnn", *small)["training"]["cnn"]
    low, high = found["times_bare_quartiles"]
    assert 0 < low <= found["times_bare"] <= high
    assert 0 < found["input_percent"] < 100
    assert 0 < found["checkpoint_percent"] < 100
    losses = [found["bfloat16"][name]["best_validation_loss"] for name in ("float32", "bfloat16")]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


def test_epochs_in_turns_are_clocked_apart(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from training import Turns

    order = []

    def sleeper(name: str, seconds: float):
        def train(turn):
            for epoch in range(3):
                time.sleep(seconds)
                order.append((epoch, name))
                turn()

        return train

    seconds = Turns([sleeper("a", 0.02), sleeper("b", 0.2)]).run()
    assert order == sorted(order)
    assert seconds.shape == (2, 3)
    assert seconds[0].min() >= 0.02
    # nothing of the other one's time
    assert seconds[0].max() < 0.2 <= seconds[1].min()

    def broken(turn):
        turn()
        raise ValueError("diverged")

    with pytest.raises(ValueError, match="diverged"):
        Turns([sleeper("a", 0.0), broken]).run()


def test_inference_beside_finite_elements():
    found = run("inference.py", "--count", "24", "--pixels", "16", "--labels", "5")
    rates = found["predicted_sves_per_second"]
    assert set(rates) == {"cnn", "resnet", "densenet", "pyramid", "spectral", "born"}
    assert min(rates.values()) > 0
    assert found["labelled_sves_per_second_and_core"] > 0


def test_chains_of_sections_beside_whole_beams():
    result = run("device.py", "--row", "silicon <100>,2", "--count", "2", "--workers", "1")
    (row,) = result["rows"]
    assert row["beams"] == 2
    for support in ("cantilever", "clamped"):
        for quantity in ("stiffness", "frequency"):
            # not one: the chain is another solution
            assert 0 < abs(row[support][quantity]["mean_ratio"] - 1) < 3e-3
