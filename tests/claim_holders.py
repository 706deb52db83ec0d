"""Who claims the pixels of a frame, from the bits of a ClaimMap."""

from __future__ import annotations

import numpy as np

from autoproc.kernels.integrate_shoebox import ClaimMap


def holders(claims: ClaimMap) -> np.ndarray:
    """(slow, fast) int64: -1 nobody, k the k-th, -2 - k several, k the nearest of them."""
    bits = 8 * claims.owner.itemsize
    number = (claims.owner & ((1 << (bits - 2)) - 1)).astype(np.int64) - 1
    return np.where(claims.owner >> (bits - 2) & 1, -2 - number, number)
