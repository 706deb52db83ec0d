"""How far intensities change with dose beyond what scaling takes out: what two halves of the data agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.robust import without_extremes

LEAST_OF_HALF = 2
"""Observations, at different doses, from which a half has a slope."""
LEAST_GROUPS = 50
"""Reflections with slopes from both halves below which nothing is said."""
LEAST_SPREAD = 0.15
"""Spread (standard deviation) of dose that the observations of a half need, as a part of the whole range: of closer
ones the slope is nothing but noise."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Change of intensities over the whole range of dose.

    change : rms over reflections, as a part of the intensity; negative where the halves contradict each other
    error : its standard uncertainty at no change; n : reflections behind it. correlation : of the halves' slopes
    """

    change: float
    error: float
    n: int
    correlation: float

    @property
    def sigmas(self) -> float:
        """Standard uncertainties that the square of the change is above zero."""
        return self.change * abs(self.change) / self.error**2 if self.error > 0 else 0.0


def drift_of(
    group: np.ndarray, n_groups: int, intensity: np.ndarray, sigma: np.ndarray, position: np.ndarray,
    expected: np.ndarray | None = None,
) -> Drift | None:  # fmt: skip
    """Slopes of intensity against dose, fitted to each half of the observations (N,) of each reflection.

    position : (N,) dose as a part of the whole range, 0..1. expected : (G,) to what the squares of the slopes are
    proportional, > 0; None takes the squares of the intensities. Halves are drawn by a fixed seed. A change that is in
    both halves is no noise, whatever the standard uncertainties are worth. None where too few have enough of both.
    """
    half = random_halves(group, n_groups)
    slopes, errors, means = np.swapaxes(
        [_slopes(group[h], intensity[h], sigma[h], position[h], n_groups) for h in (half == 0, half == 1)], 0, 1
    )
    size = means.mean(axis=0)
    use = np.isfinite(slopes).all(axis=0) & (size > 0)
    if np.count_nonzero(use) < LEAST_GROUPS:
        return None
    noise = errors[:, use].prod(axis=0)
    product = without_extremes(slopes[:, use].prod(axis=0) / noise)
    part = without_extremes((size[use] ** 2 if expected is None else expected[use]) / noise)
    total = float((part**2).sum())
    square = float((product * part).sum()) / total
    error = float(np.square(product * part).sum()) ** 0.5 / total
    correlation = float(np.corrcoef((slopes / errors)[:, use])[0, 1])
    return Drift(float(np.sign(square) * abs(square) ** 0.5), error**0.5, int(use.sum()), correlation)


def random_halves(group: np.ndarray, n_groups: int) -> np.ndarray:
    """(N,) 0 or 1: halves of each group, drawn at random."""
    key = np.random.default_rng(2).random(len(group))
    order = np.lexsort((key, group))
    begin = np.cumsum(np.bincount(group, minlength=n_groups)) - np.bincount(group, minlength=n_groups)
    half = np.empty(len(group), np.intp)
    half[order] = (np.arange(len(group)) - begin[group[order]]) % 2
    return half


def _slopes(
    group: np.ndarray, intensity: np.ndarray, sigma: np.ndarray, position: np.ndarray, n_groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope, its standard uncertainty and mean intensity (G,) of weighted straight lines; NaN where there is none."""
    weight = sigma**-2.0
    count = np.bincount(group, minlength=n_groups)
    w, x, y, xx, xy = (
        np.bincount(group, weight * v, n_groups)
        for v in (np.ones_like(weight), position, intensity, position**2, position * intensity)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = xx - x * x / w
        enough = (count >= LEAST_OF_HALF) & (spread > LEAST_SPREAD**2 * w)
        spread = np.where(enough, spread, np.nan)
        return (xy - x * y / w) / spread, spread**-0.5, y / w
