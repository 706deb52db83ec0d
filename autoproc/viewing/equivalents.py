"""The symmetry equivalents of a reflection, and how they agree once they are scaled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gemmi
import numpy as np

from autoproc.merging.against_others import against_others, on_common_scale
from autoproc.merging.groups import group_equivalents
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.viewing.reflections_on_image import fates, highest_resolution, places
from autoproc.viewing.sweep_of_rows import image_number_of_each, sweep_of_rows

MOST = 500
"""Equivalents that are listed."""


def equivalent_indices(hkl: np.ndarray, group: gemmi.SpaceGroup) -> tuple[np.ndarray, np.ndarray]:
    """Indices (M, 3) that are equivalent to hkl (3,), and whether each (M,) is only by Friedel's law."""
    index = [int(value) for value in hkl]
    direct = {tuple(op.apply_to_hkl(index)) for op in group.operations().sym_ops}
    mates = {tuple(-value for value in one) for one in direct} - direct
    both = [*sorted(direct), *sorted(mates)]
    return np.array(both, np.int64), np.arange(len(both)) >= len(direct)


def rows_with(table: Reflections, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows (K,) of a table that have one of some indices (M, 3), and which (K,)."""
    codes, wanted = _codes(table["hkl"]), _codes(indices)
    order = np.argsort(wanted)
    place = np.searchsorted(wanted[order], codes).clip(0, len(wanted) - 1)
    rows = np.flatnonzero(wanted[order][place] == codes)
    return rows, order[place[rows]]


def _codes(hkl: np.ndarray) -> np.ndarray:
    h, k, m = (np.asarray(hkl, np.int64) + (1 << 20)).T
    return (h << 42) + (k << 21) + m


def equivalents(
    table: Reflections, row: int, group: gemmi.SpaceGroup, experiments: Sequence[Experiment]
) -> dict[str, Any]:
    """What there is of a reflection's equivalents: where each is and, of scaled ones, its intensity and how far off.

    experiments : of the table

    A deviation is from the weighted mean of the others that scaling accepts, in standard uncertainties of the
    difference; the mean that is told is that of all that it accepts.
    """
    indices, is_mate = equivalent_indices(table["hkl"][row], group)
    rows, which = rows_with(table, indices)
    rows, which = rows[:MOST], which[:MOST]
    some = table[rows]
    fate, words = fates(some, highest_resolution(table))
    sweep = sweep_of_rows(some, experiments)
    image = image_number_of_each(places(some), sweep, experiments)
    told: dict[str, Any] = {
        "row": rows.tolist(), "hkl": some["hkl"].tolist(), "is_mate": is_mate[which].tolist(),
        "image": image.tolist(), "sweep": sweep.tolist(),
        "lattice": some["experiment_id"].tolist(),
        "words": [words[n]["words"] for n in fate],
    }  # fmt: skip
    if "intensity_scale" not in table or "inverse_scale" not in table:
        return told
    value, variance, is_used = on_common_scale(some)
    weight = np.where(is_used, 1 / np.where(variance > 0, variance, 1), 0)
    total = weight.sum()
    mean = float(np.sum(np.where(is_used, value, 0) * weight) / total) if total > 0 else float("nan")
    sigma = np.sqrt(np.where(variance > 0, variance, np.nan))
    off = against_others(value, variance, is_used, np.zeros(len(value), np.intp)).deviation
    told |= {
        "intensity": _spoken(value), "sigma": _spoken(sigma), "deviation": _spoken(off),
        "is_used": is_used.tolist(), "mean": mean if np.isfinite(mean) else None,
        "mean_sigma": float(1 / np.sqrt(total)) if total > 0 else None,
    }  # fmt: skip
    return told


def deviations_from_equivalents(table: Reflections, group: gemmi.SpaceGroup) -> np.ndarray:
    """(N,) of each scaled reflection, as `equivalents` has it; NaN where it cannot be said."""
    value, variance, is_used = on_common_scale(table)
    return against_others(value, variance, is_used, group_equivalents(group, table["hkl"]).group).deviation


def _spoken(values: np.ndarray) -> list[float | None]:
    """Without NaN, which JSON does not know."""
    return [round(float(value), 3) if np.isfinite(value) else None for value in values]
