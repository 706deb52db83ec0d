"""Spot widths sigma_b and sigma_m from the strong spots (Kabsch 2010)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy

from autoproc.errors import TooFewSpots
from autoproc.integration.survey import SpotSums, StrongSpots
from autoproc.threads import map_in_order

MIN_SPOTS = 10
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
    """

    sigma_b: float
    sigma_m: float
    n_spots: int
    warning: str = ""
    spread: float = 0.0


def spot_shape(
    spots: StrongSpots, sums: SpotSums, experiment: int, width: float, max_sigma_m: float, n_threads: int = 1
) -> SpotShape:
    """Widths for one lattice.

    sums : of the same spots; width : rotation of an image, radians; max_sigma_m : radians
    Raises TooFewSpots.
    """
    seen = np.bincount(sums.spot, minlength=len(spots))
    flux = np.bincount(sums.spot, sums.flux, minlength=len(spots))
    first, second = sums.spreads(spots.transform).T
    whole = sums.is_good & (seen >= spots.places.depth) & (flux > 0) & (spots.experiment == experiment)
    bright = whole & (flux > MIN_FLUX)
    choices = (bright & spots.is_isolated(), bright, whole)
    usable = next((c for c in choices if c.sum() >= 5 * MIN_SPOTS), whole)
    n_spots = int(usable.sum())
    if n_spots < MIN_SPOTS:
        raise TooFewSpots(n_spots=n_spots, stage="integration's spot shapes", needed=MIN_SPOTS)
    sigma_b = float(np.sqrt(_mode(second[usable] / flux[usable])))
    spread = _mosaic_spread((first - second)[usable] / flux[usable], spots.lever[usable], max_sigma_m)
    rows = usable[sums.spot]
    spot = sums.spot[rows].astype(np.intp)
    sigma_m, without_tails = _rocking_width(
        spots.frame[spot] - sums.frame[rows],
        np.abs(spots.zeta[spot]) * width,
        sums.flux[rows] / flux[spot],
        spot,
        max_sigma_m,
        n_threads,
    )
    depth = spots.places.depth * np.abs(spots.zeta) * width
    shape = _checked(
        SpotShape(sigma_b, sigma_m, n_spots, spread=spread), float(np.quantile(depth[usable], 0.9)), max_sigma_m
    )
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
