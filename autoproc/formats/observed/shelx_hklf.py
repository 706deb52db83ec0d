"""The HKLF instruction of SHELX: what the numbers of a reflection file are, and what is to be done with them.

HKLF N S R11 R12 ... R33 WT M: N the kind, S a factor of intensities and of their uncertainties, R the matrix by which
indices become those of the cell, WT a factor of the weights of a refinement (Sheldrick 2015, Acta C71, 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from autoproc.errors import InputError
from autoproc.formats.compressed import read_whole
from autoproc.formats.observed.foreign_data import FileObservations
from autoproc.formats.observed.shelx_ins import BESIDE, read_instructions

KINDS = {
    1: "Laue data", 2: "Laue data with a wavelength each", 3: "amplitudes, not their squares",
    5: "twins, overlapped ones in parts", 6: "groups of reflections",
}  # fmt: skip
"""What the numbers of HKLF stand for, besides 4."""
OF_REFINEMENT = ("TWIN", "BASF", "MERG", "OMIT", "SHEL")
"""Instructions that a refinement obeys: of twins, of what is merged, and of reflections that it leaves out."""


class NotHklf4(InputError):
    """A SHELX file of another kind than of intensities of one crystal."""

    what = "{path} is of {form} ({why}), and only HKLF 4 is read: intensities of one crystal with their sigmas"
    hint = "write it again as HKLF 4, or give what it was made of: the unmerged file of the program that integrated"


@dataclass(frozen=True, slots=True, eq=False)
class Hklf:
    """HKLF 4 as a file tells it.

    source : the file; factor : of intensities and uncertainties, 1 where it is none that can be
    matrix : (3, 3), h' = R h; said : the instruction
    """

    source: str
    factor: float = 1.0
    matrix: np.ndarray = field(default_factory=lambda: np.eye(3))
    said: str = "HKLF 4"

    @property
    def is_turned(self) -> bool:
        """Indices are others in the file than in the cell."""
        return not np.array_equal(self.matrix, np.eye(3))


@dataclass(frozen=True, slots=True, eq=False)
class HklfInstructions:
    """What instructions say of reflections: hklf, None where none tells it; remarks and doubts, a sentence each."""

    hklf: Hklf | None
    remarks: tuple[str, ...]
    doubts: tuple[str, ...]


def told_of_records(path: Path, behind: Sequence[str]) -> HklfInstructions:
    """What is said behind the records of a file, and in the .ins and .res beside it. Raises NotHklf4.

    Where several tell of HKLF, and not alike, the file beside it counts that comes first in BESIDE.
    """
    found: list[Hklf] = []
    not_used: dict[str, list[str]] = {}
    for name, lines in _texts(path, behind):
        words = [text.split() for _, text in read_instructions(lines)]
        last = next((w for w in reversed(words) if w[0].upper() == "HKLF"), None)
        found += [_hklf(path, name, last)] if last is not None else []
        there = [said for said in OF_REFINEMENT if any(w[0].upper() == said for w in words)]
        if there and name != path.name:
            not_used[name] = there
    remarks = [
        f"{', '.join(there)} in {name} {'is' if len(there) == 1 else 'are'} of the refinement, and not used: all "
        "intensities are taken as they are, twinned or not"
        for name, there in not_used.items()
    ]
    apart = [h for h in found if not np.array_equal(h.matrix, found[0].matrix) or h.factor != found[0].factor]
    doubts = [f"{found[0].source} has {found[0].said}, and {h.source} {h.said}: the first is taken" for h in apart[:1]]
    return HklfInstructions(found[0] if found else None, tuple(remarks), tuple(doubts))


def _texts(path: Path, behind: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    beside = [path.with_suffix(suffix) for suffix in BESIDE if suffix.lower() != ".p4p"]
    texts = [(b.name, read_whole(b).decode("ascii", "replace").splitlines()) for b in beside if b.is_file()]
    return [*texts, (path.name, behind)]


def _hklf(path: Path, source: str, words: Sequence[str]) -> Hklf:
    try:
        numbers = [float(word) for word in words[1:]]
    except ValueError:
        numbers = []
    kind = abs(int(numbers[0])) if numbers else 0
    said = " ".join(words)[:60]
    if kind != 4:
        raise NotHklf4(path=path, form=said[:20], why=KINDS.get(kind, "of no kind that is known"))
    factor = numbers[1] if len(numbers) > 1 else 1.0
    matrix = np.eye(3).ravel()
    matrix[: len(numbers[2:11])] = numbers[2:11]
    is_factor = np.isfinite(factor) and 1e-6 < factor < 1e6
    return Hklf(source, factor if is_factor else 1.0, matrix.reshape(3, 3), said)


def in_cell(
    path: Path, measured: FileObservations, told: HklfInstructions, source_of_cell: str
) -> tuple[FileObservations, list[str]]:
    """Observations with the factor and in the indices of the cell, and what was done, a sentence each.

    Raises NotHklf4 for a matrix that is no change of basis, or that stands in another file than the cell.
    """
    hklf, remarks = told.hklf, []
    if hklf is None:
        return measured, []
    if hklf.is_turned:
        hkl = measured.hkl @ hklf.matrix.T
        why = ""
        if hklf.source != source_of_cell:
            why = f"a matrix turns its indices to a cell of {hklf.source}, and the cell is that of {source_of_cell}"
        elif not np.isfinite(hkl).all() or abs(np.linalg.det(hklf.matrix)) < 1e-6:
            why = "its matrix is no change of basis"
        elif np.abs(hkl - np.rint(hkl)).max() > 1e-2:  # thirds are written as 0.3333
            why = "its matrix makes indices that are no whole numbers"
        if why:
            raise NotHklf4(path=path, form=hklf.said, why=why)
        measured = replace(measured, hkl=np.rint(hkl).astype(np.int32))
        remarks.append(f"indices are turned by the matrix of {hklf.said} in {hklf.source}, to those of its cell")
    if hklf.factor != 1.0:
        measured = replace(measured, intensity=measured.intensity * hklf.factor, sigma=measured.sigma * hklf.factor)
        remarks.append(f"intensities and sigmas are multiplied by {hklf.factor:g}, as {hklf.source} says")
    return measured, remarks
