"""Whether to leave out the end of a sweep that radiation has damaged: early observations held out say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.decisions.ladder import Decision, History, Ladder, Step, Verdict

CUTS = (0.8, 0.7, 0.6, 0.5, 0.4)
"""Parts of the images, from the first, that may be kept."""
KEPT = "scale.keep_first"
WORTHWHILE = 0.02
"""Relative fall of the squared deviations of early observations from means that they are no part of."""
SIGNIFICANT = 5.0
"""Standard deviations that the fall would have by chance."""
MOST_TELLING = 0.95
"""Quantile of the deviances at which they are cut, as where absorption is judged: no reflection decides."""
SUSPECT_SIGMAS = 2.0
"""Change of the intensities with dose, standard uncertainties, that makes an attempt worth its line in the journal."""
SUSPECT_B = 2.0
"""Growth of B, Angstrom^2, that does so: simulated sweeps without damage stay within 0.3."""


@dataclass(frozen=True, slots=True, eq=False)
class TailReport:
    """Data of the first part of a sweep.

    kept : part of the images; deviance : (G,) of the early observations of each reflection from the means of the
        others kept, squared over variance; NaN where there are none; in the same order for every part
    completeness, pairs : part of the unique reflections, and of those with I(+) and I(-), of the whole sweep's
    multiplicity; most_lost : of the completeness that may be given up
    sigmas : of the change of the intensities, and b_growth, Angstrom^2, over the whole sweep; None where not known
    """

    kept: float
    deviance: np.ndarray
    completeness: float
    pairs: float
    multiplicity: float
    most_lost: float
    sigmas: float | None = None
    b_growth: float | None = None

    @property
    def figures(self) -> str:
        """In a few words."""
        return (
            f"the first {self.kept:.0%} of the images, {self.completeness:.1%} of the unique reflections, "
            f"{self.pairs:.1%} of the pairs of I(+) and I(-), multiplicity {self.multiplicity:.1f}"
        )

    @property
    def lost(self) -> float:
        """Part of the unique reflections of the whole sweep that this part has not."""
        return 1 - self.completeness

    @property
    def suspicion(self) -> str:
        """What makes damage likely, in words; empty if nothing does."""
        found = []
        if self.sigmas is not None and self.sigmas > SUSPECT_SIGMAS:
            found.append("intensities change with dose")
        if self.b_growth is not None and self.b_growth > SUSPECT_B:
            found.append(f"B grows by {self.b_growth:.1f} A^2")
        return " and ".join(found)


def next_cut(history: History[TailReport]) -> Step | None:
    """One part less, to the smallest, whatever the last one did, until too many reflections would be lost."""
    first, last = history.attempts[0].report, history.last.report
    if first is None or last is None or not first.suspicion:
        return None
    if last.lost > last.most_lost:  # with fewer images yet more would be
        return None
    smaller = [kept for kept in CUTS if kept < last.kept]
    if not smaller:
        return None
    return Step(_what(f"{1 - smaller[0]:.0%}"), first.suspicion, {KEPT: smaller[0]})


def _what(part: str) -> str:
    return f"leave out the last {part} of the images"


def better_part(best: TailReport, challenger: TailReport) -> Verdict:
    """Early observations agree better with the others kept, and completeness stays within the limit."""
    if challenger.lost > challenger.most_lost:
        lost = f"{challenger.lost:.1%}"
        return Verdict(False, f"{lost} of the unique reflections would be lost, {challenger.most_lost:.0%} may be")
    both = np.isfinite(best.deviance) & np.isfinite(challenger.deviance)
    before, after = best.deviance[both], challenger.deviance[both]
    if not both.any():
        return Verdict(False, "there are too few reflections to judge by")
    cap = np.quantile(np.concatenate([before, after]), MOST_TELLING)
    change = np.minimum(before, cap) - np.minimum(after, cap)
    gain = float(change.sum() / max(np.minimum(before, cap).sum(), 1e-9))
    chance = float(np.sqrt(np.square(change).sum()))
    told = f"squared deviations of early observations that were held out {abs(gain):.1%}"
    if gain <= 0:
        return Verdict(False, f"{told} more")
    if gain <= WORTHWHILE or change.sum() < SIGNIFICANT * chance:
        return Verdict(False, f"{told} less, not worth it")
    return Verdict(True, f"{told} less, for {_cost(best, challenger)}")


def _cost(best: TailReport, challenger: TailReport) -> str:
    return (
        f"{best.completeness - challenger.completeness:.1%} of the unique reflections, "
        f"{best.pairs - challenger.pairs:.1%} of the pairs of I(+) and I(-), and a multiplicity of "
        f"{challenger.multiplicity:.1f} for {best.multiplicity:.1f}"
    )


DAMAGE = Ladder("scale", (next_cut,), better_part)


def in_short(journal: Sequence[Decision]) -> list[Decision]:
    """The lines of this ladder: one for the cuts that were kept, one for those that were not, and any others.

    Each cut differs from the one before by its figures alone: the first and the last of a kind are told.
    """
    cuts = [line for line in journal if KEPT in line.changes]
    kinds = ([line for line in cuts if line.kept], [line for line in cuts if not line.kept])
    return [*(_as_one(lines) for lines in kinds if lines), *(line for line in journal if KEPT not in line.changes)]


def _as_one(lines: Sequence[Decision]) -> Decision:
    first, last = lines[0], lines[-1]
    if len(lines) == 1:
        return first
    parts = [f"{1 - line.changes[KEPT]:.0%}" for line in (first, last)]
    suspicion, _, why_first = first.because.partition("; ")
    why_last = last.because.partition("; ")[2]
    told = f"{suspicion}; at {parts[0]} {why_first}, at {parts[1]} {why_last}"
    if last.kept:
        return replace(last, because=told, before=first.before)
    every = tuple(line.changes[KEPT] for line in lines)
    return replace(last, what=_what(" to ".join(parts)), because=told, before=first.before, changes={KEPT: every})
