"""What `polysve characterize`, `polysve beam` and `polysve infer` say: numbers, a few lines to read, a figure."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from polysve.base.errors import InputError
from polysve.commands.pictures import write_figure
from polysve.device.beam import BeamSample, summarize
from polysve.device.infer import Posterior
from polysve.device.measured import Measured
from polysve.device.reliability import COUNTS
from polysve.settings.device import BeamSettings

LAWS = {
    "normal": "law: normal",
    "log_normal": "law: log-normal",
    "either": "law: normal or log-normal, both fit as well",
    "neither": "law: neither normal nor log-normal",
    "no_scatter": "law: none; all films are as stiff",
}
UNITS = {
    "stiffness_n_per_m": "N/m",
    "frequency_hz": "Hz",
    "deflection_um": "µm",
    "curl_um": "µm",
    "torsion_nnm_per_rad": "nN·m",
}


def sides(window: float | None, windows: str | None) -> list[float]:
    """Windows in µm, from one of the two options.

    Examples
    --------
    >>> sides(None, "1,2.5")
    [1.0, 2.5]
    """
    if (window is None) == (windows is None):
        raise InputError("one of --window and --windows is needed")
    if windows is None:
        return [window]
    try:
        found = [float(each) for each in windows.split(",")]
    except ValueError:
        found = []
    if len(set(found)) != len(found) or len(found) < 2:
        raise InputError(
            f"--windows = {windows}: two or more numbers with commas are needed, each once"
        )
    return sorted(found)


@dataclass(frozen=True)
class Characterized:
    """Results of `characterize.characterize`, one for each window."""

    results: list[dict]

    @property
    def warnings(self) -> list[str]:
        """Warnings of all windows."""
        return [
            f"window {each['window_um']:g} µm: {line}"
            for each in self.results
            for line in each["warnings"]
        ]

    @property
    def law(self) -> dict | None:
        """How the scatter falls with L/s, where there are several windows and it is more than rounding."""
        from polysve.surrogate.characterize import size_law

        laws = [each["laws"]["better"] for each in self.results]
        if len(self.results) == 1 or "no_scatter" in laws:
            return None
        columns = [
            [each[name] for each in self.results]
            for name in ("ratio", "std_gpa", "mean_gpa", "count")
        ]
        ratios, stds, means, counts = map(np.array, columns)
        return size_law(ratios, stds / means, counts)

    def report(self) -> dict:
        """All numbers, for JSON."""
        results = [
            {key: value for key, value in each.items() if key != "young_modulus_gpa"}
            for each in self.results
        ]
        if len(results) == 1:
            return results[0]
        return {"windows": results, "size_effect": self.law}

    def text(self) -> str:
        """A few lines to read."""
        lines = []
        for each in self.results:
            low, high = each["std_interval_gpa"]
            lines += [
                f"window {each['window_um']:g} µm, L/s = {each['ratio']:g}, {', '.join(each['crystals'])}, "
                f"{each['boundary_condition'].upper()}: {each['count']} films in {each['seconds']:.1f} s",
                f"  Young's modulus along x1: mean {each['mean_gpa']:.3f} GPa, "
                f"standard deviation {each['std_gpa']:.3f} GPa ({low:.3f} to {high:.3f})",
                "  quantiles (GPa): "
                + ", ".join(f"{p} % {q:.2f}" for p, q in each["quantiles_gpa"].items()),
                f"  {LAWS[each['laws']['better']]}",
            ]
            if "check" in each:
                check = each["check"]
                lines += [
                    f"  {check['count']} finite-element solutions: bias {check['bias_gpa']:+.4f} GPa, rms difference "
                    f"{check['rms_difference_gpa']:.4f} GPa; {check['times_as_fast']:.0f} films in the time of one",
                    f"  corrected: mean {check['mean_gpa']:.3f} ± {check['mean_standard_error_gpa']:.3f} GPa, standard "
                    f"deviation {check['std_gpa']:.3f} GPa; {100 * check['variance_removed']:.1f} % of the variance "
                    "removed",
                ]
        if self.law is not None:
            low, high = self.law["exponent_interval"]
            lines.append(
                f"scatter over mean = {self.law['factor_of_s_over_L']:.4f}·s/L; "
                f"with a free exponent {self.law['exponent']:.3f} ({low:.3f} to {high:.3f})"
            )
        return "\n".join(lines)

    def figure(self, path: Path) -> None:
        """Write the law of the moduli, or the size effect."""
        from polysve.figures import films

        if self.law is None:
            write_figure(path, lambda: films.law(self.results[0]))
        else:
            write_figure(path, lambda: films.size_law(self.results, self.law))


@dataclass(frozen=True)
class Beams:
    """Beams of several widths."""

    settings: BeamSettings
    samples: list[BeamSample]
    crystal: str

    @property
    def warnings(self) -> list[str]:
        """Where a failure probability rests on what no sampled beam shows."""
        return [
            f"width {sample.width_um:g} µm: {warning}"
            for sample in self.samples
            if (warning := _doubt(sample.reliability))
        ]

    def report(self) -> dict:
        """All numbers, for JSON."""
        return summarize(self.settings, self.samples, self.crystal)

    def text(self) -> str:
        """A few lines to read."""
        lines = []
        for found in self.report()["widths"]:
            windows = found["windows"]
            lines.append(
                f"width {found['width_um']:g} µm, {self.crystal}: {windows['count']} windows "
                f"of {windows['side_um']:g} µm bend as {windows['mean_gpa']:.2f} ± {windows['std_gpa']:.2f} GPa"
            )
            for name, unit in UNITS.items():
                if name in found:
                    lines += self._quantity(found, name, unit)
            if "reliability" in found:
                lines.append(f"  {_reliability_line(found['reliability'])}")
        return "\n".join(lines)

    @staticmethod
    def _quantity(found: dict, name: str, unit: str) -> list[str]:
        mean, std = found[name]["mean"], found[name]["std"]
        what = name.split("_")[0]
        lines = [
            f"  {what:<11} {mean:.5g} {unit}, standard deviation {100 * std / abs(mean):.3g} %"
        ]
        shares = found.get("shares", {}).get(name)
        if shares:
            parts = (
                f"{100 * share['total_order']:.0f} % {source.split('_')[0]}"
                for source, share in shares.items()
            )
            lines.append(f"    of its variance, with interactions: {', '.join(parts)}")
        check = found.get("check", {}).get(name)
        if check:
            lines.append(
                f"    {check['count']} beams solved whole, grains alone scatter: chain {check['bias_percent']:+.2g} %, "
                f"correlation {check['correlation']:.4f}; corrected {check['mean']:.5g} {unit}, standard deviation "
                f"{100 * check['std'] / check['mean']:.3g} ± {100 * check['std_standard_error'] / check['mean']:.1g} %"
            )
        return lines

    def figure(self, path: Path) -> None:
        """Write the distributions."""
        from polysve.figures import beams

        samples = {sample.width_um: sample.values for sample in self.samples}
        limits = {sample.width_um: sample.limits for sample in self.samples}
        write_figure(path, lambda: beams.distributions(samples, limits))

    def shares_figure(self, path: Path) -> None:
        """Write the shares of the variance."""
        from polysve.figures import beams

        found = {sample.width_um: sample.shares for sample in self.samples}
        write_figure(path, lambda: beams.shares(found))

    def index_figure(self, path: Path) -> None:
        """Write the reliability index against the width."""
        from polysve.figures import beams

        found = {sample.width_um: sample.reliability for sample in self.samples}
        write_figure(path, lambda: beams.index(found))


def check_beam_pictures(settings: BeamSettings, shares, index) -> None:
    """Refuse pictures of what is not asked, before any work.

    Raises
    ------
    InputError
    """
    if shares and not settings.spread:
        raise InputError("--shares: grains alone scatter; allowed with the std of another source")
    if index and not settings.limit:
        raise InputError("--index: the beam has no limit; allowed with one")


def picture_of_a_beam(path: Path, settings: BeamSettings, crystal, measured) -> None:
    """Write one beam, its grains and its stress."""
    from polysve.device.view import look
    from polysve.figures import beams

    view = look(settings, crystal, measured)
    write_figure(path, lambda: beams.beam(view))


@dataclass(frozen=True)
class Inferred:
    """What measured devices say."""

    devices: Measured
    posterior: Posterior

    @property
    def warnings(self) -> list[str]:
        """Devices that nothing known before allows."""
        outside, count = self.posterior.outside, len(self.devices.values)
        if not outside:
            return []
        return [
            f"{outside} of {count} devices are beyond every draw of the prior: it may be too narrow"
        ]

    def report(self) -> dict:
        """All numbers, for JSON."""
        return {
            "devices": len(self.devices.values),
            "quantity": self.devices.quantity,
            "posterior": self.posterior.summary(),
            "sampler": {
                "draws": len(self.posterior.draws),
                "independent_draws": self.posterior.effective,
                "autocorrelation_steps": self.posterior.autocorrelation,
                "acceptance": self.posterior.acceptance,
            },
            "warnings": self.warnings,
        }

    def text(self) -> str:
        """A line for each number."""
        lines = [f"{len(self.devices.values)} devices, {self.devices.quantity}; 90 % intervals"]
        for name, found in self.posterior.summary().items():
            what, before = name.removesuffix("_um").replace("_", " "), found["prior_interval_90"]
            after = found["interval_90"]
            lines.append(
                f"  {what:<17} {found['median']:.3g} µm, {after[0]:.3g} to {after[1]:.3g}; "
                f"before {before[0]:.3g} to {before[1]:.3g}"
            )
        return "\n".join(lines)

    def figure(self, path: Path) -> None:
        """Write the posterior beside the prior."""
        from polysve.figures import beams

        write_figure(path, lambda: beams.posterior(self.posterior))


def _reliability_line(found: dict) -> str:
    low, high = found["failure_probability_interval"]
    beta = found["reliability_index"]
    said = "beyond the sample" if beta is None else f"{beta:.2f}"
    return (
        f"failure probability {found['failure_probability']:.3g} ({low:.2g} to {high:.2g}), β = {said}, by "
        f"{found['method'].replace('counted', 'counting')}: {found['failed']} of {found['beams']} beams fail"
    )


def _doubt(found: dict) -> str | None:
    """What a failure probability rests on if not on sampled beams."""
    if not found or found["failed"] >= COUNTS:
        return None
    model = found["model"]
    if model is None:
        return (
            "no law says how likely a failure is; the interval is all that is known"
            if found["failed"] == 0
            else None
        )
    if not model["beyond_sample"]:
        return None
    laws = ", ".join(
        f"{name} {'0' if value is None else f'{value:.2g}'}"
        for name, value in model["of_grain_laws"].items()
    )
    fit = "neither fits" if model["law_in_doubt"] else "the interval holds both"
    return (
        "grains that make a beam fail were not sampled; the failure probability rests on the law fitted to the others: "
        f"{laws}; {fit}"
    )
