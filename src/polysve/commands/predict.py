"""What `polysve predict` says of a file: stiffness, intervals, map, warnings."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import atomic_path
from polysve.commands.reports import write_figure
from polysve.films.readers import is_ensemble, read_film, read_films
from polysve.films.reading import Reading
from polysve.grains.film import Film, LabelImage
from polysve.learning.model_card import DIRECTIONS_RAD
from polysve.surrogate.moving_window import Field, predict_field
from polysve.surrogate.network import OUTSIDE, SAME, Prediction, Surrogate, severity
from polysve.surrogate.network_input import network_input


@dataclass(frozen=True)
class Predicted:
    """Prediction of a file and what can be made of it."""

    path: Path
    surrogate: Surrogate
    prediction: Prediction
    n_grains: list[int]
    film: Film | None
    """The film, where the file holds one."""
    field: Field | None
    """Its map of Ē, where it was cut into windows."""
    sve_um: float

    @cached_property
    def warnings(self) -> list[str]:
        """One line for each way in which SVEs differ from all that the network was trained on."""
        card, count = self.surrogate.card, len(self.prediction.young_modulus_gpa)
        pitches = [card.pitch_um(each) for each in card.windows_um]
        ranges = {
            "window": f"{_range(card.windows_um)} µm",
            "grain_count": _range(card.effective_grains),
            "pixel_pitch": f"{_range(pitches)} µm",
            "texture": f"up to {card.texture:.3g}",
        }
        return [
            f"{self.path}: {severity(self.prediction, flags)}: {OUTSIDE[name]} of {flags.sum()} of {count} SVEs outside the training ({ranges[name]})"
            for name, flags in self.prediction.outside.items()
            if flags.any()
        ]

    def report(self) -> dict:
        """All numbers, for JSON; of a single SVE without the leading axis."""
        prediction, bc = self.prediction, self.prediction.boundary_condition
        single = self.film is not None and self.field is None

        def plain(values):
            return (values[0] if single else values).tolist()

        report = {
            "boundary_condition": bc,
            "n": len(prediction.young_modulus_gpa),
            "window_um": self.sve_um,
            "n_grains": self.n_grains[0] if self.film is not None else self.n_grains,
            "young_modulus_gpa": {bc: plain(prediction.young_modulus_gpa)},
            "coverage": prediction.coverage,
            "interval_gpa": plain(prediction.interval_gpa),
            "outside_training": {name: plain(f) for name, f in prediction.outside.items()},
            "warnings": self.warnings,
        }
        if prediction.stiffness_gpa is not None:
            report["stiffness_gpa"] = {bc: plain(prediction.stiffness_gpa)}
        if single and prediction.stiffness_gpa is not None:
            report["directional"] = {
                "phi_deg": np.degrees(DIRECTIONS_RAD).round(9).tolist(),
                "young_modulus_gpa": prediction.directional_gpa(DIRECTIONS_RAD)[0].tolist(),
                "half_width_gpa": prediction.direction_half_width_gpa[0],
            }
        if self.field is not None:
            report["map"] = {
                "x_um": self.field.x_um.tolist(),
                "y_um": self.field.y_um.tolist(),
                "young_modulus_gpa": self.field.young_modulus_gpa.tolist(),
            }
        return report

    def text(self) -> str:
        """A few lines to read."""
        moduli, half = self.prediction.young_modulus_gpa, self.prediction.half_width_gpa
        interval = f"± {_range(half, 2)} GPa, {100 * self.prediction.coverage:g} %"
        if len(moduli) == 1:
            lines = [f"Young's modulus along x1: {moduli[0]:.3f} GPa ({interval})"]
            if self.prediction.stiffness_gpa is not None:
                rows = np.array2string(
                    self.prediction.stiffness_gpa[0], precision=3, suppress_small=True
                )
                lines += ["stiffness (GPa; 11, 22, 12):", rows]
        else:
            lines = [
                f"{len(moduli)} SVEs of {self.sve_um:g} µm",
                f"Young's modulus along x1: mean {moduli.mean():.3f}, standard deviation {moduli.std(ddof=1):.3f}, "
                f"{moduli.min():.3f} to {moduli.max():.3f} GPa (each {interval})",
            ]
        return "\n".join(lines)

    def polar(self, path: Path) -> None:
        """Write a figure of the modulus in every direction."""
        from polysve.figures import films

        write_figure(path, lambda: films.polar(self.prediction))

    def map_figure(self, path: Path) -> None:
        """Write a figure of the map of Ē."""
        from polysve.figures import films

        field = self._needed_field()
        write_figure(path, lambda: films.field(field, self.film, self.sve_um))

    def map_array(self, path: Path) -> None:
        """Write the map of Ē as arrays x_um, y_um, young_modulus_gpa, half_width_gpa, outside_training."""
        field = self._needed_field()
        if path.suffix != ".npz":
            raise InputError(f"{path}: .npz is the allowed ending")
        outside = np.any(list(field.prediction.outside.values()), axis=0)
        with atomic_path(path) as temporary:
            np.savez_compressed(
                temporary,
                x_um=field.x_um,
                y_um=field.y_um,
                young_modulus_gpa=field.young_modulus_gpa,
                half_width_gpa=field.prediction.half_width_gpa.reshape(field.young_modulus_gpa.shape),
                outside_training=outside.reshape(field.young_modulus_gpa.shape),
            )

    def _needed_field(self) -> Field:
        if self.field is None:
            raise InputError(
                f"{self.path}: is one SVE of {self.sve_um:g} µm; a map needs --sve, the side of a window"
            )
        return self.field


def predict(
    surrogate: Surrogate,
    path: Path,
    reading: Reading,
    coverage: float = 0.9,
    sve_um: float | None = None,
    step_um: float | None = None,
) -> Predicted:
    """Predict a file.

    Generators and ensembles are SVEs as they are. A picture (label image, EBSD map) that is larger than the training
    window is cut into windows of that size; another size can be given, for generators too.

    Raises
    ------
    InputError
        For a wrong file, and windows that do not fit.
    """
    trained_um = surrogate.card.windows_um[0]
    if is_ensemble(path):
        return _predict_ensemble(surrogate, Path(path), read_films(path), coverage)
    film = read_film(path, reading)
    width_um, height_um = film.size_um
    if sve_um is None:
        larger = max(width_um, height_um) > trained_um * (1 + SAME)
        sve_um = trained_um if isinstance(film.shape, LabelImage) and larger else width_um
    whole = sve_um == width_um == height_um
    if whole:
        field, prediction = None, surrogate.predict(film, coverage=coverage)
    else:
        field = predict_field(surrogate, film, sve_um, step_um or sve_um / 2, coverage)
        prediction = field.prediction
    return Predicted(path, surrogate, prediction, [film.n_grains], film, field, sve_um)


def _predict_ensemble(surrogate: Surrogate, path: Path, films, coverage: float) -> Predicted:
    n_grains, windows = [], set()

    def inputs():
        for film in films:
            n_grains.append(film.n_grains)
            windows.add(film.size_um[0])
            yield network_input(film, surrogate.card)

    prediction = surrogate.predict_inputs(inputs(), coverage)
    return Predicted(path, surrogate, prediction, n_grains, None, None, windows.pop())


def _range(values, digits: int = 4) -> str:
    low, high = (f"{value:.{digits}g}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
