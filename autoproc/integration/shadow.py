"""Pixels that do not see the sample: in the shadow of the beam stop, its arm or anything else; and hot ones.

What is expected of a pixel is what the other pixels at its scattering angle see, after correction for
polarisation. Counts are compared over the smallest area around the pixel that can tell: at 0.1
photons a pixel and frame that is a single pixel after some hundreds of frames, and a few pixels
square after tens. Where even the largest area cannot tell, pixels are trusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import scipy

from autoproc.integration.params import ShadowParams
from autoproc.integration.scattering import N_SECTORS, Scattering
from autoproc.kernels.integrate_survey import BackgroundSum
from autoproc.models.experiment import Experiment
from autoproc.threads import map_in_order

MIN_IN_SECTOR = 20
NEARLY_ALL = 0.8
"""Of what seems to be in shadow: where so much is nearly black, as a dead module is, spots do not leave it."""
BAND = 128
"""Rows compared at a time, on one thread; sums over areas begin anew with each, whatever the number of threads."""
MIN_BRIGHT_FRAMES = 5
"""A pixel that is brighter than its neighbours on fewer frames may be the peak of a sharp reflection."""


@dataclass(frozen=True, slots=True, eq=False)
class Untrusted:
    """(slow, fast) bool: pixels in shadow and hot pixels; the fraction of good pixels that shadows take.

    warning : what a user should know of them, in plain words; empty where there is nothing
    """

    is_shadowed: np.ndarray
    is_hot: np.ndarray
    shadowed_fraction: float
    n_hot: int
    warning: str = ""


def find_untrusted(
    experiment: Experiment,
    where: Scattering,
    seen: BackgroundSum,
    trusted: np.ndarray,
    params: ShadowParams,
    noise: float = 0.0,
    n_threads: int = 0,
) -> Untrusted:
    """Shadowed and hot pixels from the sums of a sweep's frames.

    trusted : (slow, fast) bool, pixels that the detector itself vouches for
    noise : variance that the readout adds to a pixel's on every frame, counts^2
    """
    exposure = np.where(trusted, seen.number, np.uint16(0)) * where.polarisation
    is_hot = hot_pixels(seen, trusted, params.hot_fraction)
    usable = trusted & ~is_hot
    gain = experiment.detector[0].gain
    photons = np.where(usable, seen.total, np.int32(0)).astype(np.float32)
    photons /= np.float32(gain)
    is_shadowed, warning = _believable(
        photons, np.where(usable, exposure, np.float32(0)), where.ring, where.sector, params, noise / gain**2, n_threads
    )
    fraction = float(is_shadowed[trusted].mean()) if trusted.any() else 0.0
    return Untrusted(is_shadowed, is_hot, fraction, int(is_hot.sum()), warning)


def _believable(
    counts: np.ndarray,
    exposure: np.ndarray,
    ring: np.ndarray,
    sector: np.ndarray,
    params: ShadowParams,
    noise: float = 0.0,
    n_threads: int = 0,
) -> tuple[np.ndarray, str]:
    """(slow, fast) bool, shadows that take no incredible part of the detector, and a warning where others were seen."""
    first = 0.0
    for ratio in (params.max_ratio, *params.deep_ratios):
        edge = max(ratio, params.edge_ratio - (params.max_ratio - ratio))
        limits = params.model_copy(update={"max_ratio": ratio, "edge_ratio": edge})
        found = shadowed_pixels(counts, exposure, ring, sector, limits, noise, n_threads)
        fraction = float(found[exposure > 0].mean()) if (exposure > 0).any() else 0.0
        first = first or fraction
        if fraction <= params.usual_fraction:
            break
    if fraction > params.max_fraction:
        found, fraction = np.zeros(counts.shape, bool), 0.0
    seems = f"{first:.0%} of the detector has less background than the rest at the same resolution"
    if first > params.usual_fraction and fraction < NEARLY_ALL * first:
        return found, (
            f"{seems}; only the darkest {fraction:.1%} was taken for a shadow, for spots too broad or too close "
            "leave such gaps between them, as a wrong polarisation seems to; look for something in the way of the "
            "diffracted rays"
        )
    if fraction > params.usual_fraction:
        return (
            found,
            f"{seems} and is left out as a shadow: is something in the rays' way, or a module dead?",
        )
    return found, ""


def hot_pixels(seen: BackgroundSum, trusted: np.ndarray, min_fraction: float) -> np.ndarray:
    """(slow, fast) bool: brighter than background on at least min_fraction of the frames, unlike the neighbours.

    A reflection lights its neighbours too, even where it stays for many frames.
    """
    n_bright = np.where(trusted, seen.n_bright, np.uint16(0))
    n_frames = np.float32(max(seen.n_frames, 1))
    often = np.argwhere((n_bright / n_frames >= min_fraction) & (n_bright >= MIN_BRIGHT_FRAMES))
    padded = np.pad(n_bright, 1)
    around = np.zeros(len(often), np.uint16)
    for step in product((0, 1, 2), repeat=2):
        if step != (1, 1):
            around = np.maximum(around, padded[tuple((often + step).T)])
    lonely = often[n_bright[tuple(often.T)] / n_frames > 3 * (around / n_frames)]
    is_hot = np.zeros(n_bright.shape, bool)
    is_hot[tuple(lonely.T)] = True
    return is_hot


def shadowed_pixels(
    counts: np.ndarray,
    exposure: np.ndarray,
    ring: np.ndarray,
    sector: np.ndarray,
    params: ShadowParams,
    noise: float = 0.0,
    n_threads: int = 0,
) -> np.ndarray:
    """(slow, fast) bool: where counts fall short of those of the same ring.

    counts : (slow, fast) photons; exposure : (slow, fast) frames times polarisation, 0 where unusable
    ring : (slow, fast) int; sector : (slow, fast) int, from 0 to N_SECTORS - 1 around the beam
    """
    level = ring_levels(counts, exposure, ring, sector)
    expected = level.astype(np.float32)[ring] * exposure
    core, edge = _deficit(counts, expected, exposure, noise, params, n_threads)
    labels, n = scipy.ndimage.label(core, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=n + 1)
    sizes[0] = 0
    core = sizes[labels] >= params.min_core
    core |= ring < blind_ring(counts, exposure, ring)
    if not core.any():
        return core
    grown = scipy.ndimage.binary_dilation(
        core, mask=edge | core, iterations=2 * params.max_area, structure=np.ones((3, 3))
    )
    return scipy.ndimage.binary_dilation(grown, iterations=params.penumbra, structure=np.ones((3, 3)))


def ring_levels(counts: np.ndarray, exposure: np.ndarray, ring: np.ndarray, sector: np.ndarray) -> np.ndarray:
    """(max ring + 1,) what a ring sees per unit of exposure: the median over its sectors.

    Sectors are joined until they hold MIN_IN_SECTOR counts on average, for the median of smaller
    numbers is not their mean.
    """
    n_rings = int(ring.max()) + 1
    place = ring.ravel() * N_SECTORS + sector.ravel()
    total, weight = (np.bincount(place, v.ravel(), n_rings * N_SECTORS) for v in (counts, exposure))
    total, weight = total.reshape(n_rings, -1), weight.reshape(n_rings, -1)
    level = np.full(n_rings, np.nan)
    for n_sectors in (4, 12, N_SECTORS):
        joined, seen = (v.reshape(n_rings, n_sectors, -1).sum(axis=2) for v in (total, weight))
        # Sectors of which little is on the detector say little.
        seen = np.where(seen > 0.3 * seen.max(axis=1, keepdims=True), seen, 0)
        local = np.where(seen > 0, joined / np.maximum(seen, 1e-9), np.nan)
        enough = (seen.max(axis=1) > 0) & ((joined.sum(axis=1) > MIN_IN_SECTOR * n_sectors) | (n_sectors == 4))
        level[enough] = np.nanmedian(local[enough], axis=1)
    known = np.isfinite(level)
    return np.interp(np.arange(n_rings), np.flatnonzero(known), level[known]) if known.any() else np.zeros(n_rings)


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
    profile = np.interp(np.arange(len(level)), seen, scipy.ndimage.median_filter(level[seen], 9))
    reach = len(profile) // 3
    outside = np.array([profile[i + 2 : i + 10].max() for i in range(reach)])
    inner_most = np.maximum.accumulate(profile[:reach])
    counted = np.cumsum(np.bincount(ring.ravel(), exposure.ravel()))[:reach] * outside
    edges = np.flatnonzero((inner_most < 0.4 * outside) & (counted > 40))
    return int(edges[-1]) + 2 if len(edges) else 0


def _boxed(values: np.ndarray, area: int) -> np.ndarray:
    """Sum over `area` x `area` pixels about each."""
    return scipy.ndimage.uniform_filter(values, area, mode="constant") * area**2 if area > 1 else values


def _deficit(
    counts: np.ndarray, expected: np.ndarray, exposure: np.ndarray, noise: float, params: ShadowParams, n_threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Two (slow, fast) bool: cores of shadows, by any area; pixels that may be edges, by the smallest that can tell.

    In bands of rows, each with what its areas reach of its neighbours.
    """
    core, edge = (np.zeros(counts.shape, bool) for _ in range(2))
    reach = params.max_area // 2 + 1

    def compare(first: int) -> None:
        low, last = max(first - reach, 0), min(first + BAND, len(counts))
        around, own = slice(low, last + reach), slice(first - low, last - low)
        found = _deficit_of_rows(counts[around], expected[around], exposure[around], noise, params)
        core[first:last], edge[first:last] = (marks[own] for marks in found)

    for _ in map_in_order(compare, range(0, len(counts), BAND), n_threads):
        pass
    return core, edge


def _deficit_of_rows(
    counts: np.ndarray, expected: np.ndarray, exposure: np.ndarray, noise: float, params: ShadowParams
) -> tuple[np.ndarray, np.ndarray]:
    core, edge, known = (np.zeros(counts.shape, bool) for _ in range(3))
    for area in (1, 3, 5, 9, params.max_area):
        total, wanted = _boxed(counts, area), _boxed(expected, area)
        variance = np.maximum(wanted + noise * _boxed(exposure, area) if noise else wanted, 1e-9)
        telling = (expected > 0) & (wanted**2 >= params.min_expected * variance)
        sigma = (total - wanted) / np.sqrt(np.maximum(variance, 1.0))
        core |= telling & (total < params.max_ratio * wanted) & (sigma < -params.min_sigma)
        edge |= telling & ~known & (total < params.edge_ratio * wanted) & (sigma < -2)
        known |= telling
    return core, edge
