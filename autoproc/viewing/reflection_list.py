"""Reflections of a table by what is asked of them: index, part of the detector, resolution, what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gemmi
import numpy as np

from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.viewing.equivalents import deviations_from_equivalents, equivalent_indices, rows_with
from autoproc.viewing.images import SweepOfImages
from autoproc.viewing.reflections_on_image import columns_of, fates, highest_resolution, places
from autoproc.viewing.sweep_of_rows import image_number_of_each, sweep_of_rows

MOST = 500
"""Reflections of a list."""
ORDERS = ("image", "intensity", "residual", "deviation")
OFF = {"residual": "px", "deviation": "\u03c3"}
"""Orders by how far reflections are off: from where they are expected, from their equivalents; and their units."""


@dataclass(frozen=True, slots=True)
class ReflectionFilter:
    """Which reflections: all that every part that is given asks for.

    hkl : an index and its equivalents; region : x0, x1, y0, y1, px; d : highest and lowest, Angstrom; lattice : which
    experiment's; kind : what became of them; order : one of ORDERS; words : a part of what is said of them
    """

    hkl: tuple[int, int, int] | None = None
    region: tuple[float, float, float, float] | None = None
    d: tuple[float, float] | None = None
    lattice: int | None = None
    kind: str = ""
    words: str = ""
    order: str = "image"


def reflection_list(
    table: Reflections,
    sweep: SweepOfImages,
    experiments: Sequence[Experiment],
    wanted: ReflectionFilter,
    group: gemmi.SpaceGroup | None,
) -> dict[str, Any]:
    """Columns of those that are wanted, the first MOST of them; how far each is off where that is their order.

    They are of all sweeps of the file, but where a part of the detector is asked for, of `sweep`, whose it is.
    experiments : of the table
    """
    place, number = places(table), sweep_of_rows(table, experiments)
    may_be = number == sweep.number if wanted.region is not None else np.ones(len(table), bool)
    rows = np.flatnonzero(may_be & _is_wanted(table, place, wanted, group))
    off = _off(table, place, rows, wanted.order, group)
    order = np.argsort(_key(table, place, rows, wanted.order) if off is None else -np.nan_to_num(off), kind="stable")
    rows = rows[order]
    some = rows[:MOST]
    told = columns_of(table, some)
    told["columns"]["image"] = image_number_of_each(place[some], number[some], experiments).tolist()
    told["columns"]["sweep"] = number[some].tolist()
    if off is not None:
        told["columns"]["off"] = [round(float(value), 2) if np.isfinite(value) else None for value in off[order[:MOST]]]
    return {**told, "n_there": len(rows)}


def _is_wanted(
    table: Reflections, place: np.ndarray, wanted: ReflectionFilter, group: gemmi.SpaceGroup | None
) -> np.ndarray:
    result = np.ones(len(table), bool)
    if wanted.hkl is not None:
        result &= _has_index(table, wanted.hkl, group)
    if wanted.region is not None:
        x0, x1, y0, y1 = wanted.region
        result &= (place[:, 0] >= x0) & (place[:, 0] < x1) & (place[:, 1] >= y0) & (place[:, 1] < y1)
    if wanted.d is not None:
        result &= (table["d"] <= max(wanted.d)) & (table["d"] >= min(wanted.d)) if "d" in table else False
    if wanted.lattice is not None:
        result &= table["experiment_id"] == wanted.lattice
    if wanted.kind or wanted.words:
        fate, kinds = fates(table, highest_resolution(table))
        fits = [wanted.kind in ("", kind["kind"]) and wanted.words.lower() in kind["words"].lower() for kind in kinds]
        result &= np.array(fits)[fate]
    return result


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


def _off(
    table: Reflections, place: np.ndarray, rows: np.ndarray, order: str, group: gemmi.SpaceGroup | None
) -> np.ndarray | None:
    """(len(rows),) how far rows are off, in the unit of an order of OFF, NaN where not known; None for others."""
    if order == "residual" and "xyz_cal_px" in table:
        return np.linalg.norm((place - table["xyz_cal_px"])[rows, :2], axis=1)
    if order == "deviation" and group is not None and "intensity_scale" in table and "inverse_scale" in table:
        return np.abs(deviations_from_equivalents(table, group)[rows])
    return None


def _key(table: Reflections, place: np.ndarray, rows: np.ndarray, order: str) -> np.ndarray:
    if order == "intensity" and "intensity_sum" in table:
        return -table["intensity_sum"][rows]
    return place[rows, 2]
