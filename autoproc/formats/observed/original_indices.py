"""The indices as they were measured, and what is a part, from the column M/ISYM of an unmerged MTZ file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.observed.foreign_data import DamagedFile

LABEL = "M/ISYM"
PARTIAL = 256
"""M/ISYM is the number of the operation and 256 M, M = 1 for one of several parts of a reflection."""


@dataclass(frozen=True, slots=True, eq=False)
class OriginalIndices:
    """Of each record (N,): it is a part of a reflection; its original indices are unknown. told : in words."""

    is_part: np.ndarray
    is_unknown: np.ndarray
    told: tuple[str, ...] = ()


def original_indices(path: str | Path, mtz: gemmi.Mtz) -> OriginalIndices:
    """Put the original indices in place of those of the asymmetric unit. Raises DamagedFile where none are told.

    An operation is 2 n - 1 for the n-th of the space group, 2 n for the same and the inversion.
    """
    values = mtz.column_with_label(LABEL).array
    isym = np.array(values, float)
    n_operations = len(list((mtz.spacegroup or gemmi.SpaceGroup("P 1")).operations()))
    with np.errstate(invalid="ignore"):
        operation = np.mod(isym, PARTIAL)
        known = np.isfinite(isym) & (isym > 0) & (isym == np.rint(isym)) & (operation > 0)
        known &= operation <= 2 * n_operations
    if not known.any():
        raise DamagedFile(path=path, reason=f"its {LABEL} does not tell the original indices")
    values[~known] = 1
    if not mtz.switch_to_original_hkl():
        raise DamagedFile(path=path, reason=f"its {LABEL} does not tell the original indices")
    is_part = np.nan_to_num(isym).astype(np.int64) // PARTIAL % 2 == 1
    told = []
    if not known.all():
        found = ", ".join(f"{value:g}" for value in np.unique(isym[~known])[:5])
        told.append(
            f"{int((~known).sum())} records have an {LABEL} ({found}) that is no operation of the space group, which "
            f"has {n_operations}: their indices are unknown, and they are left out"
        )
    return OriginalIndices(is_part, ~known, tuple(told))
