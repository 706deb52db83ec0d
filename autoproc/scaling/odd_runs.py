"""Runs of images that are off together: the shutter half shut for a while, another attenuation for some images.

A run is judged as one, so that far less of it is significant than of a single image, and against the images beyond its
ends: within it each image has neighbours that are as bad. The model's scales follow a run and hide it; but they are
smooth and a run has sharp ends, which nothing that a good crystal does has (its volume, decay and absorption go on over
many images).
"""

from __future__ import annotations

import numpy as np

from autoproc.robust import robust_sigma

SHORTEST, LONGEST = 3, 12
"""Images of a run: single ones and pairs are found one by one; longer ones, the scales follow."""
BESIDE = 6
"""Images on either side of a run that it is compared with."""
MIN_BESIDE = 4
"""Of these that must be known."""
AT_ENDS = 2
"""Images on either side of each end of a run that tell how sharp it is."""
SHARP = 0.7
"""Of a run's deviation that comes within so few images; waves of 20 to 40 images have half of it (calculated)."""
LASTING = 0.7
"""Of a run's deviation that its images have without the worst quarter of them, or the worst one; with less, those alone
are bad. Two stretches of a measured sweep at 0.4, a hundred images apart, had made all between them one run."""
AT_LEAST = 0.6
"""Of a run's deviation that its first and last image have; with less they are good ones into which it reaches."""
SIGNIFICANCE = 4.5
"""Standard uncertainties, the usual scatter of windows as long included. Of 540 random sweeps of 60 good images that
flicker by up to 0.1 none has a run beyond 4.0, of 45 simulated and measured ones without bad images none beyond 2.7, of
144 with waves of 15 to 40 images and up to 0.4 none beyond 2.4; nine images of a measured crystal, taken times 0.8, are
found but for one at an end."""
ENOUGH = 8
"""Windows away from a run that tell the usual scatter; with fewer, those that overlap with it must, and it is large."""
MEDIAN_ERROR = 1.25
"""Standard uncertainty of a median in those of the mean, of normal values."""


def worst_run(level: np.ndarray, error: np.ndarray, max_deviation: float) -> tuple[int, int, float] | None:
    """The run (first image, the one after the last) that is off the most, and the part of the intensity that it has.

    level, error : (images,) intensity with the model's scale undone, and its standard uncertainty; NaN where unknown
    max_deviation : relative; runs that are off by less are left alone. None where there is no run.
    """
    longest = min(LONGEST, len(level) // 4)
    found = [run for n in range(SHORTEST, longest + 1) if (run := _worst_of_length(level, error, n, max_deviation))]
    if not found:
        return None
    _, first, n, away = max(found)
    return first, first + n, 1.0 + away


def _worst_of_length(
    level: np.ndarray, error: np.ndarray, n: int, max_deviation: float
) -> tuple[float, int, int, float] | None:
    """Standard uncertainties, first image, length and deviation of the worst run of n images."""
    starts = np.arange(AT_ENDS, len(level) - n - AT_ENDS + 1)
    if not len(starts):
        return None
    inside, error_inside = _means(level, error, n, starts)
    before, error_before = _medians(level, error, starts - BESIDE)
    after, error_after = _medians(level, error, starts + n)
    off_before, off_after = inside / before - 1, inside / after - 1
    error_side = np.maximum(error_before, error_after)
    scatter = (off_before + off_after) / 2
    away = np.where(off_before * off_after > 0, np.sign(scatter) * np.minimum(abs(off_before), abs(off_after)), 0.0)
    sigma = np.hypot(error_inside, error_side)
    beside = np.where(np.abs(off_before) < np.abs(off_after), before, after)
    is_run = np.isfinite(scatter) & (np.abs(away) > max_deviation)
    is_run &= _has_sharp_ends(level, error, starts, n, away) & _lasts(level, starts, n, away, beside)
    if not is_run.any():
        return None
    worst = int(np.argmax(np.where(is_run, np.abs(away) / sigma, 0.0)))
    z = float(np.abs(away[worst]) / sigma[worst]) / _excess(scatter / sigma, starts, worst, n)
    if z < SIGNIFICANCE:
        return None
    off = level / beside[worst] - 1
    first, last = _trimmed(off, int(starts[worst]), n, float(away[worst]))
    return z, first, last - first, float(np.nanmean(off[first:last]))


def _excess(scatter: np.ndarray, starts: np.ndarray, worst: int, n: int) -> float:
    """By how much windows scatter more than their uncertainties: those that the worst has no part in, if any."""
    known = np.isfinite(scatter)
    far = known & (np.abs(starts - starts[worst]) >= n + BESIDE)
    return max(1.0, float(robust_sigma(scatter[far if np.count_nonzero(far) >= ENOUGH else known])))


def _trimmed(off: np.ndarray, first: int, n: int, away: float) -> tuple[int, int]:
    """First image of a run and the one after the last, without those at its ends that are hardly off.

    off : (images,) deviation of each from those beside the run
    """
    is_off = np.sign(away) * off[first : first + n] >= AT_LEAST * abs(away)
    within = np.flatnonzero(is_off)
    return first + int(within[0]), first + int(within[-1]) + 1


def _has_sharp_ends(level: np.ndarray, error: np.ndarray, starts: np.ndarray, n: int, away: np.ndarray) -> np.ndarray:
    """(starts,) bool: at both ends the intensity steps by most of the run's deviation, as far as errors tell."""
    result = np.ones(len(starts), bool)
    for inner, outer in ((starts, starts - AT_ENDS), (starts + n - AT_ENDS, starts + n)):
        within, error_within = _means(level, error, AT_ENDS, inner)
        beyond, error_beyond = _means(level, error, AT_ENDS, outer)
        step = np.sign(away) * (within / beyond - 1)
        result &= step + np.hypot(error_within, error_beyond) >= SHARP * np.abs(away)
    return result


def _lasts(level: np.ndarray, starts: np.ndarray, n: int, away: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """(starts,) bool: the images without the worst of them have most of the run's deviation from those beside."""
    n_worst = max(1, n // 4)
    off = np.sign(away)[:, None] * (np.lib.stride_tricks.sliding_window_view(level, n)[starts] / beside[:, None] - 1)
    known = np.isfinite(off)
    ranked = np.sort(np.where(known, off, -np.inf), axis=1)[:, :-n_worst]
    rest = np.where(np.isfinite(ranked), ranked, 0.0).sum(axis=1)
    return np.asarray(rest >= LASTING * np.abs(away) * np.maximum(known.sum(axis=1) - n_worst, 1))


def _means(level: np.ndarray, error: np.ndarray, n: int, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(starts,) mean of the known among n levels from each start on, and its error; NaN where half are unknown."""
    known = np.isfinite(level)
    count = _sums(known.astype(float), n, starts)
    enough = 2 * count > n
    divisor = np.where(enough, count, np.nan)
    mean = _sums(np.where(known, level, 0.0), n, starts) / divisor
    return mean, np.sqrt(_sums(np.where(known, error, 0.0) ** 2, n, starts)) / divisor


def _sums(values: np.ndarray, n: int, starts: np.ndarray) -> np.ndarray:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[starts + n] - total[starts])


def _medians(level: np.ndarray, error: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(starts,) median of the known among BESIDE levels from each start on, and its uncertainty."""
    gap = np.full(BESIDE, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([gap, level, gap]), BESIDE)[starts + BESIDE]
    errors = np.lib.stride_tricks.sliding_window_view(np.concatenate([gap, error, gap]), BESIDE)[starts + BESIDE]
    count = np.count_nonzero(np.isfinite(windows), axis=1)
    enough = count >= MIN_BESIDE
    median, uncertainty = np.full((2, len(starts)), np.nan)
    median[enough] = np.nanmedian(windows[enough], axis=1)
    mean2 = np.nanmean(errors[enough] ** 2, axis=1)
    uncertainty[enough] = MEDIAN_ERROR * np.sqrt(mean2 / count[enough])
    return median, uncertainty
