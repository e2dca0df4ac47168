"""What `polysve predict` says of a file: stiffness of the film, map of windows, intervals, warnings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.base.files import atomic_path
from polysve.commands.pictures import write_figure
from polysve.crystals.stiffness import DIRECTIONS_RAD
from polysve.films.readers import is_ensemble, read_film, read_films
from polysve.films.reading import Reading
from polysve.grains.film import Film
from polysve.surrogate.moving_window import Field, predict_field
from polysve.surrogate.prediction import Prediction


@dataclass(frozen=True)
class Predicted:
    """Prediction of the film of a file and what can be made of it."""

    path: Path
    film: Film
    prediction: Prediction | None
    """Of the whole film; None where the surrogate does not take it."""
    field: Field | None
    """Map of Ē of windows, where the film was cut into some."""

    @property
    def warnings(self) -> list[str]:
        """One line for each way in which what was predicted differs from what the intervals were made for."""
        parts = [("film", self.prediction), ("window", self.field and self.field.prediction)]
        return [
            f"{self.path}: {line}"
            for what, prediction in parts
            if prediction
            for line in prediction.warnings(what)
        ]

    def report(self) -> dict:
        """All numbers, for JSON."""
        report = {
            "n_grains": self.film.n_grains,
            "window_um": list(self.film.size_um),
            "crystals": [crystal.name for crystal in self.film.crystals],
            "notes": list(self.film.notes),
            "warnings": self.warnings,
        }
        if self.prediction is not None:
            report |= _of_one(self.prediction)
        if self.field is not None:
            report["map"] = {
                "sve_um": self.field.sve_um,
                "x_um": self.field.x_um.tolist(),
                "y_um": self.field.y_um.tolist(),
                "young_modulus_gpa": self.field.young_modulus_gpa.tolist(),
                "half_width_gpa": self.field.half_width_gpa.tolist(),
            }
        return report

    def text(self) -> str:
        """A few lines to read."""
        width_um, height_um = self.film.size_um
        made_of = ", ".join(dict.fromkeys(crystal.name for crystal in self.film.crystals))
        lines = [f"{self.film.n_grains} grains of {made_of}, {width_um:g} × {height_um:g} µm"]
        lines += self.film.notes
        if self.prediction is not None:
            modulus, half = self.prediction.young_modulus_gpa[0], self.prediction.half_width_gpa[0]
            condition = self.prediction.boundary_condition.upper()
            lines.append(
                f"{condition}  Young's modulus along x1 of the film: {modulus:.4f} GPa "
                f"(± {half:.2g} GPa, {100 * self.prediction.coverage:g} %)"
            )
            if self.prediction.stiffness_gpa is not None:
                rows = np.array2string(
                    self.prediction.stiffness_gpa[0], precision=3, suppress_small=True
                )
                lines += ["stiffness (GPa; 11, 22, 12):", rows]
        if self.field is not None:
            moduli, half = self.field.young_modulus_gpa, self.field.half_width_gpa.mean()
            lines.append(
                f"{moduli.size} windows of {self.field.sve_um:g} µm in it: mean {moduli.mean():.3f}, "
                f"standard deviation {moduli.std():.3f}, {moduli.min():.3f} to {moduli.max():.3f} GPa "
                f"(each ± {half:.2g} GPa, {100 * self.field.prediction.coverage:g} %)"
            )
        return "\n".join(lines)

    def polar(self, path: Path) -> None:
        """Write a figure of the modulus in every direction."""
        from polysve.figures import films

        shown = self.prediction or self.field.prediction
        write_figure(path, lambda: films.polar(shown))

    def map_figure(self, path: Path) -> None:
        """Write a figure of the map of Ē."""
        from polysve.figures import films

        field = self._needed_field()
        write_figure(path, lambda: films.field(field, self.film))

    def map_array(self, path: Path) -> None:
        """Write the map of Ē as arrays x_um, y_um, young_modulus_gpa, half_width_gpa, outside."""
        field = self._needed_field()
        if path.suffix != ".npz":
            raise InputError(f"{path}: .npz is the allowed ending")
        outside = np.any(
            [*field.prediction.outside.values(), [False] * field.x_um.size * field.y_um.size],
            axis=0,
        )
        with atomic_path(path) as temporary:
            np.savez_compressed(
                temporary,
                x_um=field.x_um,
                y_um=field.y_um,
                young_modulus_gpa=field.young_modulus_gpa,
                half_width_gpa=field.half_width_gpa,
                outside=outside.reshape(field.young_modulus_gpa.shape),
            )

    def _needed_field(self) -> Field:
        if self.field is None:
            raise InputError(f"{self.path}: a map needs --sve, the side of a window in µm")
        return self.field


@dataclass(frozen=True)
class PredictedEnsemble:
    """Predictions of all SVEs of an ensemble."""

    path: Path
    prediction: Prediction
    n_grains: list[int]
    window_um: float

    @property
    def warnings(self) -> list[str]:
        """One line for each way in which SVEs differ from what the intervals were made for."""
        return [f"{self.path}: {line}" for line in self.prediction.warnings("SVE")]

    def report(self) -> dict:
        """All numbers, for JSON, one a SVE."""
        prediction, bc = self.prediction, self.prediction.boundary_condition
        report = {
            "boundary_condition": bc,
            "n": len(self.n_grains),
            "window_um": self.window_um,
            "n_grains": self.n_grains,
            "young_modulus_gpa": {bc: prediction.young_modulus_gpa.tolist()},
            "coverage": prediction.coverage,
            "interval_gpa": prediction.interval_gpa.tolist(),
            "outside": {name: flags.tolist() for name, flags in prediction.outside.items()},
            "warnings": self.warnings,
        }
        if prediction.stiffness_gpa is not None:
            report["stiffness_gpa"] = {bc: prediction.stiffness_gpa.tolist()}
        return report

    def text(self) -> str:
        """A few lines to read."""
        moduli = self.prediction.young_modulus_gpa
        return (
            f"{len(moduli)} SVEs of {self.window_um:g} µm, {self.prediction.boundary_condition.upper()}\n"
            f"Young's modulus along x1: mean {moduli.mean():.3f}, standard deviation {moduli.std(ddof=1):.3f}, "
            f"{moduli.min():.3f} to {moduli.max():.3f} GPa (each ± {self.prediction.half_width_gpa.mean():.2g} GPa, "
            f"{100 * self.prediction.coverage:g} %)"
        )


def predict(
    surrogate,
    path: Path,
    reading: Reading,
    coverage: float = 0.9,
    sve_um: float | None = None,
    step_um: float | None = None,
) -> Predicted | PredictedEnsemble:
    """Predict a file.

    The film is predicted as a whole where the surrogate takes one of its size and shape, and cut into windows where
    their side is given or the surrogate asks for windows.

    Parameters
    ----------
    surrogate : Surrogate or Series
        A trained network, or the training-free series.

    Raises
    ------
    InputError
        For a wrong file, and windows that do not fit.
    """
    path = Path(path)
    for option, length_um in (("--sve", sve_um), ("--step", step_um)):
        if length_um is not None and not 0 < length_um < np.inf:
            raise InputError(f"{option} = {length_um:g}: allowed is a positive number of µm")
    if is_ensemble(path):
        films = list(read_films(path))
        prediction = surrogate.predict(films, coverage=coverage)
        grains = [film.n_grains for film in films]
        return PredictedEnsemble(path, prediction, grains, films[0].size_um[0])
    film = read_film(path, reading)
    sve_um = sve_um or surrogate.window_for(film)
    field = None
    if sve_um is not None:
        field = predict_field(surrogate, film, sve_um, step_um or sve_um / 2, coverage)
    elif step_um is not None:
        raise InputError(f"--step = {step_um:g}: goes with --sve, the side of a window")
    whole = surrogate.predict([film], coverage=coverage) if surrogate.takes(film) else None
    if whole is None and field is None:
        surrogate.predict([film], coverage=coverage)
    return Predicted(path, film, whole, field)


def write_files(
    results: list[Predicted | PredictedEnsemble],
    polar: Path | None,
    field: Path | None,
    array: Path | None,
) -> None:
    """Write the figures and the arrays that are asked for.

    Raises
    ------
    InputError
        They show one film, and there are several.
    """
    files = {
        "--polar": (polar, Predicted.polar),
        "--map": (field, Predicted.map_figure),
        "--array": (array, Predicted.map_array),
    }
    for option, (path, write) in files.items():
        if path is None:
            continue
        if len(results) > 1 or isinstance(results[0], PredictedEnsemble):
            given = "files" if len(results) > 1 else "SVEs of an ensemble"
            raise InputError(f"{option} = {path}: shows one film; several {given} were given")
        write(results[0], path)


def _of_one(prediction: Prediction) -> dict:
    """Numbers of one film."""
    bc = prediction.boundary_condition
    found = {
        "boundary_condition": bc,
        "young_modulus_gpa": {bc: float(prediction.young_modulus_gpa[0])},
        "coverage": prediction.coverage,
        "interval_gpa": prediction.interval_gpa[0].tolist(),
        "outside": {name: bool(flags[0]) for name, flags in prediction.outside.items()},
    }
    if prediction.stiffness_gpa is not None:
        found["stiffness_gpa"] = {bc: prediction.stiffness_gpa[0].tolist()}
        found["directional"] = {
            "phi_deg": np.degrees(DIRECTIONS_RAD).round(9).tolist(),
            "young_modulus_gpa": prediction.directional_gpa(DIRECTIONS_RAD)[0].tolist(),
            "half_width_gpa": float(prediction.direction_half_width_gpa[0]),
        }
    return found
