"""How far the data go, by what, and how well that is known: sentences for the summary and the pages."""

from __future__ import annotations

import numpy as np

from autoproc.merging.anomalous import anomalous_limit
from autoproc.merging.merging_statistics import MergingStatistics
from autoproc.scaling.left_out import EDGE, measured_to
from autoproc.stages.estimate_resolution import MIN_SHELLS
from autoproc.stages.pipeline import Processing
from autoproc.wording import angstrom, counted

ANOMALOUS_CC = 0.3
"""Anomalous correlation of half sets above which a shell holds signal."""
FEW_REPEATS = 1000
"""Observations beyond the first of each reflection below which CC1/2 of a shell is uncertain by 0.1 or more."""


def is_cut_at_estimate(p: Processing) -> bool:
    """The data end where the estimate has it: a cut of ours, and not a user's or the detector's."""
    if p.scaled is None or p.resolution is None or p.resolution.limited_by_data:
        return False
    used = p.scaled.statistics.overall.d_min
    return abs(used - p.resolution.d_min) < 0.02 * used


def resolution_words(p: Processing) -> list[str]:
    """The limit and what set it; then, where few reflections were measured twice, how uncertain it is."""
    assert p.scaled is not None
    r, used = p.resolution, p.scaled.statistics.overall.d_min
    if r is None:
        beyond = measured_to(p.scaled)
        end = f"; measured to {angstrom(beyond)} A" if beyond < used * EDGE else ""
        return [f"{angstrom(used)} A, without an estimate of the limit{end}"]
    how = r.why if r.limited_by_data else f"{r.why}; measured to {angstrom(r.edge)} A"
    if not r.limited_by_data and not is_cut_at_estimate(p):
        how = f"as asked for; the estimate is {angstrom(r.d_min)} A, {r.why}"
    return [f"{angstrom(used)} A, {how}", *_uncertainty(p)]


def _uncertainty(p: Processing) -> list[str]:
    """Where few reflections were measured twice: to a shell of the fit either way."""
    assert p.scaled is not None
    assert p.resolution is not None
    overall, s2 = p.scaled.statistics.overall, p.resolution.s2
    n_repeats = overall.n_observations - overall.n_unique
    if n_repeats >= FEW_REPEATS or not is_cut_at_estimate(p) or len(s2) < MIN_SHELLS:
        return []
    width, limit = float(np.median(np.diff(s2))), p.resolution.d_min**-2
    low = max(limit - width, 0.25 * limit) ** -0.5
    high = max((limit + width) ** -0.5, p.resolution.edge)
    repeats = counted(n_repeats, "repeated observation")
    return [f"uncertain, {angstrom(high)} to {angstrom(low)} A: only {repeats} in all"]


def by_direction(p: Processing) -> list[str]:
    """How far the data go in each direction, where that differs, and what was made of it."""
    found = p.anisotropy
    if found is None or p.scaled is None:
        return []
    if not found.is_notable:
        return [f"{found.spread}, but the data end at much the same resolution in all"] if found.is_spread else []
    if p.merged_inside is None:
        return [found.sentence]
    used = angstrom(p.scaled.statistics.overall.d_min)
    n = len(p.merged_inside)
    words = f"merged_anisotropic.mtz has the {n} reflections within these limits, merged.mtz all to {used} A"
    return [found.sentence, words]


def anomalous_words(statistics: MergingStatistics) -> str:
    """How far Friedel mates differ by more than errors."""
    limit = anomalous_limit(statistics.shells, ANOMALOUS_CC)
    if limit is None:
        return "no significant signal"
    return f"signal to {angstrom(limit)} A (CCanom above {ANOMALOUS_CC:g})"
