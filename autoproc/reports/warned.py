"""All that a user is warned of, in the order that helps: causes before what follows from them."""

from __future__ import annotations

from collections.abc import Sequence

from autoproc.reports.checks import EQUIVALENTS, Check, gravest_first
from autoproc.stages.index import LOOSE_SPOTS
from autoproc.stages.pipeline import Processing
from autoproc.stages.search_beam import REPLACED

OF_THE_LATTICE = ("spots indexed", "geometry", "spots against predictions")
"""Checks of what everything else builds on."""
AFTER_THE_LATTICE = ("symmetry", "scale", "estimate_resolution", "merge")
"""Stages that fail where the lattice is wrong."""


def is_lattice_wrong(checks: Sequence[Check], failed_stage: str | None) -> bool:
    """The lattice or the geometry is so doubtful that what follows is no measure of the crystal."""
    verdicts = {check.name: check.verdict for check in checks if check.name in OF_THE_LATTICE}
    few = verdicts.get("spots indexed", "good") != "good"
    moved = verdicts.get("geometry", "good") != "good"
    return "bad" in verdicts.values() or (few and (moved or failed_stage in AFTER_THE_LATTICE))


def warnings_in_order(p: Processing | None, checks: Sequence[Check], failed_stage: str | None) -> list[str]:
    """Each warning once. Where the lattice is wrong, what follows from it is named in one sentence."""
    stated = list(p.warnings) if p is not None else []
    no_data = [check.warning for check in checks if check.name == EQUIVALENTS and check.warning]
    about = [check for check in checks if check.name in OF_THE_LATTICE]
    causes = [w for w in stated if w.startswith(REPLACED)]
    if not is_lattice_wrong(checks, failed_stage):
        first = [check.warning for check in about if check.name == "geometry" and check.warning]
        if first:  # it has the true values
            stated = [w for w in stated if w != LOOSE_SPOTS]
        return list(dict.fromkeys([*no_data, *causes, *first, *gravest_first(stated, checks)]))
    of_indexing = _said_by(p, "indexed", "refined")
    effects = _said_by(p, "integrated", "symmetry", "scaled")
    found = [*no_data, *causes, *(w for w in stated if w in of_indexing), *gravest_first([], about)]
    found += [w for w in stated if w not in effects]
    rest = [c.name for c in checks if c.verdict != "good" and c not in about and c.name != EQUIVALENTS]
    if rest or any(w in effects for w in stated):
        named = f" ({', '.join(rest)})" if rest else ""
        found.append(f"whatever else is unusual{named} follows from a doubtful lattice: see to that first")
    return list(dict.fromkeys(found))


def _said_by(p: Processing | None, *stages: str) -> set[str]:
    return {w for stage in stages for w in getattr(getattr(p, stage, None), "warnings", ())}
