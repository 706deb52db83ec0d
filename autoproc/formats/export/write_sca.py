"""Scalepack files: merged, with Friedel mates apart or not, or unmerged with original indices.

Formats as in the manual of HKL: 3I4, 4F8.1 and 6I4, I6, 2I2, I3, 2F8.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import DoesNotFit, Exported, intensities
from autoproc.formats.observed.mtz import batches
from autoproc.geometry.asu import to_asu
from autoproc.models.merged import Merged
from autoproc.models.space_group import symbol

LARGEST, LEAST = 999999.0, -99999.0
"""That fit into the eight columns of F8.1."""
MOST_PRECISE = 9999.0
"""To which the largest intensity is brought where all are below it: F8.1 has one decimal only."""
MOST_INDEX, LEAST_INDEX = 9999, -999
MISSING = "     0.0    -1.0"
"""A Friedel mate that was not measured, where the other follows."""


def write_sca(path: Path, exported: Exported, params: ExportParams) -> list[Path]:
    """Write the file; returns its path. Raises DoesNotFit."""
    assert exported.merged is not None
    hkl = exported.observations["hkl"] if params.unmerged else exported.merged.hkl
    if len(hkl) and (hkl.max() > MOST_INDEX or hkl.min() < LEAST_INDEX):
        raise DoesNotFit(
            format="a scalepack file",
            reason="an index has more than four characters",
            to_do="use a lower resolution (d_min), or another format",
        )
    lines = unmerged_lines(exported) if params.unmerged else merged_lines(exported.merged, params.anomalous)
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in lines)
    return [path]


def scale_for_columns(*values: np.ndarray) -> float:
    """The factor with which all values fit into their columns, and use their decimals; NaN do not count."""
    finite = [v[np.isfinite(v)] for v in values]
    largest = max(float(v.max(initial=0.0)) for v in finite)
    least = min(float(v.min(initial=0.0)) for v in finite)
    extreme = max(largest, -least)
    if 0 < extreme < MOST_PRECISE:
        return MOST_PRECISE / extreme
    return min(1.0, LARGEST / largest if largest else 1.0, LEAST / least if least else 1.0)


def merged_lines(merged: Merged, anomalous: bool) -> Iterator[str]:
    """The lines of a merged file."""
    cell = "".join(f"{value:10.3f}" for value in merged.cell.parameters)
    yield "    1"
    yield " -987"
    yield f"{cell} {compact_symbol(merged.space_group)}"
    mates = (merged.intensity_plus, merged.sigma_plus, merged.intensity_minus, merged.sigma_minus)
    columns = mates if anomalous else (merged.intensity, merged.sigma)
    factor = scale_for_columns(*columns)
    scaled = np.column_stack(columns) * factor
    for index, row, is_centric in zip(merged.hkl.tolist(), scaled.tolist(), merged.is_centric.tolist(), strict=True):
        measured = [_pair(*row[n : n + 2]) for n in range(0, len(row), 2)]
        if is_centric or len(measured) == 1:
            measured = measured[:1]
        if any(measured):
            while not measured[-1]:
                measured.pop()
            yield "".join(f"{n:4d}" for n in index) + "".join(pair or MISSING for pair in measured)


def _pair(value: float, sigma: float) -> str:
    """A value and its sigma, empty where it was not measured; a sigma of 0.0 reads as none, of -1.0 as missing."""
    if not (np.isfinite(value) and np.isfinite(sigma)):
        return ""
    return f"{value:8.1f}{max(sigma, 0.1):8.1f}"


def compact_symbol(group: gemmi.SpaceGroup) -> str:
    """The symbol as scalepack writes it, p43212; cells on hexagonal axes h3, on rhombohedral ones r3."""
    name = symbol(group)
    if group.ext == "H":
        name = "H" + group.hm[1:]
    return name.partition(":")[0].replace(" ", "").lower()


def unmerged_lines(exported: Exported) -> Iterator[str]:
    """The lines of an unmerged file: symmetry operations, then observations with their original indices."""
    assert exported.merged is not None
    group, r = exported.merged.space_group, exported.observations
    operations = list(group.operations().sym_ops)
    yield f"{len(operations):5d} {compact_symbol(group)}"
    for operation in operations:
        yield "".join(f"{n // gemmi.Op.DEN:3d}" for row in operation.rot for n in row)
        yield "".join(f"{12 * (n % gemmi.Op.DEN) // gemmi.Op.DEN:3d}" for n in operation.tran)
    value, sigma = intensities(r)
    factor = scale_for_columns(value, sigma)
    asu, isym = to_asu(r["hkl"], group)
    is_centric = np.asarray(group.operations().centric_flag_array(asu), bool)
    kind = np.where(is_centric, 0, np.where(isym % 2 == 1, 1, 2))
    batch = batches(exported.experiments, r)
    numbers = np.column_stack([r["hkl"], asu, batch, kind, 0 * kind, (isym + 1) // 2]).tolist()
    order = np.lexsort((batch, asu[:, 2], asu[:, 1], asu[:, 0]))
    for n in order.tolist():
        *indices, image, centric, spindle, unit = numbers[n]
        head = "".join(f"{i:4d}" for i in indices)
        yield f"{head}{image:6d}{centric:2d}{spindle:2d}{unit:3d}{_pair(value[n] * factor, sigma[n] * factor)}"
