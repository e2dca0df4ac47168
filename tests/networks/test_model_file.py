"""A network file: what it must hold, and that one from a stranger runs no code."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from polysve.base.errors import InputError

pytestmark = pytest.mark.surrogate


def test_other_files_are_no_models(tmp_path):
    from polysve import load_surrogate

    path = tmp_path / "model.keras"
    for content in (b"", b"no archive", _archive({"config.json": "{}"})):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"model\.keras"):
            load_surrogate(path)


@pytest.mark.faults
def test_every_flipped_bit_is_found_and_told_in_one_line(small_model, tmp_path):
    from polysve.data.checking import faults_in
    from polysve.networks import physical

    assert faults_in(small_model) == []
    content, places = small_model.read_bytes(), np.random.default_rng(1)
    path = tmp_path / "model.keras"
    for place in places.integers(0, len(content), 60):
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << place % 8
        path.write_bytes(spoilt)
        assert len(faults_in(path)) == 1, place
        with pytest.raises(InputError, match=r"model\.keras: .*(seal|not a \.keras)") as refusal:
            physical.load(path)
        assert "\n" not in str(refusal.value)
    for length in (0, 100, len(content) // 2):
        path.write_bytes(content[:length])
        assert len(faults_in(path)) == 1, length
        with pytest.raises(InputError, match=r"model\.keras: "):
            physical.load(path)


def _archive(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return stream.getvalue()


def tampered(model, path, change):
    """A copy of a model whose first layer's configuration is another."""
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config["config"]["layers"])
                content = json.dumps(config)
            target.writestr(name, content)


@pytest.mark.parametrize("attack", ["lambda", "module", "function"])
def test_a_model_from_a_stranger_runs_no_code(small_model, tmp_path, attack):
    """The attacks work when safe mode is off or names are followed blindly; here nothing may be written."""
    import keras

    from polysve import load_surrogate

    proof = tmp_path / "proof"
    path = tmp_path / "model.keras"
    if attack == "lambda":
        name = str(proof)
        layer = keras.layers.Lambda(lambda x: (open(name, "w").close(), x)[1])
        network = keras.Sequential([keras.Input((None, None, 2)), layer])
        network.save(path)
        proof.unlink(missing_ok=True)
        with zipfile.ZipFile(small_model) as source, zipfile.ZipFile(path, "a") as target:
            target.writestr("polysve.json", source.read("polysve.json"))
        keras.saving.load_model(path, safe_mode=False)(np.zeros((1, 4, 4, 2), "float32"))
        assert proof.exists()
        proof.unlink()
    elif attack == "module":

        def change(layers):
            layers[1] |= {"module": "os", "class_name": "system", "registered_name": None}
            layers[1]["config"] = f"touch {proof}"

        tampered(small_model, path, change)
    else:

        def change(layers):
            layers[1] |= {
                "module": "keras.layers",
                "class_name": "Lambda",
                "registered_name": None,
            }
            layers[1]["config"] = {
                "name": "features",
                "function": {"module": "os", "class_name": "function", "config": "system"},
                "arguments": {"command": f"touch {proof}"},
            }

        tampered(small_model, path, change)
    with pytest.raises(InputError):
        load_surrogate(path)
    assert not proof.exists()


def test_the_name_in_the_package_is_lazy():
    code = "import polysve, sys; dir(polysve), polysve.draw; assert 'keras' not in sys.modules"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
