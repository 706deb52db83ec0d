"""When are sweeps indexed together, as of one crystal, and which of them are: from counts of their spots alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_SPOTS = 300
"""On a sweep that failed: more of them tell a lattice by themselves, where there is one, and the fault is another. Real
sweeps of 1.5 degrees of a small molecule with 26 to 33 spots on the lattice failed, those with 34 and 51 did not."""
MOST_SWEEPS = 24
"""Sweeps that are tried together. One crystal on a goniometer has a few; where there are more, they are usually of as
many crystals. Chosen."""
MOST_NAMED = 3
"""Sweeps that are named in a sentence."""
LEAST_SHARE = 0.5
"""Of a sweep's spots that the common lattice has to explain, for the sweep to be of that crystal. Real sweeps of one
crystal had 79% to 94%. Chosen: what a lattice explains of another's spots by chance was not measured."""


@dataclass(frozen=True, slots=True)
class SweepSpots:
    """A sweep before it is tried with others.

    failure : why it could not be processed alone, in words; empty where it was. n_spots : on its images
    """

    name: str
    failure: str
    n_spots: int

    @property
    def is_short(self) -> bool:
        """It failed, and had few spots."""
        return bool(self.failure) and 0 < self.n_spots <= MOST_SPOTS


def why_together(sweeps: Sequence[SweepSpots]) -> str:
    """Why these are to be indexed together, in words; empty where each had better stay by itself."""
    short = [sweep for sweep in sweeps if sweep.is_short]
    with_spots = [sweep for sweep in sweeps if sweep.n_spots]
    if not short or not 2 <= len(with_spots) <= MOST_SWEEPS:
        return ""
    named = [f"{sweep.name} ({sweep.n_spots})" for sweep in short[:MOST_NAMED]]
    more = f" and {len(short) - len(named)} more" if len(short) > len(named) else ""
    return f"too few spots to be processed alone: {', '.join(named)}{more}"


def why_all_together(sweeps: Sequence[SweepSpots], failure: str) -> str:
    """Why these are to be indexed together after their intensities could not be combined, in words; empty: not.

    failure : of that, in words
    """
    with_spots = [sweep for sweep in sweeps if sweep.n_spots]
    if not 2 <= len(with_spots) <= MOST_SWEEPS or max(sweep.n_spots for sweep in with_spots) > MOST_SPOTS:
        return ""
    return f"their intensities could not be combined ({failure})"


@dataclass(frozen=True, slots=True)
class SweepShare:
    """A sweep among others that were indexed together."""

    name: str
    n_spots: int
    n_indexed: int

    @property
    def share(self) -> float:
        """Of its spots, on the common lattice."""
        return self.n_indexed / max(1, self.n_spots)

    @property
    def why_other(self) -> str:
        """Why it is not of the same crystal as the others, in words; empty where it is."""
        if self.share >= LEAST_SHARE:
            return ""
        return (
            f"the lattice of the others explains {self.n_indexed} of its {self.n_spots} spots: another crystal, or the "
            "goniometer's angles are not as its header says"
        )


def worst_fitting(shares: Sequence[SweepShare]) -> SweepShare | None:
    """The sweep to leave out next; None where all are of one crystal."""
    others = [share for share in shares if share.why_other]
    return min(others, key=lambda one: one.share) if others else None
