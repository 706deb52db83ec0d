"""What a person at the beamline is told of a crystal while its images are still being collected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import gemmi

from autoproc.decisions.lattices import LEFT_OVER
from autoproc.wording import angstrom

Light = Literal["stop", "look", "good"]

PROBED = (15.0, 30.0, 60.0, 120.0)
"""Degrees of rotation after which a crystal is probed: 15 give the lattices, 30 and 60 the cell of long axes and what
is left over. As beamlines do it."""
FEW_SPOTS = 5.0
"""Spots an image below which nothing can be expected where they are on no lattice: small cells on fine slices have
fewer, and are indexed. A judgement."""
SMALL_CELL = 8000.0
"""Cubic Angstrom of a primitive cell below which it is no protein's: crambin's, among the smallest, has 17,000 (1CRN),
salts and buffers have 200 to 3000. A judgement."""
CENTRED = {"P": 1, "A": 2, "C": 2, "I": 2, "R": 3, "F": 4}
"""Lattice points of a cell."""
NO_LATTICE = 0.3
"""Of the spots: a lattice that explains fewer is none; a fifth of random ones lie within 0.3 of an index each way, as
with `decisions.lattices.REAL_SHARE`."""
FEW_INDEXED = 0.7
"""Of the spots, below which something else than one good lattice is on the images, as where sweeps are indexed."""
NOTABLE_ICE = 0.1
"""Of the spots on rings of ice, from which it is told, as where spots are found."""
NOTABLE_SHIFT = 2.0
"""Pixels between the header's beam centre and the refined one, from which it is told: indexing of cells over 200
Angstrom begins to suffer. A judgement."""
WIDE = 0.6
"""Degrees of mosaicity from which it is told: reflections of long axes begin to overlap. A judgement."""
BLIND = 0.02
"""Of the reflections, never recorded in a whole turn, from which a second orientation is worth a word."""
LATE = 5.0
"""Degrees that the last per cents take from which it is told when most is recorded."""

DARK = 0.2
"""Of the usual counts between the spots: an image with less had no beam. A judgement."""
BRIGHT = 0.9
"""Of the images, in order of these counts, before the usual one: there may be more without beam than with it. A
judgement."""


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What the first images tell.

    rotation, planned : degrees that were looked at, and that are to be collected in all, None where that is not known
    n_images : looked at; n_spots : on them; per_image : of these, as a median
    lattice : Bravais symbol, "" where none was found; unit_cell : in its setting, Angstrom and degrees
    laue : class of the lattice, which the crystal may have or not
    indexed : of the spots, by the first lattice; others : of the spots, by each further one
    d_min : that the spots reach, Angstrom; mosaicity : degrees, a standard deviation; None where not known
    on_ice : of the spots, beyond what lies beside the rings; shift : of the beam centre, px
    n_dark : images without beam
    complete_after : degrees of rotation from the first image on that give all that a whole turn gives
    most_after : parts of that, with the degrees that give them
    at_plan : of the unique reflections, measured in the planned rotation; blind : never, in a whole turn
    why_not : why no lattice was found
    """

    rotation: float
    planned: float | None
    n_images: int
    n_spots: int
    per_image: float
    lattice: str = ""
    unit_cell: tuple[float, ...] = ()
    laue: str = ""
    indexed: float = 0.0
    others: tuple[float, ...] = ()
    d_min: float | None = None
    mosaicity: float | None = None
    on_ice: float = 0.0
    shift: float = 0.0
    n_dark: int = 0
    complete_after: float | None = None
    most_after: tuple[tuple[float, float], ...] = ()
    at_plan: float | None = None
    blind: float | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class ProbeVerdict:
    """A light, and what is to be said, the most urgent first."""

    light: Light
    words: tuple[str, ...]


def dark_images(levels: Sequence[float | None], n_spots: Sequence[int]) -> list[int]:
    """Which images, by their place, have much less between the spots than the usual one, or nothing to be trusted.

    levels : counts between the spots, None without a pixel that may be trusted; n_spots : on each
    All of them where none has a count between the spots, nor a spot: of a few counts alone the level is 0 too.
    """
    known = sorted(level for level in levels if level is not None)
    usual = known[min(int(BRIGHT * len(known)), len(known) - 1)] if known else 0.0
    if usual == 0.0 and not any(n_spots):
        return list(range(len(levels)))
    return [place for place, level in enumerate(levels) if level is None or level < DARK * usual]


def probe_verdict(report: ProbeReport) -> ProbeVerdict:
    """What to tell: reasons to stop, reasons to look, and how far the collection should go."""
    stop, look = _reasons_to_stop(report), _reasons_to_look(report)
    light: Light = "stop" if stop else "look" if look else "good"
    found = [] if stop else [_lattice_in_words(report)]
    return ProbeVerdict(light, (*stop, *found, *look, *([] if stop else _how_far(report))))


def _reasons_to_stop(report: ProbeReport) -> list[str]:
    if report.n_dark == report.n_images:
        return ["stop: no beam on any image"]
    has_lattice = bool(report.lattice) and report.indexed >= NO_LATTICE
    if not has_lattice and report.per_image < FEW_SPOTS:
        return [f"stop: hardly any spots ({report.per_image:.0f} an image)"]
    if not has_lattice:
        because = report.why_not or f"the best explains {report.indexed:.0%} of {report.n_spots} spots"
        return [f"stop: no lattice ({because})"]
    return []


def _reasons_to_look(report: ProbeReport) -> list[str]:
    said = []
    if 0 < report.n_dark < report.n_images:
        said.append(f"no beam on {report.n_dark} of {report.n_images} images")
    for number, share in enumerate(report.others, 2):
        which = "second lattice" if number == 2 else f"lattice {number}"
        said.append(f"{which}, {share:.0%} of the spots")
    left = 1.0 - report.indexed - sum(report.others)
    if NO_LATTICE <= report.indexed < FEW_INDEXED and left > LEFT_OVER:
        said.append(f"{left:.0%} of the spots are on no lattice")
    if report.lattice and _primitive_volume(report) < SMALL_CELL:
        said.append("the cell is too small for a protein: a salt?")
    if report.on_ice >= NOTABLE_ICE:
        said.append(f"ice: {report.on_ice:.0%} of the spots")
    if report.shift >= NOTABLE_SHIFT:
        said.append(f"the beam centre is {report.shift:.1f} pixels from where the header has it")
    if report.mosaicity is not None and report.mosaicity >= WIDE:
        said.append(f"spots are {report.mosaicity:.1f} degrees wide")
    return said


def _primitive_volume(report: ProbeReport) -> float:
    """Cubic Angstrom. Hexagonal axes are taken for those of a rhombohedral lattice."""
    return gemmi.UnitCell(*report.unit_cell).volume / CENTRED[report.lattice[1]]


def _lattice_in_words(report: ProbeReport) -> str:
    cell = " ".join(f"{value:.1f}" for value in report.unit_cell)
    reach = "" if report.d_min is None else f", spots to {angstrom(report.d_min)} A"
    wide = "" if report.mosaicity is None else f", mosaicity {report.mosaicity:.2f}"
    return f"lattice {report.lattice} {cell}, {report.indexed:.0%} of the spots{reach}{wide}"


def _how_far(report: ProbeReport) -> list[str]:
    said = []
    if report.complete_after is not None:
        enough = report.rotation >= report.complete_after
        most = [(part, after) for part, after in report.most_after if report.complete_after - after >= LATE]
        first = "".join(f"{part:.0%} at {after:.0f}, " for part, after in most)
        after = f"{first}complete at {report.complete_after:.0f} degrees if symmetry is {report.laue}"
        said.append(f"enough: {after}" if enough else after)
    is_short = report.planned is not None and (report.complete_after or 0.0) > report.planned
    if is_short and report.at_plan is not None:
        said.append(f"the planned {report.planned:.0f} degrees give {report.at_plan:.0%}")
    if report.blind is not None and report.blind >= BLIND:
        said.append(f"the blind cone leaves {report.blind:.0%}")
    return said
