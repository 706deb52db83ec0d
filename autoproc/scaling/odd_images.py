"""Images whose intensities are off: the beam lost or the shutter late for a part of one, attenuation gone for another.

The scales are smooth and cannot follow a single image. Its reflections all stand too low, or too high, among their
equivalents on other images, and so far apart from those of the images beside it as no two good images are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from autoproc.merging.blank_images import reaches_into
from autoproc.robust import robust_sigma
from autoproc.scaling.blank_images import frame_numbers
from autoproc.scaling.odd_runs import worst_run
from autoproc.scaling.state import MIN_PARTIALITY, ScalingState, against_equivalents
from autoproc.scaling.unscaled_observations import UnscaledObservations

MIN_ON_IMAGE = 8
"""Compared reflections that tell of an image; fewer, and two or three of them in a shadow decide."""
POOLED, MOST_POOLED = 16, 20
"""Compared reflections that an image should have, or as many in a row as hold them are judged as one, up to so many:
narrow images of small cells have one or two each."""
MIN_SIGNAL = 2.0
"""Expected intensity over its standard uncertainty from which a reflection tells of its image."""
N_BESIDE = 10
"""Images on either side that one is compared with: of a run of bad images half so long each is found."""
MIN_BESIDE = 4
"""Of these that must be known for a side to count."""
SIGNIFICANCE = 4.25
"""Standard uncertainties, the usual scatter of good images with them, beyond which an image is odd. Among 81,000 good
images that were drawn at random none is beyond 4.15, among 4,600 of simulated sweeps none beyond 3.4, among 700
measured ones none beyond 2.6; a measured one of half the intensity is at 10, those of 0.8 with 30 reflections are at
3.7 to 4.5, and stretches of a measured sweep that lost a part of the beam are at 5.4 to 8."""
AT_END = 1.5
"""Uncertainty of an image at an end of the sweep, of which the line through those beside it is a part: 1.3 where they
scatter about a line, by its variance one step on, and the rest for what bends (simulated decay of 40 Angstrom^2)."""
AS_BAD = 0.8
"""Of the deviation of a bad image from which one beside it is another. A good one has about half of it (simulated
sweeps with reflections over 0.3 images rms), by the reflections that reach into the bad one."""
MOST_FOLLOWED = 3.0
"""A bad image is off by no more than so many times what the model's smooth scales leave of it: they follow a run of bad
ones (nine of 1 degree, in measured data) by half and more, and a wave of good ones all the way."""
MAX_PART = 0.25
"""Of the images: where more seem odd nothing tells which are the good ones; all are kept, and that is said."""
UNSTEADY = 3.0
"""Uncertainties of an image's own intensity beyond which it counts as one of too many that are off: of 46 simulated and
measured sweeps with steady beams one in 36 images was at most, where MAX_PART of them are needed."""
LEAST_LEVEL = 0.02
"""Images without any intensity count as having this part of what is expected."""
N_ITERATIONS = 4


def with_odd_images(observations: UnscaledObservations, state: ScalingState, max_deviation: float) -> ScalingState:
    """The state with more images left out whose intensities are off by more than max_deviation (relative).

    With them goes what reaches into them, of every lattice on the same images. Nothing found, the state stays the same.
    """
    frame, span = frame_numbers(observations), observations.span
    odd, found = state.odd.copy(), []
    for sweep, seen in _by_sweep(observations, state):
        images = odd_images(seen, max_deviation)
        if not images:
            continue
        here = observations.sweep == sweep
        marked = np.isin(np.arange(max(images) + 1), list(images))
        odd[here] |= reaches_into(marked, frame[here], span[here])
        found += [(sweep, image, ratio) for image, ratio in images.items()]
    return replace(state, odd=odd, odd_images=(*state.odd_images, *found)) if found else state


def unsteady_sweeps(
    observations: UnscaledObservations, state: ScalingState, max_deviation: float
) -> list[tuple[int, int, int]]:
    """Sweeps of which so many images are off that none was left out: sweep, how many are, and of how many."""
    found = []
    for sweep, seen in _by_sweep(observations, state):
        n_off, n_images = n_unsteady(seen, max_deviation)
        if n_off > MAX_PART * n_images:
            found.append((sweep, n_off, n_images))
    return found


def _by_sweep(observations: UnscaledObservations, state: ScalingState) -> Iterator[tuple[int, SweepRatios]]:
    seen, smooth = against_equivalents(observations, state), _smooth_factors(observations, state)
    frame, span = frame_numbers(observations), observations.span
    for sweep in np.unique(observations.sweep):
        here = observations.sweep == sweep
        rows = np.flatnonzero(here & seen.compared & (observations.partiality >= MIN_PARTIALITY))
        yield (
            int(sweep), SweepRatios(frame[rows], span[rows], seen.ratio[rows], seen.information[rows], smooth[rows])
        )  # fmt: skip


def _smooth_factors(observations: UnscaledObservations, state: ScalingState) -> np.ndarray:
    """(N,) scale and decay by the models, relative to the median of each model's.

    The decay of the middle of the resolution: an image's own reflections, few as they are, would make it jump.
    """
    result = np.ones(len(observations))
    half_inverse_d2 = 0.5 * float(np.median(observations.d**-2.0))
    for model, rows in zip(state.models, observations.rows_of_each(len(state.models)), strict=True):
        if len(rows):
            c, b = model.curves(observations.at.frame[rows])
            factor = c * np.exp(b * half_inverse_d2)
            result[rows] = factor / np.median(factor)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class SweepRatios:
    """Observations (n,) of one sweep and what their equivalents expect.

    image : (n,) intp, of the centre; span : (n, 2) first frame and the one after the last; ratio : observed over
    expected; information : (expected / its standard uncertainty)^2; smooth : scale and decay that the model has there
    """

    image: np.ndarray
    span: np.ndarray
    ratio: np.ndarray
    information: np.ndarray
    smooth: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> SweepRatios:
        return SweepRatios(*(getattr(self, name)[rows] for name in self.__slots__))

    def pooled(self, size: int) -> SweepRatios:
        """With `size` images in a row as one."""
        first, last = self.span[:, 0] // size, -(-self.span[:, 1] // size)
        return replace(self, image=self.image // size, span=np.column_stack([first, last]))


def odd_images(seen: SweepRatios, max_deviation: float) -> dict[int, float]:
    """Images that are off, the worst first, and the part of the intensity of the images beside them that they have.

    max_deviation : relative; images that are off by less are left alone, however significant that is
    The worst is taken out first, with whatever reaches into it, then the others are judged again: what is good beside
    it has reflections that are not.
    """
    strong, pool = _telling(seen)
    if not len(strong.image):
        return {}
    found = _odd_pieces(strong, max_deviation)
    return {image: ratio for first, ratio in found.items() for image in range(first * pool, (first + 1) * pool)}


def n_unsteady(seen: SweepRatios, max_deviation: float) -> tuple[int, int]:
    """How many images are off by more than max_deviation and their own uncertainties, and of how many that is known.

    However many are: here nothing is taken for usual, and an image is compared with the mean of both its sides.
    """
    strong, pool = _telling(seen)
    if not len(strong.image):
        return 0, 0
    level, error = image_levels(strong, int(strong.image.max()) + 1)
    before, after = _from_sides(level)
    away = np.abs(before + after) / 2
    known = np.isfinite(away)
    off = away[known] > np.maximum(max_deviation, UNSTEADY * error[known])
    return pool * int(np.count_nonzero(off)), pool * int(np.count_nonzero(known))


def _telling(seen: SweepRatios) -> tuple[SweepRatios, int]:
    """The reflections that tell of their images, and how many images in a row are taken as one for that."""
    strong = seen[seen.information >= MIN_SIGNAL**2]
    if not len(strong.image):
        return strong, 1
    pool = min(MOST_POOLED, int(np.ceil(POOLED * (int(strong.image.max()) + 1) / len(strong.image))))
    return strong.pooled(pool), pool


def _odd_pieces(strong: SweepRatios, max_deviation: float) -> dict[int, float]:
    """As odd_images, of reflections that tell of their images: runs first, then what is off beside them."""
    n_images = int(strong.image.max()) + 1
    runs = _odd_runs(strong, n_images, max_deviation)
    marked = np.isin(np.arange(n_images), list(runs))
    rest = strong[~reaches_into(marked, strong.image, strong.span)]
    n_known = np.count_nonzero(np.bincount(strong.image) >= MIN_ON_IMAGE)
    found = runs | (_odd(rest, n_images, max_deviation) if len(rest.image) else {})
    return found if len(found) <= MAX_PART * n_known else {}


def _odd_runs(strong: SweepRatios, n_images: int, max_deviation: float) -> dict[int, float]:
    """Images of runs that are off together; see odd_runs. Each run that is found may hide another."""
    level, error = image_levels(strong, n_images)
    count = np.maximum(np.bincount(strong.image, minlength=n_images), 1)
    smooth = np.bincount(strong.image, strong.smooth, minlength=n_images) / count
    level, error = level * smooth, error * smooth
    flicker2 = _flicker2(level, error)
    error = np.sqrt(error**2 + flicker2)
    found: dict[int, float] = {}
    while (run := worst_run(level, error, max_deviation)) is not None:
        first, end, ratio = run
        found |= dict.fromkeys(range(first, end), ratio)
        level[first:end] = error[first:end] = np.nan
    return found


def _flicker2(level: np.ndarray, error: np.ndarray) -> float:
    """The squared scatter of images from one to the next beyond their uncertainties; NaN where a level is unknown."""
    steps = np.diff(level[np.isfinite(level)])
    return max(0.0, float(robust_sigma(steps)) ** 2 / 2 - float(np.nanmedian(error**2))) if len(steps) else 0.0


def _odd(strong: SweepRatios, n_images: int, max_deviation: float) -> dict[int, float]:
    """As odd_images, one by one."""
    found: dict[int, float] = {}
    marked = np.zeros(n_images, bool)
    first, z = _judged(strong, len(marked))
    seemed = (np.abs(first) > max_deviation) & (np.abs(z) > SIGNIFICANCE)
    n_known = np.count_nonzero(np.isfinite(first))
    away = first
    while len(found) <= MAX_PART * n_known:
        off = np.where(np.abs(away) > max_deviation, np.abs(z), 0.0)
        worst = int(np.argmax(off))
        if off[worst] <= SIGNIFICANCE:
            # Of these nothing is left to judge: all of it reaches into one of the others.
            more = (_between(marked) | _as_bad(first, marked)) & ~np.isfinite(away) & seemed
            return found | {int(n): 1.0 + float(first[n]) for n in np.flatnonzero(more & ~marked)}
        found[worst], marked[worst] = 1.0 + float(away[worst]), True
        away, z = _judged(strong[~reaches_into(marked, strong.image, strong.span)], len(marked))
    return {}


def _judged(seen: SweepRatios, n_images: int) -> tuple[np.ndarray, np.ndarray]:
    """(n_images,) relative deviation of each image from those beside it, and in units of sigma; NaN where unknown."""
    level, error = image_levels(seen, n_images)
    count = np.maximum(np.bincount(seen.image, minlength=n_images), 1)
    return deviations_from_beside(level, error, np.bincount(seen.image, seen.smooth, minlength=n_images) / count)


def _between(marked: np.ndarray) -> np.ndarray:
    """(images,) bool: those with marked ones, or an end of the sweep, close by on both sides, as in a bad run."""
    numbers = np.concatenate([[-1], np.flatnonzero(marked), [len(marked)]])
    result = np.zeros(len(marked), bool)
    for before, after in pairwise(numbers):
        result[before + 1 : after] = after - before <= MIN_BESIDE
    return result


def _as_bad(first: np.ndarray, marked: np.ndarray) -> np.ndarray:
    """(images,) bool: beside a marked one, and hardly less off; first : (images,) deviations of all reflections."""
    worst = np.concatenate([[np.inf], np.where(marked, np.abs(first), np.inf), [np.inf]])
    return np.abs(first) > AS_BAD * np.minimum(worst[:-2], worst[2:])


def image_levels(seen: SweepRatios, n_images: int) -> tuple[np.ndarray, np.ndarray]:
    """(n_images,) observed over expected intensity, and its standard uncertainty; NaN where nothing is known.

    The mean of an image's ratios, each cut at zero and at twice that mean: no single one decides it, and it is right
    where a part of the reflections was lost, when the median is anything. Its uncertainty comes from the scatter of
    these very ratios, if that is more than the usual one: few that are wrong are not all.
    """
    count = np.bincount(seen.image, minlength=n_images)
    known = count >= MIN_ON_IMAGE
    if not known.any():
        return np.full(n_images, np.nan), np.full(n_images, np.nan)
    strong = seen.information >= np.median(seen.information)
    spread = float(robust_sigma(seen.ratio[strong] - np.median(seen.ratio[strong])))
    weight = 1.0 / (1.0 / seen.information + spread**2)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(seen.image, values, minlength=n_images)

    sum_weight = np.where(known, total(weight), 1.0)
    mean = np.ones(n_images)
    for _ in range(N_ITERATIONS):
        cut = np.clip(seen.ratio, 0.0, 2 * mean[seen.image])
        mean = np.maximum(total(weight * cut) / sum_weight, LEAST_LEVEL)
    own = total((weight * (cut - mean[seen.image])) ** 2) / sum_weight**2 * count / np.maximum(count - 1, 1)
    error = np.sqrt(np.maximum(own, 1.0 / sum_weight))
    return np.where(known, mean, np.nan), np.where(known, error, np.nan)


def deviations_from_beside(level: np.ndarray, error: np.ndarray, smooth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(images,) relative deviation of each level from those on the side that is nearer to it, and in units of sigma.

    level, error : (images,) NaN where unknown, as both results are then; smooth : (images,) scale by the model
    What the model has followed bad images down is undone first, or good ones beside them would look bright; but what it
    has followed all the way is no deviation. At a step or on a slope one side agrees or both disagree in sign, and the
    deviation is 0. At the ends of the sweep one side is all there is, and its slope is extrapolated.
    """
    if not np.isfinite(level).any():
        return level, level
    by_model = level / np.nanmedian(level) - 1
    level = level * smooth
    before, after = _from_sides(level)
    scatter = (before + after) / 2
    away = np.where(np.isnan(scatter), np.nan, _smaller(_smaller(before, after), MOST_FOLLOWED * by_model))
    at_end = np.isnan(before) != np.isnan(after)
    for n in map(int, np.flatnonzero(at_end)):
        first, end = (max(0, n - N_BESIDE), n) if np.isnan(after[n]) else (n + 1, n + 1 + N_BESIDE)
        away[n] = scatter[n] = level[n] / _extrapolated(level[first:end], n - first) - 1
    known = np.isfinite(scatter)
    if not known.any():
        return scatter, scatter
    flicker2 = max(0.0, float(robust_sigma(scatter[known])) ** 2 - float(np.median(error[known] ** 2)))
    sigma = np.sqrt(error**2 + flicker2)
    sigma *= max(1.0, float(robust_sigma(scatter[known] / sigma[known]))) * np.where(at_end, AT_END, 1.0)
    return np.where(known, away, np.nan), np.where(known, away / sigma, np.nan)


def _from_sides(level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(images,) relative deviation of each level from the median of those before it, and of those after it."""
    gap = np.full(N_BESIDE, np.nan)
    padded = np.lib.stride_tricks.sliding_window_view(np.concatenate([gap, level, gap]), N_BESIDE)
    return level / _medians(padded[: len(level)]) - 1, level / _medians(padded[N_BESIDE + 1 :]) - 1


def _extrapolated(level: np.ndarray, to: int) -> float:
    """The line through the known of some levels in a row, at `to` images from the first: repeated medians of slopes.

    Siegel (1982), Biometrika 69, 242. Up to half of them may be off. Held within a factor of 2 of their median.
    """
    x = np.flatnonzero(np.isfinite(level))
    y = level[x]
    slope = np.median([np.median(np.delete((y - y[k]) / np.where(x == x[k], 1, x - x[k]), k)) for k in range(len(x))])
    middle = float(np.median(y))
    return float(np.clip(np.median(y + slope * (to - x)), 0.5 * middle, 2 * middle))


def _smaller(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n,) the smaller of two deviations, 0 where they differ in sign, the other one where one is unknown."""
    one, other = np.where(np.isnan(one), other, one), np.where(np.isnan(other), one, other)
    smaller = np.where(np.abs(one) < np.abs(other), one, other)
    return np.where(one * other > 0, smaller, np.where(np.isnan(one), np.nan, 0.0))


def _medians(windows: np.ndarray) -> np.ndarray:
    """(n,) medians of the known values in each window (n, size); NaN where they are too few."""
    result = np.full(len(windows), np.nan)
    enough = np.count_nonzero(np.isfinite(windows), axis=1) >= MIN_BESIDE
    if enough.any():
        result[enough] = np.nanmedian(windows[enough], axis=1)
    return result
