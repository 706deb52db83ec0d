"""Which of several data sets that are merged together do the others harm, and whether they are better left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.decisions.ladder import History, Ladder, Step, Verdict
from autoproc.robust import robust_sigma

OUTLYING = 4.0
"""Robust standard deviations below the usual effect on CC1/2 from which a data set is suspected (Assmann 2016)."""
AT_A_TIME = 0.1
"""Part of the data sets left out in a round at most: what one bad data set does to the scales of the others is gone
with it."""
FEWEST = 2
"""Data sets that stay whatever they do."""
SIGNIFICANT = 2.0
"""Standard uncertainties, from blocks of reflections, that CC1/2 of reflections that had no say in the choice must
gain."""
LOSS = 2.0
"""Per cent of completeness that a round may cost."""


@dataclass(frozen=True, slots=True)
class DataSetEffect:
    """One data set among others.

    name : for people; delta_cc_half : CC1/2 with it less CC1/2 without it, None where it shares too few reflections
    n_shared : unique reflections that it shares with the others
    """

    name: str
    delta_cc_half: float | None
    n_shared: int


@dataclass(frozen=True, slots=True)
class DataSetsReport:
    """Several data sets scaled and merged.

    effects : of each, judged by a part of the reflections; held_out : CC1/2 of blocks of the other reflections, NaN
        of too few; completeness : per cent
    """

    effects: tuple[DataSetEffect, ...]
    held_out: tuple[float, ...]
    completeness: float

    @property
    def figures(self) -> str:
        """In a few words."""
        known = [cc for cc in self.held_out if np.isfinite(cc)]
        cc = f"CC1/2 of held-out reflections {np.mean(known):.4f}" if known else "CC1/2 of held-out reflections unknown"
        return f"{len(self.effects)} data sets, {cc}, {self.completeness:.1f}% complete"


def harmful(effects: Sequence[DataSetEffect]) -> list[DataSetEffect]:
    """Those that lower CC1/2 by far more than is usual, the worst first."""
    known = [effect for effect in effects if effect.delta_cc_half is not None]
    if len(known) < FEWEST + 1:
        return []
    delta = np.array([effect.delta_cc_half for effect in known], float)
    usual = float(np.median(delta))
    spread = float(robust_sigma(delta - usual))
    order = np.argsort(delta, kind="stable")
    return [known[n] for n in order if delta[n] < 0 and delta[n] < usual - OUTLYING * spread]


def leave_out_the_worst(history: History[DataSetsReport]) -> Step | None:
    """Leave out data sets that harm the rest, a few at a time; no further once that was no gain.

    The step's action names all that are out by then, a line each.
    """
    best = history.champion
    if best is None or history.best != len(history.attempts) - 1:
        return None
    worst = harmful(best.effects)[: max(1, int(AT_A_TIME * len(best.effects)))]
    worst = worst[: max(0, len(best.effects) - FEWEST)]
    if not worst:
        return None
    first = history.attempts[0].report
    assert first is not None
    here = {effect.name for effect in best.effects}
    out = [effect.name for effect in first.effects if effect.name not in here] + [effect.name for effect in worst]
    lowers = " and ".join(f"{-(effect.delta_cc_half or 0):.4f}" for effect in worst)
    names = " and ".join(effect.name for effect in worst)
    return Step(f"leave out {names}", f"CC1/2 is lower by {lowers} with it", action="\n".join(out))


def merged_data_gain(best: DataSetsReport, challenger: DataSetsReport) -> Verdict:
    """CC1/2 of reflections that had no say rises, by more than chance, and hardly any reflection is lost."""
    gain = np.array(challenger.held_out) - np.array(best.held_out)
    gain = gain[np.isfinite(gain)]
    if len(gain) < 3:
        return Verdict(False, "too few held-out reflections to judge by")
    mean, error = float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(len(gain)))
    told = f"CC1/2 of held-out reflections changes by {mean:+.4f} +- {error:.4f}"
    lost = best.completeness - challenger.completeness
    if mean <= 0 or mean < SIGNIFICANT * error:
        return Verdict(False, f"{told}, no gain")
    if lost > LOSS:
        return Verdict(False, f"{told}, but {lost:.1f}% of the reflections would be lost")
    return Verdict(True, told)


DATA_SETS = Ladder("scale", (leave_out_the_worst,), merged_data_gain)
