"""Sweeps and models from the batch headers of an unmerged MTZ file; positions of the words as in the CCP4 library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.dials.expt import identifier_for
from autoproc.formats.observed.batch_doubts import WAVELENGTH, each_once
from autoproc.formats.observed.batch_runs import (
    AXIS,
    BATCH_STEP,
    CELL,
    PHI,
    orientation_of,
    runs_of,
    width_of,
    words_of,
)
from autoproc.formats.observed.foreign_data import DamagedFile, stand_in_images, whole_image_range
from autoproc.formats.observed.read_xds_ascii import ASSUMED_WIDTH, unknown_detector
from autoproc.formats.observed.xds_header import require_cell, require_possible, to_our_frame
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.experiment import Beam, Experiment, Goniometer, Scan

SOURCE, DISTANCE = 83, 111
"""Places among the real numbers, as of those in batch_runs."""
STEADY = 1e-5
"""Below this, orientations of batches do not differ."""
NEAR = 2.0
"""Images from the middle of a reflection's own within which its centre must lie by ROT."""
MOST_SWEEPS = 10_000
Cell = tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BatchSweep:
    """Batches in a row, one an image.

    experiment : without a detector that means anything; others : the same with the axes of the reciprocal cell laid
    otherwise, for programs differ: a* along x (Busing & Levy) or a along x (PDB)
    is_oriented : the headers tell the orientation; distance : of the detector, mm, 0 where it is not told
    has_width : the headers tell the rotation of an image
    """

    first_batch: int
    last_batch: int
    experiment: Experiment
    others: tuple[Experiment, ...]
    is_oriented: bool
    distance: float
    has_width: bool

    def refined_frames(self, rotation: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """(N,) frames of rotation angles (N,), degrees, where these lie near the middles of the images, frame (N,)."""
        start, width = self.experiment.scan.oscillation
        if not width:
            return frame
        with np.errstate(invalid="ignore"):
            off = (rotation - start - width * frame + 180) % 360 - 180  # angles may be told beyond a full turn, or not
            return np.where(np.abs(off / width) < NEAR, frame + off / width, frame)


def batch_sweeps(path: str | Path, mtz: gemmi.Mtz) -> list[BatchSweep]:
    """The sweeps of a file, in the order of their batches. Raises CorruptFile or BadHeader."""
    runs = runs_of(each_once(path, list(mtz.batches)))
    if len(runs) > MOST_SWEEPS:
        raise DamagedFile(path=path, reason=f"it has {len(runs)} sweeps")
    return [_sweep(path, mtz, run) for run in runs]


def _sweep(path: str | Path, mtz: gemmi.Mtz, run: Sequence[gemmi.Mtz.Batch]) -> BatchSweep:
    first, last = whole_image_range(path, run[0].number, run[-1].number)
    offset = BATCH_STEP * (max(first - 1, 0) // BATCH_STEP)  # some programs count images, and batches, from 0
    words = np.array([words_of(batch) for batch in run])
    width = width_of(run[0])
    start = float(words[0, PHI]) if width else 0.0
    scan = Scan((first - offset, last - offset), (start, width or ASSUMED_WIDTH), batch_offset=offset)
    axis = _direction(words[0, AXIS : AXIS + 3], (0, 0, 1))
    beam = -_direction(words[0, SOURCE : SOURCE + 3], (-1, 0, 0))
    turn = to_our_frame(axis, beam)
    matrices = np.array([orientation_of(batch, floats) for batch, floats in zip(run, words, strict=True)])
    is_oriented = bool(width) and bool(np.isfinite(matrices).all())
    cell = _cell(path, mtz, words)
    made = Experiment(
        Beam(_wavelength(mtz, run[0]), -turn @ beam), unknown_detector(), Goniometer(axis=turn @ axis), scan
    )
    images = stand_in_images(path, first)
    made = require_possible(path, replace(made, imageset=images, identifier=identifier_for(images, scan)))
    group = mtz.spacegroup or gemmi.SpaceGroup("P 1")
    if not is_oriented:
        made = replace(made, crystal=Crystal(b_matrix(cell), group))
        return BatchSweep(first, last, made, (), False, 0.0, has_width=bool(width))
    steps = np.array([batch.number for batch in run]) - first
    known = np.searchsorted(steps, np.arange(scan.n_images), side="right") - 1
    experiments = []
    for basis in (_busing_levy, b_matrix):
        bases = _bases(basis, words[:, CELL : CELL + 6], cell)
        of_images = (turn @ matrices @ bases)[known]
        middle = known[len(known) // 2]
        experiments.append(replace(made, crystal=_crystal(of_images, turn @ matrices[middle] @ basis(cell), group)))
    distance = float(words[0, DISTANCE])
    distance = distance if 1 < distance < 1e5 else 0.0
    return BatchSweep(first, last, experiments[0], tuple(experiments[1:]), True, distance, has_width=True)


def _bases(basis: Callable[[Cell], np.ndarray], cells: np.ndarray, cell: Cell) -> np.ndarray:
    """(n, 3, 3) B of batches' cells (n, 6); of the file's cell for batches that have none."""
    unique, place = np.unique(cells, axis=0, return_inverse=True)
    found = []
    for row in unique:
        a, b, c, *angles = map(float, row)
        is_cell = np.isfinite(row).all() and min(a, b, c) > 1 and all(10 < angle < 170 for angle in angles)
        matrix = basis((a, b, c, *angles)) if is_cell and gemmi.UnitCell(*row).volume > 1 else basis(cell)
        found.append(matrix)
    return np.array(found)[place.ravel()]


def _crystal(of_images: np.ndarray, mean: np.ndarray, group: gemmi.SpaceGroup) -> Crystal:
    """A crystal of setting matrices (n, 3, 3) at the middles of the images, and one (3, 3) for all."""
    if np.abs(of_images - mean).max() < STEADY * np.abs(mean).max():
        return Crystal(mean, group)
    between = 0.5 * (of_images[1:] + of_images[:-1])
    return Crystal(mean, group, np.concatenate([of_images[:1], between, of_images[-1:]]))


def _busing_levy(cell: Cell) -> np.ndarray:
    """(3, 3) B with a* along x and b* in the xy plane, 1/Angstrom: the one of CCP4's batch headers."""
    metric = b_matrix(cell).T @ b_matrix(cell)
    return np.linalg.cholesky(metric).T


def _cell(path: str | Path, mtz: gemmi.Mtz, words: np.ndarray) -> Cell:
    """The cell of the file; where it has none, the median of its batches'."""
    parameters = np.array(mtz.cell.parameters)
    if (parameters > 1).all():
        return require_cell(path, parameters)
    return require_cell(path, np.median(words[:, CELL : CELL + 6], axis=0))


def _wavelength(mtz: gemmi.Mtz, batch: gemmi.Mtz.Batch) -> float:
    """Of the data set, or of the batch; 1 where neither tells."""
    listed = [d.wavelength for d in mtz.datasets if d.id == batch.dataset_id] + [float(batch.floats[WAVELENGTH])]
    return next((float(w) for w in listed if 0.01 < w < 100), 1.0)


def _direction(vector: np.ndarray, default: tuple[float, ...]) -> np.ndarray:
    length = np.linalg.norm(vector)
    return vector / length if np.isfinite(length) and length > 0.1 else np.array(default, float)
