"""What a study's experiments come to, and what of it cannot work: told before anything is computed."""

from polysve.base.errors import InputError
from polysve.settings.experiment import PreprocessSettings
from polysve.settings.study import ExperimentSettings, Settings


def image_pixels(recipe: PreprocessSettings, window_um: float, train_window_um: float) -> int:
    """Image side for a window, given the (first) training window.

    Examples
    --------
    >>> image_pixels(PreprocessSettings(pixels=64), 5.0, 2.0)
    160
    """
    if not recipe.constant_pitch:
        return recipe.pixels
    return max(1, round(recipe.pixels * window_um / train_window_um))


def check_study(study: Settings) -> None:
    """Refuse experiments that could only fail later.

    Raises
    ------
    InputError
        Names the key, its value and what is allowed.
    """
    for name, experiment in study.experiments.items():
        _check_pixels(study, experiment, f"experiments.{name}")
    for name in study.searches:
        for varied in study.varied(name):
            _check_pixels(study, varied, f"searches.{name}.space")


def _check_pixels(study: Settings, experiment: ExperimentSettings, key: str) -> None:
    """Images are only ever shrunk."""
    windows = {name: study.ensembles[name].window_um for name in experiment.ensembles}
    for ensemble, window_um in windows.items():
        pixels = image_pixels(
            experiment.preprocess, window_um, windows[experiment.train_ensembles[0]]
        )
        if pixels > study.label_pixels:
            raise InputError(
                f"{key}.preprocess.pixels = {experiment.preprocess.pixels} makes images of "
                f"{pixels} pixels for {ensemble}; at most label_pixels = {study.label_pixels}"
            )
