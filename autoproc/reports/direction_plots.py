"""The report's chart of how far the data go in each direction."""

from __future__ import annotations

import numpy as np

from autoproc.merging.wilson_model import reciprocal_vectors
from autoproc.reports.chart import Chart, Mark, Series, draw
from autoproc.stages.anisotropy import AXES, Anisotropy

STEPS = 30
"""Directions drawn from one axis to the next."""


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
        Series(x, limit, "where signal ends in each direction", "line", 0),
        Series(x, np.full(len(x), used), "merged.mtz", "line", 1),
    ]
    marks = [Mark(at, axis, "x") for at, axis in zip(corners, (*AXES, AXES[0]), strict=True)]
    return draw(Chart(series, "degrees from a* to b*, c* and back", "resolution (\u00c5)", marks=marks))


def _between(begin: np.ndarray, end: np.ndarray, part: np.ndarray) -> np.ndarray:
    """(n, 3) unit vectors on the way from one to another, evenly by angle; part : (n,) from 0 to 1."""
    angle = np.arccos(np.clip(begin @ end, -1, 1))
    return (np.sin((1 - part) * angle)[:, None] * begin + np.sin(part * angle)[:, None] * end) / np.sin(angle)
