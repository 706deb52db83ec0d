"""Intensities of the crystal before damage: each reflection extrapolated to no dose.

Diederichs, McSweeney & Ravelli (2003), Acta D59, 903 fit a straight line to the observations of each reflection. Here
it is a parabola: structure factors F to which damage adds x D by the part x of the dose have intensities
F^2 + 2 x F.D + x^2 D^2, of which scaling takes out the mean growth, (1 + x^2 <D^2>/<F^2>). Slopes are expected to be as
large as two halves of the data agree that they are, and bends follow from that: a reflection whose observations
tell of its own is extrapolated by it, one whose observations do not moves by what is expected of its
intensity, with an error for what it may have changed by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.damage.drift import drift_of
from autoproc.geometry.shells import shells_of_equal_number
from autoproc.merging.groups import EquivalentGroups

HONEST = 0.6
"""Change of the intensities up to which errors are known to be what they should be, where observations that scaling
took for outliers are taken back (taken_back.py). Simulated, three seeds a case, root mean square of
(I - truth) / sigma: with 7 repeats of each reflection 0.96 to 0.99 for a change of 6% to 7%, 0.94 to 0.95 for 12% to
13%, 0.98 to 1.00 for 23% to 28%, 1.13 to 1.19 for 35% to 38%; with 14 repeats 0.94 to 1.02 for 20% to 27%, 1.01 to 1.06
for 39% to 42%, 0.99 to 1.08 for 55% to 61%. Without them it was 1.2 to 1.4 and 1.3 to 1.8 for the largest."""
PER_SHELL, MOST_SHELLS = 200, 20
"""Reflections of a shell for a mean intensity."""
PER_BIN, MOST_BINS = 2000, 20
"""Observations from which it is seen by how much errors were thought too large, because of the damage."""
LEAST_FACTOR = 0.05
"""Of a variance: less is no agreement but too few repeats."""
N_CYCLES = 3


@dataclass(frozen=True, slots=True, eq=False)
class ZeroDose:
    """What to take from each observation, and how well that is known.

    curve : (G, 2) slope and bend, of position and its square; covariance : (G, 2, 2) of the two
    variance : (N,) of the observations without what damage had made of their errors
    change : of the intensities over the range of dose (rms, by Drift); n_told : reflections whose own observations
        determine half of their slope or more
    """

    curve: np.ndarray
    covariance: np.ndarray
    variance: np.ndarray
    change: float
    n_told: int

    def taken(self, group: np.ndarray, position: np.ndarray) -> np.ndarray:
        """(N,) to be taken from observations of these groups at these positions."""
        return (self.curve[group] * powers(position)).sum(axis=1)

    def extra_variance(self, reach: np.ndarray) -> np.ndarray:
        """(G,) of mean intensities whose observations have these mean powers of the position (G, 2)."""
        return np.einsum("gi,gij,gj->g", reach, self.covariance, reach)


def powers(position: np.ndarray) -> np.ndarray:
    """(N, 2): the position and its square."""
    return np.stack([position, position**2], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Expected:
    """Of the slope and the bend of each reflection before any observation: (G,) means of bends, and variances."""

    bend: np.ndarray
    slope_variance: np.ndarray
    bend_variance: np.ndarray


def zero_dose(
    groups: EquivalentGroups, d: np.ndarray, value: np.ndarray, variance: np.ndarray, position: np.ndarray
) -> ZeroDose | None:
    """How intensities change with dose; None where no change is significant.

    d : (G,) Angstrom; value, variance : (N,) on one scale; position : (N,) part of the range of dose, 0..1
    """
    mean, sigma = groups.weighted_mean(value, variance)
    usual = _shell_means(mean, d)
    expected = (np.maximum(mean, 0.0) + sigma) * usual
    told = drift_of(groups, value, variance**0.5, position, expected)
    if told is None or not told.is_significant:  # nothing to extrapolate
        return None
    curve, own = np.zeros((len(groups), 2)), np.zeros(len(groups))
    for cycle in range(N_CYCLES + 1):
        at_zero, error = groups.weighted_mean(value - (curve[groups.group] * powers(position)).sum(axis=1), variance)
        before = _expected(np.maximum(at_zero, 0.0), error, told.change**2, usual, groups.is_centric)
        curve, covariance, own = _curves(groups, value, variance, position, before)
        if cycle < N_CYCLES:
            left = value - (curve[groups.group] * powers(position)).sum(axis=1)
            variance = variance * _factors(groups, left, variance, own.sum(axis=1))
    return ZeroDose(curve, covariance, variance, told.change, int((own[:, 0] >= 0.5).sum()))


def _expected(
    intensity: np.ndarray, error: np.ndarray, square: float, usual: np.ndarray, is_centric: np.ndarray
) -> _Expected:
    """intensity, error : (G,) at no dose; square : of the change over the dose; usual : (G,) mean intensity.

    <(2 F.D)^2> is 2 F^2 <D^2>, which the change makes square * F^2 * usual, so that <D^2> = square * usual / 2. D^2 is
    distributed as an intensity is, its standard deviation its mean. Of centric reflections D lies along F: both
    variances are twice those.
    """
    added, more = 0.5 * square * usual, np.where(is_centric, 2.0, 1.0)
    slope = more * square * (intensity + error) * usual
    return _Expected(added * (1 - intensity / usual), slope, more * added**2 + (0.5 * square * error) ** 2)


def _curves(
    groups: EquivalentGroups, value: np.ndarray, variance: np.ndarray, position: np.ndarray, before: _Expected
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slopes and bends (G, 2), their covariance (G, 2, 2), and the share of each that observations determine (G, 2)."""
    weight = 1 / variance
    w, (x, y) = groups.sum(weight), (groups.sum(weight * column) for column in powers(position).T)
    centred = powers(position) - (np.stack([x, y], axis=1) / w[:, None])[groups.group]
    own = np.empty((len(groups), 2, 2))
    for i, j in ((0, 0), (0, 1), (1, 1)):
        own[:, i, j] = own[:, j, i] = groups.sum(weight * centred[:, i] * centred[:, j])
    prior = np.stack([1 / before.slope_variance, 1 / before.bend_variance], axis=1)
    covariance = np.linalg.inv(own + prior[:, :, None] * np.eye(2))
    seen = np.stack([groups.sum(weight * centred[:, i] * value) for i in (0, 1)], axis=1)
    seen[:, 1] += prior[:, 1] * before.bend
    share = 1 - np.diagonal(covariance, axis1=1, axis2=2) * prior
    return np.einsum("gij,gj->gi", covariance, seen), covariance, share


def _factors(groups: EquivalentGroups, value: np.ndarray, variance: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(N,) by what variances are to be multiplied, at most 1, so that the curves leave what errors expect.

    Damage that scaling could not describe has gone into the errors, in proportion to the intensity: they are set right
    for observations of like intensity together. own : (G,) number of parameters that observations have determined
    """
    mean, _ = groups.weighted_mean(value, variance)
    deviation = (value - mean[groups.group]) ** 2 / variance
    free = ((groups.count - 1 - own) / np.maximum(groups.count, 1))[groups.group]
    factor = np.ones(len(value))
    rows = np.flatnonzero(groups.count[groups.group] > 2)
    if len(rows) < PER_BIN:
        return factor
    ratio = mean[groups.group] / variance**0.5
    bins = shells_of_equal_number(ratio[rows], PER_BIN, MOST_BINS)
    middle = np.array([np.median(ratio[rows[b]]) for b in bins])
    seen = np.array([deviation[rows[b]].sum() / max(free[rows[b]].sum(), 1e-9) for b in bins])
    return np.clip(np.interp(ratio, middle, seen), LEAST_FACTOR, 1.0)


def _shell_means(mean: np.ndarray, d: np.ndarray) -> np.ndarray:
    """(G,) mean intensity of reflections of like resolution, > 0."""
    found = np.empty(len(mean))
    for rows in shells_of_equal_number(d**-2.0, PER_SHELL, MOST_SHELLS):
        found[rows] = max(float(np.mean(mean[rows])), 1e-12)
    return found
