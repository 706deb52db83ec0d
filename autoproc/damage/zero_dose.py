"""Intensities of the crystal before damage: each reflection extrapolated to no dose.

Diederichs, McSweeney & Ravelli (2003), Acta D59, 903 fit a straight line to the observations of each reflection. Here
slopes are expected to be as large as two halves of the data agree that they are: a reflection whose observations tell
of its slope is extrapolated by it, one whose observations do not stays where it is, with an error for what it may have
changed by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.damage.drift import drift_of
from autoproc.geometry.shells import shells_of_equal_number
from autoproc.merging.groups import EquivalentGroups

SIGNIFICANT = 5.0
"""Standard uncertainties of the change of intensities below which there is nothing to extrapolate."""
PER_SHELL, MOST_SHELLS = 200, 20
"""Reflections of a shell for a mean intensity."""
PER_BIN, MOST_BINS = 2000, 20
"""Observations from which it is seen by how much errors were thought too large, because of the damage."""
LEAST_FACTOR = 0.05
"""Of a variance: less is no agreement but too few repeats."""
N_CYCLES = 3


@dataclass(frozen=True, slots=True, eq=False)
class ZeroDose:
    """What to take from each observation: slope (G,) times its position 0..1 on the axis of dose.

    slope_variance : (G,); variance : (N,) of the observations without what damage had made of their errors
    change : of the intensities over the range of dose (rms, by Drift); n_told : reflections whose own observations
        determine half of their slope or more
    """

    slope: np.ndarray
    slope_variance: np.ndarray
    variance: np.ndarray
    change: float
    n_told: int


def zero_dose(
    groups: EquivalentGroups, d: np.ndarray, value: np.ndarray, variance: np.ndarray, position: np.ndarray
) -> ZeroDose | None:
    """Slopes of intensities with dose; None where no change is significant.

    d : (G,) Angstrom; value, variance : (N,) on one scale; position : (N,) part of the range of dose, 0..1
    """
    mean, sigma = groups.weighted_mean(value, variance)
    usual = _shell_means(mean, d)
    expected = (np.maximum(mean, 0.0) + sigma) * usual  # of 2 F dF, the square goes with F^2 times <dF^2>
    told = drift_of(groups.group, len(groups), value, variance**0.5, position, expected)
    if told is None or told.sigmas < SIGNIFICANT or told.change <= 0:
        return None
    expected += told.change**2 * usual**2  # what has no intensity gains dF^2
    for _ in range(N_CYCLES):
        slope, slope_variance, own = _slopes(groups, value, variance, position, told.change**2 * expected)
        variance = variance * _factors(groups, value - slope[groups.group] * position, variance, own)
    slope, slope_variance, own = _slopes(groups, value, variance, position, told.change**2 * expected)
    return ZeroDose(slope, slope_variance, variance, told.change, int((own >= 0.5).sum()))


def _slopes(
    groups: EquivalentGroups, value: np.ndarray, variance: np.ndarray, position: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slopes (G,) of straight lines, their variances, and the share of each that its observations determine.

    prior : (G,) variance of slopes about 0 before any observation
    """
    weight = 1 / variance
    w, x = groups.sum(weight), groups.sum(weight * position)
    centred = position - (x / w)[groups.group]
    spread = groups.sum(weight * centred**2)
    slope_variance = 1 / (spread + 1 / prior)
    return slope_variance * groups.sum(weight * centred * value), slope_variance, spread * slope_variance


def _factors(groups: EquivalentGroups, value: np.ndarray, variance: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(N,) by what variances are to be multiplied, at most 1, so that straight lines leave what errors expect.

    Damage that scaling could not describe has gone into the errors, in proportion to the intensity: they are set right
    for observations of like intensity together. own : (G,) share of the slope that observations have determined
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
