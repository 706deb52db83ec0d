"""Whether to look for one more lattice, and whether a lattice that was found is to be kept."""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.decisions.ladder import Decision, History, Ladder, Step, Verdict

LEFT_OVER = 0.10
"""Fraction of the spots without a lattice from which another is looked for."""
FEWEST_LEFT = 100
"""Spots; fewer hold no lattice that could be told from chance."""
NOTABLE = 0.03
"""Fraction of the spots without a lattice from which a user would wonder about them."""
REAL_SHARE = 0.25
"""Of the spots left over, those that a real lattice explains at least: a lattice explains a fifth of random spots,
those within 0.3 of an index each way; the first of three more that are equally strong explains a third."""
WORSE_FIT = 2.0
"""Times the first lattice's RMSD, up to which another's is believed."""
SAME_LATTICE = 0.1
"""Degrees; turned by less, it is the first lattice once more."""
WORSE = 1.05
"""Times the main lattice's Rmeas at low resolution, up to which it counts as no worse."""
FEWER = 0.97
"""Times the main lattice's unique reflections, up to which they count as no fewer."""
LOWER_ISA = 0.8
"""Times the main lattice's ISa, up to which it counts as no lower."""


@dataclass(frozen=True, slots=True)
class LatticesReport:
    """One result with so many lattices, as far as the choice of their number needs it.

    n_spots, n_left : found, and on no lattice; n_per_lattice : spots; rmsds : the worst of x, y, z of each lattice
    angles : degrees from the first lattice to each other one
    r_meas, isa, n_unique : of the first lattice's reflections alone, r_meas at low resolution; None unknown
    """

    n_spots: int
    n_left: int
    n_per_lattice: tuple[int, ...]
    rmsds: tuple[float, ...]
    angles: tuple[float, ...] = ()
    r_meas: float | None = None
    isa: float | None = None
    n_unique: int | None = None

    @property
    def n_lattices(self) -> int:
        """Found."""
        return len(self.n_per_lattice)

    @property
    def left(self) -> float:
        """Fraction of the spots on no lattice."""
        return self.n_left / max(1, self.n_spots)

    @property
    def figures(self) -> str:
        """In a few words."""
        lattices = "one lattice" if self.n_lattices == 1 else f"{self.n_lattices} lattices"
        quality = "" if self.r_meas is None else f", low-resolution Rmeas of the first {self.r_meas:.3f}"
        return f"{lattices}, {1 - self.left:.0%} of the spots{quality}"


def one_more_lattice(history: History[LatticesReport], max_lattices: int) -> Step | None:
    """Look again where many spots are left over, but only after a lattice that was kept."""
    best = history.champion
    if best is None or best.n_lattices >= max_lattices or history.best != len(history.attempts) - 1:
        return None
    if best.left < LEFT_OVER or best.n_left < FEWEST_LEFT:
        return None
    n = best.n_lattices + 1
    because = f"{best.left:.0%} of the spots ({best.n_left}) are on no lattice"
    return Step(f"look for lattice {n}", because, {"index.max_lattices": n})


def existence(best: LatticesReport, challenger: LatticesReport) -> str:
    """Why the newest lattice is none, as far as indexing tells; empty where it may be one."""
    if challenger.n_lattices <= best.n_lattices:
        return "no further lattice was found"
    share = (best.n_left - challenger.n_left) / max(1, best.n_left)
    if share < REAL_SHARE:
        return f"it explains only {share:.0%} of the spots left over"
    close = [a for a in challenger.angles[best.n_lattices - 1 :] if a < SAME_LATTICE]
    if close:
        return f"it is the first lattice once more (turned by {min(close):.2f} degrees)"
    return ""


def reality(best: LatticesReport, challenger: LatticesReport) -> str:
    """Why the newest lattice, refined, is no real one; empty where it is."""
    doubt = existence(best, challenger)
    if doubt:
        return doubt
    new = challenger.rmsds[best.n_lattices :]
    if max(new, default=0.0) > WORSE_FIT * challenger.rmsds[0]:
        return f"its spots fit badly (RMSD {max(new):.2f} beside {challenger.rmsds[0]:.2f})"
    return ""


def more_lattices_are_better(best: LatticesReport, challenger: LatticesReport) -> Verdict:
    """A real lattice, and the main one's final statistics no worse for it."""
    doubt = reality(best, challenger)
    if doubt:
        return Verdict(False, doubt)
    share = (best.n_left - challenger.n_left) / max(1, best.n_left)
    found = f"it explains {share:.0%} of the spots left over"
    loss = _loss(best, challenger)
    if loss:
        return Verdict(False, f"{found}, but {loss}")
    return Verdict(True, f"{found}, and the first lattice's data are no worse")


def _loss(best: LatticesReport, challenger: LatticesReport) -> str:
    """What the main lattice loses; empty where it is nothing."""
    if best.r_meas is not None and challenger.r_meas is not None and challenger.r_meas > WORSE * best.r_meas:
        return f"the first lattice's Rmeas at low resolution rises from {best.r_meas:.3f} to {challenger.r_meas:.3f}"
    if best.isa is not None and challenger.isa is not None and challenger.isa < LOWER_ISA * best.isa:
        return f"the first lattice's ISa falls from {best.isa:.1f} to {challenger.isa:.1f}"
    if best.n_unique and challenger.n_unique is not None and challenger.n_unique < FEWER * best.n_unique:
        return f"the first lattice's unique reflections fall from {best.n_unique} to {challenger.n_unique}"
    return ""


def lattices_ladder(max_lattices: int) -> Ladder[LatticesReport]:
    """The ladder up to so many lattices."""
    return Ladder("index", (lambda history: one_more_lattice(history, max_lattices),), more_lattices_are_better)


def kept_lattices(report: LatticesReport, asked: int | None, most: int) -> list[Decision]:
    """Why nothing more is done about spots left over, where a user would wonder.

    asked : index.max_lattices, where given; most : decisions.most_lattices
    """
    if report.left < NOTABLE:
        return []
    spots = f"{report.left:.0%} of the spots ({report.n_left}) are on no lattice"
    if asked is not None:
        because = f"{spots}, but index.max_lattices={asked} was given"
    elif report.left < LEFT_OVER or report.n_left < FEWEST_LEFT:
        because = f"{spots}: too few for one, as ice, salt, noise and split spots leave"
    elif report.n_lattices >= most:
        because = f"{spots}, but decisions.most_lattices={most}"
    else:
        return []
    n = "one lattice" if report.n_lattices == 1 else f"{report.n_lattices} lattices"
    return [Decision("index", f"leave it at {n}", because, kept=True)]
