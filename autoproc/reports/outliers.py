"""The observations that scaling left out because they disagree with their equivalents: the worst of them, by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoproc.merging.against_others import against_others, on_common_scale
from autoproc.merging.groups import equivalents_of
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import sweeps_of
from autoproc.models.reflections import Flag, Reflections
from autoproc.reports.table import Table, text
from autoproc.scaling.result import ScaleResult
from autoproc.wording import counted

MOST = 20
"""Rows of the table: what one looks through by eye."""


@dataclass(frozen=True, slots=True)
class Outlier:
    """An outlier of scaling.

    row : among the scaled reflections; sweep : its place among those of the models; hkl : as it was measured
    image : number; x, y : px, where it is predicted; intensity, sigma, mean : on the common scale, the mean that of
    n_others equivalents; deviation : from that mean, in standard uncertainties
    """

    row: int
    sweep: int
    hkl: tuple[int, int, int]
    image: int
    x: float
    y: float
    intensity: float
    sigma: float
    mean: float
    n_others: int
    deviation: float


def worst_outliers(experiments: Sequence[Experiment], scaled: Reflections, most: int = MOST) -> list[Outlier]:
    """The outliers farthest from the mean of their equivalents that scaling accepts, the farthest first."""
    crystal = experiments[0].crystal
    is_outlier = scaled.has_flag(Flag.OUTLIER_IN_SCALING)
    if crystal is None or not is_outlier.any():
        return []
    value, variance, is_used = on_common_scale(scaled)
    rows = np.flatnonzero(is_used | (is_outlier & (variance > 0)))
    value, own = value[rows], variance[rows]
    groups = equivalents_of(crystal.space_group, scaled, rows)
    found = against_others(value, own, is_used[rows], groups.group)
    candidates = np.flatnonzero(is_outlier[rows] & np.isfinite(found.deviation))
    worst = candidates[np.argsort(-np.abs(found.deviation[candidates]), kind="stable")][:most]
    sweep_of = {member: n for n, members in enumerate(sweeps_of(experiments)) for member in members}
    result = []
    for n in worst:
        row = int(rows[n])
        x, y, frame = (float(v) for v in scaled["xyz_cal_px"][row])
        h, k, m = (int(index) for index in scaled["hkl"][row])
        experiment = int(scaled["experiment_id"][row])
        scan = experiments[experiment].scan
        image = scan.image_range[0] + min(max(int(np.floor(frame)), 0), scan.n_images - 1)
        result.append(
            Outlier(row, sweep_of[experiment], (h, k, m), image, x, y, float(value[n]), float(np.sqrt(own[n])),
                    float(found.mean[n]), int(found.n[n]), float(found.deviation[n]))
        )  # fmt: skip
    return result


def outliers_table(scaled: ScaleResult) -> Table | None:
    """The worst outliers, each with where to look at it; None where there are none."""
    worst = worst_outliers(scaled.experiments, scaled.reflections)
    if not worst:
        return None
    of_several = len(sweeps_of(scaled.experiments)) > 1
    header = ("hkl", *(("sweep",) if of_several else ()), "image", "x (px)", "y (px)", "I", "\u03c3", "mean of others",
              "others", "off (\u03c3)")  # fmt: skip
    which = counted(scaled.n_outliers, "outlier")
    which = f"The {len(worst)} farthest off of {which}" if len(worst) < scaled.n_outliers else which
    words = (
        f"{which}: observations that were left out as they disagree with the weighted mean of their equivalents. "
        "Intensities are scaled."
    )
    rows = [_cells(one, of_several) for one in worst]
    return Table("Outliers", header, rows, words, views=[_view(one) for one in worst])


def _cells(one: Outlier, of_several: bool) -> list[str]:
    return [
        " ".join(map(str, one.hkl)), *([str(one.sweep + 1)] if of_several else []), str(one.image),
        text(one.x, "{:.1f}"), text(one.y, "{:.1f}"), text(one.intensity, "{:z.1f}"), text(one.sigma, "{:.1f}"),
        text(one.mean, "{:z.1f}"), str(one.n_others), text(one.deviation, "{:+.1f}"),
    ]  # fmt: skip


def _view(one: Outlier) -> str:
    """Its shoebox and its equivalents in the image viewer."""
    sweep = f"&sweep={one.sweep}" if one.sweep else ""
    return f"stage=scaled{sweep}&row={one.row}&open=equivalents"
