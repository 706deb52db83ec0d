"""The chart of limits by direction: differences of no account do not fill it."""

from __future__ import annotations

from types import SimpleNamespace

import gemmi
import numpy as np
import pytest

from autoproc.reports.direction_plots import limits_chart


def chart_of(best, worst, used):
    def s_max(direction):
        unit = direction / np.linalg.norm(direction, axis=1, keepdims=True)
        return 1 / (best + (worst - best) * unit[:, 2] ** 2)

    cell = gemmi.UnitCell(50, 60, 70, 90, 90, 90)
    return limits_chart(SimpleNamespace(cell=cell, surface=SimpleNamespace(s_max=s_max), best=best), used).chart


def test_limits_that_are_much_the_same_lie_near_together():
    chart = chart_of(1.967, 1.973, 1.97)
    low, high = chart.y_limits
    assert high - low == pytest.approx(0.2 * 1.97, rel=0.01)
    assert 0.5 * (low + high) == pytest.approx(1.97, abs=0.001)


def test_limits_that_differ_fill_the_chart():
    assert chart_of(1.8, 2.6, 2.0).y_limits == (None, None)


def test_the_limit_of_merged_data_is_in_the_chart():
    low, high = chart_of(1.99, 2.0, 2.15).y_limits
    assert low < 1.99
    assert high > 2.15
