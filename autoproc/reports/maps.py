"""Charts of the detector's face, as small inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from autoproc.models.experiment import Panel
from autoproc.models.reflections import Reflections

SIZE = 380.0
MARGIN = 46.0
RAMP = np.array([(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)], float)
"""Dark blue to yellow, equally spaced in lightness, so that it reads without colours too."""
CELLS = 16
"""Cells along the longer side of a map of deviations."""
MIN_SPOTS = 5
"""Spots in a cell below which its mean is chance."""
MAP_CELLS = 160
MOST_POINTS = 200


@dataclass(frozen=True, slots=True, eq=False)
class CellMap:
    """Values (slow, fast) in the cells of a grid over a detector of size (fast, slow), px; NaN where there is none.

    view : what the image viewer is asked for to list what is in a cell, beside its region; "" where nothing is there
    """

    values: np.ndarray
    size: tuple[int, int]
    label: str
    view: str = ""

    def region(self, row: int, column: int) -> tuple[float, float, float, float]:
        """x0, x1, y0, y1 of a cell, px; half-open."""
        dx, dy = self.size[0] / self.values.shape[1], self.size[1] / self.values.shape[0]
        return column * dx, (column + 1) * dx, row * dy, (row + 1) * dy


class MapDrawing(str):
    """An SVG element that knows what it is a map of."""

    __slots__ = ("map",)
    map: CellMap

    @classmethod
    def of(cls, drawn: CellMap, svg: str) -> MapDrawing:
        """The drawing of a map."""
        drawing = cls(svg)
        drawing.map = drawn
        return drawing


def draw_map(drawn: CellMap, images: str = "") -> MapDrawing:
    """The map as an SVG element; images : address of the image viewer, where each cell is to lead there."""
    return MapDrawing.of(drawn, _cells(drawn, images))


def deviations_map(
    reflections: Reflections, rows: np.ndarray, panel: Panel, panel_number: int = 0, view: str = ""
) -> MapDrawing:
    """The map of `deviations`; view : of `CellMap`."""
    values = deviations(reflections, rows, panel, panel_number)
    return draw_map(CellMap(values, panel.image_size, "RMSD (px)", view))


def deviations(reflections: Reflections, rows: np.ndarray, panel: Panel, panel_number: int = 0) -> np.ndarray:
    """(slow, fast) root mean square distance, px, of spots from their predictions in the cells of a map.

    rows : (N,) bool, the spots to use. NaN where there are fewer than MIN_SPOTS.
    """
    here = rows & (reflections["panel"] == panel_number)
    position = reflections["xyz_obs_px"][here, :2]
    difference = reflections["xyz_cal_px"][here, :2] - position
    n_fast, n_slow = cells_of(panel)
    column = np.clip((position[:, 0] * n_fast / panel.image_size[0]).astype(int), 0, n_fast - 1)
    line = np.clip((position[:, 1] * n_slow / panel.image_size[1]).astype(int), 0, n_slow - 1)
    cell = line * n_fast + column
    count = np.bincount(cell, minlength=n_fast * n_slow)
    squares = np.bincount(cell, (difference**2).sum(axis=1), n_fast * n_slow)
    values = np.sqrt(squares / np.where(count >= MIN_SPOTS, count, np.inf))
    values[count < MIN_SPOTS] = np.nan
    return values.reshape(n_slow, n_fast)


def cells_of(panel: Panel) -> tuple[int, int]:
    """Cells of a map along fast and slow, nearly square."""
    fast, slow = panel.image_size
    return max(1, round(CELLS * fast / max(fast, slow))), max(1, round(CELLS * slow / max(fast, slow)))


def _cells(drawn: CellMap, images: str) -> str:
    """Coloured cells with a scale."""
    values, size, label = drawn.values, drawn.size, drawn.label
    good = np.isfinite(values)
    if not good.any():
        return _empty(size, "too few spots")
    low, high = float(values[good].min()), float(np.quantile(values[good], 0.99))
    high = high if high > low else low + (abs(low) or 1.0)
    width, height = _extent(size)
    dx, dy = width / values.shape[1], height / values.shape[0]
    is_linked = bool(images and drawn.view)
    parts = [_head(size, label, is_linked)]
    for row, column in np.argwhere(good):
        value = float(values[row, column])
        colour = _colour((value - low) / (high - low))
        cell = (
            f'<rect x="{MARGIN + column * dx:.1f}" y="{10 + row * dy:.1f}" width="{dx + 0.3:.1f}" '
            f'height="{dy + 0.3:.1f}" fill="{colour}"><title>{value:.3g}</title></rect>'
        )
        parts.append(_linked(cell, drawn, images, int(row), int(column)) if is_linked else cell)
    parts += [_outline(size), _scale(low, high, label, MARGIN + width + 18, height)]
    return "".join(parts) + "</svg>"


def _linked(cell: str, drawn: CellMap, images: str, row: int, column: int) -> str:
    region = drawn.region(row, column)
    x0, x1, y0, y1 = (f"{value:.6f}".rstrip("0").rstrip(".") for value in region)
    address = escape(f"{images}?{drawn.view}&region={x0},{x1},{y0},{y1}")
    at = f"x {region[0]:.0f} to {region[1]:.0f}, y {region[2]:.0f} to {region[3]:.0f}"
    words = f"{drawn.label} {drawn.values[row, column]:.3g} at {at}: list the spots"
    return f'<a class="cell" href="{address}" aria-label="{escape(words)}">{cell}</a>'


def untrusted_map(is_shadowed: np.ndarray, is_hot: np.ndarray, panel: Panel) -> str:
    """Pixels that were taken for shadowed and for hot, both (slow, fast) bool."""
    width, _ = _extent(panel.image_size)
    step = max(1, -(-max(panel.image_size) // MAP_CELLS))
    rows, columns = (np.arange(0, n, step) for n in is_shadowed.shape)
    coarse = np.logical_or.reduceat(np.logical_or.reduceat(is_shadowed, rows, axis=0), columns, axis=1)
    scale = width / panel.image_size[0]
    runs = []
    for number, line in enumerate(coarse):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
        for start, end in edges.reshape(-1, 2):
            x, y = MARGIN + start * step * scale, 10 + number * step * scale
            runs.append(f"M{x:.1f} {y:.1f}h{(end - start) * step * scale:.1f}v{step * scale + 0.2:.1f}h-"
                        f"{(end - start) * step * scale:.1f}Z")  # fmt: skip
    parts = [_head(panel.image_size, "pixels in shadow and hot pixels"), _modules(panel)]
    parts.append(f'<path class="shadow" d="{"".join(runs)}"/>')
    parts += [
        f'<circle class="dot c1" cx="{MARGIN + (x + 0.5) * scale:.1f}" cy="{10 + (y + 0.5) * scale:.1f}" r="3">'
        f"<title>{x}, {y}</title></circle>"
        for y, x in np.argwhere(is_hot)[:MOST_POINTS]
    ]
    at = MARGIN + width + 18
    key = (
        f'<path class="shadow" d="M{at:.0f} 14h16v12h-16Z"/><circle class="dot c1" cx="{at + 8:.0f}" cy="41" r="3"/>'
        f'<text class="entry" x="{at + 22:.0f}" y="25">shadow</text>'
        f'<text class="entry" x="{at + 22:.0f}" y="46">hot</text>'
    )
    return "".join([*parts, _outline(panel.image_size), key]) + "</svg>"


def _extent(size: tuple[int, int]) -> tuple[float, float]:
    fast, slow = size
    scale = SIZE / max(fast, slow)
    return fast * scale, slow * scale


def _head(size: tuple[int, int], label: str, is_linked: bool = False) -> str:
    """An image to those who do not see it; a group where there is what can be followed in it."""
    width, height = _extent(size)
    return (
        f'<svg class="map" viewBox="0 0 {MARGIN + width + 110:.0f} {height + 46:.0f}" '
        f'role="{"group" if is_linked else "img"}" aria-label="{escape(label)}">'
    )


def _outline(size: tuple[int, int]) -> str:
    width, height = _extent(size)
    fast, slow = size
    return (
        f'<path class="axis" d="M{MARGIN:.0f} 10h{width:.1f}v{height:.1f}h-{width:.1f}Z"/>'
        f'<text class="tick" x="{MARGIN:.0f}" y="{height + 26:.0f}">0</text>'
        f'<text class="tick" x="{MARGIN + width:.0f}" y="{height + 26:.0f}">{fast}</text>'
        f'<text class="tick y" x="{MARGIN - 6:.0f}" y="18">0</text>'
        f'<text class="tick y" x="{MARGIN - 6:.0f}" y="{height + 10:.0f}">{slow}</text>'
        f'<text class="label" x="{MARGIN + width / 2:.0f}" y="{height + 40:.0f}">fast (px)</text>'
        f'<text class="label" transform="translate(14 {height / 2:.0f}) rotate(-90)">slow (px)</text>'
    )


def _modules(panel: Panel) -> str:
    width, _ = _extent(panel.image_size)
    scale = width / panel.image_size[0]
    return "".join(
        f'<rect class="gap" x="{MARGIN + x0 * scale:.1f}" y="{10 + y0 * scale:.1f}" width="{(x1 - x0) * scale:.1f}" '
        f'height="{(y1 - y0) * scale:.1f}"/>'
        for x0, y0, x1, y1 in panel.mask[:MOST_POINTS]
    )


def _empty(size: tuple[int, int], words: str) -> str:
    width, height = _extent(size)
    text = f'<text class="nothing" x="{MARGIN + width / 2:.0f}" y="{height / 2:.0f}">{escape(words)}</text>'
    return _head(size, words) + text + _outline(size) + "</svg>"


def _scale(low: float, high: float, label: str, at: float, height: float) -> str:
    parts, n = [], 24
    tall = min(height - 30, 220.0)
    for step in range(n):
        y = 30 + tall * (n - 1 - step) / n
        colour = _colour(step / (n - 1))
        parts.append(f'<rect x="{at:.0f}" y="{y:.1f}" width="14" height="{tall / n + 0.4:.1f}" fill="{colour}"/>')
    values: Sequence[tuple[float, float]] = ((high, 38.0), (low, 30 + tall))
    parts += [f'<text class="entry" x="{at + 20:.0f}" y="{y:.0f}">{v:.3g}</text>' for v, y in values]
    parts.append(f'<text class="entry" x="{at:.0f}" y="20">{escape(label)}</text>')
    return "".join(parts)


def _colour(fraction: float) -> str:
    at = np.clip(fraction, 0, 1) * (len(RAMP) - 1)
    low = min(int(at), len(RAMP) - 2)
    red, green, blue = RAMP[low] + (at - low) * (RAMP[low + 1] - RAMP[low])
    return f"#{round(red):02x}{round(green):02x}{round(blue):02x}"
