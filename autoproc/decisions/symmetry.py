"""Whether scaled intensities deny the symmetry that was determined, and what lower symmetry to try."""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.decisions.ladder import History, Ladder, Step, Verdict

SUSPECT_R_MEAS = 0.12
"""Rmeas of the inner shell above which equivalents disagree more than is usual."""
SUSPECT_OUTLIERS = 0.05
"""Fraction of the observations rejected above which the same is suspected."""
SUSPECT_POSITIONS = 1.5
"""Times the RMSD of a free cell above which a constrained one does not fit the spots."""
CLEARLY_LOWER = 0.7
"""Times the higher symmetry's Rmeas below which the lower one is believed."""


@dataclass(frozen=True, slots=True)
class SymmetryReport:
    """One choice of symmetry after scaling.

    order : operations of the Laue group; r_meas : of the inner shell; outliers : fraction rejected
    position_ratio : RMSD with the cell constrained to the symmetry over that of a free cell; None unknown
    lower : space groups of lower symmetry that the lattice allows, the likeliest first
    """

    space_group: str
    order: int
    r_meas: float | None
    outliers: float
    position_ratio: float | None = None
    lower: tuple[str, ...] = ()

    @property
    def figures(self) -> str:
        """In a few words."""
        r_meas = "unknown" if self.r_meas is None else f"{self.r_meas:.3f}"
        return f"{self.space_group}: low-resolution Rmeas {r_meas}, {self.outliers:.1%} outliers"

    @property
    def denial(self) -> str:
        """What speaks against the symmetry; empty where nothing does."""
        if self.position_ratio is not None and self.position_ratio > SUSPECT_POSITIONS:
            return f"spots fit {self.position_ratio:.1f} times worse with the cell of {self.space_group}"
        if self.r_meas is not None and self.r_meas > SUSPECT_R_MEAS:
            return f"Rmeas at low resolution is {self.r_meas:.3f} in {self.space_group}"
        if self.outliers > SUSPECT_OUTLIERS:
            return f"{self.outliers:.1%} of the observations are outliers in {self.space_group}"
        return ""


def lower_symmetry(history: History[SymmetryReport]) -> Step | None:
    """The likeliest lower symmetry not yet tried, while something speaks against the best so far."""
    best = history.champion
    if best is None or not best.denial:
        return None
    tried = {attempt.step.changes.get("symmetry.space_group") for attempt in history.attempts}
    waiting = [name for name in best.lower if name not in tried]
    if not waiting:
        return None
    return Step(f"lower the symmetry to {waiting[0]}", best.denial, {"symmetry.space_group": waiting[0]})


def lower_is_right(best: SymmetryReport, challenger: SymmetryReport) -> Verdict:
    """Only where equivalents agree far better: a lower symmetry always looks a little better."""
    if best.position_ratio is not None and best.position_ratio > SUSPECT_POSITIONS and challenger.position_ratio:
        if challenger.position_ratio < SUSPECT_POSITIONS:
            return Verdict(True, f"spots fit with the cell of {challenger.space_group}")
        return Verdict(False, "spots fit no better")
    if best.r_meas is None or challenger.r_meas is None:
        return Verdict(False, "too few equivalents to judge by")
    told = f"low-resolution Rmeas {best.r_meas:.3f} -> {challenger.r_meas:.3f}"
    if challenger.r_meas < CLEARLY_LOWER * best.r_meas:
        return Verdict(True, told)
    return Verdict(False, f"{told}: equivalents disagree for another reason")


SYMMETRY = Ladder("symmetry", (lower_symmetry,), lower_is_right)
