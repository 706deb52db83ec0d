"""Every panel has its map, of its own spots; where there are too many, it is said which are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.models.experiment import Detector, Panel
from autoproc.models.reflections import Reflections
from autoproc.reports.deviation_maps import MOST_PANELS, deviation_maps

SIZE = (160, 160)
N_SPOTS = 6


def detector(n_panels: int) -> Detector:
    x, y = np.array([1.0, 0, 0]), np.array([0, -1.0, 0])
    return Detector(tuple(Panel(x, y, np.array([20.0 * n, 0, -100.0]), (0.1, 0.1), SIZE) for n in range(n_panels)))


def spots(shifts: dict[int, float], n_spots: int = N_SPOTS) -> Reflections:
    """In one cell of each panel, n_spots and as many more as its number, with predictions so far off, px."""
    panel = np.concatenate([np.full(n_spots + number, number) for number in shifts]).astype(np.uint64)
    seen = np.full((len(panel), 3), 5.0)
    off = np.array([shifts[int(number)] for number in panel])
    return Reflections({"xyz_obs_px": seen, "xyz_cal_px": seen + np.column_stack([off, 0 * off, off]), "panel": panel})


def test_each_panel_shows_its_own_spots():
    table = spots({0: 1.0, 1: 2.0, 2: 3.0})
    figures = deviation_maps(table, np.ones(len(table), bool), detector(3), ", lattice 2", view="lattice=1")
    assert [f.title for f in figures] == [f"RMSD over panel {n}, lattice 2" for n in range(3)]
    assert [np.nanmax(f.svg.map.values) for f in figures] == pytest.approx([1.0, 2.0, 3.0])
    assert all(f.svg.map.view == "" for f in figures), "the viewer shows no detectors of several panels"


def test_one_panel_is_the_detector():
    table = spots({0: 1.0})
    (figure,) = deviation_maps(table, np.ones(len(table), bool), detector(1), view="lattice=0")
    assert figure.title == "RMSD over the detector"
    assert figure.svg.map.view == "lattice=0"
    assert "panels" not in figure.words


def test_spots_that_are_not_used_are_not_drawn():
    table = spots({0: 1.0, 1: 2.0})
    used = table["panel"] == 1
    first, second = deviation_maps(table, used, detector(2))
    assert np.isnan(first.svg.map.values).all()
    assert np.nanmax(second.svg.map.values) == pytest.approx(2.0)


def test_of_many_panels_those_with_the_most_spots_are_drawn_and_it_is_said():
    n = MOST_PANELS + 3
    table = spots(dict.fromkeys(range(n), 1.0))
    figures = deviation_maps(table, np.ones(len(table), bool), detector(n))
    assert [f.title for f in figures] == [f"RMSD over panel {number}" for number in range(3, n)]
    assert all(f"the {MOST_PANELS} of {n} panels" in f.words for f in figures)
