"""The spots and reflections of a stage that are on one image, each with what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.params import ScaleParams
from autoproc.viewing.images import SweepOfImages
from autoproc.viewing.sweep_of_rows import sweep_of_rows

MOST = 20_000
"""Reflections of one image that are drawn; the strongest, where there are more."""

FATES: tuple[tuple[str, Flag, str], ...] = (
    ("rejected", Flag.USER_EXCLUDED_IN_SCALING, "left out of scaling because of its image or resolution"),
    ("rejected", Flag.OUTLIER_IN_SCALING, "disagrees with its equivalents: an outlier of scaling"),
    ("rejected", Flag.EXCLUDED_FOR_SCALING, "not good enough for scaling"),
    ("rejected", Flag.OVERLOADED, "has overloaded pixels"),
    ("rejected", Flag.FAILED_DURING_BACKGROUND_MODELLING, "its background could not be told"),
    ("rejected", Flag.FAILED_DURING_SUMMATION, "too few good pixels in its peak to sum"),
    ("integrated", Flag.SCALED, "integrated and scaled"),
    ("integrated", Flag.INTEGRATED_PRF, "integrated by profile fitting"),
    ("integrated", Flag.INTEGRATED_SUM, "integrated by summation"),
    ("rejected", Flag.DONT_INTEGRATE, "not to be integrated"),
    ("rejected", Flag.CENTROID_OUTLIER, "too far from where it is predicted: an outlier of refinement"),
    ("indexed", Flag.USED_IN_REFINEMENT, "indexed, and used in refinement"),
    ("indexed", Flag.INDEXED, "indexed"),
    ("predicted", Flag.PREDICTED, "predicted"),
)
"""What became of a reflection, by the first of these flags that it has, with that in words."""
NOT_SCALED = next(number for number, (_, flag, _) in enumerate(FATES) if flag is Flag.EXCLUDED_FOR_SCALING)
BEYOND = ("beyond", "beyond the resolution limit: not merged, and nothing is wrong with it")
PARTIAL = ("rejected", "recorded in part only: too little of it is on the images to scale it")
UNINDEXED = ("unindexed", "no lattice explains it")
FOUND = ("found", "a spot as found, before any lattice was known")


def highest_resolution(table: Reflections) -> float | None:
    """The highest resolution of what was scaled, Angstrom; None where nothing was."""
    is_scaled = (table["flags"] & np.uint64(Flag.SCALED)) != 0
    if "d" not in table or not is_scaled.any():
        return None
    return float(np.min(table["d"][is_scaled]))


def fates(table: Reflections, d_min: float | None = None) -> tuple[np.ndarray, list[dict[str, str]]]:
    """What became of each reflection: (N,) positions in a list of kinds and words; d_min : of what was scaled."""
    flags = table["flags"]
    otherwise = UNINDEXED if "hkl" in table else FOUND
    result = np.full(len(table), len(FATES))
    for number, (_, flag, _) in reversed(list(enumerate(FATES))):
        result[(flags & np.uint64(flag)) != 0] = number
    if d_min is not None:
        result[(result == NOT_SCALED) & (table["d"] < d_min)] = len(FATES) + 1
    if "partiality" in table:
        result[(result == NOT_SCALED) & (table["partiality"] < ScaleParams().min_partiality)] = len(FATES) + 2
    if "hkl" in table:
        is_lost = ~np.any(table["hkl"], axis=1)
        result[is_lost] = len(FATES)
    kinds = [(kind, words) for kind, _, words in FATES]
    return result, [{"kind": kind, "words": words} for kind, words in (*kinds, otherwise, BEYOND, PARTIAL)]


def rows_on_images(table: Reflections, frame: int, n: int = 1) -> np.ndarray:
    """(N,) bool: those whose box reaches into frames frame .. frame + n - 1, or without a box, whose place is there."""
    z = places(table)[:, 2]
    on = (z >= frame) & (z < frame + n)
    if "bbox" not in table:
        return on
    first, end = table["bbox"][:, 4], table["bbox"][:, 5]
    return np.where(end > first, (first < frame + n) & (end > frame), on)


def places(table: Reflections) -> np.ndarray:
    """(N, 3) px, px, frame: where reflections were seen; where they were not, where they were expected."""
    if "xyz_obs_px" not in table:
        return table["xyz_cal_px"]
    seen = table["xyz_obs_px"]
    if "xyz_cal_px" not in table:
        return seen
    is_seen = np.any(seen != 0, axis=1) & np.all(np.isfinite(seen), axis=1)
    return np.where(is_seen[:, None], seen, table["xyz_cal_px"])


def columns_of(table: Reflections, rows: np.ndarray) -> dict[str, Any]:
    """Columns of some rows for a viewer; rows : (N,) positions, sent along as the names of the reflections."""
    some = table[rows]
    fate, kinds = fates(some, highest_resolution(table))
    columns: dict[str, Any] = {
        "row": rows.tolist(),
        "fate": fate.tolist(),
        "place": _rounded(places(some), 2),
        "lattice": some["experiment_id"].tolist(),
    }
    if "bbox" in some:
        columns["box"] = some["bbox"].tolist()
    if "hkl" in some:
        columns["hkl"] = some["hkl"].tolist()
    if "xyz_cal_px" in some:
        columns["expected"] = _rounded(some["xyz_cal_px"], 2)
    if "d" in some:
        columns["d"] = _rounded(some["d"], 3)
    for name, own in (("intensity_sum", "variance_sum"), ("intensity_prf", "variance_prf")):
        if name in some and own in some:
            columns[name] = _rounded(some[name], 2)
            columns[f"sigma_{name[10:]}"] = _rounded(np.sqrt(np.maximum(some[own], 0)), 2)
    return {"columns": columns, "fates": kinds, "n": len(some)}


def reflections_on_image(
    table: Reflections, sweep: SweepOfImages, experiments: Sequence[Experiment], number: int, n: int = 1
) -> dict[str, Any]:
    """The reflections of a table on an image, or on n from it on; experiments : of the table. Raises NoSuchImage."""
    frame = sweep.frame(number)
    is_own = sweep_of_rows(table, experiments) == sweep.number
    rows = np.flatnonzero(is_own & rows_on_images(table, frame, n))
    n_there = len(rows)
    if n_there > MOST and "intensity_sum" in table:
        rows = np.sort(rows[np.argsort(-table["intensity_sum"][rows])[:MOST]])
    return {**columns_of(table, rows[:MOST]), "n_there": n_there, "doubt": doubt_of(table, experiments)}


def doubt_of(table: Reflections, experiments: Sequence[Experiment]) -> str:
    """Why indexed reflections may not be of these models; "" where nothing speaks against it."""
    models, named = {e.identifier for e in experiments} - {""}, set(table.identifiers.values())
    if "hkl" not in table or not models or not named or models & named:
        return ""
    return "The reflections name other experiments than the models do: they may be of another sweep."


def _rounded(values: np.ndarray, digits: int) -> list[Any]:
    """Lists for JSON, which has no NaN."""
    rounded = np.round(values, digits)
    if np.all(np.isfinite(rounded)):
        return rounded.tolist()
    spoken = rounded.astype(object)
    spoken[~np.isfinite(rounded)] = None
    return spoken.tolist()
