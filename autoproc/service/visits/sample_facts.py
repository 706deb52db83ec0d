"""What is known of a sample, as parameters that it is compared with: from a JSON file, or from a master file.

The names are those of ISPyB, as its tables (cell_a, spaceGroup), its services (cellA, crystalSpaceGroup) and people
(cell) write them, at the top or in an object called sample, crystal, protein or diffractionPlan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import gemmi

from autoproc.formats.observed.composition import BadComposition, read_composition

CELL = ("cell", "unitCell", "unit_cell")
EDGES = (
    ("cell_a", "cell_b", "cell_c", "cell_alpha", "cell_beta", "cell_gamma"),
    ("cellA", "cellB", "cellC", "cellAlpha", "cellBeta", "cellGamma"),
)
SPACE_GROUP = ("spaceGroup", "space_group", "crystalSpaceGroup")
ELEMENT = ("anomalousScatterer", "anomalous_scatterer", "element")
FORMULA = ("chemicalFormula", "chemical_formula")
LABEL = ("proteinAcronym", "acronym", "sampleName", "name")
WITHIN = ("sample", "crystal", "protein", "diffractionPlan", "BLSample", "Crystal", "Protein", "DiffractionPlan")
"""Objects in which such fields may stand."""
UNKNOWN = ("", "none", "null", "unknown", "undefined", "-", "0")
"""What databases hold where nobody has said anything."""
LIGHTEST_SCATTERER = 20
"""Atomic number from which an element of a formula is taken for one that is there for its anomalous signal. f'' of
calcium is 0.6 electrons at 1 Angstrom, of sulphur and chlorine, which every protein and buffer has, 0.2 and 0.3 (Cromer
& Liberman, by gemmi)."""
NO_OBJECT = "it holds no object with fields"
LONGEST = 100
"""Characters of a text that is taken."""

BRACKETS = re.compile(r"\(|\)[\d.]*")
"""Around groups of elements, and how many there are of the group: which elements there are does not depend on it."""

Tables = dict[str, dict[str, Any]]


def tables_of(said: object) -> tuple[Tables, list[str]]:
    """Parameters by table and name, and what could not be understood, in words. Values are not checked here."""
    if isinstance(said, list) and len(said) == 1:  # the answer of a database that was asked for one sample
        return tables_of(said[0]) if isinstance(said[0], Mapping) else ({}, [NO_OBJECT])
    if not isinstance(said, Mapping):
        return {}, [NO_OBJECT]
    inner = [said[name] for name in WITHIN if isinstance(said.get(name), Mapping)]
    fields = {key: value for one in (*inner, said) for key, value in one.items()}
    found: Tables = {"index": {}, "symmetry": {}, "scale": {}}
    problems: list[str] = []
    cell = _cell(fields, problems)
    if cell is not None:
        found["index"]["expected_cell"] = cell
    group = _text(fields, SPACE_GROUP, problems)
    if group:
        found["symmetry"]["expected_space_group"] = group
    element = _element(fields, problems)
    if element:
        found["scale"] |= {"expected_element": element, "anomalous": True}
    label = _text(fields, LABEL, problems)
    if not (cell or group or element or label or problems):
        problems.append("it has none of the fields cell, spaceGroup, anomalousScatterer")
    return {table: values for table, values in found.items() if values}, problems


def _cell(fields: Mapping[str, Any], problems: list[str]) -> list[float] | None:
    """Six numbers, in one field or in six; None where they are not known."""
    for name, value in _there(fields, CELL):
        numbers = _numbers(re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else value)
        if numbers is None or len(numbers) != 6:
            problems.append(f"{name} is not six numbers")
            return None
        return numbers if any(numbers) else None
    for names in EDGES:
        there = [name for name, _ in _there(fields, names)]
        if there and len(there) < 6:
            problems.append(f"the cell lacks {', '.join(name for name in names if name not in there)}")
            return None
        if there:
            numbers = _numbers([fields[name] for name in names])
            if numbers is None:
                problems.append(f"{names[0]} to {names[-1]} are not six numbers")
            return numbers
    return None


def _there(fields: Mapping[str, Any], names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The fields of these names that say something."""
    for name in names:
        value = fields.get(name)
        if value is not None and not isinstance(value, bool) and str(value)[:LONGEST].strip().lower() not in UNKNOWN:
            yield name, value


def _numbers(values: object) -> list[float] | None:
    if not isinstance(values, list):
        return None
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        return None


def _text(fields: Mapping[str, Any], names: tuple[str, ...], problems: list[str]) -> str:
    for name, value in _there(fields, names):
        if isinstance(value, (str, int)) and len(str(value)[: LONGEST + 1]) <= LONGEST:
            return str(value).strip()
        problems.append(f"{name} is not a short text")
        return ""
    return ""


def _element(fields: Mapping[str, Any], problems: list[str]) -> str:
    """The anomalous scatterer that is named, or the heaviest element of the formula."""
    named = _text(fields, ELEMENT, problems)
    if named:
        return named
    formula = BRACKETS.sub(" ", _text(fields, FORMULA, problems))
    try:
        elements = read_composition(formula)
    except BadComposition as error:
        problems.append(f"the formula cannot be read: {error.facts['reason']}")
        return ""
    heaviest = max((gemmi.Element(name).atomic_number for name in elements), default=0)
    return gemmi.Element(heaviest).name if heaviest >= LIGHTEST_SCATTERER else ""
