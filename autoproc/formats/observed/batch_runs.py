"""Batches of an unmerged MTZ file in runs, one a sweep; positions of the words as in the CCP4 library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import gemmi
import numpy as np

from autoproc.formats.cell_and_group import VARYING, cells_apart
from autoproc.formats.observed.batch_doubts import SAME_WAVELENGTH, WAVELENGTH
from autoproc.geometry.rotation import nearest_rotation, rotation_matrix, turned_by

MISSETS, N_AXES = 10, 17
"""Places among the integers: whether missetting angles are apart from U; the number of goniometer axes."""
CELL, U, ANGLES, PHI, AXIS = 0, 6, 15, 36, 38
"""Places among the real numbers."""
SLACK = 0.5
"""Of an image's width by which a batch may begin elsewhere and still go on with the sweep of the one before it."""
ROTATION_ERROR = 0.02
"""By which the elements of an orientation matrix may be off one: single precision, and rounding of programs."""
SAME_DIRECTION = 3.0
"""Degrees by which the orientation, or the rotation axis, may differ from that of the batch before. By geometry alone:
orientations at random are as near as this in one case of 130,000, (theta - sin theta) / pi."""
BATCH_STEP = 1000


def runs_of(batches: Iterable[gemmi.Mtz.Batch]) -> list[list[gemmi.Mtz.Batch]]:
    """Batches, in the order of their numbers, sweep by sweep."""
    runs: list[list[gemmi.Mtz.Batch]] = []
    words = np.zeros(0)
    for batch in batches:
        before, words = words, np.array(words_of(batch))
        if runs and _goes_on(runs[-1], batch) and _is_of_same_crystal(runs[-1][-1], before, batch, words):
            runs[-1].append(batch)
        else:
            runs.append([batch])
    return runs


def _goes_on(run: Sequence[gemmi.Mtz.Batch], batch: gemmi.Mtz.Batch) -> bool:
    """Whether the rotation goes on as the numbers do.

    Angles may begin anew after a full turn from one batch to the next, but not across batches that are lacking: 1000
    batches, by which programs put sweeps apart, are whole turns for many a width, such as 0.36 degrees.
    """
    first, last = run[0], run[-1]
    step = batch.number - last.number
    if batch.dataset_id != first.dataset_id or not 0 < step < BATCH_STEP:
        return False
    width = width_of(first)
    if not width:
        return step == 1
    off = batch.floats[PHI] - first.floats[PHI] - width * (batch.number - first.number)
    off_last = batch.floats[PHI] - last.floats[PHI] - width * step
    slack = SLACK * abs(width)
    return abs((off + 180) % 360 - 180) < slack and (step == 1 or abs(off_last) < slack)


def _is_of_same_crystal(last: gemmi.Mtz.Batch, before: np.ndarray, batch: gemmi.Mtz.Batch, words: np.ndarray) -> bool:
    """Whether orientation, cell, axis and wavelength, as far as both tell them, are those of the batch before.

    before, words : the real numbers of the last batch, and of this one
    """
    one, other = _misset(last, before), _misset(batch, words)
    is_told = bool(np.isfinite(one).all())
    if is_told != np.isfinite(other).all() or (is_told and turned_by(one.T @ other) > SAME_DIRECTION):
        return False
    if not np.array_equal(before[CELL : CELL + 6], words[CELL : CELL + 6]):
        cells = before[CELL : CELL + 6], words[CELL : CELL + 6]
        if min(cell.min() for cell in cells) > 1 and cells_apart(*(tuple(map(float, c)) for c in cells)) > VARYING:
            return False
    axes = before[AXIS : AXIS + 3], words[AXIS : AXIS + 3]
    lengths = np.linalg.norm(axes, axis=1)
    if lengths.min() > 0.1 and axes[0] @ axes[1] < np.cos(np.radians(SAME_DIRECTION)) * lengths.prod():
        return False
    waves = before[WAVELENGTH], words[WAVELENGTH]
    return not (min(waves) > 0.01 and abs(waves[0] - waves[1]) > SAME_WAVELENGTH * waves[0])


def width_of(batch: gemmi.Mtz.Batch) -> float:
    """Degrees of a batch's rotation; 0 where it tells none."""
    width = float(batch.floats[PHI + 1]) - float(batch.floats[PHI])
    return width if np.isfinite(width) and abs(width) < 360 else 0.0


def words_of(batch: gemmi.Mtz.Batch) -> list[float]:
    """The real numbers of a header."""
    return [batch.floats[n] for n in range(len(batch.floats))]


def orientation_of(batch: gemmi.Mtz.Batch, words: np.ndarray) -> np.ndarray:
    """(3, 3) rotation of the crystal at phi = 0, missetting angles included; NaN where there is none."""
    return _misset(batch, words) if batch.ints[N_AXES] <= 1 else np.full((3, 3), np.nan)


def _misset(batch: gemmi.Mtz.Batch, words: np.ndarray) -> np.ndarray:
    """(3, 3) U with the missetting angles, which is the orientation at the datum where there is one axis."""
    nothing = np.full((3, 3), np.nan)
    matrix = words[U : U + 9].reshape(3, 3).T
    if not np.isfinite(matrix).all():
        return nothing
    if np.abs(matrix @ matrix.T - np.eye(3)).max() > ROTATION_ERROR or np.linalg.det(matrix) < 0:
        return nothing
    if batch.ints[MISSETS] > 0:
        angles = np.radians(words[ANGLES : ANGLES + 3])
        x, y, z = (rotation_matrix(axis, angle) for axis, angle in zip(np.eye(3), angles, strict=True))
        matrix = z @ y @ x @ matrix
    return nearest_rotation(matrix)
