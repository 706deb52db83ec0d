"""What the spot finder sees of one image: its maps, and the pixels that it takes for strong.

The maps are those of Winter et al. (2018), Acta D74, 85: mean, variance and index of dispersion over the window around
each pixel, of its good pixels. What is strong is told by the same kernel that the stage uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from autoproc.models.experiment import Experiment
from autoproc.robust import readout_variance
from autoproc.stages.find_spots import FindSpotsParams, pixels_to_search, strong_on
from autoproc.threads import map_in_order
from autoproc.viewing.image_tiles import Pyramid, pyramid_of_values

BAND = 256
"""Rows worked on at a time."""


@dataclass(frozen=True, eq=False)
class SpotSearchView:
    """An image as it is searched.

    counts : (slow, fast); good : (slow, fast) bool; lowest : counts below it never count
    """

    counts: np.ndarray
    good: np.ndarray
    gain: float
    lowest: int
    overload: float
    params: FindSpotsParams

    @cached_property
    def noise(self) -> float:
        """Variance, counts^2, that the readout adds to that of counting, as the stage has it."""
        return readout_variance(self.counts, self.good, self.lowest)


def searched(experiment: Experiment, counts: np.ndarray, mask: np.ndarray, params: FindSpotsParams) -> SpotSearchView:
    """An image with what the stage would search it with; mask : (slow, fast) bool, pixels of the detector to trust."""
    panel = experiment.detector[0]
    good = mask & pixels_to_search(experiment, mask.shape, params)
    gain = panel.gain if params.gain is None else params.gain
    return SpotSearchView(counts, good, gain, panel.min_trusted, panel.trusted_range[1], params)


def threshold(image: SpotSearchView) -> np.ndarray:
    """(slow, fast) float32: 1 where a pixel is strong, as the stage has it; all 0 where they are too many."""
    strong = strong_on(image.counts, image.good, image.params, image.gain, (image.lowest, image.overload))
    shown = np.zeros(image.counts.size, np.float32)
    shown[strong.index] = 1
    return shown.reshape(image.counts.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Of the window around each pixel, (slow, fast) float32: number of good pixels, mean, variance."""

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    @property
    def dispersion(self) -> np.ndarray:
        """Variance over mean; 0 where nothing was counted."""
        return np.divide(self.variance, self.mean, out=np.zeros_like(self.mean), where=self.mean > 0)


def windows(counts: np.ndarray, good: np.ndarray, kernel_size: tuple[int, int]) -> Windows:
    """Over windows of half sizes (fast, slow), cut at the edges of the image; counts, good : (slow, fast)."""
    kx, ky = kernel_size
    size = (2 * ky + 1, 2 * kx + 1)
    area = float(size[0] * size[1])

    def total(values: np.ndarray) -> np.ndarray:
        return scipy.ndimage.uniform_filter(values, size, mode="constant") * area

    weight = good.astype(float)
    n = np.rint(total(weight))
    values = np.where(good, counts, 0).astype(float)
    some = np.maximum(n, 1)
    mean = total(values) / some
    variance = (total(values**2) - some * mean**2) / np.maximum(n - 1, 1)
    return Windows(n.astype(np.float32), mean.astype(np.float32), np.maximum(variance, 0).astype(np.float32))


def _in_windows(of: Callable[[SpotSearchView, Windows, slice], np.ndarray]) -> Callable[[SpotSearchView], np.ndarray]:
    """A map from what the windows of some rows say, made a band at a time on several threads."""

    def made(image: SpotSearchView) -> np.ndarray:
        result = np.empty(image.counts.shape, np.float32)
        good = image.good & (image.counts >= image.lowest)
        margin = image.params.kernel_size[1]

        def fill(first: int) -> None:
            before, last = max(first - margin, 0), min(first + BAND, len(result))
            rows = slice(before, last + margin)
            there = windows(image.counts[rows], good[rows], image.params.kernel_size)
            own = slice(first - before, first - before + last - first)
            cut = Windows(there.n[own], there.mean[own], there.variance[own])
            result[first:last] = of(image, cut, slice(first, last))

        for _ in map_in_order(fill, range(0, len(result), BAND)):
            pass
        return result

    return made


def _is_dispersed(image: SpotSearchView, there: Windows, _: slice) -> np.ndarray:
    expected = image.gain * np.maximum(there.mean, 0) + image.noise
    limit = expected * (1 + image.params.n_sigma_background * np.sqrt(2 / np.maximum(there.n - 1, 1)))
    return (there.variance > limit) & (there.n >= image.params.min_local)


def _is_above(image: SpotSearchView, there: Windows, rows: slice) -> np.ndarray:
    sigma = np.sqrt(image.gain * np.maximum(there.mean, 0) + image.noise)
    counts = image.counts[rows]
    is_above = (counts >= there.mean + image.params.n_sigma_strong * sigma) & (counts > image.params.global_threshold)
    return image.good[rows] & is_above


MAPS: dict[str, Callable[[SpotSearchView], np.ndarray]] = {
    "threshold": threshold,
    "mean": _in_windows(lambda _, there, __: there.mean),
    "variance": _in_windows(lambda _, there, __: there.variance),
    "dispersion": _in_windows(lambda _, there, __: there.dispersion),
    "dispersed": _in_windows(_is_dispersed),
    "above": _in_windows(_is_above),
}
"""What can be shown: strong pixels; statistics of the windows; where the dispersion is above its limit, and a pixel
above the mean of its window by n_sigma_strong (both as the plain method has them)."""
BINARY = ("threshold", "dispersed", "above")
STEP = 1 / 256
"""Of the values of maps."""


def spot_pyramid(image: SpotSearchView, kind: str) -> Pyramid:
    """A map of an image at all scales. Raises KeyError for a kind that is none."""
    return pyramid_of_values(MAPS[kind](image), image.good, 1.0 if kind in BINARY else STEP)
