"""Spot widths sigma_b and sigma_m from the strong spots (Kabsch 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import scipy

from autoproc.errors import TooFewSpots
from autoproc.integration.survey import SpotSums, StrongSpots
from autoproc.threads import map_in_order

MIN_SPOTS = 10
MOST_SPOTS = 8000
"""That tell the widths: of 54,173 they gave sigma_b and sigma_m within 0.3% of what all of them did (simulated)."""
MIN_FLUX = 50.0
"""Photons: below it the second moment of a spot is mostly noise."""
WORST_FRACTION = 0.1
"""Of the spots, left out of the second fit of sigma_m: mispredicted ones and pairs run together."""

MOST_TAILS = 1.5
"""Where all spots together give a sigma_m so many times the commonest single spot's, the rest is tails of
neighbours in phi, such as a mosaic crystal's spots nearly all have. Smaller differences are scatter of predictions."""


@dataclass(frozen=True, slots=True)
class SpotShape:
    """Spot widths, radians, the number of spots they come from, and why sigma_m was cut, if it was.

    spread : radians, mosaic spread that widens spots along e1 (see mosaic_lever)
    n_own : spots of the lattice itself; None: all. The others are of other sweeps
    """

    sigma_b: float
    sigma_m: float
    n_spots: int
    warning: str = ""
    spread: float = 0.0
    n_own: int | None = None

    @property
    def is_borrowed(self) -> bool:
        """The lattice's own spots are too few."""
        return self.n_own is not None and self.n_own < self.n_spots

    @property
    def borrowed(self) -> str:
        """That it is, in words; empty where it is not."""
        if not self.is_borrowed:
            return ""
        return (
            f"{self.n_own} strong spots are too few to measure the widths of spots by (at least {MIN_SPOTS}): those of "
            f"the other sweeps were taken in, {self.n_spots} in all"
        )


@dataclass(frozen=True, slots=True, eq=False)
class SpotWidths:
    """What N strong spots of one lattice on one sweep tell of their widths, and M rows of a spot on a frame.

    second, excess : (N,) radians^2, variance along e2, and what that along e1 has more; lever : (N,)
    depth : (N,) radians of eps3 over which a spot is seen
    spot : (M,) of the N; offset : (M,) frames from the frame's start to the centre; rate : (M,) radians of eps3 a frame
    share : (M,) of the spot's flux on the frame
    """

    second: np.ndarray
    excess: np.ndarray
    lever: np.ndarray
    depth: np.ndarray
    spot: np.ndarray
    offset: np.ndarray
    rate: np.ndarray
    share: np.ndarray

    def __len__(self) -> int:
        return len(self.second)

    @property
    def is_enough(self) -> bool:
        """For widths of their own."""
        return len(self) >= MIN_SPOTS

    def thinned(self, most: int) -> SpotWidths:
        """At most so many of the spots, evenly from all."""
        if len(self) <= most:
            return self
        kept = np.zeros(len(self), bool)
        kept[np.linspace(0, len(self) - 1, most).astype(int)] = True
        rows = kept[self.spot]
        return SpotWidths(
            self.second[kept], self.excess[kept], self.lever[kept], self.depth[kept],
            (np.cumsum(kept) - 1)[self.spot[rows]], self.offset[rows], self.rate[rows], self.share[rows],
        )  # fmt: skip

    @classmethod
    def together(cls, parts: Sequence[SpotWidths]) -> SpotWidths:
        """The spots of several sweeps as one list."""
        before = np.cumsum([0, *map(len, parts)])
        spot = np.concatenate([part.spot + n for part, n in zip(parts, before, strict=False)])
        rest = [f.name for f in fields(cls) if f.name != "spot"]
        return cls(spot=spot, **{name: np.concatenate([getattr(part, name) for part in parts]) for name in rest})


def spot_widths(spots: StrongSpots, sums: SpotSums, experiment: int, width: float) -> SpotWidths:
    """What the spots of one lattice tell: bright ones without neighbours, where there are enough of those.

    sums : of the same spots; width : rotation of an image, radians
    """
    seen = np.bincount(sums.spot, minlength=len(spots))
    flux = np.bincount(sums.spot, sums.flux, minlength=len(spots))
    first, second = sums.spreads(spots.transform).T
    whole = sums.is_good & (seen >= spots.places.depth) & (flux > 0) & (spots.experiment == experiment)
    bright = whole & (flux > MIN_FLUX)
    choices = (bright & spots.is_isolated(), bright, whole)
    usable = next((c for c in choices if c.sum() >= 5 * MIN_SPOTS), whole)
    rows = np.flatnonzero(usable[sums.spot])
    of = sums.spot[rows].astype(np.intp)
    per_frame = np.abs(spots.zeta) * width
    return SpotWidths(
        second=second[usable] / flux[usable],
        excess=(first - second)[usable] / flux[usable],
        lever=spots.lever[usable],
        depth=(spots.places.depth * per_frame)[usable],
        spot=(np.cumsum(usable) - 1)[of],
        offset=spots.frame[of] - sums.frame[rows],
        rate=per_frame[of],
        share=sums.flux[rows] / flux[of],
    )


def shape_of(own: SpotWidths, others: Sequence[SpotWidths], max_sigma_m: float, n_threads: int = 1) -> SpotShape:
    """Widths for one lattice from its own spots; where these are too few, from those of other sweeps as well.

    max_sigma_m : radians. Raises TooFewSpots.
    """
    pooled = [] if own.is_enough else [part for part in others if len(part)]
    used = SpotWidths.together([own, *pooled])
    n_spots = len(used)
    used = used.thinned(MOST_SPOTS)
    if n_spots < MIN_SPOTS:
        raise TooFewSpots(n_spots=n_spots, stage="integration's spot shapes", needed=MIN_SPOTS)
    sigma_b = float(np.sqrt(_mode(used.second)))
    spread = _mosaic_spread(used.excess, used.lever, max_sigma_m)
    sigma_m, without_tails = _rocking_width(used.offset, used.rate, used.share, used.spot, max_sigma_m, n_threads)
    found = SpotShape(sigma_b, sigma_m, n_spots, spread=spread, n_own=len(own))
    shape = _checked(found, float(np.quantile(used.depth, 0.9)), max_sigma_m)
    return shape if shape.warning else replace(shape, sigma_m=without_tails)


def _mode(values: np.ndarray) -> float:
    """Half-sample mode (Robertson & Cryer 1974), for neighbours in a spot's disc only ever widen it.

    Stopped at a tenth of the sample, of which the median is taken, so that it is not noisy.
    """
    rest = np.sort(values)
    least = max(10, len(rest) // 10)
    while len(rest) > 2 * least:
        half = len(rest) // 2
        first = int(np.argmin(rest[half:] - rest[: len(rest) - half]))
        rest = rest[first : first + half + 1]
    return max(float(np.median(rest)), 1e-12)


def _mosaic_spread(excess: np.ndarray, lever: np.ndarray, largest: float) -> float:
    """Radians, from what the variance along e1 has more than that along e2, where mosaicity shows most.

    excess : (N,) radians^2; lever : (N,) of the same spots
    """
    far = (lever >= np.median(lever)) & (lever > 0)
    if not far.any():
        return 0.0
    return float(np.sqrt(np.clip(np.median(excess[far] / lever[far] ** 2), 0.0, largest**2)))


def _checked(shape: SpotShape, extent: float, max_sigma_m: float) -> SpotShape:
    """Refuse a sigma_m that the spots' own extents, or common sense, contradict.

    Nine tenths of the strong spots are seen over less than `extent` radians of eps3. A real rocking
    curve is seen over at least two of its standard deviations in any strong spot, so that a larger
    sigma_m comes from mispredicted spots, not from the crystal; it would make shoeboxes enormous.
    """
    limit = min(max_sigma_m, max(extent / 2, shape.sigma_b / 10))
    if shape.sigma_m < limit:
        return shape
    warning = (
        f"sigma_m of {np.degrees(shape.sigma_m):.2f} degrees was cut to {np.degrees(limit):.2f}: "
        f"nine tenths of the strong spots last less than {np.degrees(extent):.2f} degrees; "
        "are the positions well refined? See the RMSDs of refine"
    )
    return replace(shape, sigma_m=limit, warning=warning)


def _rocking_width(
    offset: np.ndarray, rate: np.ndarray, share: np.ndarray, spot: np.ndarray, max_sigma_m: float, n_threads: int = 1
) -> tuple[float, float]:
    """sigma_m that makes the observed shares of the frames likeliest; the same without the tails of neighbours.

    offset : (M,) frames from the start of the frame to the centre; rate : (M,) radians of eps3 per frame
    share : (M,) of the spot's flux on the frame
    """
    low, high = -rate * offset, rate * (1 - offset)
    share = np.clip(share, 0, 1)

    def cost(log_sigma: float, keep: np.ndarray) -> np.ndarray:
        sigma = np.exp(log_sigma)
        expected = np.maximum(scipy.special.ndtr(high / sigma) - scipy.special.ndtr(low / sigma), 1e-6)
        each = -share * np.log(expected)
        return np.bincount(spot, each) if keep.all() else np.bincount(spot[keep], each[keep])

    everything = np.ones(len(spot), bool)
    bounds = (np.log(1e-5), np.log(2 * max_sigma_m))
    first = scipy.optimize.minimize_scalar(lambda s: cost(s, everything).sum(), bounds=bounds, method="bounded").x
    each = cost(first, everything)
    present = np.bincount(spot, minlength=len(each)) > 0
    worst = np.quantile(each[present], 1 - WORST_FRACTION)
    keep = each[spot] <= worst
    second = scipy.optimize.minimize_scalar(lambda s: cost(s, keep).sum(), bounds=bounds, method="bounded").x
    together = float(np.exp(0.5 * (first + second)))
    steps = together * np.geomspace(1 / 4, 4, 60)
    costs = map_in_order(lambda sigma: cost(np.log(sigma), everything)[present], steps, n_threads)
    best = np.argmin(list(costs), axis=0)
    inside = best[(best > 0) & (best < len(steps) - 1)]
    alone = float(np.sqrt(_mode(steps[inside] ** 2))) if len(inside) >= MIN_SPOTS else together
    resolved = alone > 0.5 * float(np.median(rate))
    return together, alone if resolved and together > MOST_TAILS * alone else together
