"""Charts as small inline SVG: the same data give the same bytes; colours come from the page's style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np

from autoproc.reports.ticks import Ticks, linear_ticks, resolution_ticks
from autoproc.wording import angstrom

WIDTH, HEIGHT = 560.0, 290.0
LEFT, RIGHT, TOP, BOTTOM = 66.0, 14.0, 26.0, 46.0
N_COLOURS = 6
LETTER = 7.0
"""Mean width of a letter of the legend as narrow windows have it, so that entries do not run into one another."""
KEY, APART, LINE = 27.0, 16.0, 18.0
"""Width of an entry's sample, space between two entries, and height of a line of them."""
MOST_LINES = 4
"""Lines of a legend; of more curves, whose colours come again, their number is told."""


@dataclass(frozen=True, slots=True, eq=False)
class ChartSeries:
    """Values y (n,) against x (n,); where y is NaN the line is broken.

    kind : line; points; both; area, filled down to zero; band, filled between y and y2
    colour : which of the page's colours; each has its own dashes too, so that no one depends on hue
    sweep : of several, the place of that whose images x counts
    """

    x: np.ndarray
    y: np.ndarray
    label: str = ""
    kind: Literal["line", "points", "both", "area", "band"] = "line"
    colour: int = 0
    y2: np.ndarray | None = None
    sweep: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A straight line across the chart at a value of x or y, with a word beside it."""

    value: float
    label: str = ""
    along: Literal["x", "y"] = "y"


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Series on a pair of axes.

    y_limits : least and greatest y shown; None fits it to the data
    resolution : x is 1/d^2, labelled with d
    """

    series: Sequence[ChartSeries]
    x_label: str
    y_label: str
    y_limits: tuple[float | None, float | None] = (None, None)
    marks: Sequence[Mark] = ()
    resolution: bool = False


@dataclass(frozen=True, slots=True)
class _Axis:
    """One direction of the drawing: data limits and the pixels that they fall on."""

    low: float
    high: float
    start: float
    end: float
    ticks: Ticks

    def at(self, values: np.ndarray | float) -> np.ndarray:
        fraction = (np.asarray(values, float) - self.low) / (self.high - self.low)
        return self.start + np.clip(fraction, -0.02, 1.02) * (self.end - self.start)


class Drawing(str):
    """An SVG element that knows what it is a drawing of, for whoever can draw it better."""

    __slots__ = ("chart",)
    chart: Chart

    @classmethod
    def of(cls, chart: Chart, svg: str) -> Drawing:
        """The drawing of a chart."""
        drawing = cls(svg)
        drawing.chart = chart
        return drawing


def draw(chart: Chart) -> Drawing:
    """The chart as an SVG element; a chart without data says so."""
    return Drawing.of(chart, _svg(chart))


def _svg(chart: Chart) -> str:
    finite_x = _finite([s.x[np.isfinite(s.y)] for s in chart.series if len(s.x)])
    finite_y = _finite([v for s in chart.series for v in (s.y, s.y2) if v is not None])
    name = escape(f"{chart.y_label} against {chart.x_label}")
    entries = _entries(chart.series)
    shown = [entry for entry in entries if entry[1] < MOST_LINES]
    above = LINE * (max((line for _, line, _ in shown), default=0) + (len(shown) < len(entries)))
    head = f'<svg viewBox="0 {-above:.0f} {WIDTH:.0f} {HEIGHT + above:.0f}" role="img" aria-label="{name}">'
    if not len(finite_x):
        return f'{head}<text class="nothing" x="{WIDTH / 2:.0f}" y="{HEIGHT / 2:.0f}">no data</text></svg>'
    x, y = _x_axis(chart, finite_x), _y_axis(chart, finite_y)
    body = [_frame(x, y, chart)]
    body += [_mark(mark, x, y) for mark in chart.marks]
    body += [_series(series, x, y, chart.resolution) for series in chart.series]
    body += [_entry(one, at, LINE * line - above) for one, line, at in shown]
    if len(shown) < len(entries):
        body.append(f'<text class="entry" x="{LEFT + 4:.0f}" y="15">and {len(entries) - len(shown)} more</text>')
    return head + "".join(body) + "</svg>"


def _finite(parts: Sequence[np.ndarray]) -> np.ndarray:
    values = np.concatenate(parts) if parts else np.empty(0)
    return values[np.isfinite(values)]


def _x_axis(chart: Chart, values: np.ndarray) -> _Axis:
    low, high = float(values.min()), float(values.max())
    if not high > low:
        low, high = low - 0.5 * (abs(low) if chart.resolution else 1.0), high + 0.5 * (abs(high) or 1.0)
    ticks = resolution_ticks(low, high) if chart.resolution else linear_ticks(low, high, 7)
    margin = 0.01 * (high - low)
    low, high = low - margin, high + margin
    return _Axis(low, high, LEFT, WIDTH - RIGHT, ticks)


def _y_axis(chart: Chart, values: np.ndarray) -> _Axis:
    low, high = float(values.min()), float(values.max())
    fixed_low, fixed_high = chart.y_limits
    low = fixed_low if fixed_low is not None else low
    high = fixed_high if fixed_high is not None else high
    if not high > low:
        high, low = low + 0.5 * (abs(low) or 1.0), low - (0.0 if fixed_low is not None else 0.5 * (abs(low) or 1.0))
    ticks = linear_ticks(low, high, 6)
    low = low if fixed_low is not None else min(low, low - 0.04 * (high - low))
    high = high if fixed_high is not None else high + 0.06 * (high - low)
    return _Axis(low, high, HEIGHT - BOTTOM, TOP, ticks)


def _frame(x: _Axis, y: _Axis, chart: Chart) -> str:
    parts = []
    for value, label in zip(y.ticks.values, y.ticks.labels, strict=True):
        at = float(y.at(value))
        parts.append(f'<path class="grid" d="M{LEFT:.0f} {at:.1f}H{x.end:.0f}"/>')
        parts.append(f'<text class="tick y" x="{LEFT - 7:.0f}" y="{at + 4:.1f}">{escape(label)}</text>')
    for value, label in zip(x.ticks.values, x.ticks.labels, strict=True):
        at = float(x.at(value))
        parts.append(f'<path class="axis" d="M{at:.1f} {y.start:.0f}v5"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{y.start + 18:.0f}">{escape(label)}</text>')
    parts.append(f'<path class="axis" d="M{LEFT:.0f} {TOP:.0f}V{y.start:.0f}H{x.end:.0f}"/>')
    parts.append(
        f'<text class="label" x="{(LEFT + x.end) / 2:.0f}" y="{HEIGHT - 8:.0f}">{escape(chart.x_label)}</text>'
    )
    middle = (TOP + y.start) / 2
    parts.append(
        f'<text class="label" transform="translate(15 {middle:.0f}) rotate(-90)">{escape(chart.y_label)}</text>'
    )
    return "".join(parts)


def _mark(mark: Mark, x: _Axis, y: _Axis) -> str:
    axis = x if mark.along == "x" else y
    if not axis.low <= mark.value <= axis.high:
        return ""
    at = float(axis.at(mark.value))
    if mark.along == "y":
        text = f'<text class="note" x="{x.start + 5:.0f}" y="{at - 4:.1f}">{escape(mark.label)}</text>'
        return f'<path class="mark" d="M{x.start:.0f} {at:.1f}H{x.end:.0f}"/>{text}'
    side, shift = ("end", -5) if at > 0.6 * WIDTH else ("start", 5)
    height = 0.4 * TOP + 0.6 * y.start
    text = f'<text class="note {side}" x="{at + shift:.1f}" y="{height:.0f}">{escape(mark.label)}</text>'
    return f'<path class="mark" d="M{at:.1f} {TOP:.0f}V{y.start:.0f}"/>{text}'


def _series(series: ChartSeries, x: _Axis, y: _Axis, resolution: bool) -> str:
    if series.kind in ("area", "band"):
        bottom = np.full(len(series.x), max(0.0, y.low)) if series.y2 is None else series.y2
        return "".join(
            f'<path class="fill c{series.colour % N_COLOURS}" d="{_outline(x.at(a), y.at(b), y.at(c))}"/>'
            for a, b, c in _unbroken(series.x, series.y, bottom)
        )
    parts = []
    if series.kind in ("line", "both"):
        runs = "".join(_polyline(x.at(a), y.at(b)) for a, b in _unbroken(series.x, series.y))
        parts.append(f'<path class="line c{series.colour % N_COLOURS}" d="{runs}"/>')
    if series.kind in ("points", "both"):
        parts += [_point(px, py, series, x, y, resolution) for px, py in zip(series.x, series.y, strict=True)]
    return "".join(parts)


def _point(px: float, py: float, series: ChartSeries, x: _Axis, y: _Axis, resolution: bool) -> str:
    if not (np.isfinite(px) and np.isfinite(py)):
        return ""
    where = f"{angstrom(px**-0.5)} \u00c5" if resolution and px > 0 else f"{px:g}"
    circle = f'<circle class="dot c{series.colour % N_COLOURS}" cx="{x.at(px):.1f}" cy="{y.at(py):.1f}" r="3">'
    return f"{circle}<title>{where}: {py:.4g}</title></circle>"


def _unbroken(*columns: np.ndarray) -> list[tuple[np.ndarray, ...]]:
    """The stretches of rows without NaN."""
    good = np.all([np.isfinite(np.asarray(c, float)) for c in columns], axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [tuple(c[a:b] for c in columns) for a, b in edges.reshape(-1, 2)]


def _polyline(px: np.ndarray, py: np.ndarray) -> str:
    if len(px) == 1:
        return f"M{px[0] - 1:.1f} {py[0]:.1f}h2"
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(px, py, strict=True))


def _outline(px: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> str:
    if len(px) == 1:
        px, upper, lower = px + np.array([-1.0, 1.0]), np.repeat(upper, 2), np.repeat(lower, 2)
    there = _polyline(px, upper)
    back = "".join(f"L{a:.1f} {b:.1f}" for a, b in zip(px[::-1], lower[::-1], strict=True))
    return f"{there}{back}Z"


def _entries(series: Sequence[ChartSeries]) -> list[tuple[ChartSeries, int, float]]:
    """What the legend names: the series, its line from 0, and where on it; lines as long as the chart is wide."""
    found, line, at = [], 0, LEFT + 4
    for one in series:
        if not one.label:
            continue
        width = KEY + LETTER * len(one.label)
        if at + width > WIDTH and at > LEFT + 4:
            line, at = line + 1, LEFT + 4
        found.append((one, line, at))
        at += width + APART
    return found


def _entry(series: ChartSeries, x: float, y: float) -> str:
    """One entry of the legend in a line whose top is at y."""
    c = f"c{series.colour % N_COLOURS}"
    if series.kind == "points":
        sample = f'<circle class="dot {c}" cx="{x + 11:.0f}" cy="{y + 11:.0f}" r="3"/>'
    elif series.kind in ("area", "band"):
        sample = f'<path class="fill {c}" d="M{x:.0f} {y + 6:.0f}h22v10h-22Z"/>'
    else:
        sample = f'<path class="line {c}" d="M{x:.0f} {y + 11:.0f}h22"/>'
    return f'{sample}<text class="entry" x="{x + KEY:.0f}" y="{y + 15:.0f}">{escape(series.label)}</text>'
