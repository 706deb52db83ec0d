"""Whose crystal it may be: the cell beside those of crystals that turn up unwanted, and beside the one expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import gemmi
import numpy as np

from autoproc.geometry.lattice_distance import Cell, lattice_distances, reduced_cell
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.space_group import space_group_named, symbol
from autoproc.reports.known_crystals import PROTEINS, SMALL, KnownCrystal
from autoproc.stages.pipeline import Processing
from autoproc.symmetry.lattice_lengths import reduced_metric
from autoproc.symmetry.uniform_ratio import in_every_direction, uniform_ratio

ALIKE = 0.02
"""Strain (see geometry.lattice_distance) within which a lattice may be that of a known crystal. Cells of one crystal
form differ by 1 to 2% with humidity and cooling. By chance 0.13% of 6000 random cells came so near to one of the
proteins (edges about 80 Angstrom, lattices as often as in the Protein Data Bank; 3 in 93 cubic ones, whose cell is one
number, and 5 in 5900 others), and 0.03% of 3000 about 10 Angstrom to one of the small compounds. Simulated."""
NOT_EXPECTED = "the cell is not the one that was expected"
LONGEST_SMALL = 40.0
"""Angstrom: no edge of a salt's cell is longer."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A known crystal and how far from its lattice this one is, as a strain; whether the Laue groups are the same."""

    known: KnownCrystal
    distance: float
    same_laue_group: bool

    @property
    def in_words(self) -> str:
        """A hint, for people."""
        known = self.known
        named = ", ".join(filter(None, [known.code and f"PDB {known.code}", known.space_group.removesuffix(":H")]))
        but = "" if self.same_laue_group else ", in another Laue group"
        return f"this may be {known.name} ({named}): its cell within {self.distance:.1%}{but}"


def known_crystals_like(cell: Cell, group: gemmi.SpaceGroup) -> list[Likeness]:
    """Crystals that these may be by their lattice, the nearest first; group : as far as it is known."""
    known = [*PROTEINS, *(SMALL if max(cell[:3]) < LONGEST_SMALL else ())]
    reduced = np.array([_reduced(crystal) for crystal in known])
    distances = lattice_distances(cell, _centring(group), reduced)
    near = [n for n in np.argsort(distances, kind="stable") if distances[n] < ALIKE]
    return [Likeness(known[n], float(distances[n]), _laue(known[n]) == group.laue_str()) for n in near]


def distance_from_expected(cell: Cell, group: gemmi.SpaceGroup, expected: Cell) -> tuple[float, str]:
    """How far a lattice is from that of an expected cell, as a strain, and the centring that this took.

    Nobody says how the cell is centred: that of the crystal that was found is tried, and none.
    """
    found = []
    for centring in dict.fromkeys([_centring(group), "P"]):
        other = np.array([reduced_cell(expected, centring)])
        found.append((float(lattice_distances(cell, _centring(group), other)[0]), centring))
    return min(found)


def hints(crystal: Crystal, expected: Cell | None) -> list[str]:
    """What the cell says of whose crystal it is, a sentence each; nothing where it says nothing."""
    cell, group = crystal.cell, crystal.space_group
    told = []
    if expected is not None:
        distance, _ = distance_from_expected(cell, group, expected)
        said = " ".join(f"{x:g}" for x in expected)
        if distance < ALIKE:
            return [f"the cell is the one that was expected, {said}, within {distance:.1%}"]
        told.append(f"{NOT_EXPECTED}, {said}{_larger_or_smaller(crystal, expected)}")
    return [*told, *(likeness.in_words for likeness in known_crystals_like(cell, group)[:3])]


def _larger_or_smaller(crystal: Crystal, expected: Cell) -> str:
    """That the cell is the expected one made larger or smaller; empty where it is not."""
    for group in (crystal.space_group, gemmi.SpaceGroup("P 1")):
        wanted = reduced_metric(Crystal(b_matrix(expected), group))
        ratio = uniform_ratio(reduced_metric(crystal), wanted, ALIKE)
        if ratio is not None:
            return f", but {in_every_direction(ratio, 'that', 'the')}"
    return ""


def final_crystal(p: Processing) -> Crystal | None:
    """The first crystal, as the last stage has it that knows one."""
    of_stages: Sequence[object] = (p.symmetry, p.integrated, p.refined, p.indexed)
    for result in of_stages:
        for experiment in getattr(result, "experiments", ()):
            if experiment.crystal is not None:
                crystal: Crystal = experiment.crystal
                return crystal
    return None


def whose_crystal(p: Processing) -> list[str]:
    """The hints for a sweep."""
    crystal = final_crystal(p)
    return [] if crystal is None else hints(crystal, p.expected_cell)


@cache
def _reduced(known: KnownCrystal) -> Cell:
    return reduced_cell(known.cell, _centring(_group(known)))


def _group(known: KnownCrystal) -> gemmi.SpaceGroup:
    group = space_group_named(known.space_group)
    assert group is not None, known.space_group
    return group


def _laue(known: KnownCrystal) -> str:
    laue: str = _group(known).laue_str()
    return laue


def _centring(group: gemmi.SpaceGroup) -> str:
    """The letter of the lattice; of rhombohedral axes, that they are primitive."""
    if symbol(group)[0] == "R" and group.ext == "R":
        return "P"
    return "R" if symbol(group)[0] == "H" else symbol(group)[0]
