"""Whether one lattice is another one made larger or smaller, in every direction alike.

So a wrong wavelength makes every cell (Bragg's law: lengths are proportional to it, angles are right), and a wrong
distance of the detector nearly so; another crystal form hardly ever.
"""

from __future__ import annotations

import numpy as np

from autoproc.symmetry.lattice_lengths import log_ratios

MOST = 1.3
"""Times that a cell may be larger, or smaller: chosen. A header that is further off gives no lattice at all."""
LARGEST_REMAINDER = 0.01
"""Relative difference of lengths that may be left once the ratio is taken out. Simulated cells of one form, each length
with a spread of 0.3%, are up to 0.6% apart. By chance two forms with edges of 60 to 90 Angstrom are as near in none of
4470 triclinic pairs, in 3 monoclinic ones, 61 orthorhombic, 228 tetragonal and 3579 cubic ones (simulated)."""
LEAST_TO_REMAINDER = 4.0
"""Times that the ratio's difference from 1 must be what is left: an expansion along one axis leaves half of itself."""


def uniform_ratio(metric: np.ndarray, other: np.ndarray, least: float) -> float | None:
    """Times that each length of a lattice is that of another; None where they are not alike in every direction.

    metric, other : (3, 3) reduced metrics, Angstrom^2; least : relative difference below which there is nothing to tell
    """
    found = log_ratios(metric, other)
    middle = (found.max(axis=1) + found.min(axis=1)) / 2
    remainder = np.ptp(found, axis=1) / 2
    best = int(np.argmin(np.round(remainder, 9)))
    ratio, rest = float(np.exp(middle[best])), float(remainder[best])
    if abs(ratio - 1) < least or not 1 / MOST < ratio < MOST:
        return None
    is_alike = rest < LARGEST_REMAINDER and LEAST_TO_REMAINDER * rest < abs(float(middle[best]))
    return ratio if is_alike else None


def in_every_direction(ratio: float, whose: str, which: str = "its") -> str:
    """What a ratio may come from, for people; whose : what is compared with; which : whose header it is."""
    return f"{ratio:.3f} times {whose} in every direction (a wrong wavelength or distance in {which} header?)"
