"""What a study's experiments come to, and what of them cannot work: told before anything is computed."""

from polysve.base.errors import InputError
from polysve.crystals import catalogue
from polysve.grains.texture import is_upright
from polysve.settings.experiment import READS, PreprocessSettings
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
    """Refuse experiments and devices that could only fail after much work is done.

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
    for name in study.devices:
        device = study.device_slice(name)
        if (
            device.density_kg_m3 is None
            and catalogue.crystal(device.material).density_kg_m3 is None
        ):
            raise InputError(
                f"devices.{name}.density_kg_m3 is not given, and the material has none; allowed is a number"
            )


def _check(study: Settings, experiment: ExperimentSettings, key: str) -> None:
    recipe, architecture = experiment.preprocess, experiment.train.network.architecture
    readable = READS.get(architecture)
    if readable and (recipe.target != "stiffness" or recipe.encoding not in readable):
        raise InputError(
            f"{key}.train.network.architecture = {architecture!r}: reads {' or '.join(readable)} and predicts the "
            f"stiffness; preprocess.encoding = {recipe.encoding!r}, preprocess.target = {recipe.target!r}"
        )
    if recipe.encoding == "log_stiffness":
        if recipe.target != "stiffness":
            raise InputError(
                f"{key}.preprocess.target = {recipe.target!r}: images of log_stiffness teach the whole stiffness; "
                "'stiffness' is allowed, Ē follows from it"
            )
    else:
        _check_angles(study, experiment, key)
    for name in experiment.train_ensembles:
        try:
            split_counts(study.ensembles[name].count, recipe, name)
        except InputError as error:
            raise InputError(f"{key}.preprocess.{error}") from None


def _check_angles(study: Settings, experiment: ExperimentSettings, key: str) -> None:
    """Refuse films that images of angles cannot show, and crystals that they cannot tell apart."""
    encoding = experiment.preprocess.encoding
    first = experiment.train_ensembles[0]
    of_first = study.homogenize_slice(first).material
    for name in experiment.ensembles:
        phases = study.tessellate_slice(name).phases
        if len(phases) > 1:
            found = f"has the phases {', '.join(phases)}"
        elif not all(is_upright(each.texture, each.symmetry) for each in phases.values()):
            found = "has no <100> axis along the normal of all grains"
        elif study.homogenize_slice(name).material != of_first:
            found = f"is of another material than {first}"
        else:
            continue
        raise InputError(
            f"{key}.preprocess.encoding = {encoding!r}: shows the angles of <100> films of one crystal, and {name} "
            f"{found}; 'log_stiffness' shows any film"
        )
