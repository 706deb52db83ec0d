"""The report's chart of how far the data go in each direction."""

from __future__ import annotations

import numpy as np

from autoproc.merging.wilson_model import reciprocal_vectors
from autoproc.reports.chart import Chart, ChartSeries, Mark, draw
from autoproc.stages.anisotropy import AXES, Anisotropy

STEPS = 30
"""Directions drawn from one axis to the next."""
LEAST_SPAN = 0.2
"""Height of the chart at least, as a part of the limits: twice the tenth from which data are called anisotropic by
default, so that a difference of a thousandth does not fill it."""


def limits_chart(found: Anisotropy, used: float) -> str:
    """The limit on the way from a* to b*, c* and back, and the one limit of merged.mtz, `used`, Angstrom."""
    stars = reciprocal_vectors(found.cell, np.eye(3))
    unit = stars / np.linalg.norm(stars, axis=1, keepdims=True)
    way, angle, corners = [], [], [0.0]
    for begin, end in ((0, 1), (1, 2), (2, 0)):
        width = float(np.degrees(np.arccos(np.clip(unit[begin] @ unit[end], -1, 1))))
        part = np.linspace(0, 1, STEPS + 1)
        way.append(_between(unit[begin], unit[end], part))
        angle.append(corners[-1] + width * part)
        corners.append(corners[-1] + width)
    x = np.concatenate(angle)
    limit = np.maximum(1.0 / found.surface.s_max(np.concatenate(way)), found.best)
    series = [
        ChartSeries(x, limit, "where signal ends in each direction", "line", 0),
        ChartSeries(x, np.full(len(x), used), "merged.mtz", "line", 1),
    ]
    marks = [Mark(at, axis, "x") for at, axis in zip(corners, (*AXES, AXES[0]), strict=True)]
    return draw(Chart(series, "degrees from a* to b*, c* and back", "resolution (\u00c5)", _span(limit, used), marks))


def _span(limit: np.ndarray, used: float) -> tuple[float | None, float | None]:
    """Least and greatest shown, Angstrom; None each where the limits by themselves fill LEAST_SPAN."""
    low, high = float(min(limit.min(), used)), float(max(limit.max(), used))
    middle = 0.5 * (low + high)
    if high - low >= LEAST_SPAN * middle:
        return None, None
    return middle * (1 - 0.5 * LEAST_SPAN), middle * (1 + 0.5 * LEAST_SPAN)


def _between(begin: np.ndarray, end: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(n, 3) unit vectors on the way from one to another, evenly by angle; part : (n,) from 0 to 1."""
    angle = np.arccos(np.clip(begin @ end, -1, 1))
    return (np.sin((1 - part) * angle)[:, None] * begin + np.sin(part * angle)[:, None] * end) / np.sin(angle)
