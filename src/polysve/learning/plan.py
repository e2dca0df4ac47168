"""What a study's experiments come to, and what of them cannot work: told before anything is computed."""

from polysve.base.errors import InputError
from polysve.settings.experiment import LINEAR, PreprocessSettings
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


def split_counts(count: int, recipe: PreprocessSettings, name: str) -> tuple[int, int, int]:
    """How many SVEs of a training ensemble serve for training, validation and test.

    Raises
    ------
    InputError
        Fewer SVEs are left for training than asked for.

    Examples
    --------
    >>> split_counts(100, PreprocessSettings(), "ratio4")
    (70, 15, 15)
    """
    test = max(1, round(recipe.test_fraction * count))
    validation = max(1, round(recipe.validation_fraction * count))
    left = count - test - validation
    wanted = left if recipe.train_count is None else recipe.train_count
    if not 1 <= wanted <= left:
        allowed = f"train_count may be 1 to {left}" if left > 0 else "more SVEs are needed"
        raise InputError(
            f"train_count = {wanted}: {name} has {count} SVEs, of which {test} are for test and "
            f"{validation} for validation; {allowed}"
        )
    return wanted, validation, test


def check_study(study: Settings) -> None:
    """Refuse experiments that could only fail after the finite elements are spent.

    Raises
    ------
    InputError
        Names the key, its value and what is allowed.
    """
    for name, experiment in study.experiments.items():
        _check(study, experiment, f"experiments.{name}")
    for name in study.searches:
        for varied in study.varied(name):
            _check(study, varied, f"searches.{name}.space")


def _check(study: Settings, experiment: ExperimentSettings, key: str) -> None:
    recipe, network = experiment.preprocess, experiment.train.network
    if network.architecture in LINEAR and (recipe.encoding, recipe.target) != (
        "harmonic",
        "stiffness",
    ):
        raise InputError(
            f"{key}.train.network.architecture = {network.architecture!r}: reads harmonics and predicts the stiffness; "
            f"preprocess.encoding = {recipe.encoding!r}, preprocess.target = {recipe.target!r}"
        )
    for name in experiment.train_ensembles:
        try:
            split_counts(study.ensembles[name].count, recipe, name)
        except InputError as error:
            raise InputError(f"{key}.preprocess.{error}") from None
