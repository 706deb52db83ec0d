"""How far intensities change with dose beyond what scaling takes out: what two halves of the data agree on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.merging.groups import EquivalentGroups
from autoproc.models.numbering import order_by
from autoproc.robust import without_extremes

LEAST_OF_HALF = 2
"""Observations, at different doses, from which a half has a slope."""
LEAST_GROUPS = 50
"""Reflections with slopes from both halves below which nothing is said."""
SIGNIFICANT = 5.0
"""Standard uncertainties beyond which a change of the intensities is one. Of 18 simulated sweeps without damage
(absorbing, anomalous, weak, of an unsteady beam, B growing) the mean was 0.9, the root mean square 1.6 and the highest
3.1; of sweeps whose structure factors change by 5% the least was 13."""
LEAST_SPREAD = 0.15
"""Spread (standard deviation) of dose that the observations of a half need, as a part of the whole range: of closer
ones the slope is nothing but noise."""
NEIGHBOURS = (1, 2, 4)
"""Distances in the order of indices of reflections that are near in reciprocal space: absorption that scaling could not
describe is common to them, what breaks in the crystal is each reflection's own. Of two simulated crystals without
damage whose transmission scatters by 20% the halves agreed on a square of 0.00032 and 0.00052, neighbours on a mean of
0.00023 and 0.00045."""
N_BLOCKS = 40
"""Parts of the reflections, neighbours together, whose scatter is the error."""


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
    def least_seen(self) -> float:
        """The change that would be SIGNIFICANT, as a part of the intensity: less cannot be told from none."""
        return SIGNIFICANT**0.5 * self.error

    @property
    def is_significant(self) -> bool:
        """Intensities do change."""
        return self.sigmas >= SIGNIFICANT and self.change > 0

    @property
    def sigmas(self) -> float:
        """Standard uncertainties that the square of the change is above zero."""
        return self.change * abs(self.change) / self.error**2 if self.error > 0 else 0.0


def drift_of(
    groups: EquivalentGroups, intensity: np.ndarray, sigma: np.ndarray, position: np.ndarray,
    expected: np.ndarray | None = None,
) -> Drift | None:  # fmt: skip
    """Slopes of intensity against dose, fitted to each half of the observations (N,) of each reflection.

    position : (N,) dose as a part of the whole range, 0..1. expected : (G,) to what the squares of the slopes are
    proportional, > 0; None takes the squares of the intensities. A change that is in both halves is no noise, whatever
    the standard uncertainties are worth, and what neighbours have too is none of the structure. None where too few
    have enough of both.
    """
    half = independent_halves(groups)
    slopes, errors, means = np.swapaxes(
        [_slopes(groups.group[h], intensity[h], sigma[h], position[h], len(groups)) for h in (half == 0, half == 1)],
        0, 1,
    )  # fmt: skip
    size = means.mean(axis=0)
    use = np.isfinite(slopes).all(axis=0) & (size > 0)
    n = int(np.count_nonzero(use))
    if n < LEAST_GROUPS:
        return None
    size = size[use] if expected is None else expected[use] ** 0.5
    every = np.arange(n)
    first = np.concatenate([np.concatenate([every[:-lag], every[lag:]]) for lag in NEIGHBOURS])
    second = np.concatenate([np.concatenate([every[lag:], every[:-lag]]) for lag in NEIGHBOURS])
    own, own_without = _common(slopes[:, use], errors[:, use], size, every, every)
    shared, shared_without = _common(slopes[:, use], errors[:, use], size, first, second)
    without = own_without - shared_without
    error = float((N_BLOCKS - 1) / N_BLOCKS * np.square(without - without.mean()).sum()) ** 0.5
    correlation = float(np.corrcoef((slopes / errors)[:, use])[0, 1])
    square = own - shared
    return Drift(float(np.sign(square) * abs(square) ** 0.5), error**0.5, n, correlation)


def _common(
    slopes: np.ndarray, errors: np.ndarray, size: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[float, np.ndarray]:
    """Product of slopes of one half of some reflections and the other half of others, over that of their sizes.

    slopes, errors : (2, n) of both halves, size : (n,), of reflections in their order; first, second : (m,) which of
    them. Also (N_BLOCKS,) the same without each block of reflections in a row, for the jackknife (Efron & Stein 1981,
    Ann. Statist. 9, 586).
    """
    noise = errors[0, first] * errors[1, second]
    product = without_extremes(slopes[0, first] * slopes[1, second] / noise)
    part = without_extremes(size[first] * size[second] / noise)
    block = first * N_BLOCKS // len(size)
    up, down = (np.bincount(block, part * v, N_BLOCKS) for v in (product, part))
    return float(up.sum() / down.sum()), (up.sum() - up) / (down.sum() - down)


def independent_halves(groups: EquivalentGroups) -> np.ndarray:
    """(N,) 0, 1, or -1 for neither: halves of each group that have no difference of the hands in their slopes.

    I(+) and I(-) are a half each where there are enough of both. Elsewhere, and of centric reflections, the
    observations of the commoner hand are drawn at random by a fixed seed. Both hands in a half would do harm: each
    has its places on the axis of dose, so that their difference tilts one half up where it tilts the other down.
    """
    hand = (~(groups.is_plus | groups.is_centric[groups.group])).astype(np.intp)
    count = np.stack([np.bincount(groups.group[hand == k], minlength=len(groups)) for k in (0, 1)])
    is_by_hand = count.min(axis=0) >= LEAST_OF_HALF
    drawn = random_halves(2 * groups.group + hand, 2 * len(groups))
    of_commoner = np.where(hand == count.argmax(axis=0)[groups.group], drawn, -1)
    return np.where(is_by_hand[groups.group], hand, of_commoner)


def random_halves(group: np.ndarray, n_groups: int) -> np.ndarray:
    """(N,) 0 or 1: halves of each group, drawn at random."""
    key = np.random.default_rng(2).random(len(group))
    order = np.argsort(key)
    order = order[order_by(group[order])]
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
