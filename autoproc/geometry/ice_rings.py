"""Powder rings of hexagonal ice."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

A, C = 4.498, 7.338
"""Cell of ice Ih, P 63/m m c, Angstrom."""

HALF_WIDTH = 0.002
"""Half-width of a ring in 1/d^2, 1/Angstrom^2."""


@lru_cache(maxsize=8)  # every image asks
def ice_ring_inverse_d2(d_min: float) -> np.ndarray:
    """1/d^2 of the rings of hexagonal ice down to d_min, ascending, 1/Angstrom^2; not to be written to."""
    h_max, l_max = int(2 * A / d_min) + 1, int(C / d_min) + 1
    h, k, m = np.meshgrid(np.arange(h_max + 1), np.arange(h_max + 1), np.arange(l_max + 1), indexing="ij")
    # P 63/m m c: h h l (here h k m) only with an even third index
    present = ((h != k) | (m % 2 == 0)) & (h + k + m > 0)
    inverse_d2 = 4 / 3 * (h**2 + h * k + k**2) / A**2 + m**2 / C**2
    rings = np.unique(inverse_d2[present & (inverse_d2 <= 1 / d_min**2)].round(9))
    rings.flags.writeable = False
    return rings


def is_on_ice_ring(d: np.ndarray, half_width: float = HALF_WIDTH, d_min: float = 1.0) -> np.ndarray:
    """(...) bool: resolutions d, Angstrom, within half_width (1/d^2) of a ring of ice with d >= d_min."""
    rings = ice_ring_inverse_d2(d_min)
    inverse_d2 = 1 / np.asarray(d, float) ** 2
    after = np.searchsorted(rings, inverse_d2).clip(1, len(rings) - 1)
    nearest = np.minimum(np.abs(inverse_d2 - rings[after - 1]), np.abs(inverse_d2 - rings[after]))
    return nearest <= half_width
