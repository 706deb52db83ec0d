"""What an MTZ file holds."""

from __future__ import annotations

from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.observed.open_mtz import open_mtz
from autoproc.models.space_group import symbol
from autoproc.text_tables import ruled_table
from autoproc.wording import angstrom


def format_mtz(path: str | Path) -> str:
    """Cell, space group, data sets, batches, history and columns of an MTZ file."""
    mtz = open_mtz(path)
    group = mtz.spacegroup
    lines = [
        f"Title: {mtz.title}",
        f"Space group: {f'{symbol(group)} (No. {group.number})' if group else 'unknown'}",
        f"Unit cell: {', '.join(f'{x:.4f}' for x in mtz.cell.parameters)}",
        f"Reflections: {mtz.nreflections}{_completeness(mtz)}",
        f"Resolution: {angstrom(mtz.resolution_low())} - {angstrom(mtz.resolution_high())} A",
        f"Batches: {_batches(mtz)}" if mtz.batches else "Merged",
    ]
    lines += [
        f"Dataset {d.id}: {d.project_name}/{d.crystal_name}/{d.dataset_name}, wavelength {d.wavelength:g} A, "
        f"cell {' '.join(f'{x:.2f}' for x in d.cell.parameters)}"
        for d in mtz.datasets
        if d.id
    ]
    lines += [f"History: {line}" for line in mtz.history]
    return "\n".join([*lines, "", _columns(mtz)])


def _completeness(mtz: gemmi.Mtz) -> str:
    """Of merged data, to their own resolution."""
    if mtz.batches or mtz.spacegroup is None or not mtz.nreflections:
        return ""
    possible = gemmi.count_reflections(
        mtz.cell, mtz.spacegroup, mtz.resolution_high() - 1e-4, mtz.resolution_low() + 1e-4
    )
    return f" ({100 * mtz.nreflections / possible:.1f}% complete)" if possible else ""


def _batches(mtz: gemmi.Mtz) -> str:
    numbers = sorted(batch.number for batch in mtz.batches)
    first = mtz.batches[0]
    cell = " ".join(f"{x:.2f}" for x in first.cell.parameters)
    return f"{len(numbers)} ({numbers[0]} to {numbers[-1]}), the first with cell {cell}"


def _columns(mtz: gemmi.Mtz) -> str:
    data = np.asarray(mtz.array)
    rows = []
    for n, column in enumerate(mtz.columns):
        values = data[:, n][np.isfinite(data[:, n])]
        limits = [f"{f(values):.4g}" for f in (np.min, np.max, np.mean)] if len(values) else [""] * 3
        rows.append([column.label, column.type, str(column.dataset_id), str(len(values)), *limits])
    return ruled_table(["Column", "type", "dataset", "present", "min", "max", "mean"], rows, left=(0, 1))
