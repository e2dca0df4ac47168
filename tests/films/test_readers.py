"""Structures of the reader's own: what is wrong with a file is said in one line."""

import zipfile

import numpy as np
import pytest

from polysve.base.errors import InputError
from polysve.films.readers import read_films

pytestmark = pytest.mark.surrogate


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y\n1,1\n", ["x_um,y_um,theta_deg"]),
        ("x_um,y_um,theta_deg\n0.1,0.1,nan\n", ["line 2", "nan"]),
        ("x_um,y_um,theta_deg\n0.1,9,3\n", ["outside the window"]),
        ("x_um,y_um,theta_deg\n1,1,3\n1,1,4\n", ["equal"]),
        ("x_um,y_um,theta_deg\n", ["row"]),
    ],
)
def test_bad_points_are_one_line(tmp_path, text, words):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError) as refusal:
        list(read_films(path, 2.0))
    for word in ["bad.csv", *words]:
        assert word in str(refusal.value)


def test_bad_label_images_are_refused(tmp_path):
    path = tmp_path / "bad.npz"
    good = {"label_image": np.zeros((4, 4), int), "theta_deg": [3.0], "window_um": 2.0}
    for change, word in [
        ({"label_image": np.ones((4, 4), int)}, "theta_deg"),
        ({"label_image": np.zeros((4, 4))}, "whole numbers"),
        ({"theta_deg": [np.inf]}, "finite"),
        ({"window_um": 0.0}, "window_um"),
        ({"theta_deg": np.array([{}])}, "pickle"),
    ]:
        np.savez(path, **(good | change))
        with pytest.raises(InputError, match=word):
            list(read_films(path, 2.0))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("label_image.npy", bytes(300_000_000))
    with pytest.raises(InputError, match="unpacks to 300000000"):
        list(read_films(path, 2.0))
