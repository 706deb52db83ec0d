"""Which scaled observations enter merged data, and why the others do not: the one list of rules."""

from __future__ import annotations

import gemmi
import numpy as np

from autoproc.models.reflections import Flag, Reflections
from autoproc.wording import angstrom

OUTLIERS = "outliers in scaling"
"""What is said of those."""
ROUNDING = 1e-9
"""Relative; a limit of resolution that was computed from a reflection keeps it."""


def unusable(
    scaled: Reflections, cell: gemmi.UnitCell, group: gemmi.SpaceGroup, d_min: float | None, d_max: float | None
) -> dict[str, np.ndarray]:
    """By its reason, (N,) bool, what does not enter merged data: it is scaled, no outlier, in range, and not absent.

    scaled : with hkl, flags, inverse_scale and variance_scale; d_min, d_max : Angstrom, None for no limit
    """
    d = cell.calculate_d_array(scaled["hkl"])
    is_outlier = scaled.has_flag(Flag.OUTLIER_IN_SCALING)
    bad = ~scaled.has_flag(Flag.SCALED) | scaled.has_any_flag(Flag.BAD_FOR_SCALING)
    is_measured = scaled.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)
    least, most = d_min or 0.0, d_max or np.inf
    return {
        OUTLIERS: is_outlier,
        "without a usable intensity": bad & ~is_outlier & ~is_measured,
        "left out of scaling": bad & ~is_outlier & is_measured,
        "without a scale or an error": ~((scaled["variance_scale"] > 0) & (scaled["inverse_scale"] > 0)),
        f"beyond {angstrom(least)} A": ~(d >= least * (1 - ROUNDING)),
        f"below {angstrom(most)} A": ~(d <= most * (1 + ROUNDING)),
        "systematically absent": np.asarray(group.operations().systematic_absences(scaled["hkl"]), bool),
    }
