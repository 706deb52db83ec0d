"""Charts of the detector's face put what they show where it is."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from autoproc.models.experiment import Panel
from autoproc.models.reflections import Reflections
from autoproc.reports.maps import (
    MARGIN,
    MIN_SPOTS,
    MOST_POINTS,
    SIZE,
    CellMap,
    cells_of,
    deviations,
    deviations_map,
    draw_map,
    untrusted_map,
)


def panel(fast: int = 320, slow: int = 160, mask: tuple = ()) -> Panel:
    x, y = np.array([1.0, 0, 0]), np.array([0, -1.0, 0])
    return Panel(x, y, np.array([-16.0, 8.0, -100.0]), (0.1, 0.1), (fast, slow), mask=mask)


def spots(positions: list[tuple[float, float]], shift: tuple[float, float], panels: int | list[int] = 0) -> Reflections:
    """Spots (fast, slow) whose predictions are off by `shift`, px."""
    seen = np.column_stack([np.array(positions, float), np.zeros(len(positions))])
    number = np.broadcast_to(np.asarray(panels, np.uint64), len(positions)).copy()
    return Reflections({"xyz_obs_px": seen, "xyz_cal_px": seen + [*shift, 0.0], "panel": number})


def every(table: Reflections) -> np.ndarray:
    return np.ones(len(table), bool)


def elements(svg: str, kind: str) -> list[dict[str, str]]:
    root = ElementTree.fromstring(svg)
    return [e.attrib for e in root.iter() if e.tag == kind]


@pytest.mark.parametrize(
    ("size", "cells"), [((320, 160), (16, 8)), ((160, 320), (8, 16)), ((500, 500), (16, 16)), ((1000, 10), (16, 1))]
)
def test_cells_are_nearly_square(size, cells):
    assert cells_of(panel(*size)) == cells


def test_the_root_mean_square_of_a_cell_is_that_of_its_spots():
    near = [(5.0, 5.0)] * 6
    table = spots(near, (3.0, 4.0))
    grid = deviations(table, every(table), panel())
    assert grid.shape == (8, 16)
    assert grid[0, 0] == pytest.approx(5.0)
    assert np.isnan(grid[1:]).all()
    assert np.isnan(grid[0, 1:]).all()


def test_a_cell_of_few_spots_is_empty():
    for n, is_drawn in ((MIN_SPOTS - 1, False), (MIN_SPOTS, True)):
        table = spots([(315.0, 155.0)] * n, (1.0, 0.0))
        assert np.isfinite(deviations(table, every(table), panel())[7, 15]) == is_drawn


def test_only_the_rows_and_the_panel_asked_for_count():
    table = spots([(5.0, 5.0)] * 12, (1.0, 0.0), [0] * 6 + [1] * 6)
    assert np.isfinite(deviations(table, every(table), panel())).sum() == 1
    some = np.arange(12) < 3
    assert not np.isfinite(deviations(table, some, panel())).any()
    assert np.isfinite(deviations(table, every(table), panel(), 1)).sum() == 1
    assert not np.isfinite(deviations(table, every(table), panel(), 2)).any()


def test_spots_beyond_the_edge_belong_to_the_last_cell():
    table = spots([(320.4, 160.3)] * 6 + [(-0.3, -0.2)] * 6, (1.0, 0.0))
    grid = deviations(table, every(table), panel())
    assert np.argwhere(np.isfinite(grid)).tolist() == [[0, 0], [7, 15]]


def test_a_map_without_spots_says_so():
    table = spots([(5.0, 5.0)], (1.0, 0.0))
    drawn = deviations_map(table, every(table), panel())
    assert "too few spots" in drawn
    assert not elements(drawn, "rect")


def test_cells_are_drawn_where_they_are_and_the_scale_has_the_limits():
    values = np.full((2, 4), np.nan)
    values[0, 0], values[1, 3] = 0.25, 0.75
    drawn = draw_map(CellMap(values, panel().image_size, "RMSD (px)"))
    first, last = elements(drawn, "rect")[:2]
    assert (float(first["x"]), float(first["y"])) == (MARGIN, 10)
    assert float(last["x"]) == pytest.approx(MARGIN + SIZE * 3 / 4, abs=0.1)
    assert float(last["y"]) == pytest.approx(10 + SIZE / 4, abs=0.1)
    assert first["fill"] != last["fill"]
    assert "<title>0.25</title>" in drawn
    assert re.findall(r">(0\.[\d]+)</text>", drawn) == ["0.745", "0.25"]
    assert 'aria-label="RMSD (px)"' in drawn


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0])
def test_one_value_everywhere_has_a_colour_too(value):
    drawn = draw_map(CellMap(np.full((2, 2), value), panel().image_size, "x"))
    assert "nan" not in drawn
    assert len({r["fill"] for r in elements(drawn, "rect")[:4]}) == 1


def test_an_extreme_cell_does_not_take_the_colours_from_the_others():
    values = np.linspace(0, 1, 200).reshape(10, 20)
    values[9, 19] = 1000.0
    fills = [r["fill"] for r in elements(draw_map(CellMap(values, panel().image_size, "x")), "rect")[:200]]
    assert len(set(fills)) > 100


def shadow_of(drawn: str) -> str:
    """The path of the shadow, before the one of the key."""
    return next(p["d"] for p in elements(drawn, "path") if p.get("class") == "shadow")


def test_a_shadow_is_one_run_of_each_line_and_hot_pixels_say_where_they_are():
    shadow, hot = np.zeros((160, 320), bool), np.zeros((160, 320), bool)
    shadow[0:2, 10:20] = True
    hot[7, 5] = True
    drawn = untrusted_map(shadow, hot, panel())
    path = shadow_of(drawn)
    assert path.count("M") == 1, "two lines of pixels are one line of the coarser map"
    x, width = (float(v) for v in re.match(r"M([\d.]+) [\d.]+h([\d.]+)v", path).groups())
    assert x == pytest.approx(MARGIN + 10 * SIZE / 320, abs=0.1)
    assert width == pytest.approx(10 * SIZE / 320, abs=0.1)
    assert "<title>5, 7</title>" in drawn


def test_a_thin_shadow_is_not_lost_in_the_coarser_map():
    shadow, hot = np.zeros((160, 320), bool), np.zeros((160, 320), bool)
    shadow[81, 101] = True
    assert shadow_of(untrusted_map(shadow, hot, panel())).count("M") == 1


def test_gaps_are_drawn_and_no_more_dots_than_can_be_seen():
    nothing, hot = np.zeros((160, 320), bool), np.zeros((160, 320), bool)
    hot.ravel()[: MOST_POINTS + 50] = True
    drawn = untrusted_map(nothing, hot, panel(mask=((100, 0, 110, 160), (0, 50, 320, 60))))
    gaps = [r for r in elements(drawn, "rect") if r.get("class") == "gap"]
    assert len(gaps) == 2
    assert float(gaps[0]["width"]) == pytest.approx(10 * SIZE / 320, abs=0.1)
    assert len([c for c in elements(drawn, "circle") if "dot c1" in c["class"]]) == MOST_POINTS + 1, "and the key's"


def test_cells_lead_to_the_viewer_where_it_is_served_only():
    values = np.full((2, 4), np.nan)
    values[1, 3] = 0.5
    drawn = CellMap(values, (333, 160), "RMSD (px)", "stage=refined&words=a+b")
    assert drawn.region(1, 3) == (249.75, 333.0, 80.0, 160.0)
    assert "<a" not in draw_map(drawn)
    assert "<a" not in draw_map(CellMap(values, (333, 160), "RMSD (px)"), "/sweeps/x/images")
    (link,) = elements(draw_map(drawn, '/sweeps/"x"/images'), "a")
    assert link["href"] == '/sweeps/"x"/images?stage=refined&words=a+b&region=249.75,333,80,160'
    assert "249" in link["aria-label"] or "250" in link["aria-label"]
    assert draw_map(drawn).map is drawn
