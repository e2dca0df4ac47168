"""What a study asks of each result: settings and code of all steps on the way to it, the earliest first."""

from collections.abc import Callable
from functools import cache

from polysve.data.origin import Origin
from polysve.settings.study import Settings


class Asked:
    """Steps to the results of a study.

    Parameters
    ----------
    study : Settings
    code : callable
        Digest of the source of a stage, or None where any code will do.
    """

    def __init__(self, study: Settings, code: Callable[[str], str | None]):
        self._study, self._code = study, code

    def _step(self, stage: str, settings: str = "{}") -> list[Origin]:
        return [Origin(stage, settings, self._code(stage))]

    @cache  # noqa: B019, one for each study, as long as the run
    def tessellation(self, ensemble: str) -> list[Origin]:
        return self._step("tessellate", self._study.tessellate_slice(ensemble).canonical_json())

    @cache  # noqa: B019
    def mesh(self, ensemble: str) -> list[Origin]:
        step = self._step("mesh", self._study.mesh.canonical_json())
        return self.tessellation(ensemble) + step

    @cache  # noqa: B019
    def stiffness(self, ensemble: str) -> list[Origin]:
        settings = self._study.homogenize_slice(ensemble).canonical_json()
        return self.mesh(ensemble) + self._step("homogenize", settings)

    @cache  # noqa: B019
    def ensemble(self, ensemble: str) -> list[Origin]:
        settings = self._study.assemble_slice(ensemble).canonical_json()
        return self.stiffness(ensemble) + self._step("assemble", settings)

    def audit(self, ensemble: str) -> list[Origin]:
        return self.ensemble(ensemble) + self._step("audit", self._study.audit.canonical_json())

    def films(self, films: str, ratio: str) -> list[Origin]:
        settings = self._study.characterize_slice(films, float(ratio)).canonical_json()
        return self._step("characterize", settings)

    def atlas(self) -> list[Origin]:
        steps = [
            step
            for name, family in self._study.films.items()
            for ratio in family.counts
            for step in self.films(name, ratio)
        ]
        return steps + self._step("tabulate", self._study.tabulate_slice().canonical_json())

    def portrait(self, ensemble: str) -> list[Origin]:
        return self.ensemble(ensemble) + self._step("portray")

    def inputs(self, experiment: str) -> list[Origin]:
        settings = self._study.preprocess_slice(experiment).canonical_json()
        ensembles = self._study.experiments[experiment].ensembles
        return self._ensembles(ensembles) + self._step("preprocess", settings)

    def model(self, experiment: str) -> list[Origin]:
        settings = self._study.experiments[experiment].train.canonical_json()
        return self.inputs(experiment) + self._step("train", settings)

    def metrics(self, experiment: str) -> list[Origin]:
        settings = self._study.experiments[experiment].evaluate.canonical_json()
        return self.model(experiment) + self._step("evaluate", settings)

    def trial(self, search: str) -> list[Origin]:
        varied = self._study.experiments[self._study.searches[search].experiment]
        settings = self._study.trial_slice(search).canonical_json()
        return self._ensembles(varied.train_ensembles) + self._step("trial", settings)

    def search(self, search: str) -> list[Origin]:
        settings = self._study.search_slice(search).canonical_json()
        return self.trial(search) + self._step("search", settings)

    def device(self, device: str) -> list[Origin]:
        return self._step("device", self._study.device_slice(device).canonical_json())

    def comparison(self) -> list[Origin]:
        steps = [step for name in self._study.experiments for step in self.metrics(name)]
        return steps + self._step("compare")

    def report(self) -> list[Origin]:
        study = self._study
        steps = [step for name in study.ensembles for step in self.portrait(name)]
        if study.audit.count:
            steps += [step for name in study.ensembles for step in self.audit(name)]
        steps += [step for name in study.experiments for step in self.metrics(name)]
        steps += [step for name in study.searches for step in self.search(name)]
        steps += [step for name in study.devices for step in self.device(name)]
        return steps + self._step("report")

    def _ensembles(self, names) -> list[Origin]:
        return [step for name in names for step in self.ensemble(name)]
