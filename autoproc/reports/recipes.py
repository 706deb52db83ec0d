"""What a user may try with one command where the data call for it, and which is not done by itself."""

from __future__ import annotations

import shlex

from autoproc.damage.text import NOTABLE_CHANGE
from autoproc.stages.pipeline import Processing


def recipes(name: str, p: Processing | None) -> list[str]:
    """A sentence for each, with the command. name : of the sweep or group."""
    return [] if p is None else _zero_dose(name, p)


def _zero_dose(name: str, p: Processing) -> list[str]:
    """Extrapolation to no dose: where intensities change, and it was not done."""
    drift = None if p.damage is None else p.damage.drift
    if drift is None or p.merged is None or p.merged.remark:
        return []
    if not drift.is_significant or drift.change <= NOTABLE_CHANGE:
        return []
    return [
        f"intensities change by {drift.change:.1%} over the dose, and are merged as they were measured: "
        f"`autoproc reprocess {shlex.quote(name)} merge.zero_dose=true` extrapolates each reflection to the crystal "
        "before damage; compare the maps of both"
    ]
