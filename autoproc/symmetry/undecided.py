"""Space groups that were not told apart: how much was measured that could have told, and why one was chosen."""

from __future__ import annotations

import math

from autoproc.models.space_group import symbol
from autoproc.symmetry.absences import Absences, SpaceGroupScore, untold_apart
from autoproc.symmetry.occurrence import percent_of
from autoproc.wording import counted


def undecided(absences: Absences) -> list[str]:
    """A sentence on each number of reflections that bear on rivals, and one on the choice; none where all were told."""
    best, rivals = absences.candidates[0], untold_apart(absences)
    if not rivals:
        return []
    told = []
    for n in sorted({c.n_telling for c in rivals}):
        names = " or ".join(_named(c) for c in rivals if c.n_telling == n)
        told.append(f"{names} cannot be told from {_named(best)}: {_measured(n)}.")
    return [*told, _choice(best, rivals)]


def _named(score: SpaceGroupScore) -> str:
    return " or ".join(symbol(g) for g in score.groups)


def _measured(n: int) -> str:
    if n == 0:
        return "no reflection was measured that one extinguishes and the other does not"
    return f"{counted(n, 'reflection')} that one extinguishes and the other does not, and no clear difference"


def _choice(best: SpaceGroupScore, rivals: tuple[SpaceGroupScore, ...]) -> str:
    """Why the first comes first: it is the commonest, or intensities are for it though not clearly."""
    own = percent_of(best.groups[0].number)
    others = [percent_of(c.groups[0].number) for c in rivals]
    name = _named(best)
    if own > max(others):
        listed = ", ".join(f"{n:g}% have {_named(rival)}" for n, rival in zip(others, rivals, strict=True))
        return f"{name} is used because it is the commonest: {own:g}% of small-molecule crystals have it, {listed}."
    commoner = [c for c, percent in zip(rivals, others, strict=True) if percent >= own]
    odds = math.exp(min(c.log_against for c in commoner))
    if odds > 1.05:
        return f"{name} is used because intensities are rather for it ({odds:.1f} to 1), though not clearly."
    return f"{name} is used, as good as any of them."
