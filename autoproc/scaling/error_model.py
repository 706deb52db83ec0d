"""The error model: sigma'^2 = a^2 (sigma^2 + (b I)^2), fitted to the scatter of equivalent observations.

Evans & Murshudov (2013), Acta D69, 1204; ISa = 1/(a b) after Diederichs (2010), Acta D66, 733.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

CELL = 0.02
"""Observations are pooled whose I/sigma, as expected, are within 2% of one another, or of an absolute 0.02."""
MAX_DEVIATION = 4.0
"""Deviations are cut at so many standard uncertainties: what is beyond is for outlier rejection."""
BEYOND = 6.0
"""Standard uncertainties of a first fit beyond which deviations say nothing of errors: of a pair nobody knows which is
wrong, so that both stay (simulated: one pair, 50 times apart, made 17 of an ISa of 84)."""
TRUNCATED_VARIANCE = 0.99988
"""Mean square of a normal deviate cut (not discarded) at MAX_DEVIATION."""
MIN_OBSERVATIONS = 30
"""With repeats, below which the error model is not fitted."""
A_LIMITS = (0.1, 20.0)
B_LIMITS = (1e-4, 0.5)


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """sigma'^2 = a^2 (sigma^2 + (b I)^2)."""

    a: float = 1.0
    b: float = 0.02

    @property
    def isa(self) -> float:
        """Asymptotic I/sigma of a strong observation."""
        return 1.0 / (self.a * self.b)

    def variance(self, variance: np.ndarray, intensity: np.ndarray) -> np.ndarray:
        """(N,) corrected variances; intensity (N,) is the expected one, so that chance does not change weights."""
        result = np.maximum(intensity, 0.0)
        result *= self.b
        result *= result
        result += variance
        result *= self.a**2
        return result


TURNED_BACK = 1 / 3
"""Part of the last step that one in the opposite direction takes back, from which half a step comes to rest sooner."""


@dataclass(frozen=True, slots=True)
class Approach:
    """How the error model nears its answer: each cycle's fit changes the weights and outliers that the next rests on.

    Where an observation or two come and go with that, the fits may go to and fro between two answers for ever. The
    answer is between them; so from each turn on, half as much of a step is taken as before.

    step : the last one that a fit asked for, of ln a and ln b; share : of a step that is taken
    """

    step: tuple[float, float] = (0.0, 0.0)
    share: float = 1.0

    def towards(self, found: ErrorModel, before: ErrorModel) -> tuple[ErrorModel, Approach]:
        """The model to go on with from the one before, given the one that was found, and how to go on from there."""
        step = (float(np.log(found.a / before.a)), float(np.log(found.b / before.b)))
        back = -float(np.dot(step, self.step))
        is_turn = back > TURNED_BACK * float(np.dot(self.step, self.step))
        share = self.share / 2 if is_turn else self.share
        a, b = before.a * np.exp(share * step[0]), before.b * np.exp(share * step[1])
        return found if share == 1 else ErrorModel(float(a), float(b)), Approach(step, share)


USUAL = ErrorModel(1.0, 0.03)
SPREAD = np.array([0.3, 0.7])
"""Standard deviations of ln a and ln b about what is usual: matters for a few dozen observations only."""


@dataclass(frozen=True, slots=True)
class ErrorBin:
    """Observations of expected intensity between i_min and i_max: mean squared normalised deviations.

    before: with the input sigmas; after: with the error model's (1 is right)
    """

    i_max: float
    i_min: float
    n: int
    before: float
    after: float


def fit_error_model(
    deviation2: np.ndarray, variance: np.ndarray, expected: np.ndarray, start: ErrorModel
) -> ErrorModel:
    """Maximum likelihood a and b.

    deviation2 : (N,) squared deviation of each observation from its group's mean, on its own scale,
        corrected for its part in the mean; variance : (N,) as integrated; expected : (N,) g <I>
    What counts is deviation and expected I in units of sigma. Observations of like I/sigma are pooled, so that the cost
    does not depend on their number; none counts for more than a deviation of 4 standard uncertainties.
    Returns `start` where there are fewer than 30 observations.
    """
    if len(deviation2) < MIN_OBSERVATIONS:
        return start
    strength = np.maximum(expected, 0.0) / np.sqrt(variance)
    normalised = deviation2 / variance
    first = _fitted(normalised, strength, start)
    believed = normalised <= BEYOND**2 * first.variance(np.ones(len(strength)), strength)
    return _fitted(normalised[believed], strength[believed], first)


def _fitted(deviation2: np.ndarray, strength: np.ndarray, start: ErrorModel) -> ErrorModel:
    """The model of squared deviations (N,) and expected intensities (N,), both in sigmas as integrated."""
    cell = (np.log1p(strength) / CELL).astype(np.intp)
    count = np.bincount(cell)
    filled = count > 0
    n = count[filled]

    def pooled(values: np.ndarray) -> np.ndarray:
        return np.bincount(cell, values)[filled] / n

    model, pooled_square = start, pooled(strength**2)
    for _ in range(5):
        limit = MAX_DEVIATION**2 * model.variance(np.ones(len(strength)), strength)
        cut = pooled(np.minimum(deviation2, limit)) / TRUNCATED_VARIANCE
        fitted = _most_likely(n, cut, pooled_square, model)
        change = abs(np.log(fitted.a / model.a)) + abs(np.log(fitted.b / model.b))
        model = fitted
        if change < 1e-3:
            break
    return model


def error_bins(
    deviation2: np.ndarray, variance: np.ndarray, expected: np.ndarray, model: ErrorModel, n_bins: int = 10
) -> tuple[ErrorBin, ...]:
    """How the error model does in bins of expected intensity, strongest first."""
    order = np.argsort(-expected, kind="stable")
    bins = []
    for rows in np.array_split(order, min(n_bins, max(1, len(order) // MIN_OBSERVATIONS))):
        if not len(rows):
            continue
        raw = deviation2[rows] / variance[rows]
        new = deviation2[rows] / model.variance(variance[rows], expected[rows])
        strongest, weakest = float(expected[rows[0]]), float(expected[rows[-1]])
        bins.append(ErrorBin(strongest, weakest, len(rows), float(raw.mean()), float(new.mean())))
    return tuple(bins)


def _most_likely(n: np.ndarray, deviation2: np.ndarray, expected2: np.ndarray, start: ErrorModel) -> ErrorModel:
    def minus_log_likelihood(x: np.ndarray) -> tuple[float, np.ndarray]:
        a2, b2 = np.exp(2 * x)
        model = a2 * (1 + b2 * expected2)
        slope = n * (1 - deviation2 / model)
        value = float(np.sum(n * (np.log(model) + deviation2 / model)))
        steps = np.array([2 * slope.sum(), float(np.sum(slope * 2 * a2 * b2 * expected2 / model))])
        unlikely = (x - np.log([USUAL.a, USUAL.b])) / SPREAD
        return value + float(unlikely @ unlikely), steps + 2 * unlikely / SPREAD

    bounds = [tuple(np.log(A_LIMITS)), tuple(np.log(B_LIMITS))]
    x0 = np.clip(np.log([start.a, start.b]), *np.transpose(bounds))
    best = scipy.optimize.minimize(minus_log_likelihood, x0, jac=True, method="L-BFGS-B", bounds=bounds)
    return ErrorModel(float(np.exp(best.x[0])), float(np.exp(best.x[1])))
