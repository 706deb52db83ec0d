"""SHELX reflection files (HKLF 4): indices, intensity and standard uncertainty, perhaps a batch; no geometry.

Cell, wavelength and symmetry stand in the .ins, .res or .p4p file of the same name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np

from autoproc.errors import InputError
from autoproc.formats.boundary import reads_file
from autoproc.formats.compressed import read_whole
from autoproc.formats.dials.expt import identifier_for
from autoproc.formats.observed.foreign_data import (
    DamagedFile,
    ForeignData,
    Measured,
    reflections_of,
    require_indices,
    stand_in_images,
)
from autoproc.formats.observed.read_xds_ascii import unknown_detector
from autoproc.formats.observed.xds_header import require_cell
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Beam, Experiment, Goniometer, Scan
from autoproc.models.space_group import space_group_named, symbol

LINE = re.compile(rb"(?:[ \d-]{3}\d){3}(?:[ \d.+-]{7}[\d.]){2}(?:[ \d-]{3}\d)?(?:[ .\d+-]{8}){0,8}[ \d.-]{0,40}\r?")
"""FORMAT(3I4,2F8.2,I4), direction cosines perhaps behind it."""
Cell = tuple[float, ...]
BESIDE = (".ins", ".res", ".p4p", ".INS", ".RES", ".P4P")
MOST_BATCHES = 10_000
CENTRINGS = {1: "P", 2: "I", 3: "R", 4: "F", 5: "A", 6: "B", 7: "C"}
"""What the number of LATT stands for; a negative one has no inversion."""
IS_SCALED = True
"""Structures are refined against what these files hold: SADABS, XDSCONV and others write them after their scaling."""
WITHOUT_PLACES = (
    "the file tells nothing of images or directions: decay, absorption and shadows cannot be found, only one scale for "
    "each batch"
)


class NoCell(InputError):
    """Reflections without a cell."""

    what = "{path} does not tell the unit cell, and there is no {beside} beside it that does"
    hint = (
        "put the .ins or .p4p file of the crystal beside it, of the same name, or give symmetry.unit_cell=A,B,C,ALPHA,"
        "BETA,GAMMA and symmetry.space_group=NAME"
    )


def is_shelx_hkl(start: bytes) -> bool:
    """Whether a file that starts like this is one: each of its first lines is as the format asks."""
    lines = start.split(b"\n")[:6]
    complete = [line for line in (lines[:-1] if len(lines) > 1 else lines) if line.strip()]
    return len(complete) > 0 and all(len(line) < 200 and LINE.fullmatch(line) for line in complete)


@reads_file
def read_shelx(path: str | Path, cell: Cell | None = None, space_group: str | None = None) -> ForeignData:
    """Experiments, one for each batch, and observations. Raises DamagedFile, NoCell or BadKeyword.

    cell, space_group : of the crystal, for a file that has none that tells them beside it
    """
    path = Path(path)
    hkl, intensity, sigma, batch = _table(path, read_whole(path).decode("ascii", "replace").splitlines())
    told = (cell, 0.0, space_group_named(space_group or "P 1"), "the parameters") if cell else _beside(path)
    known, wavelength, group, source = told
    numbers = np.unique(batch)
    if len(numbers) > MOST_BATCHES:
        raise DamagedFile(path=path, reason=f"it has {len(numbers)} batches")
    crystal = Crystal(b_matrix(known), group or gemmi.SpaceGroup("P 1"))
    experiments = []
    for number in numbers:
        made = Experiment(
            Beam(wavelength or 1.0), unknown_detector(), Goniometer(), Scan((1, 1), (0.0, 0.0)), crystal=crystal
        )
        images = stand_in_images(path, int(number))
        experiments.append(replace(made, imageset=images, identifier=identifier_for(images, made.scan)))
    nowhere = np.full((len(hkl), 3), np.nan)
    measured = Measured(hkl, np.searchsorted(numbers, batch), intensity, sigma, nowhere, sigma <= 0)
    remarks = [WITHOUT_PLACES]
    if group is None:
        remarks.append(f"no file beside {path.name} tells the space group: P 1, until autoproc symmetry finds it")
    else:
        remarks.append(f"cell and space group ({symbol(group)}) are those of {source}")
    if not wavelength:
        remarks.append("the wavelength is not told: 1 Angstrom is assumed")
    return ForeignData(
        tuple(experiments), reflections_of(experiments, measured, IS_SCALED), "", IS_SCALED, tuple(remarks)
    )


def _table(path: Path, lines: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Indices (N, 3), intensities, standard uncertainties and batches (N,), as far as the line of zeros or a blank."""
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            break
        try:
            h, k, m = (int(line[n : n + 4]) for n in (0, 4, 8))
            value, sigma = float(line[12:20]), float(line[20:28])
            batch = int(line[28:32] or 0) if line[28:32].strip() else 1
        except ValueError as error:
            raise DamagedFile(path=path, reason=f"line {number} is not as HKLF 4 has it") from error
        if h == k == m == 0:
            break
        rows.append((h, k, m, value, sigma, abs(batch)))
    table = np.array(rows, float).reshape(-1, 6)
    return require_indices(path, table[:, :3]), table[:, 3], table[:, 4], table[:, 5].astype(np.int64)


def _beside(path: Path) -> tuple[tuple[float, ...], float, gemmi.SpaceGroup | None, str]:
    """Cell, wavelength (0 unknown), space group, and the name of the file that tells them."""
    for suffix in BESIDE:
        beside = path.with_suffix(suffix)
        if not beside.is_file():
            continue
        lines = read_whole(beside).decode("ascii", "replace").splitlines()
        found = _of_p4p(beside, lines) if suffix.lower() == ".p4p" else _of_ins(beside, lines)
        if found is not None:
            return *found, beside.name
    raise NoCell(path=path, beside=path.with_suffix(".ins").name)


def read_ins(path: Path) -> tuple[tuple[float, ...], float, gemmi.SpaceGroup | None] | None:
    """Cell, wavelength (0 unknown) and space group that an .ins or .res file tells; None without a cell."""
    return _of_ins(path, read_whole(path).decode("ascii", "replace").splitlines())


def _of_ins(path: Path, lines: list[str]) -> tuple[tuple[float, ...], float, gemmi.SpaceGroup | None] | None:
    cell, wavelength, latt, symm = None, 0.0, 1, ["x,y,z"]
    for line in lines:
        words = line.split()
        if not words:
            continue
        if words[0].upper() == "CELL" and len(words) >= 8:
            wavelength, *rest = map(float, words[1:8])
            cell = require_cell(path, np.array(rest))
        elif words[0].upper() == "LATT" and len(words) > 1:
            latt = int(words[1])
        elif words[0].upper() == "SYMM":
            symm.append(line.strip()[4:].strip())
        elif words[0].upper() in ("SFAC", "HKLF"):
            break
    if cell is None:
        return None
    return cell, wavelength if 0.01 < wavelength < 100 else 0.0, _group(latt, symm)


def _group(latt: int, symm: list[str]) -> gemmi.SpaceGroup | None:
    """The space group of SHELX's instructions; None where they are none that the tables have."""
    if abs(latt) not in CENTRINGS or len(symm) > 192:
        return None
    operations = [gemmi.Op(text.lower()) for text in symm]
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


def _of_p4p(path: Path, lines: list[str]) -> tuple[tuple[float, ...], float, gemmi.SpaceGroup | None] | None:
    cell, wavelength = None, 0.0
    for line in lines:
        words = line.split()
        if words[:1] == ["CELL"] and len(words) >= 7:
            cell = require_cell(path, np.array([float(w) for w in words[1:7]]))
        elif words[:1] == ["SOURCE"]:
            numbers = [float(w) for w in words[1:] if re.fullmatch(r"\d+\.\d+", w)]
            wavelength = next((x for x in numbers if 0.1 < x < 10), 0.0)
    return None if cell is None else (cell, wavelength, None)
