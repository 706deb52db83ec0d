"""Where the batch headers of an unmerged MTZ file contradict the rest of it, or each other."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from autoproc.formats.cell_and_group import VARYING, cell_words, cells_apart
from autoproc.formats.observed.foreign_data import DamagedFile

WAVELENGTH = 86
"""Place among a batch's real numbers, as in the CCP4 library."""
SAME_WAVELENGTH = 1e-3
"""Relative: headers give four decimals."""


def each_once(path: object, batches: Sequence[gemmi.Mtz.Batch]) -> list[gemmi.Mtz.Batch]:
    """Batches in the order of their numbers. Raises DamagedFile where two of a number differ."""
    found: dict[int, gemmi.Mtz.Batch] = {}
    for batch in sorted(batches, key=lambda b: b.number):
        first = found.setdefault(batch.number, batch)
        if _words(first) != _words(batch):
            raise DamagedFile(path=path, reason=f"batch {batch.number} has two headers, which differ")
    return list(found.values())


def _words(batch: gemmi.Mtz.Batch) -> tuple[list[int], list[float]]:
    """All integers and real numbers of a header."""
    return [batch.ints[n] for n in range(len(batch.ints))], [batch.floats[n] for n in range(len(batch.floats))]


def batch_doubts(mtz: gemmi.Mtz) -> list[str]:
    """What does not agree, and what is taken, a sentence each."""
    doubts = []
    told = {d.id: d.wavelength for d in mtz.datasets}
    pairs = {(told.get(b.dataset_id, 0.0), round(float(b.floats[WAVELENGTH]), 5)) for b in mtz.batches}
    apart = [(one, other) for one, other in sorted(pairs) if _differ(one, other)]
    if apart:
        one, other = apart[0]
        doubts.append(
            f"the wavelength is {one:.5f} A by the data set and {other:.5f} A by its batch headers: that of the data "
            "set is taken"
        )
    cell = mtz.cell.parameters
    if min(cell) <= 1:
        return doubts
    of_sets = {d.cell.parameters for d in mtz.datasets if d.id and min(d.cell.parameters) > 1}
    listed = np.array([b.cell.parameters for b in mtz.batches])
    of_batches = [tuple(np.median(listed, axis=0))] if len(listed) and (listed.min(axis=0) > 1).all() else []
    for whose, others in (("its data sets", sorted(of_sets)), ("its batch headers", of_batches)):
        worst = max(others, key=lambda other: cells_apart(cell, other), default=cell)
        if cells_apart(cell, worst) > VARYING:
            doubts.append(
                f"the cell is {cell_words(cell)} by the head of the file and {cell_words(worst)} by {whose}: that of "
                "the head is taken" + (", and that of the batches for directions" if "batch" in whose else "")
            )
    return doubts


def wavelengths_told(mtz: gemmi.Mtz) -> list[float]:
    """Those of data sets and batches that can be."""
    listed = [*(d.wavelength for d in mtz.datasets), *(float(b.floats[WAVELENGTH]) for b in mtz.batches)]
    return [wavelength for wavelength in listed if 0.01 < wavelength < 100]


def _differ(one: float, other: float) -> bool:
    """Both tell a wavelength, and another one."""
    return min(one, other) > 0.01 and abs(one - other) > SAME_WAVELENGTH * one
