"""Checks of what was measured: completeness, multiplicity, resolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.merging.merging_statistics import ShellStatistics
from autoproc.reports.checks.check import Check, Verdict, above, below, printed
from autoproc.wording import angstrom, number_ranges

MANY_OVERLOADED, VERY_MANY_OVERLOADED = 0.02, 0.10
"""A simulated sweep of which pixels saturate at 150 counts has half its observations overloaded, usual ones none. Those
lost are the strongest: a fiftieth of all is a fifth of the strongest tenth. Chosen, not measured."""
LOW_COMPLETENESS, VERY_LOW_COMPLETENESS = 85.0, 50.0
INCOMPLETE_INNER = 90.0
WHOLE = 95.0
"""Completeness, percent, that a sweep reaches on whole rings where nothing but time or rotation limits it."""
LOW_MULTIPLICITY = 2.0
OUTER_SIGNAL = 0.5
SAME_RESOLUTION = 1.02
MOST_STRETCHES = 4
"""Of images that a sentence names."""


@dataclass(frozen=True, slots=True)
class LostImages:
    """Images of n_images whose observations are not among the data, by their numbers, ascending."""

    numbers: tuple[int, ...] = ()
    n_images: int = 0

    @property
    def words(self) -> str:
        """Which they are, as the subject of a sentence and what became of them."""
        named = number_ranges(self.numbers, MOST_STRETCHES)
        one = len(self.numbers) == 1
        subject, were = (f"image {named}", "was") if one else (f"images {named}", "were")
        return f"{subject} of {self.n_images} had no beam, could not be read or {were} left out"

    def may_explain(self, completeness: float, usual: float = LOW_COMPLETENESS) -> bool:
        """With them the completeness, percent, could be usual: at most it would grow as the number of images does."""
        used = self.n_images - len(self.numbers)
        return bool(self.numbers) and completeness * self.n_images >= usual * used


NONE_LOST = LostImages()


def overloads(fraction: float) -> Check:
    """Part of the predicted observations that have overloaded pixels."""
    return Check(
        "overloaded", f"{printed(fraction, 1, MANY_OVERLOADED, percent=True)} of the observations",
        f"below {MANY_OVERLOADED:.0%}",
        above(fraction, MANY_OVERLOADED, VERY_MANY_OVERLOADED),
        "the strongest reflections are lost, which maps, phasing and the tests of twinning need most: attenuate the "
        "beam next time, or merge with a faint sweep",
    )  # fmt: skip


def coverage(
    overall: ShellStatistics,
    shells: Sequence[ShellStatistics],
    edge_d: float | None,
    rotation: float,
    lost: LostImages = NONE_LOST,
    overloaded: float = 0.0,
) -> Check:
    """Completeness, and what it is limited by.

    edge_d : the resolution, Angstrom, at the nearest edge of the detector; rotation : degrees scanned
    overloaded : part of the observations
    """
    verdict = below(overall.completeness, LOW_COMPLETENESS, VERY_LOW_COMPLETENESS)
    here = completeness_inside(shells, edge_d)
    if here is not None and edge_d is not None and here > LOW_COMPLETENESS and edge_d > overall.d_min * SAME_RESOLUTION:
        advice = (
            f"it is {here:.0f}% to {angstrom(edge_d)} A and falls beyond, where only the detector's corners reach: "
            f"cut there with scale.d_min={angstrom(edge_d)}, or move the detector closer next time"
        )
    elif overloaded > VERY_MANY_OVERLOADED:
        advice = f"{overloaded:.0%} of the observations are overloaded and left out: attenuate the beam"
    elif lost.may_explain(overall.completeness):
        advice = f"{lost.words}: what could have been seen there is missing"
    else:
        but = f", and {lost.words}" if lost.numbers else ""
        advice = (
            f"{rotation:g} degrees of rotation do not cover the asymmetric unit{but}: collect more rotation, or merge "
            "with another crystal"
        )
    value = printed(overall.completeness, 1, LOW_COMPLETENESS)
    return Check("completeness", f"{value}%", f"at least {LOW_COMPLETENESS:g}%", verdict, advice)


def completeness_inside(shells: Sequence[ShellStatistics], edge_d: float | None) -> float | None:
    """Completeness, percent, of the shells inside edge_d, Angstrom; None where there are none."""
    inside = [s for s in shells if edge_d is not None and s.d_min >= edge_d]
    expected = sum(s.n_unique / max(s.completeness, 1e-3) for s in inside)
    return sum(s.n_unique for s in inside) / expected if expected else None


def inner_coverage(
    inner: ShellStatistics,
    overall: float,
    overloaded: float,
    inside: float | None,
    rotation: float,
    lost: LostImages = NONE_LOST,
) -> Check | None:
    """Completeness of the strongest, lowest resolution reflections beside that of all; overloaded : a fraction.

    inside : completeness, percent, of the whole rings; None is `overall`. None where too little rotation, of which
    the check of completeness speaks, is the cause.
    """
    is_low = inner.completeness < min(INCOMPLETE_INNER, overall - 5)
    inside = overall if inside is None else inside
    if is_low and overloaded > 1e-3:
        advice = f"{overloaded:.1%} of the observations are overloaded: attenuate the beam"
    elif inside < LOW_COMPLETENESS:
        return None
    elif is_low and lost.may_explain(inner.completeness, INCOMPLETE_INNER):
        advice = f"{lost.words}: what could have been seen there is missing"
    elif inside < WHOLE:
        advice = f"{rotation:g} degrees of rotation leave them out, or the beam stop hides them: collect more rotation"
    else:
        advice = "they fall on the beam stop or its shadow, or into gaps: a smaller beam stop or more rotation helps"
    return Check(
        "completeness at low resolution", f"{printed(inner.completeness, 1, INCOMPLETE_INNER)}%",
        f"at least {INCOMPLETE_INNER:g}%",
        "look" if is_low else "good",
        f"the strongest reflections, which maps and phasing need most, are missing; {advice}",
    )  # fmt: skip


def redundancy(multiplicity: float) -> Check:
    """Observations of each reflection."""
    verdict: Verdict = "look" if multiplicity < LOW_MULTIPLICITY else "good"
    advice = "too few repeats to find outliers or to trust ISa and CC1/2: collect more rotation"
    return Check(
        "multiplicity", printed(multiplicity, 1, LOW_MULTIPLICITY), f"at least {LOW_MULTIPLICITY:g}", verdict, advice
    )


def outer_signal(shells: Sequence[ShellStatistics], cc_limit: float = 1.0) -> Check | None:
    """I/sigma of the outermost shell; where its CC1/2 is cc_limit or more, it holds signal however faint."""
    known = [s for s in shells if s.i_over_sigma is not None]
    if not known:
        return None
    outer = known[-1]
    value = outer.i_over_sigma or 0.0
    with_signal = [s.d_min for s in known if (s.i_over_sigma or 0.0) >= 2 * OUTER_SIGNAL]
    cut = f": cut with scale.d_min={angstrom(min(with_signal))}" if with_signal else ""
    name = f"I/sigma of the shell {angstrom(outer.d_max)} to {angstrom(outer.d_min)} A"
    advice = f"the outermost shell holds no signal{cut}"
    holds = outer.cc_half is not None and outer.cc_half_significant and outer.cc_half >= cc_limit
    verdict = "good" if holds else below(value, OUTER_SIGNAL, -np.inf)
    return Check(name, printed(value + 0.0, 1, OUTER_SIGNAL), f"at least {OUTER_SIGNAL:g}", verdict, advice)


def resolution_limit(
    d_min: float, last: tuple[float, float] | None, limited_by_data: bool, corner_d: float | None
) -> Check:
    """Whether the crystal or the detector ended the data.

    last : the middle, Angstrom, of the last shell of which it is known, and its CC1/2
    corner_d : the resolution at the detector's farthest corner, Angstrom
    """
    value = f"{angstrom(d_min)} A"
    if not limited_by_data:
        return Check("resolution limit", value, "where CC1/2 falls")
    correlation = "" if last is None else f" (CC1/2 {last[1]:.2f} at {angstrom(last[0])} A)"
    if corner_d is not None and d_min < corner_d * SAME_RESOLUTION:
        advice = f"the crystal diffracts beyond the detector's edge{correlation}: move the detector closer next time"
    else:
        advice = f"the data still hold signal where they end{correlation}: d_min was asked for, or little was measured"
    return Check("resolution limit", value, "where CC1/2 falls", "look", advice)
