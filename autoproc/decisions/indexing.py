"""What to try where indexing fails or explains few of the spots, and which of two indexings is the better one."""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.decisions.ladder import History, Ladder, Step, Verdict

GOOD_FRACTION = 0.85
"""Of the spots indexed by one lattice: nothing further is tried."""
POOR_FRACTION = 0.30
"""Fewer indexed than this are hardly a lattice at all."""
LARGE_RMSD = 1.5
"""Pixels or images."""
WORTHWHILE = 0.05
"""Fraction of the spots that another indexing must explain beyond the best so far."""

SEARCH_BEAM = "search_beam"
STRONGEST_SPOTS = "strongest_spots"
FIND_AXIS = "find_rotation_axis"


@dataclass(frozen=True, slots=True)
class IndexingReport:
    """One indexing, refined. rmsd : the worst of x, y (px) and z (images); is_loose : the lattice points scatter."""

    n_spots: int
    n_indexed: int
    rmsd: float
    is_loose: bool = False

    @property
    def fraction(self) -> float:
        """Of the spots, indexed."""
        return self.n_indexed / max(1, self.n_spots)

    @property
    def is_poor(self) -> bool:
        """Hardly a lattice."""
        return self.fraction < POOR_FRACTION or self.rmsd > LARGE_RMSD

    @property
    def is_good(self) -> bool:
        """Nothing to doubt."""
        return self.fraction >= GOOD_FRACTION and self.rmsd <= LARGE_RMSD and not self.is_loose

    @property
    def figures(self) -> str:
        """In a few words."""
        return f"{self.fraction:.0%} of {self.n_spots} spots indexed, RMSD {self.rmsd:.2f}"


def _doubt(history: History[IndexingReport]) -> str:
    """Why the best indexing so far is not good enough, in words; empty where it is."""
    best = history.champion
    if best is None:
        return f"indexing failed ({history.attempts[0].failure})"
    if best.is_good:
        return ""
    if best.is_loose:
        return "spots lie loosely about the lattice points, as with a wrong beam centre"
    return f"only {best.figures}"


def search_beam_centre(history: History[IndexingReport]) -> Step | None:
    """A wrong beam centre is the usual cause; a good header is left alone, since the search must find better."""
    doubt = _doubt(history)
    return Step("search the beam centre and index again", doubt, action=SEARCH_BEAM) if doubt else None


def find_axis(history: History[IndexingReport]) -> Step | None:
    """A header whose rotation axis is reversed or stands upright; only where there is hardly a lattice without it."""
    doubt = _doubt(history)
    if not doubt or (history.champion is not None and not history.champion.is_poor):
        return None
    return Step("find the rotation axis and index again", doubt, action=FIND_AXIS)


def strongest_spots(history: History[IndexingReport]) -> Step | None:
    """Noise, ice and weak second lattices fade among the strongest spots."""
    doubt = _doubt(history)
    if not doubt or (history.champion is not None and not history.champion.is_poor):
        return None
    return Step("find the lattice among the strongest spots alone", doubt, action=STRONGEST_SPOTS)


def one_dimensional(history: History[IndexingReport]) -> Step | None:
    """Another method of search succeeds now and then where the usual one fails."""
    doubt = _doubt(history)
    if not doubt or (history.champion is not None and not history.champion.is_poor):
        return None
    return Step("index by one-dimensional transforms", doubt, {"index.method": "fft1d"})


def better_indexing(best: IndexingReport, challenger: IndexingReport) -> Verdict:
    """More spots explained, as well as before."""
    gain = challenger.fraction - best.fraction
    if challenger.rmsd > max(LARGE_RMSD, 1.5 * best.rmsd) and not best.is_poor:
        return Verdict(False, f"spots fit worse: {challenger.figures}")
    if gain > WORTHWHILE:
        return Verdict(True, f"it explains more: {challenger.figures}")
    if gain > -WORTHWHILE and challenger.rmsd < 0.7 * best.rmsd:
        return Verdict(True, f"spots fit better: {challenger.figures}")
    return Verdict(False, f"it explains no more: {challenger.figures}")


INDEXING = Ladder("index", (search_beam_centre, find_axis, strongest_spots, one_dimensional), better_indexing)
