"""Checks of the detector, as the data show it."""

from __future__ import annotations

from collections.abc import Sequence

from autoproc.reports.checks.check import Check, Verdict
from autoproc.scaling.detector_response import DetectorResponse

UNEVEN, VERY_UNEVEN = 0.06, 0.5
"""By how much a part of the detector may count more or less than the rest. Of simulated sweeps of five crystals without
such a part none is beyond 0.021; half a detector that counts 1.3 times as much is found as 1.24 to 1.27."""
SIGNIFICANT = 8.0
"""Standard uncertainties: the best of a thousand rectangles is at 4 by chance, and what the scales cannot follow (sharp
edges of absorption, tails of shadows) comes on top of that."""


def detector_response(parts: Sequence[DetectorResponse]) -> Check | None:
    """Whether a part of the detector counts more or less than the rest; parts : the worst of each sweep and panel."""
    if not parts:
        return None
    worst = max(parts, key=lambda one: (_is_uneven(one), abs(one.factor - 1)))
    where = f"fast {worst.fast[0]} to {worst.fast[1] - 1}, slow {worst.slow[0]} to {worst.slow[1] - 1} px"
    panel = f" of panel {worst.panel}" if worst.panel else ""
    value = f"{where}{panel} counts {worst.factor:.2f} times what the rest does"
    verdict: Verdict = "good"
    if _is_uneven(worst):
        verdict = "bad" if abs(worst.factor - 1) > VERY_UNEVEN else "look"
    return Check(
        "detector response", value if verdict != "good" else "even", f"within {UNEVEN:.0%}", verdict,
        "the same reflections come out stronger or weaker there: look at the flat field and threshold of its modules, "
        "and whether something stands before it; the merged intensities are a mixture of both",
    )  # fmt: skip


def _is_uneven(part: DetectorResponse) -> bool:
    away = abs(part.factor - 1)
    return away > UNEVEN and away > SIGNIFICANT * part.sigma
