"""Charts and maps as plain facts, which travel as JSON to whoever draws them, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from autoproc.reports.chart import Chart, ChartSeries, Mark
from autoproc.reports.maps import CellMap

DIGITS = 6
"""Significant digits that are kept: finer than any screen shows, and half the bytes."""


def chart_facts(chart: Chart) -> dict[str, Any]:
    """The chart; what is not finite becomes None."""
    return {
        "x_label": chart.x_label, "y_label": chart.y_label, "y_limits": list(chart.y_limits),
        "resolution": chart.resolution,
        "series": [_series_facts(series) for series in chart.series],
        "marks": [{"value": float(m.value), "label": m.label, "along": m.along} for m in chart.marks],
    }  # fmt: skip


def chart_of(facts: Mapping[str, Any]) -> Chart:
    """The chart of such facts. Raises KeyError, TypeError or ValueError for what are none."""
    low, high = facts["y_limits"]
    return Chart(
        [_series_of(series) for series in facts["series"]],
        str(facts["x_label"]),
        str(facts["y_label"]),
        (low, high),
        [Mark(float(m["value"]), str(m["label"]), "x" if m["along"] == "x" else "y") for m in facts["marks"]],
        bool(facts["resolution"]),
    )


def map_facts(drawn: CellMap) -> dict[str, Any]:
    """A map of the detector."""
    rows = [_numbers(row) for row in drawn.values]
    return {"values": rows, "size": list(drawn.size), "label": drawn.label, "view": drawn.view}


def map_of(facts: Mapping[str, Any]) -> CellMap:
    """The map of such facts. Raises KeyError, TypeError or ValueError for what are none."""
    fast, slow = (int(n) for n in facts["size"])
    values = np.array([_array(row) for row in facts["values"]])
    if values.ndim != 2 or not values.size or fast < 1 or slow < 1:
        raise ValueError("a map without cells")
    return CellMap(values, (fast, slow), str(facts["label"]), str(facts["view"]))


def _series_facts(series: ChartSeries) -> dict[str, Any]:
    facts = {"label": series.label, "kind": series.kind, "colour": series.colour}
    facts |= {"x": _numbers(series.x), "y": _numbers(series.y), "sweep": series.sweep}
    return facts if series.y2 is None else facts | {"y2": _numbers(series.y2)}


def _series_of(facts: Mapping[str, Any]) -> ChartSeries:
    second = facts.get("y2")
    return ChartSeries(
        _array(facts["x"]), _array(facts["y"]), str(facts["label"]), facts["kind"], int(facts["colour"]),
        None if second is None else _array(second), int(facts.get("sweep", 0)),
    )  # fmt: skip


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{v:.{DIGITS}g}") if math.isfinite(v) else None for v in np.asarray(values, float).tolist()]


def _array(values: Any) -> np.ndarray:
    return np.array([np.nan if v is None else float(v) for v in values], float)
