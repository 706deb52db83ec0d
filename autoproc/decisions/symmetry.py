"""Whether scaled intensities or the spots' positions deny the symmetry that was determined, and what to try instead."""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.decisions.ladder import Decision, History, Ladder, Step, Verdict

DENIED = 2.0
"""Ratio of mean squares: mates under the symmetry against those that are so beyond doubt. At 2 the bias of a common
mean is as large as the errors that it averages away; true symmetry gives 1, with damage and absorption up to 1.2."""
SIGNIFICANT = 5.0
"""Standard deviations by which the ratio must exceed 1, so that few reflections do not deny anything."""
SUSPECT_POSITIONS = 1.5
"""Times the RMSD of a free cell, where that misses the symmetry by more than a tenth of a degree: the constrained cell
then displaces spots by more than they scatter. A cell that changes during the sweep gives as much with true symmetry,
but hardly changes its angles."""
NOTABLE_R_MEAS = 0.10
"""Rmeas at low resolution from which a user would wonder about the symmetry."""
LESS = 0.9
"""Times the higher symmetry's Rmeas that the lower one's must stay below where intensities denied the higher."""


@dataclass(frozen=True, slots=True)
class SymmetryReport:
    """One choice of symmetry after scaling.

    r_meas : of the inner shell, None unknown
    mates_ratio, mates_sigmas : of the maximal subgroup against which the symmetry does worst; None not testable
    position_ratio : RMSD with the cell constrained to the symmetry over that of a free cell; None not to be doubted
    delta : degrees by which the free cell misses the symmetry
    lower : Laue groups within this one that the lattice allows, the likeliest to be right first
    """

    space_group: str
    r_meas: float | None
    mates_ratio: float | None = None
    mates_sigmas: float = 0.0
    position_ratio: float | None = None
    delta: float = 0.0
    lower: tuple[str, ...] = ()

    @property
    def figures(self) -> str:
        """In a few words."""
        r_meas = "unknown" if self.r_meas is None else f"{self.r_meas:.3f}"
        mates = (
            "" if self.mates_ratio is None else f", mean square of mates {self.mates_ratio:.1f} times that of repeats"
        )
        return f"{self.space_group}: low-resolution Rmeas {r_meas}{mates}"

    @property
    def positions_deny(self) -> bool:
        """Spots are not where the symmetry's cell has them."""
        return self.position_ratio is not None and self.position_ratio > SUSPECT_POSITIONS

    @property
    def intensities_deny(self) -> bool:
        """Mates differ by more than repeated measurements do."""
        return self.mates_ratio is not None and self.mates_ratio > DENIED and self.mates_sigmas > SIGNIFICANT


def lower_lattice(history: History[SymmetryReport]) -> Step | None:
    """A lattice that the spots' positions fit: closer to symmetry than the present one is."""
    best = history.champion
    if best is None or not best.positions_deny:
        return None
    because = (
        f"spots lie {best.position_ratio:.1f} times as far from where the cell of {best.space_group} has them "
        f"as from where a free cell has them, which misses that symmetry by {best.delta:.2f} degrees"
    )
    tolerance = round(best.delta / 2, 3)
    return Step(f"allow the cell {tolerance:g} degrees only", because, {"symmetry.max_delta": tolerance})


def lower_laue_group(history: History[SymmetryReport]) -> Step | None:
    """The likeliest Laue group within the best so far that was not tried, while intensities deny the best."""
    best = history.champion
    if best is None or not best.intensities_deny:
        return None
    tried = {attempt.step.changes.get("symmetry.laue_group") for attempt in history.attempts}
    waiting = [name for name in best.lower if name not in tried]
    if not waiting:
        return None
    because = (
        f"reflections that {best.space_group} makes equivalent differ by {best.mates_ratio:.1f} times "
        "the mean square of those that are so in a smaller group"
    )
    return Step(f"lower the Laue group to {waiting[0]}", because, {"symmetry.laue_group": waiting[0]})


def lower_is_right(best: SymmetryReport, challenger: SymmetryReport) -> Verdict:
    """Only where it removes what denied the higher symmetry: a lower one always looks a little better."""
    if best.positions_deny:
        if challenger.positions_deny:
            return Verdict(False, f"spots fit the cell of {challenger.space_group} no better")
        return Verdict(True, f"spots fit the cell of {challenger.space_group}")
    if best.r_meas is None or challenger.r_meas is None:
        return Verdict(False, "too few equivalents to judge by")
    told = f"Rmeas at low resolution {best.r_meas:.3f} in {best.space_group}, {challenger.r_meas:.3f} in "
    told += challenger.space_group
    if challenger.intensities_deny:
        return Verdict(False, f"{told}, which the intensities deny as well")
    if challenger.r_meas < LESS * best.r_meas:
        return Verdict(True, told)
    return Verdict(False, f"{told}: no better")


SYMMETRY = Ladder("symmetry", (lower_lattice, lower_laue_group), lower_is_right)


def kept_symmetry(report: SymmetryReport) -> list[Decision]:
    """Why the symmetry stays, where a user would wonder."""
    if report.r_meas is None or report.r_meas < NOTABLE_R_MEAS or report.positions_deny or report.intensities_deny:
        return []
    told = f"Rmeas at low resolution is {report.r_meas:.3f}"
    if report.mates_ratio is None:
        because = f"{told}, but there are too few repeated measurements to blame the symmetry"
    else:
        because = (
            f"{told}, but mates differ no more than repeated measurements do "
            f"({report.mates_ratio:.1f} times their mean square)"
        )
    return [Decision("symmetry", f"keep {report.space_group}", because, kept=True)]
