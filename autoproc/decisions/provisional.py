"""What a sweep comes to so far, in words: of a part of its images, from their strong spots alone."""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.wording import angstrom

PARTS = (0.25, 0.5, 0.75)
"""Of the planned images, after which it is told."""
DISAGREE = 0.3
"""Rmeas of strong spots from which they do not have the symmetry that the lattice would allow, or something else is
wrong: 0.04 to 0.1 where they have it, 0.5 and more of spots that have nothing to do with one another (simulated)."""


@dataclass(frozen=True, slots=True)
class ProvisionalReport:
    """Of the images until now.

    part : of the planned images; n_images, rotation : degrees; laue : class of the lattice, which the crystal may have
    completeness, multiplicity : of the unique reflections to d_min, Angstrom, that were recorded, strong or not
    n_strong : indexed spots; i_over_sigma, r_meas : of these, None where they tell neither
    why_not : why nothing could be told, or nothing was done for it
    """

    part: float
    n_images: int
    rotation: float
    laue: str = ""
    d_min: float | None = None
    completeness: float | None = None
    multiplicity: float | None = None
    n_strong: int = 0
    i_over_sigma: float | None = None
    r_meas: float | None = None
    why_not: str = ""


def provisional_words(report: ProvisionalReport) -> str:
    """A line."""
    begin = f"so far ({report.part:.0%} of the images)"
    if report.why_not:
        return f"{begin}: not told, {report.why_not}"
    said = []
    if report.completeness is not None and report.d_min is not None:
        complete = f"{report.completeness:.1%} complete to {angstrom(report.d_min)} A"
        said.append(f"{complete}, multiplicity {report.multiplicity:.1f}")
    if report.r_meas is not None:
        said.append(f"Rmeas {report.r_meas:.2f} of {report.n_strong:,} strong spots")
        if report.r_meas >= DISAGREE:
            said.append("which do not agree: symmetry may be lower")
    return f"{begin}, if symmetry is {report.laue}: {', '.join(said)}; provisional"
