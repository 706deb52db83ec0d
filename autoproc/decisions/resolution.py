"""Where to cut the data, and whether at all."""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.decisions.ladder import Decision
from autoproc.wording import angstrom


@dataclass(frozen=True, slots=True)
class ResolutionReport:
    """What the estimate of the resolution says.

    d_min, edge : Angstrom; is_limited_by_data : still good at the edge; why : what set the limit, a clause
    """

    d_min: float
    edge: float
    is_limited_by_data: bool
    why: str


def resolution_cut(report: ResolutionReport | None, wanted: bool, d_min_given: float | None) -> Decision:
    """Cut at the estimate, once; a user's d_min is obeyed."""
    if d_min_given is not None:
        return Decision("scale", f"keep data to {d_min_given:g} A", "scale.d_min was given", kept=True)
    if report is None:
        return Decision("scale", "keep all data", "there are too few reflections to say where they end", kept=True)
    if not wanted:
        return Decision("scale", "keep all data", "no cut was wanted (run.resolution_cutoff)", kept=True)
    if report.is_limited_by_data:
        return Decision("scale", f"keep data to {angstrom(report.edge)} A", report.why, kept=True)
    return Decision(
        "scale", f"cut the data at {angstrom(report.d_min)} A and scale again", report.why,
        kept=True, before=f"{angstrom(report.edge)} A", after=f"{angstrom(report.d_min)} A",
        changes={"scale.d_min": round(report.d_min, 4)},
    )  # fmt: skip
