"""The report's charts against resolution, on an axis that is linear in 1/d^2."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.merging.merging_statistics import MergingStatistics, ShellStatistics
from autoproc.reports.chart import Chart, ChartSeries, Mark, draw
from autoproc.stages.estimate_resolution import ResolutionEstimate
from autoproc.wording import angstrom

RESOLUTION = "resolution (\u00c5)"
HIGHEST_R_FACTOR = 2.0
"""Where R factors are cut off: beyond there is nothing but noise."""


def shell_chart(
    statistics: MergingStatistics,
    fields: Sequence[tuple[str, str]],
    y_label: str,
    y_limits: tuple[float | None, float | None],
    marks: Sequence[Mark] = (),
) -> str:
    """Some statistics of each shell: (field of ShellStatistics, label)."""
    x = np.array([middle(s) for s in statistics.shells])
    series = [
        ChartSeries(x, column(statistics, field), label if len(fields) > 1 else "", "both", n)
        for n, (field, label) in enumerate(fields)
    ]
    return draw(Chart(series, RESOLUTION, y_label, y_limits, marks, resolution=True))


def i_over_sigma(statistics: MergingStatistics) -> str:
    """Mean I/sigma(I) of merged intensities."""
    values = column(statistics, "i_over_sigma")
    low = None if np.any(values < 0) else 0.0
    return shell_chart(statistics, [("i_over_sigma", "")], "mean I/\u03c3(I)", (low, None), [Mark(1.0, "1")])


def completeness(statistics: MergingStatistics) -> str:
    """Completeness, of Friedel pairs too."""
    fields = [("completeness", "all"), ("anomalous_completeness", "Friedel pairs")]
    return shell_chart(statistics, fields, "completeness (%)", (0.0, 104.0))


def r_factors(statistics: MergingStatistics) -> str:
    """Rmerge, Rmeas and Rpim, cut off at HIGHEST_R_FACTOR."""
    fields = [("r_meas", "Rmeas"), ("r_merge", "Rmerge"), ("r_pim", "Rpim")]
    values = np.concatenate([column(statistics, field) for field, _ in fields])
    top = HIGHEST_R_FACTOR if np.any(values > HIGHEST_R_FACTOR) else None
    return shell_chart(statistics, fields, "R factor", (0.0, top))


def multiplicity(statistics: MergingStatistics) -> str:
    """Observations of each unique reflection."""
    fields = [("multiplicity", "all"), ("anomalous_multiplicity", "I(+), I(\u2212) apart")]
    return shell_chart(statistics, fields, "multiplicity", (0.0, None))


def cc_half(statistics: MergingStatistics, estimate: ResolutionEstimate | None) -> str:
    """CC1/2 with the curve that sets the resolution limit, and the anomalous CC."""
    shells = np.array([middle(s) for s in statistics.shells])
    series = []
    if estimate is None:
        series.append(ChartSeries(shells, column(statistics, "cc_half"), "CC\u00bd", "both", 0))
    else:
        series.append(ChartSeries(estimate.s2, estimate.cc_half, "CC\u00bd", "points", 0))
        series.append(ChartSeries(estimate.s2, estimate.fitted, "fit", "line", 1))
    series.append(ChartSeries(shells, column(statistics, "cc_anom"), "CC anomalous", "both", 2))
    values = np.concatenate([s.y[np.isfinite(s.y)] for s in series])
    low = min(-0.1, float(values.min(initial=0.0)))
    marks = [Mark(0.0)]
    if estimate is not None:
        marks.append(Mark(estimate.cc_limit, f"{estimate.cc_limit:g}"))
    limit = statistics.overall.d_min
    marks.append(Mark(limit**-2.0, f"used to {angstrom(limit)} \u00c5", "x"))
    return draw(Chart(series, RESOLUTION, "correlation", (max(low, -1.0), 1.05), marks, resolution=True))


def wilson(statistics: MergingStatistics) -> str:
    """Mean intensity on a logarithmic scale."""
    x = np.array([middle(s) for s in statistics.shells])
    mean = column(statistics, "mean_intensity")
    with np.errstate(invalid="ignore", divide="ignore"):
        logarithm = np.where(mean > 0, np.log(mean), np.nan)
    return draw(Chart([ChartSeries(x, logarithm, "", "both", 0)], RESOLUTION, "ln mean I", resolution=True))


def middle(shell: ShellStatistics) -> float:
    """1/d^2 in the middle of a shell."""
    return 0.5 * (shell.d_max**-2.0 + shell.d_min**-2.0)


def column(statistics: MergingStatistics, field: str) -> np.ndarray:
    """(n_shells,) one statistic, NaN where it does not exist."""

    def value(shell: ShellStatistics) -> float:
        found = getattr(shell, field)
        is_missing = found is None or (field.endswith("multiplicity") and not shell.n_unique)
        return np.nan if is_missing else float(found)

    return np.array([value(shell) for shell in statistics.shells])
