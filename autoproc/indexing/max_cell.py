"""How long the longest cell axis may be, from the distances between neighbouring spots."""

from __future__ import annotations

import numpy as np
import scipy

from autoproc.threads import available_cores

MARGIN = 1.3
MIN_SEPARATION_PX = 3.0
LOW_PERCENTILE = 5.0
MIN_NEIGHBOURS = 10
MAX_POINTS = 10_000
"""Of the lowest resolution, where most lattice points have a spot: of 93,308 and 98,572 simulated spots they give
limits of 74.2 and 557 A for 75.8 and 563 A by all."""
LOWEST, HIGHEST = 10.0, 2000.0


def estimate_max_cell(rlp: np.ndarray, px_size: float) -> float:
    """Upper limit of the cell's axes, Angstrom.

    rlp : (N, 3) reciprocal lattice points, 1/Angstrom
    px_size : size of a pixel in reciprocal space at the beam, 1/Angstrom

    The distance to the nearest neighbour is at least the shortest reciprocal axis; a low percentile
    of it, not its minimum, so that chance encounters do not count. Neighbours nearer than three
    pixels are parts of one split spot: they are merged before.
    """
    points = merge_close(_innermost(rlp), MIN_SEPARATION_PX * px_size)
    if len(points) < 2:
        return LOWEST
    distance, _ = scipy.spatial.cKDTree(points).query(points, k=2, workers=available_cores())
    nearest = np.sort(distance[:, 1])
    percentile = nearest[min(len(nearest) - 1, max(MIN_NEIGHBOURS, int(len(nearest) * LOW_PERCENTILE / 100)))]
    return float(np.clip(MARGIN / percentile, LOWEST, HIGHEST))


def _innermost(rlp: np.ndarray) -> np.ndarray:
    """The MAX_POINTS points nearest to the origin, in their order."""
    if len(rlp) <= MAX_POINTS:
        return rlp
    order = np.argsort(np.einsum("ij,ij->i", rlp, rlp), kind="stable")
    return rlp[np.sort(order[:MAX_POINTS])]


def merge_close(points: np.ndarray, radius: float) -> np.ndarray:
    """Points without those that have a neighbour of a lower index within `radius`."""
    pairs = scipy.spatial.cKDTree(points).query_pairs(radius, output_type="ndarray")
    keep = np.ones(len(points), bool)
    keep[pairs.max(axis=1, initial=0) if len(pairs) else []] = False
    return points[keep]
