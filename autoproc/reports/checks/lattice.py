"""Checks of lattice, geometry and symmetry."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.reports.checks.check import Check, Verdict, above, below, printed
from autoproc.stages.index import FEW_INDEXED

VERY_FEW_INDEXED = 0.30
LARGE_RMSD, VERY_LARGE_RMSD = 1.0, 3.0
DISTANCE_ERROR = 0.02
"""Of the distance; refinement follows what the header rounds or a stage misses, which is less."""
BEAM_CENTRE_ERROR = 2.0
"""Pixels."""
IMPOSSIBLE_LAUE_GROUP = 0.05
"""Likelihood of the Laue group of a space group that was given, as the stage warns of. Chosen, not measured."""


def spots_indexed(fraction: float, n_lattices: int, was_tried: bool = False) -> Check:
    """Spots that the lattices explain; was_tried : one lattice more was looked for in vain."""
    another = f"look for another lattice with index.max_lattices={n_lattices + 1}; other causes:"
    if was_tried:
        another = "another lattice was looked for in vain; other causes:"
    advice = f"{another} ice or salt, a wrong beam centre or distance"
    verdict = below(fraction, FEW_INDEXED, VERY_FEW_INDEXED)
    value = printed(fraction, 0, FEW_INDEXED, percent=True)
    return Check("spots indexed", value, f"at least {FEW_INDEXED:.0%}", verdict, advice)


def geometry(stated_mm: float, refined_mm: float, shift_px: tuple[float, float], indexed: float) -> Check:
    """The refined distance and beam centre beside those of the header, or of whoever replaced the header's.

    indexed : fraction of the spots; where it is low the refined geometry is not to be believed
    """
    wrong, moved = refined_mm / stated_mm - 1, float(np.hypot(*shift_px))
    found, causes = [], []
    if abs(wrong) > DISTANCE_ERROR:
        found.append(f"distance {refined_mm:.2f} mm, stated {stated_mm:.2f}")
        causes.append(
            f"the header's distance is wrong by {stated_mm - refined_mm:+.1f} mm ({stated_mm / refined_mm - 1:+.0%})"
        )
    if moved > BEAM_CENTRE_ERROR:
        found.append(f"beam centre {moved:.1f} px from where it was stated")
        causes.append(f"the header's beam centre is wrong by ({-shift_px[0]:+.1f}, {-shift_px[1]:+.1f}) px")
    usual = f"within {DISTANCE_ERROR:.0%} and {BEAM_CENTRE_ERROR:g} px of the header"
    if not found:
        return Check("geometry", f"distance {wrong:+.1%}, beam centre {moved:.1f} px", usual)
    advice = f"{' and '.join(causes)}, or what was given in its place is; the refined values were used"
    if indexed < FEW_INDEXED:
        advice = "refinement has run away from the header, as it does from a wrong lattice or a wrong beam centre"
    return Check("geometry", ", ".join(found), usual, "look", advice)


def lattices(counts: Sequence[int]) -> Check:
    """How many crystals the data are of."""
    spots = "" if len(counts) < 2 else f" ({' and '.join(map(str, counts))} spots)"
    return Check(
        "lattices", f"{len(counts)}{spots}", "1", "look" if len(counts) > 1 else "good",
        "the crystal is split, or there are several: the merged data are of all of them together; for the first alone "
        "run with index.max_lattices=1",
    )  # fmt: skip


def spot_positions(x_px: float, y_px: float, z_images: float) -> Check:
    """How far spots are from their predictions."""
    worst = max(x_px, y_px, z_images)
    shown = [printed(rmsd, 2, LARGE_RMSD) for rmsd in (x_px, y_px, z_images)]
    return Check(
        "spots against predictions", f"{shown[0]} {shown[1]} px, {shown[2]} images", "below 1 px and 1 image",
        above(worst, LARGE_RMSD, VERY_LARGE_RMSD),
        "look at the spots: split or very mosaic crystals do this, as do a slipping crystal or a wrong geometry",
    )  # fmt: skip


def given_space_group(symbol: str, likelihood: float) -> Check:
    """Whether the space group that was given is one of the intensities; likelihood : of its Laue group."""
    verdict: Verdict = "bad" if likelihood < IMPOSSIBLE_LAUE_GROUP else "good"
    advice = "equivalents of that group are not equal: process without it and compare"
    value = f"{symbol}, whose Laue group is {printed(likelihood, 2, IMPOSSIBLE_LAUE_GROUP)} likely"
    return Check("space group as given", value, f"at least {IMPOSSIBLE_LAUE_GROUP:g}", verdict, advice)
