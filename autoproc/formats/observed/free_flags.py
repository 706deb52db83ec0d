"""Free-R flags as MTZ and mmCIF files have them, in the conventions of CCP4, PHENIX and others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np

from autoproc.errors import InputError
from autoproc.formats.observed.reference_data import NoReference, ReferenceData, ending, read_reference

LABELS = ("FreeR_flag", "R-free-flags", "FREE", "RFREE", "FreeRflag", "FREER", "FreeR", "TEST")
"""Of columns of flags, as CCP4, PHENIX, CNS and others call them; the first that there is counts."""
STATUS = "status: f is the test set"
STARTS = ("free", "r-free", "rfree")
"""How labels of columns of integers begin, in lower case, that have flags in files of other programs."""
MOST_SETS = 100_000
"""Beyond it numbers are no sets: programs make 10 to 20 by default, and tables are as long as the largest."""
WHOLE = 1e-3
"""By which a flag may be off a whole number."""
LEAST_TEST = 0.001
"""Of all flags: a rarer value is a mistake, no test set; the usual ones are 0.02 to 0.1."""


class NoFreeFlags(InputError):
    """A file without free-R flags."""

    what = "{path} tells no free-R flags: {reason}"
    hint = "give an MTZ file with a column like FreeR_flag, or structure factors as mmCIF; without one, flags are new"


class NotFlags(InputError):
    """A column of numbers that are no free-R flags."""

    what = "the column {label} of {path} holds no free-R flags: {reason}"
    hint = (
        "flags are whole numbers of sets, such as 0 to 19, or 0 and 1: give a file with such a column, or no reference "
        "for new flags"
    )


@dataclass(frozen=True, slots=True, eq=False)
class FreeFlags:
    """Which reflections are kept out of refinement.

    hkl : (N, 3) int32, as in the file; number : (N,) int32 of each one's set, 0 is the test set as in CCP4
    has_sets : the others are in sets too, as in CCP4, not only in one
    convention : of the file, in words; cell, space_group : of the file
    known : its intensities, None where it has none
    """

    hkl: np.ndarray
    number: np.ndarray
    has_sets: bool
    convention: str
    cell: gemmi.UnitCell
    space_group: gemmi.SpaceGroup
    known: ReferenceData | None


def read_free_flags(path: Path) -> FreeFlags:
    """The flags of a file. Raises NoFreeFlags, NotFlags or NoReference."""
    try:
        found = _of_mtz(path) if ending(path) == ".mtz" else _of_cif(path)
    except (RuntimeError, ValueError, OSError) as error:
        raise NoReference(path=path, reason=str(error)) from error
    try:
        known = read_reference(path)
    except NoReference:
        known = None
    hkl, number, has_sets, convention, cell, group = found
    return FreeFlags(hkl, number, has_sets, convention, cell, group, known)


Found = tuple[np.ndarray, np.ndarray, bool, str, gemmi.UnitCell, gemmi.SpaceGroup]


def _of_mtz(path: Path) -> Found:
    mtz = gemmi.read_mtz_file(str(path))
    integers = [column for column in mtz.columns if column.type in "IX"]
    listed = sorted((c for c in integers if c.label in LABELS), key=lambda c: LABELS.index(c.label))
    named = listed + [c for c in integers if c.label.lower().startswith(STARTS)]
    if not named:
        raise NoFreeFlags(path=path, reason="it has no column of them")
    if mtz.spacegroup is None:
        raise NoReference(path=path, reason="it has no space group")
    values = np.array(named[0], float)
    number, has_sets, words = as_sets(path, values, named[0].label)
    hkl = np.asarray(mtz.make_miller_array(), np.int32)
    has = ~np.isnan(values)
    return hkl[has], number, has_sets, f"{named[0].label}: {words}", mtz.cell, mtz.spacegroup


def _require_flags(path: Path, label: str, values: np.ndarray) -> None:
    """Raises NotFlags for numbers that are fractions, or too large for those of sets."""
    possible = np.clip(values, -MOST_SETS, MOST_SETS)
    for bad, why in (
        (values != possible, "out of range"),
        (np.abs(possible - np.rint(possible)) > WHOLE, "fractions"),
    ):
        if bad.any():
            n, example = int(bad.sum()), float(values[bad][0])
            raise NotFlags(path=path, label=label, reason=f"{n} of {len(values)} are {why}, such as {example:g}")


def as_sets(path: Path, values: np.ndarray, label: str) -> tuple[np.ndarray, bool, str]:
    """Numbers of sets of the finite values, 0 the test set; whether the others are in sets too; the convention.

    Of two values the rarer one is the test set: 1 of PHENIX and CNS, 0 of CCP4, -1 of SHELX. Raises NoFreeFlags or
    NotFlags, which names the column by its label.
    """
    _require_flags(path, label, values[~np.isnan(values)])
    flags = np.rint(values[np.isfinite(values)]).astype(np.int32)
    listed, counts = np.unique(flags, return_counts=True)
    if len(listed) < 2 or (counts.min() < LEAST_TEST * len(flags) and len(listed) == 2):
        raise NoFreeFlags(path=path, reason="all reflections have the same" if len(listed) else "its column is empty")
    if len(listed) > 2:
        test = 0 if 0 in listed else int(listed[0])
        number = np.where(flags == test, 0, flags - int(listed[0]) + 1 if listed[0] < 0 or test else flags)
        return number.astype(np.int32), True, f"sets {listed[0]} to {listed[-1]}, {test} is the test set"
    test = int(listed[np.argmin(counts)])
    return (flags != test).astype(np.int32), False, f"{test} is the test set, {listed[np.argmax(counts)]} the rest"


def _of_cif(path: Path) -> Found:
    for block in gemmi.as_refln_blocks(gemmi.cif.read(str(path))):
        if not block or block.spacegroup is None:
            continue
        items = ["index_h", "index_k", "index_l", "?status", "?pdbx_r_free_flag"]
        table = block.block.find("_refln.", items)
        if len(table) and (table.has_column(3) or table.has_column(4)):
            return (*_of_table(path, table), block.cell, block.spacegroup)
    raise NoFreeFlags(path=path, reason="it has neither _refln.status nor _refln.pdbx_r_free_flag")


def _of_table(path: Path, table: gemmi.cif.Table) -> tuple[np.ndarray, np.ndarray, bool, str]:
    hkl = np.array([[int(row[k]) for k in range(3)] for row in table], np.int32)
    flags = np.full(len(hkl), np.nan)
    if table.has_column(4):
        flags = np.array([gemmi.cif.as_number(text) for text in table.column(4)])
    status = np.array([gemmi.cif.as_string(text) for text in table.column(3)]) if table.has_column(3) else None
    if status is None or not (status == "f").any():
        number, has_sets, words = as_sets(path, flags, "pdbx_r_free_flag")
        return hkl[np.isfinite(flags)], number, has_sets, f"pdbx_r_free_flag: {words}"
    _require_flags(path, "pdbx_r_free_flag", flags[~np.isnan(flags)])
    is_told = np.isin(status, ("o", "f", "<"))
    of_test = flags[is_told & (status == "f")]
    others = flags[is_told & (status != "f")]
    test = of_test[0]
    if np.isfinite(test) and (of_test == test).all() and len(np.unique(others)) > 1 and not (others == test).any():
        number = np.where(flags == test, 0, np.where(flags == 0, test, flags))[is_told]
        good = np.isfinite(number) & (number >= 0)
        return hkl[is_told][good], number[good].astype(np.int32), True, STATUS
    return hkl[is_told], (status != "f")[is_told].astype(np.int32), False, STATUS
