"""What one image shows: spots, how far they reach, ice, and the counts between them."""

from __future__ import annotations

import numpy as np

from autoproc.geometry.ice_rings import HALF_WIDTH, is_on_ice_ring
from autoproc.kernels.connected_spots import connected_spots
from autoproc.kernels.dispersion import StrongPixels
from autoproc.models.image_facts import ImageFacts
from autoproc.spot_finding.checks import ICE_D_MIN
from autoproc.spot_finding.images import SPARSE

REACH = 0.95
"""Part of the spots of an image within the resolution that it is said to reach: single ones beyond are chance."""
FEWEST_FOR_REACH = 10
"""Spots below which an image reaches nowhere in particular: a twentieth of fewer is none."""

ENOUGH = 10_000
"""Pixels that tell the level between the spots within 3% where it is 0.1, and 1% from 1 on (Poisson)."""


def image_facts(
    image: int, strong: StrongPixels, pixels: np.ndarray, good: np.ndarray, d: np.ndarray, sizes: tuple[int, int]
) -> ImageFacts:
    """What an image shows.

    strong : its strong pixels; pixels, good, d : (slow, fast) counts, which of them may be trusted, and the
        resolution of each, Angstrom; sizes : least and most pixels of a spot, of which one image has a part
    """
    order, start = connected_spots(np.zeros(len(strong.index), np.int32), strong.index, d.shape[1])
    n_pixels = np.diff(start)
    spots = (n_pixels >= min(2, sizes[0])) & (n_pixels <= sizes[1])
    first = strong.index[order[start[:-1]]] if len(order) else strong.index[:0]
    where = d.reshape(-1)[first[spots]]
    n_spots, n_on_ice, n_beside = len(where), 0, 0
    if n_spots:
        on_ring = is_on_ice_ring(where, HALF_WIDTH, ICE_D_MIN)
        n_on_ice = int(on_ring.sum())
        n_beside = int((is_on_ice_ring(where, 2 * HALF_WIDTH, ICE_D_MIN) & ~on_ring).sum())
    reach = float(np.quantile(where, 1 - REACH)) if n_spots >= FEWEST_FOR_REACH else None
    return ImageFacts(image, n_spots, reach, n_on_ice, n_beside, level_of(pixels, good))


def level_of(pixels: np.ndarray, good: np.ndarray) -> float | None:
    """Mean counts of a pixel, of every so many along both sides, where the brightest tenth counts as its faintest.

    The mean, not the median: that of weak images is 0. Spots take a tenth of the pixels at most, and no count less than
    1 is cut to, so that the level of a background of a few counts in all is not 0.
    """
    every = max(1, min(SPARSE, int((pixels.size / ENOUGH) ** 0.5)))
    some = pixels[::every, ::every][good[::every, ::every]]
    if not some.size:
        return None
    return float(np.minimum(some, max(1, np.quantile(some, 0.9))).mean())
