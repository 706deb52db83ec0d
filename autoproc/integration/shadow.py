"""Pixels that do not see the sample: in the shadow of the beam stop, its arm or anything else; and hot ones.

What is expected of a pixel is what the other pixels at its scattering angle see, after correction for
polarisation. Counts are compared over the smallest area around the pixel that can tell: at 0.1
photons a pixel and frame that is a single pixel after some hundreds of frames, and a few pixels
square after tens. Where even the largest area cannot tell, pixels are trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from autoproc.geometry.detector import pixel_s1
from autoproc.kernels.integrate_survey import BackgroundSum
from autoproc.models.experiment import Experiment
from autoproc.params import Params


class ShadowParams(Params):
    """How pixels in shadow, and hot ones, are told from the others."""

    is_enabled: bool = True
    """Look for them at all."""
    max_ratio: float = 0.6
    """A shadow's core has less than this fraction of its ring's background: absorption by a crystal or its
    loop does not go so far in the mean of a sweep."""
    edge_ratio: float = 0.85
    """Pixels that touch a core belong to the shadow while they have less than this fraction."""
    min_sigma: float = 6.0
    """Significance of a core pixel's deficit, standard deviations; one false pixel in 10**9."""
    min_expected: float = 40.0
    """Counts to be expected of an area, for it to tell: a core is then at least 2.5 sigma by its ratio alone."""
    max_area: int = 15
    """Largest area to average over, px square; shadows much narrower are not seen in very weak backgrounds."""
    penumbra: int = 2
    """Pixels around a shadow that are not trusted either."""
    min_core: int = 10
    """Shadows of fewer pixels than this are noise or single dead pixels."""
    hot_fraction: float = 0.3
    """A pixel brighter than background can be on at least this fraction of the frames, while its
    neighbours are not, is hot."""
    max_fraction: float = 0.3
    """A larger part of the detector in shadow is a failure of the expectation, not a shadow: then none is believed."""


@dataclass(frozen=True, slots=True, eq=False)
class Untrusted:
    """(slow, fast) bool: pixels in shadow and hot pixels; the fraction of good pixels that shadows take."""

    is_shadowed: np.ndarray
    is_hot: np.ndarray
    shadowed_fraction: float
    n_hot: int


def find_untrusted(experiment: Experiment, seen: BackgroundSum, trusted: np.ndarray, params: ShadowParams) -> Untrusted:
    """Shadowed and hot pixels from the sums of a sweep's frames.

    trusted : (slow, fast) bool, pixels that the detector itself vouches for
    """
    ring, polarisation = scattering_map(experiment)
    exposure = np.where(trusted, seen.number, 0) * polarisation
    is_hot = hot_pixels(seen, trusted, params.hot_fraction)
    usable = trusted & ~is_hot
    counts = np.where(usable, seen.total, 0.0)
    is_shadowed = shadowed_pixels(counts, np.where(usable, exposure, 0.0), ring, params)
    fraction = float(is_shadowed[trusted].mean()) if trusted.any() else 0.0
    if fraction > params.max_fraction:
        is_shadowed, fraction = np.zeros(trusted.shape, bool), 0.0
    return Untrusted(is_shadowed, is_hot, fraction, int(is_hot.sum()))


def scattering_map(experiment: Experiment) -> tuple[np.ndarray, np.ndarray]:
    """(slow, fast) ring of each pixel, int, one for about each pixel of radius, and its polarisation factor."""
    beam, panel = experiment.beam, experiment.detector[0]
    s1 = pixel_s1(panel, beam) * beam.wavelength
    s0 = beam.s0 * beam.wavelength
    cosine = np.clip(s1 @ s0, -1, 1)
    step = np.arctan(min(panel.pixel_size) / max(panel.distance, 1e-6))
    ring = (np.arccos(cosine) / step).astype(np.int32)
    fraction, normal = beam.polarization_fraction, beam.polarization_normal
    polarisation = (1 - 2 * fraction) * (1 - (s1 @ normal) ** 2) + fraction * (1 + cosine**2)
    return ring, np.maximum(polarisation, 0.05)


def hot_pixels(seen: BackgroundSum, trusted: np.ndarray, min_fraction: float) -> np.ndarray:
    """(slow, fast) bool: brighter than background on at least min_fraction of the frames, unlike the neighbours.

    A reflection lights its neighbours too, even where it stays for many frames.
    """
    share = np.where(trusted, seen.n_bright / max(seen.n_frames, 1), 0.0)
    neighbourhood = np.ones((3, 3), bool)
    neighbourhood[1, 1] = False
    around = ndimage.maximum_filter(share, footprint=neighbourhood)
    return (share >= min_fraction) & (share > 3 * around)


def shadowed_pixels(counts: np.ndarray, exposure: np.ndarray, ring: np.ndarray, params: ShadowParams) -> np.ndarray:
    """(slow, fast) bool: where counts fall short of those of the same ring.

    counts : (slow, fast) photons; exposure : (slow, fast) frames times polarisation, 0 where unusable
    ring : (slow, fast) int
    """
    level = ring_levels(counts, exposure, ring)
    expected = level[ring] * exposure
    ratio, sigma, known = _deficit(counts, expected, params)
    core = known & (ratio < params.max_ratio) & (sigma < -params.min_sigma)
    labels, n = ndimage.label(core, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    sizes[0] = 0
    core = sizes[labels] >= params.min_core
    core |= ring < blind_ring(counts, exposure, ring)
    if not core.any():
        return core
    edge = known & (ratio < params.edge_ratio) & (sigma < -2)
    grown = ndimage.binary_dilation(core, mask=edge | core, iterations=2 * params.max_area, structure=np.ones((3, 3)))
    return ndimage.binary_dilation(grown, iterations=params.penumbra, structure=np.ones((3, 3)))


def ring_levels(counts: np.ndarray, exposure: np.ndarray, ring: np.ndarray, area: int = 5) -> np.ndarray:
    """(max ring + 1,) median over each ring of the mean count in small areas, per unit of exposure."""
    total, weight = _boxed(counts, area), _boxed(exposure, area)
    local = total / np.maximum(weight, 1e-6)
    usable = (exposure > 0) & (weight > 0.4 * np.median(weight[exposure > 0]) if np.any(exposure > 0) else False)
    rings, values = ring[usable], local[usable]
    order = np.lexsort((values, rings))
    rings, values = rings[order], values[order]
    n_rings = int(ring.max()) + 1
    start = np.searchsorted(rings, np.arange(n_rings))
    stop = np.searchsorted(rings, np.arange(n_rings), side="right")
    filled = stop > start
    level = np.zeros(n_rings)
    level[filled] = values[((start + stop) // 2)[filled]]
    if filled.any():
        level = np.interp(np.arange(n_rings), np.flatnonzero(filled), level[filled])
    return level


def blind_ring(counts: np.ndarray, exposure: np.ndarray, ring: np.ndarray) -> int:
    """The first ring outside the beam stop's disc; 0 where there is none.

    On a ring that lies wholly in shadow nothing is abnormal. But going inwards the background falls to
    less than 0.4 within a few rings nowhere but at the edge of a beam stop, if it stays low all the
    way in. Narrow peaks (ice rings) are removed first.
    """
    n = np.bincount(ring.ravel(), exposure.ravel())
    level = np.bincount(ring.ravel(), counts.ravel()) / np.maximum(n, 1e-9)
    seen = np.flatnonzero(n > 0)
    if len(seen) < 30:
        return 0
    profile = np.interp(np.arange(len(level)), seen, ndimage.median_filter(level[seen], 9))
    reach = len(profile) // 3
    outside = np.array([profile[i + 2 : i + 10].max() for i in range(reach)])
    inner_most = np.maximum.accumulate(profile[:reach])
    counted = np.cumsum(np.bincount(ring.ravel(), exposure.ravel()))[:reach] * outside
    edges = np.flatnonzero((inner_most < 0.4 * outside) & (counted > 40))
    return int(edges[-1]) + 2 if len(edges) else 0


def _boxed(values: np.ndarray, area: int) -> np.ndarray:
    """Sum over `area` x `area` pixels about each."""
    return ndimage.uniform_filter(values, area, mode="constant") * area**2 if area > 1 else values


def _deficit(
    counts: np.ndarray, expected: np.ndarray, params: ShadowParams
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratio to the expectation and its significance, over the smallest area that can tell; where one can."""
    ratio, sigma = np.ones(counts.shape), np.zeros(counts.shape)
    known = np.zeros(counts.shape, bool)
    for area in (1, 3, 5, 9, params.max_area):
        total, wanted = _boxed(counts, area), _boxed(expected, area)
        fresh = ~known & (expected > 0) & (wanted >= params.min_expected)
        ratio[fresh] = total[fresh] / wanted[fresh]
        sigma[fresh] = (total[fresh] - wanted[fresh]) / np.sqrt(wanted[fresh])
        known |= fresh
    return ratio, sigma, known
