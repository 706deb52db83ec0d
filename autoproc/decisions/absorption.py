"""Which strength of absorption correction the data bear: the reflections that it has not seen say so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.decisions.ladder import History, Ladder, Step, Verdict

LEVELS = ("low", "medium", "high")
"""From the stiffest to the most flexible."""
WORTHWHILE = 0.005
"""Relative fall of the squared deviations. Errors of scale do not average out: where ten observations of a reflection
share one, this much adds 5% to the variance of their mean. Less is not worth the parameters."""
SIGNIFICANT = 5.0
"""Standard deviations that the fall would have by chance, were reflections independent; those measured in like
directions are not, so that 3 would be reached too often."""

MOST_TELLING = 0.95
"""Quantile of the deviances of both levels together at which each is cut, so that no reflection counts for more than
the strongest twentieth of them do: one wild observation or one direction that the fit has not seen decides nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class AbsorptionReport:
    """A cross-validation at one level.

    r_meas_free : of reflections held out of scaling; None where there are too few
    deviance : (G,) their squared deviations over variances, summed for each unique reflection; in the same order
        for every level
    """

    level: str
    r_meas_free: float | None
    deviance: np.ndarray

    @property
    def figures(self) -> str:
        """In a few words."""
        value = "unknown" if self.r_meas_free is None else f"{self.r_meas_free:.4f}"
        return f"free Rmeas {value} at absorption_level={self.level}"


def next_level(history: History[AbsorptionReport]) -> Step | None:
    """One level up to the highest, whatever the last one did: restraints may hide in one step what the next shows."""
    last = history.last.report
    if last is None or last.r_meas_free is None:
        return None
    number = LEVELS.index(last.level) + 1
    if number == len(LEVELS):
        return None
    level = LEVELS[number]
    return Step(f"raise the absorption correction to {level}", "", {"scale.absorption_level": level})


def better_level(best: AbsorptionReport, challenger: AbsorptionReport) -> Verdict:
    """Reflections that were held out agree better."""
    if best.r_meas_free is None or challenger.r_meas_free is None:
        return Verdict(False, "there are too few reflections to judge by")
    cap = np.quantile(np.concatenate([best.deviance, challenger.deviance]), MOST_TELLING)
    before = np.minimum(best.deviance, cap)
    change = before - np.minimum(challenger.deviance, cap)
    gain = float(change.sum() / max(before.sum(), 1e-9))
    chance = float(np.sqrt(np.square(change).sum()))
    error = chance / max(float(before.sum()), 1e-9)
    told = (
        f"squared deviations of reflections held out of scaling {'fall' if gain > 0 else 'rise'} by {abs(gain):.2%} +- "
        f"{error:.2%} (free Rmeas {best.r_meas_free:.4f} -> {challenger.r_meas_free:.4f})"
    )
    if gain <= 0:
        return Verdict(False, told)
    if gain <= WORTHWHILE:
        return Verdict(False, f"{told}, where {WORTHWHILE:.1%} is worth it")
    if change.sum() < SIGNIFICANT * chance:
        return Verdict(False, f"{told}: less than {SIGNIFICANT:g} times its uncertainty, and may be chance")
    return Verdict(True, told)


ABSORPTION = Ladder("scale", (next_level,), better_level)
