import numpy as np
import pytest

from polysve.base.errors import InputError
from polysve.crystals.orientation import from_euler
from polysve.films.sample import read_samples
from polysve.grains.texture import draw
from polysve.settings.texture import texture_settings

HEADER = "phi1_deg,Phi_deg,phi2_deg"


@pytest.mark.films
def test_measured_orientations_are_drawn_by_area(tmp_path):
    file = tmp_path / "measured.csv"
    file.write_text(f"{HEADER},area\n10,20,30,1\n100,50,0,3\n7,0,0,0\n")
    texture = texture_settings({"sample": {"file": str(file)}})
    drawn = draw(texture, np.random.default_rng(1), 4000, measured=read_samples([texture]))
    rows = from_euler([[10, 20, 30], [100, 50, 0], [7, 0, 0]])
    which = (drawn.quaternions[:, None] == rows).all(-1)
    assert which.any(1).all()
    # the standard deviation of a share is 0.007
    np.testing.assert_allclose(which.mean(0), [0.25, 0.75, 0], atol=0.03)
    assert drawn.theta_rad is None


@pytest.mark.films
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEADER},area\n10,20,30,-1\n", "areas from -1"),
        (f"{HEADER},area\n10,20,30,0\n", "areas from 0"),
        (f"{HEADER}\n", "no grain"),
        ("phi,x\n1,2\n", "first line"),
    ],
)
def test_wrong_samples_are_refused(tmp_path, text, told):
    file = tmp_path / "measured.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=f"measured.csv: .*{told}"):
        read_samples([texture_settings({"sample": {"file": str(file)}})])
