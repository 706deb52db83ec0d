"""SHELX reflection files (HKLF 4): indices, intensity and standard uncertainty, perhaps a batch; no geometry.

Cell, wavelength and symmetry stand in the .ins, .res or .p4p file of the same name.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.boundary import reads_file
from autoproc.formats.compressed import read_whole
from autoproc.formats.dials.expt import identifier_for
from autoproc.formats.observed.foreign_data import (
    CORRECTED,
    NO_GROUP,
    NO_WAVELENGTH,
    DamagedFile,
    FileObservations,
    ForeignData,
    reflections_of,
    require_indices,
    stand_in_images,
)
from autoproc.formats.observed.read_xds_ascii import unknown_detector
from autoproc.formats.observed.shelx_hklf import NotHklf4, in_cell, told_of_records
from autoproc.formats.observed.shelx_ins import Cell, other_cells, told_beside
from autoproc.formats.observed.sound_records import doubts_of_crystals, sound_records
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Beam, Experiment, Goniometer, Scan
from autoproc.models.space_group import space_group_named, symbol

LINE = re.compile(rb"(?:[ \d-]{3}\d){3}(?:[ \d.+-]{7}[\d.]){2}(?:[ \d-]{3}\d)?(?:[ .\d+-]{8}){0,8}[ \d.-]{0,40}\r?")
"""FORMAT(3I4,2F8.2,I4), direction cosines perhaps behind it."""
MOST_BATCHES = 10_000
IS_SCALED = True
"""Structures are refined against what these files hold: SADABS, XDSCONV and others write them after their scaling."""
WITHOUT_PLACES = (
    "the file tells nothing of images or directions: decay, absorption and shadows cannot be found, only one scale for "
    "each batch"
)


def is_shelx_hkl(start: bytes) -> bool:
    """Whether a file that starts like this is one: each of its first lines is as the format asks."""
    lines = start.split(b"\n")[:6]
    complete = [line for line in (lines[:-1] if len(lines) > 1 else lines) if line.strip()]
    return len(complete) > 0 and all(len(line) < 200 and LINE.fullmatch(line) for line in complete)


@reads_file
def read_shelx(path: str | Path, cell: Cell | None = None, space_group: str | None = None) -> ForeignData:
    """Experiments, one for each batch, and observations. Raises DamagedFile, NoCell, BadKeyword or NotHklf4.

    cell, space_group : of the crystal, for a file that has none that tells them beside it
    """
    path = Path(path)
    lines = read_whole(path).decode("ascii", "replace").splitlines()
    table, behind = _table(path, lines)
    said = told_of_records(path, lines[len(table) :])
    told = (cell, 0.0, space_group_named(space_group or "P 1"), "the parameters") if cell else told_beside(path)
    known, wavelength, group, source = told
    experiments, number = _experiments(path, table[:, 5], (known, wavelength or 1.0, group))
    hkl = require_indices(path, table[:, :3])
    measured = FileObservations(
        hkl, number, table[:, 3], table[:, 4], np.full((len(hkl), 3), np.nan), np.zeros(len(hkl), bool)
    )
    measured, done = in_cell(path, measured, said, source)
    sound = sound_records(path, measured)
    remarks, assumed = [WITHOUT_PLACES], [f"{CORRECTED}, and scaled, as SADABS, XDSCONV and others write them"]
    if group is None:
        assumed.append(NO_GROUP.format(file=f"no file beside {path.name}"))
    known_beside = "cell is that" if group is None else f"cell and space group ({symbol(group)}) are those"
    remarks += [f"the {known_beside} of {source}", *done, *said.remarks]
    if not wavelength:
        assumed.append(NO_WAVELENGTH)
    if said.hklf is None:
        assumed.append("the numbers are squared amplitudes (HKLF 4): no HKLF instruction tells what they are")
    doubts = [
        *other_cells(path, known, source),
        *said.doubts,
        *behind,
        *doubts_of_crystals(path, experiments, measured),
    ]
    reflections = reflections_of(experiments, sound.measured, IS_SCALED)
    return ForeignData(
        tuple(experiments), reflections, "", IS_SCALED, tuple(remarks), tuple(dict.fromkeys([*doubts, *sound.told])),
        tuple(assumed),
    )  # fmt: skip


def _experiments(
    path: Path, batch: np.ndarray, known: tuple[Cell, float, gemmi.SpaceGroup | None]
) -> tuple[list[Experiment], np.ndarray]:
    """One for each batch, and which of them each record (N,) is of; known : cell, wavelength, space group."""
    cell, wavelength, group = known
    numbers, place = np.unique(batch.astype(np.int64), return_inverse=True)
    if len(numbers) > MOST_BATCHES:
        raise DamagedFile(path=path, reason=f"it has {len(numbers)} batches")
    crystal = Crystal(b_matrix(cell), group or gemmi.SpaceGroup("P 1"))
    made = Experiment(Beam(wavelength), unknown_detector(), Goniometer(), Scan((1, 1), (0.0, 0.0)), crystal=crystal)
    experiments = []
    for number in numbers:
        images = stand_in_images(path, int(number))
        experiments.append(replace(made, scan=replace(made.scan), imageset=images))
        experiments[-1] = replace(experiments[-1], identifier=identifier_for(images, made.scan))
    return experiments, place.ravel()


def _table(path: Path, lines: list[str]) -> tuple[np.ndarray, list[str]]:
    """(N, 6) indices, intensity, standard uncertainty and batch, as far as the line of zeros or a blank.

    Also what is to be said of records behind it. Raises DamagedFile or NotHklf4.
    """
    rows: list[tuple[float, ...]] = []
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
        rows.append((h, k, m, value, sigma, batch))
    table = np.array(rows, float).reshape(-1, 6)
    if (table[:, 5] < 0).any():
        n = int((table[:, 5] < 0).sum())
        raise NotHklf4(path=path, form="HKLF 5", why=f"{n} negative batch numbers, parts of overlapped twins")
    n_behind = sum(bool(LINE.fullmatch(line.encode("ascii", "replace"))) for line in lines[len(rows) + 1 :])
    ends_at = f"its line {len(rows) + 1}, of zeros or empty, ends it"
    return table, [f"{n_behind} records stand behind its end ({ends_at}), and are not read"] if n_behind else []
