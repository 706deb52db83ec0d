"""Reflections of a table by what is asked of them: an index, a part of the detector, what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gemmi
import numpy as np

from autoproc.models.reflections import Reflections
from autoproc.viewing.equivalents import equivalent_indices, rows_with
from autoproc.viewing.images import SweepOfImages
from autoproc.viewing.reflections_on_image import columns_of, fates, places, rows_of_sweep

MOST = 500
"""Reflections of a list."""
ORDERS = ("image", "intensity", "residual")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reflections: all that every part that is given asks for.

    hkl : an index and its equivalents; region : x0, x1, y0, y1, px; kind : what became of them; order : one of ORDERS
    words : a part of what is said of them
    """

    hkl: tuple[int, int, int] | None = None
    region: tuple[float, float, float, float] | None = None
    kind: str = ""
    words: str = ""
    order: str = "image"


def reflection_list(
    table: Reflections, sweep: SweepOfImages, n_experiments: int, wanted: Wanted, group: gemmi.SpaceGroup | None
) -> dict[str, Any]:
    """Columns of those that are wanted, the first MOST of them."""
    is_wanted = rows_of_sweep(table, sweep, n_experiments)
    place = places(table)
    if wanted.hkl is not None:
        is_wanted &= _has_index(table, wanted.hkl, group)
    if wanted.region is not None:
        x0, x1, y0, y1 = wanted.region
        is_wanted &= (place[:, 0] >= x0) & (place[:, 0] < x1) & (place[:, 1] >= y0) & (place[:, 1] < y1)
    if wanted.kind or wanted.words:
        fate, kinds = fates(table)
        fits = [wanted.kind in ("", kind["kind"]) and wanted.words.lower() in kind["words"].lower() for kind in kinds]
        is_wanted &= np.array(fits)[fate]
    rows = np.flatnonzero(is_wanted)
    rows = rows[np.argsort(_key(table, place, rows, wanted.order), kind="stable")]
    first = sweep.first
    told = columns_of(table, rows[:MOST])
    told["columns"]["image"] = (np.floor(place[rows[:MOST], 2]).astype(int) + first).tolist()
    return {**told, "n_there": len(rows)}


def _has_index(table: Reflections, hkl: tuple[int, int, int], group: gemmi.SpaceGroup | None) -> np.ndarray:
    has = np.zeros(len(table), bool)
    if "hkl" not in table:
        return has
    indices = np.array([hkl], np.int64)
    if group is not None:
        indices, _ = equivalent_indices(indices[0], group)
    rows, _ = rows_with(table, indices)
    has[rows] = True
    return has


def _key(table: Reflections, place: np.ndarray, rows: np.ndarray, order: str) -> np.ndarray:
    if order == "intensity" and "intensity_sum" in table:
        return -table["intensity_sum"][rows]
    if order == "residual" and "xyz_cal_px" in table:
        return -np.nan_to_num(np.linalg.norm((place - table["xyz_cal_px"])[rows, :2], axis=1))
    return place[rows, 2]
