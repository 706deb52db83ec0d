"""What the .ins, .res or .p4p file beside a SHELX reflection file tells: cell, wavelength and symmetry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import gemmi
import numpy as np

from autoproc.errors import InputError
from autoproc.formats.cell_and_group import cell_words, cells_apart
from autoproc.formats.compressed import read_whole
from autoproc.formats.observed.foreign_data import DamagedFile
from autoproc.formats.observed.xds_header import require_cell

Cell = tuple[float, ...]
Told = tuple[Cell, float, gemmi.SpaceGroup | None]
"""Cell, wavelength (0 unknown), and space group, None where it is not told."""
BESIDE = (".ins", ".res", ".p4p", ".INS", ".RES", ".P4P")
CENTRINGS = {1: "P", 2: "I", 3: "R", 4: "F", 5: "A", 6: "B", 7: "C"}
"""What the number of LATT stands for; a negative one has no inversion."""
SAME_CELL = 0.01
"""Of edges, or radians: .p4p files are of the cell at the diffractometer, .ins files of the one refined at the end."""
FORMS = {
    "CELL": "CELL has the wavelength and six numbers of the cell",
    "LATT": "LATT has a whole number, 1 to 7 for P, I, R, F, A, B or C, negative without an inversion",
    "SYMM": "SYMM has a symmetry operation such as -X, 1/2+Y, -Z",
}
"""What the instructions that are read have."""


class BadInstruction(DamagedFile):
    """An instruction that does not say what it is to say."""

    hint = "put that line right with a text editor, or write the file again with the program that made it"


class NoCell(InputError):
    """Reflections without a cell."""

    what = "{path} does not tell the unit cell, and there is no {beside} beside it that does"
    hint = (
        "put the .ins or .p4p file of the crystal beside it, of the same name, or give symmetry.unit_cell=A,B,C,ALPHA,"
        "BETA,GAMMA and symmetry.space_group=NAME"
    )


def told_beside(path: Path) -> tuple[Cell, float, gemmi.SpaceGroup | None, str]:
    """Cell, wavelength (0 unknown), space group, and the name of the file that tells them."""
    for suffix in BESIDE:
        beside = path.with_suffix(suffix)
        if not beside.is_file():
            continue
        found = _told_by(beside)
        if found is not None:
            return *found, beside.name
    raise NoCell(path=path, beside=path.with_suffix(".ins").name)


def other_cells(path: Path, cell: Cell, source: str) -> list[str]:
    """The files beside it that tell another cell than the one that is taken, a sentence each."""
    doubts = []
    for suffix in BESIDE:
        beside = path.with_suffix(suffix)
        if not beside.is_file() or beside.name == source:
            continue
        found = _told_by(beside)
        if found is not None and cells_apart(cell, found[0]) > SAME_CELL:
            doubts.append(
                f"the cell is {cell_words(cell)} by {source} and {cell_words(found[0])} by {beside.name}: that of "
                f"{source} is taken"
            )
    return doubts


def _told_by(beside: Path) -> Told | None:
    """Cell, wavelength (0 unknown) and space group of one file; None without a cell."""
    lines = read_whole(beside).decode("ascii", "replace").splitlines()
    return _of_p4p(beside, lines) if beside.suffix.lower() == ".p4p" else _of_ins(beside, lines)


def read_ins(path: Path) -> Told | None:
    """Cell, wavelength (0 unknown) and space group that an .ins or .res file tells; None without a cell."""
    return _of_ins(path, read_whole(path).decode("ascii", "replace").splitlines())


def _of_ins(path: Path, lines: list[str]) -> Told | None:
    """Raises BadInstruction."""
    cell, wavelength, latt, symm = None, 0.0, 1, [gemmi.Op()]
    for number, text in read_instructions(lines):
        name, *words = text.split()
        try:
            if name.upper() == "CELL":
                wavelength, *edges = map(float, words[:7])
                cell = require_cell(path, np.array(edges)) if len(words) >= 7 else _no(FORMS["CELL"])
            elif name.upper() == "LATT" and words:
                latt = int(words[0]) if abs(int(words[0])) in CENTRINGS else _no(FORMS["LATT"])
            elif name.upper() == "SYMM":
                symm.append(gemmi.Op(text.strip()[4:].strip().lower()))
            elif name.upper() in ("SFAC", "HKLF"):
                break
        except (ValueError, RuntimeError) as error:
            reason = f"its line {number}, {text.strip()[:60]!r}, is not understood: {FORMS[name.upper()]}"
            raise BadInstruction(path=path, reason=reason) from error
    if cell is None:
        return None
    return cell, wavelength if 0.01 < wavelength < 100 else 0.0, _group(latt, symm)


def _no(reason: str) -> NoReturn:
    raise ValueError(reason)


def read_instructions(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Number and text of each instruction; "=" at the end of a line goes on with the next, and "!" begins a comment."""
    found: list[tuple[int, str]] = []
    goes_on = False
    for number, line in enumerate(lines, 1):
        is_words = line[:4].upper() in ("TITL", "REM ") and not goes_on
        text = line.rstrip() if is_words else line.partition("!")[0].rstrip()
        begun = goes_on and bool(found)
        goes_on = text.endswith("=") and not is_words
        text = text[:-1] if goes_on else text
        if begun:
            found[-1] = found[-1][0], f"{found[-1][1]} {text.strip()}"
        elif text.strip():
            found.append((number, text))
    return found


def _group(latt: int, symm: list[gemmi.Op]) -> gemmi.SpaceGroup | None:
    """The space group of SHELX's instructions; None where they are none that the tables have."""
    if len(symm) > 192:
        return None
    operations = list(symm)
    if latt > 0:
        operations += [op * gemmi.Op("-x,-y,-z") for op in operations]
    shifts = {"P": (), "I": ("1/2,1/2,1/2",), "F": ("0,1/2,1/2", "1/2,0,1/2", "1/2,1/2,0"), "A": ("0,1/2,1/2",),
              "B": ("1/2,0,1/2",), "C": ("1/2,1/2,0",), "R": ("2/3,1/3,1/3", "1/3,2/3,2/3")}  # fmt: skip
    centred = list(operations)
    for shift in shifts[CENTRINGS[abs(latt)]]:
        by = ",".join(f"{axis}+{part}" for axis, part in zip("xyz", shift.split(","), strict=True))
        centred += [gemmi.Op(by) * op for op in operations]
    group = gemmi.GroupOps([op.wrap() for op in centred])
    return gemmi.find_spacegroup_by_ops(group)


def _of_p4p(path: Path, lines: list[str]) -> Told | None:
    cell, wavelength = None, 0.0
    for line in lines:
        words = line.split()
        if words[:1] == ["CELL"] and len(words) >= 7:
            cell = require_cell(path, np.array([float(w) for w in words[1:7]]))
        elif words[:1] == ["SOURCE"]:
            numbers = [float(w) for w in words[1:] if re.fullmatch(r"\d+\.\d+", w)]
            wavelength = next((x for x in numbers if 0.1 < x < 10), 0.0)
    return None if cell is None else (cell, wavelength, None)
