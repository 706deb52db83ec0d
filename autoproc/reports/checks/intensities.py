"""Checks of the statistics of merged intensities."""

from __future__ import annotations

from autoproc.merging.translation import PattersonPeak
from autoproc.merging.twinning import TwinningTest
from autoproc.reports.checks.check import Check, printed

TWIN_L, NOT_TWIN_MOMENT = 0.44, 1.8
PATTERSON_HEIGHT = 0.2


def twinning(test: TwinningTest | None) -> Check | None:
    """The L test and the second moment of acentric intensities."""
    if test is None:
        return None
    is_suspect = test.mean_abs_l < TWIN_L and test.second_moment < NOT_TWIN_MOMENT
    return Check(
        "twinning, mean |L|", f"{test.mean_abs_l:.3f}, second moment {test.second_moment:.2f}",
        "0.50 and 2.0 (a perfect twin 0.375 and 1.5)", "look" if is_suspect else "good",
        "the crystal may be twinned: look for a twin law (xtriage), and doubt the Laue group, which may be too high",
    )  # fmt: skip


def pseudo_translation(peak: PattersonPeak | None) -> Check | None:
    """The highest peak of the native Patterson map."""
    if peak is None:
        return None
    vector = " ".join(f"{x:.2f}" for x in peak.vector)
    is_suspect = peak.height > max(PATTERSON_HEIGHT, 2 * peak.noise)
    height = printed(peak.height, 0, PATTERSON_HEIGHT, percent=True)
    return Check(
        "Patterson peak", f"{height} of the origin's at {vector}", f"below {PATTERSON_HEIGHT:.0%}",
        "look" if is_suspect else "good",
        f"copies of the molecule {peak.length:.0f} A apart in the same orientation (translational pseudo-symmetry): "
        "some classes of reflections are weak, and the true cell may be smaller; tell molecular replacement",
    )  # fmt: skip
