"""Strong pixels of an image by the index of dispersion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _dispersion
from autoproc.kernels.arguments import flags, number, pixels, positive, whole

LARGEST = int(np.iinfo(np.int32).max)
LOWEST = -(1 << 22)
"""Counts below it never count: squares of a window of them would not fit into the sums, as those of bright ones."""

FLOATS = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class StrongPixels:
    """Strong pixels of one image, in order of their index.

    n_strong : how many there are; the arrays are empty if they are more than were asked for
    index : (N,) int32, slow * width + fast; counts : (N,) int32
    background : (N,) float32, mean of the background in the window around the pixel, counts
    """

    n_strong: int
    index: np.ndarray
    counts: np.ndarray
    background: np.ndarray


def strong_pixels(
    image: np.ndarray,
    mask: np.ndarray,
    *,
    kernel_size: tuple[int, int] = (3, 3),
    n_sigma_background: float = 6.0,
    n_sigma_strong: float = 3.0,
    min_local: int = 2,
    global_threshold: float = 0.0,
    gain: float = 1.0,
    lowest: int = 0,
    noise: float = 0.0,
    overload: float = np.inf,
    extended: bool = True,
    max_strong: int | None = None,
    work: Workspace | None = None,
) -> StrongPixels:
    """Find the strong pixels of one image (Winter et al. 2018, Acta D74, 85).

    A pixel is dispersed where, over the good pixels of its window of (2 kx + 1) (2 ky + 1), variance
    over mean exceeds gain (1 + n_sigma_background sqrt(2/(n - 1))). Plain: strong where dispersed and
    above the window's mean by n_sigma_strong sqrt(gain mean). Extended: the dispersed area is eroded by
    min(kx, ky) - 1 pixels and left out of the mean, of a window 2 pixels larger on each side; what
    remains of the area is strong where it stands above that mean likewise. The mean counts as
    zero where fewer than min_local background pixels are left, deep inside a wide peak.

    image : (slow, fast) int16 or int32; values below `lowest` never count
    mask : (slow, fast) bool, True where good
    kernel_size : (fast, slow) half sizes
    noise : variance of a pixel that the readout adds to that of counting, counts^2
    overload : good pixels at or above it are always strong and never background
    max_strong : return no pixels if there are more; None means a quarter of the image
    work : arrays to be used again for the next image
    """
    image = pixels(image, (None, None), "image")
    good = flags(mask, image.shape, "mask")
    kx, ky = (whole(half, 1, 10, "kernel_size") for half in kernel_size)
    limit = image.size // 4 if max_strong is None else min(whole(max_strong, 0, LARGEST, "max_strong"), image.size)
    gain, noise = positive(gain, "gain"), number(noise, "noise", 0.0)
    n_sigma_background = number(n_sigma_background, "n_sigma_background")
    lowest = max(whole(lowest, -LARGEST - 1, LARGEST, "lowest"), LOWEST)
    overload = number(overload, "overload", -LARGEST)
    min_local = whole(min_local, 0, LARGEST, "min_local")
    n_window = (2 * kx + 1) * (2 * ky + 1)
    allowed = _allowed(n_window, gain, n_sigma_background)
    work = work or Workspace()
    work.fit(image.shape, limit)
    n = _dispersion.strong_pixels(
        image,
        work.bits_of(good, mask),
        kx,
        ky,
        allowed,
        allowed * np.arange(len(allowed)) * (noise / gain),
        _bounds(allowed, min_local, noise / gain),
        gain,
        number(n_sigma_strong, "n_sigma_strong"),
        min_local,
        number(global_threshold, "global_threshold"),
        lowest,
        noise / gain,
        int(min(np.ceil(overload), LARGEST)),
        math.isqrt(LARGEST // n_window),
        _dull(allowed),
        extended,
        *work.arrays,
    )
    index, counts, background = work.arrays[-3:]
    kept = n if n <= limit else 0
    return StrongPixels(n, index[:kept].copy(), counts[:kept].copy(), background[:kept].copy())


class Workspace:
    """Arrays that a search writes to, kept from image to image; of one thread at a time."""

    def __init__(self) -> None:
        self._fits: tuple[object, ...] = ()
        self.arrays: tuple[np.ndarray, ...] = ()
        self._mask: np.ndarray | None = None
        self._bits = np.empty((0, 0), np.uint64)

    def bits_of(self, good: np.ndarray, mask: object) -> np.ndarray:
        """The bits of good pixels, kept for the next image if the mask that says so is an array no one can write to."""
        if self._mask is None or self._mask is not mask:
            self._bits, self._mask = _bits(good), None
            if isinstance(mask, np.ndarray) and mask.base is None and not mask.flags.writeable:
                self._mask = mask
        return self._bits

    def fit(self, shape: tuple[int, ...], most: int) -> None:
        """Make the arrays anew unless they are of an image's shape, and for `most` strong pixels."""
        if self._fits == (shape, most):
            return
        height, width = shape
        n_words, n_segments = -(-width // _dispersion.PIXELS_OF_WORD), -(-width // _dispersion.COLUMNS_OF_SEGMENT)
        whole = n_segments * _dispersion.COLUMNS_OF_SEGMENT
        self.arrays = (
            np.empty((2, height, n_words), np.uint64),
            np.empty(n_words, np.uint64),
            np.empty(height, np.uint8),
            np.zeros((2, whole + 2 * _dispersion.COLUMNS_OF_MARGIN), np.int32),
            np.empty((2, whole), np.int32),
            np.empty((2, n_segments), np.int32),
            np.empty(whole, np.int32),
            np.empty(whole, np.int64),
            np.empty(most, np.int32),
            np.empty(most, np.int32),
            np.empty(most, np.float32),
        )
        self._fits = (shape, most)


def _bits(good: np.ndarray) -> np.ndarray:
    """(slow, words) uint64, 64 pixels each, the first of them lowest."""
    height, width = good.shape
    bits = np.zeros((height, -(-width // _dispersion.PIXELS_OF_WORD) * 8), np.uint8)
    bits[:, : -(-width // 8)] = np.packbits(good, axis=1, bitorder="little")
    return bits.view("<u8")


def _allowed(n_max: int, gain: float, n_sigma: float) -> np.ndarray:
    """Limit of (n sum(v^2) - sum(v)^2) / sum(v) for a window of n = 0 .. n_max pixels."""
    less = np.maximum(np.arange(n_max + 1) - 1.0, 0.0)
    return gain * (less + n_sigma * np.sqrt(2 * less))


def _dull(allowed: np.ndarray) -> int:
    """The highest count c of which a window of photons, from 0 to c, is never dispersed; -1 where there is none.

    Its sum(v^2) is at most c sum(v), and of a single pixel n sum(v^2) - sum(v)^2 is 0.
    """
    n = np.arange(2, len(allowed))
    return int(np.clip(np.floor(np.min(allowed[2:] / n) * (1 - 1e-9)), -1, LARGEST))


def _bounds(allowed: np.ndarray, n_min: int, noise: float) -> np.ndarray:
    """(4,) float32 coefficients of lines in n, from n_min on below `allowed`, and below noise times it.

    As it is concave, the line through its ends is; of a convex one, for thresholds below 0, its least value.
    The kernel gives its sums the benefit of single precision's doubt.
    """
    last = len(allowed) - 1
    first = min(n_min, last)
    slope = (allowed[last] - allowed[first]) / max(last - first, 1)
    line = np.array([allowed[first] - slope * first, slope])
    if np.any(allowed[first:] < (line[0] + line[1] * np.arange(first, last + 1)) * (1 - 1e-9)):
        line = np.array([allowed.min(), 0.0])
    return np.clip(np.concatenate([line, noise * line]), -FLOATS, FLOATS).astype(np.float32)
