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
    """One level up, as long as the last one did no harm: restraints may hide in one step what the next one shows."""
    best, last = history.champion, history.last.report
    if best is None or last is None or best.r_meas_free is None or last.deviance.sum() > best.deviance.sum():
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
    change = best.deviance - challenger.deviance
    gain = float(change.sum() / max(best.deviance.sum(), 1e-9))
    chance = float(np.sqrt(np.square(change).sum()))
    gained = f"squared deviations of reflections held out of scaling {gain:.1%} less"
    told = f"free Rmeas {best.r_meas_free:.4f} -> {challenger.r_meas_free:.4f}"
    if gain <= 0:
        return Verdict(False, f"{told}, no better")
    if gain <= WORTHWHILE or change.sum() < SIGNIFICANT * chance:
        return Verdict(False, f"{gained}; {told}, not worth it")
    return Verdict(True, f"{gained}; {told}")


ABSORPTION = Ladder("scale", (next_level,), better_level)
