"""What the crystal was thought to be beside what it is: its cell, its space group, its anomalous scatterer.

Nothing is forced to be as it was expected; where it is not, that is a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi

from autoproc.formats.hdf5.units import ELECTRONVOLT_ANGSTROM
from autoproc.models.space_group import space_group_named, symbol
from autoproc.reports.by_wavelength import merged_statistics
from autoproc.reports.how_far import anomalous_words
from autoproc.reports.whose_crystal import NOT_EXPECTED, whose_crystal
from autoproc.stages.determine_symmetry import SymmetryResult
from autoproc.stages.pipeline import Processing


@dataclass(frozen=True, slots=True)
class Expectation:
    """What was expected and what is, in a sentence; whether they agree, as far as the data tell."""

    words: str
    is_met: bool


def expectations(p: Processing) -> list[Expectation]:
    """Of the cell, the space group and the anomalous signal, as far as something was expected and was reached."""
    found = [Expectation(hint, not hint.startswith(NOT_EXPECTED)) for hint in whose_crystal(p)]
    if p.expected_group and p.symmetry is not None:
        found.append(_of_group(p.symmetry, p.expected_group))
    if p.expected_element and p.scaled is not None:
        found.append(_of_element(p, p.expected_element))
    return found


def warnings_of(found: Sequence[Expectation]) -> list[str]:
    """What is not as it was expected."""
    return [one.words for one in found if not one.is_met]


def _of_group(symmetry: SymmetryResult, name: str) -> Expectation:
    """By the number: the setting is a matter of taste, and which of the axes are meant is told by the cell."""
    expected = space_group_named(name)
    assert expected is not None, name
    said = symbol(expected)
    if expected.number == symmetry.space_group.number:
        return Expectation(f"the space group is the one that was expected, {said}", True)
    if expected.number in {group.number for group in symmetry.alternatives}:
        way_on = f'symmetry.space_group="{said}" takes it'
        return Expectation(f"the space group that was expected, {said}, cannot be told from this one: {way_on}", True)
    also = "" if _same_laue(expected, symmetry.space_group) else ", nor is its Laue group"
    return Expectation(f"the space group is not the one that was expected, {said}{also}", False)


def _same_laue(one: gemmi.SpaceGroup, other: gemmi.SpaceGroup) -> bool:
    return bool(one.laue_str() == other.laue_str())


def _of_element(p: Processing, element: str) -> Expectation:
    """Beside the signal stands the element's f'' at the wavelength, as theory has it.

    That is of Cromer & Liberman (1970), J. Chem. Phys. 53, 1891, without the edge's shape, and ends with uranium.
    """
    statistics, wavelength = merged_statistics(p), p.experiment.beam.wavelength
    _, f_double_prime = gemmi.cromer_liberman(gemmi.Element(element).atomic_number, ELECTRONVOLT_ANGSTROM / wavelength)
    is_seen = statistics.overall.cc_anom_significant
    words = anomalous_words(statistics) if is_seen else "none is seen"
    theory = f" (f'' is {f_double_prime:.1f} electrons at {wavelength:.4f} A in theory)" if f_double_prime > 0 else ""
    return Expectation(f"anomalous signal of {element} was expected: {words}{theory}", is_seen)
