"""Why observations that were integrated are not in the merged data."""

from __future__ import annotations

import numpy as np

from autoproc.models.experiment import shared_cell
from autoproc.models.left_out import LeftOut, commonest_first, first_reasons
from autoproc.models.reflections import Flag, Reflections
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.result import ScaleResult
from autoproc.wording import angstrom

EDGE = 1 - 1e-6
"""Of the resolution limit, for rounding."""
REST = "too uncertain"
MOST_REASONS = 3
"""That are told; the commonest come first."""


def within_limit(scaled: ScaleResult) -> np.ndarray:
    """(N,) bool, of the reflections given to scaling: as far out as those that were used."""
    d = shared_cell(scaled.experiments).calculate_d_array(scaled.reflections["hkl"])
    return np.asarray(d >= scaled.statistics.overall.d_min * EDGE)


def measured_to(scaled: ScaleResult) -> float:
    """The highest resolution, Angstrom, of the reflections given to scaling."""
    d = shared_cell(scaled.experiments).calculate_d_array(scaled.reflections["hkl"])
    return float(np.min(d, initial=np.inf))


def reasons_left_out(scaled: ScaleResult) -> LeftOut:
    """(why, how many) of the observations within the resolution limit that were not scaled, the commonest first.

    Each is counted once. Outliers are not among them.
    """
    rows = scaled.reflections
    waiting = within_limit(scaled) & _is_left_out(rows)
    partial = np.zeros(len(rows), bool)
    if "partiality" in rows:
        partial = rows["partiality"] < ScaleParams().min_partiality
    unmeasured = rows.has_flag(Flag.DONT_INTEGRATE) | ~rows.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)
    rules = (
        ("of data sets that agree with no other", np.isin(rows["experiment_id"], list(scaled.apart))),
        ("excluded by hand", rows.has_flag(Flag.USER_EXCLUDED_IN_SCALING)),
        ("on images left out at the end", _on_later_images(scaled)),
        ("overloaded", rows.has_flag(Flag.OVERLOADED)),
        ("not to be integrated", unmeasured),
        ("recorded in part only", partial),
        ("on images without signal", _on_blank_images(scaled)),
        ("on images whose intensities are off", scaled.start.odd),
    )
    found = first_reasons(waiting, rules, REST)
    rest = sum(n for why, n in found if why == REST)
    shadowed = min(rest, scaled.n_shadowed)
    told = [one for one in found if one[0] != REST]
    return commonest_first([*told, ("where the detector seems to be in shadow", shadowed), (REST, rest - shadowed)])


def all_left_out(scaled: ScaleResult) -> LeftOut:
    """The same of all observations that were given: with outliers, and those beyond the limit."""
    rows = scaled.reflections
    beyond = int(np.count_nonzero(_is_left_out(rows) & ~within_limit(scaled)))
    limit = angstrom(scaled.statistics.overall.d_min)
    n_outliers = int(np.count_nonzero(rows.has_flag(Flag.OUTLIER_IN_SCALING)))
    return commonest_first([*reasons_left_out(scaled), (f"beyond {limit} A", beyond), ("outliers", n_outliers)])


def _is_left_out(rows: Reflections) -> np.ndarray:
    return ~rows.has_flag(Flag.SCALED) & ~rows.has_flag(Flag.OUTLIER_IN_SCALING)


def _on_blank_images(scaled: ScaleResult) -> np.ndarray:
    rows = scaled.reflections
    on = np.zeros(len(rows), bool)
    if "xyz_obs_px" not in rows:
        return on
    frame = np.floor(rows["xyz_obs_px"][:, 2]).astype(int)
    for number, image in scaled.blank_images:
        first = scaled.experiments[number].scan.image_range[0]
        on |= (rows["experiment_id"] == number) & (frame == image - first)
    return on


def _on_later_images(scaled: ScaleResult) -> np.ndarray:
    """(N,) bool: beyond the part of the images that was to be kept."""
    rows, kept = scaled.reflections, scaled.start.params.keep_first
    if kept == 1 or "xyz_obs_px" not in rows:
        return np.zeros(len(rows), bool)
    n_images = np.array([e.scan.n_images for e in scaled.experiments])[rows["experiment_id"]]
    return np.asarray(rows["xyz_obs_px"][:, 2] > kept * n_images)
