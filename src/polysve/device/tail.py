"""Probability that a margin of standard normal numbers is negative, however small, by OpenTURNS.

FORM finds the likeliest failure, its design point, and puts a plane there; SORM bends the plane (Breitung, J. Eng.
Mech. 110 (1984) 357). Importance sampling about the design points of all limits then counts what fails (Melchers,
Structural Safety 6 (1989) 3).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from polysve.base.types import Array

STEP = 1e-2
"""Of finite differences, in standard deviations."""
BLOCK = 500
MOST_BLOCKS = 40
VARIATION = 0.05
"""Coefficient of variation at which importance sampling stops."""
ITERATIONS = 50
TOLERANCE = 1e-3
"""Of the design point, in standard deviations, and of its margin."""
FARTHEST = 9.0
"""No design point farther from the origin is looked for, β = 9: 10⁻¹⁹."""

Margins = Callable[[Array], Array]
"""From points, shape (points, dimensions), to margins, shape (points, limits); negative where a limit is failed."""


class Tail(NamedTuple):
    """Probability that any margin is negative."""

    probability: float
    coefficient_of_variation: float
    evaluations: int
    form: Array
    """Probability by FORM, one a limit."""
    sorm: Array
    """By SORM; not a number where the failing side is too curved for it."""
    design: Array
    """Design points, shape (limits, dimensions)."""


def tail(margins: Margins, dimensions: int, limits: int, seed: int) -> Tail | None:
    """Probability of failure; none if no likeliest failure is found.

    Examples
    --------
    >>> found = tail(lambda u: 6.5 - u.sum(1, keepdims=True), 2, 1, seed=1)  # β = 6.5 / √2
    >>> f"{found.form[0]:.3g}"
    '2.15e-06'
    >>> round(found.probability / 2.15e-6)
    1
    """
    import openturns as ot

    designs = np.array([_design(margins, number, dimensions) for number in range(limits)])
    found = designs[np.isfinite(designs[:, 0])]
    if not len(found):
        return None
    ot.RandomGenerator.SetSeed(seed % 2**31)
    about = ot.Mixture(
        [ot.Normal(each[2:], ot.CovarianceMatrix(dimensions)) for each in found], found[:, 0]
    )
    standard = ot.Normal(dimensions)
    worst = _event(lambda u: margins(u).min(1, keepdims=True), dimensions)
    sampling = ot.ProbabilitySimulationAlgorithm(
        worst, ot.ImportanceSamplingExperiment(standard, about, BLOCK)
    )
    sampling.setBlockSize(BLOCK)
    sampling.setMaximumOuterSampling(MOST_BLOCKS)
    sampling.setMaximumCoefficientOfVariation(VARIATION)
    sampling.run()
    result = sampling.getResult()
    if result.getProbabilityEstimate() <= 0:
        return None
    return Tail(
        result.getProbabilityEstimate(),
        result.getCoefficientOfVariation(),
        result.getOuterSampling() * result.getBlockSize(),
        designs[:, 0],
        designs[:, 1],
        designs[:, 2:],
    )


def _event(margin: Margins, dimensions: int):
    """What fails, as OpenTURNS has it."""
    import openturns as ot

    def answer(points):
        return margin(np.array(points))

    function = ot.PythonFunction(dimensions, 1, func_sample=answer)
    steps = ot.CenteredFiniteDifferenceGradient([STEP] * dimensions, function.getEvaluation())
    function.setGradient(steps)
    curvature = ot.CenteredFiniteDifferenceHessian([STEP] * dimensions, function.getEvaluation())
    function.setHessian(curvature)
    vector = ot.RandomVector(ot.Normal(dimensions))
    return ot.ThresholdEvent(ot.CompositeRandomVector(function, vector), ot.Less(), 0.0)


def _design(margins: Margins, number: int, dimensions: int) -> Array:
    """Probability of one limit by FORM and by SORM, and its design point; not a number where nothing fails."""
    import openturns as ot

    event = _event(lambda u: margins(u)[:, [number]], dimensions)
    search = ot.AbdoRackwitz()
    search.setCheckStatus(False)
    search.setStartingPoint([0.0] * dimensions)
    search.setMaximumIterationNumber(ITERATIONS)
    search.setMaximumConstraintError(TOLERANCE)
    search.setMaximumAbsoluteError(TOLERANCE)
    search.setMaximumRelativeError(TOLERANCE)
    algorithm = ot.SORM(search, event)
    ot.Log.Show(ot.Log.NONE)
    nothing = np.full(2 + dimensions, np.nan)
    try:
        algorithm.run()
    except (RuntimeError, TypeError, ValueError):
        return nothing
    result = algorithm.getResult()
    point = np.array(result.getStandardSpaceDesignPoint())
    beta, inward = (
        result.getHasoferReliabilityIndex(),
        result.getIsStandardPointOriginInFailureSpace(),
    )
    slope = margins(point * np.array([[1], [1 + STEP]]))[:, number]
    if beta > FARTHEST or abs(slope[0]) > max(abs(slope[1] - slope[0]), TOLERANCE):
        return nothing
    form = float(ot.Normal().computeComplementaryCDF(-beta if inward else beta))
    try:
        sorm = result.getEventProbabilityBreitung()
    except (RuntimeError, TypeError):
        sorm = np.nan
    return np.array([form, sorm, *point])
