"""Intensities and standard uncertainties that no measurement gives: found, counted and told."""

from __future__ import annotations

import numpy as np

FAR_BEYOND = 1e6
"""Times the strong intensities of a file, or its usual uncertainty, beyond which a number is none. The
strongest of four real sweeps of L-cysteine are 37 to 96 times the strong ones, and a detector counts to 2^32."""
STRONG = 0.9
"""Quantile of the sizes of intensities that is taken for strong: one number in ten may be nonsense before it is."""
TOO_SURE = 1e-4
"""Of the usual uncertainty. The least are 0.012 of it (the same sweeps, profile-fitted by DIALS); what is below
outweighs all other observations of its reflection together."""


def absurd(value: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(N,) bool, intensities (N,) that are none, by themselves or their standard uncertainties (N,); why, counted."""
    is_number = np.isfinite(value) & np.isfinite(sigma)
    has_error = is_number & (sigma > 0)
    beyond, too_sure = np.zeros((2, len(value)), bool)
    if has_error.any():
        usual = float(np.median(sigma[has_error]))
        strong = max(float(np.quantile(np.abs(value[has_error]), STRONG)), usual)
        beyond = has_error & ((np.abs(value) / FAR_BEYOND > strong) | (sigma / FAR_BEYOND > strong))
        too_sure = has_error & ~beyond & (sigma < TOO_SURE * usual)
    kinds = (
        (~is_number, "with no number for the intensity or its standard uncertainty"),
        (is_number & ~has_error, "with a standard uncertainty of zero or less"),
        (beyond, "with an intensity or uncertainty far beyond all others"),
        (too_sure, "with an uncertainty far below all others"),
    )
    return ~has_error | beyond | too_sure, [f"{int(where.sum())} {why}" for where, why in kinds if where.any()]


def absurd_factor(factor: np.ndarray) -> np.ndarray:
    """(N,) bool: factors (N,) of zero or less, that are no numbers, or too far from the usual ones either way."""
    possible = np.isfinite(factor) & (factor > 0)
    usual = float(np.median(factor[possible])) if possible.any() else 1.0
    possible &= (factor / FAR_BEYOND < usual) & (factor > usual / FAR_BEYOND)
    return ~possible
