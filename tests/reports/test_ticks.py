from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoproc.reports.ticks import linear_ticks, resolution_ticks


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-6, 1e6), most=st.integers(3, 9))
def test_linear_ticks_are_ascending_inside_and_few(low: float, span: float, most: int):
    high = low + span
    if high - low < 1e-9 * max(abs(low), 1.0):
        return
    values = np.array(linear_ticks(low, high, most).values)
    assert len(values) <= most + 1
    assert np.all(np.diff(values) > 0)
    assert np.all(values >= low - 1e-6 * span)
    assert np.all(values <= high + 1e-6 * span)


def test_linear_ticks_are_round_and_written_as_short_as_they_are():
    assert linear_ticks(0.0, 1.05, 6).labels == ("0", "0.2", "0.4", "0.6", "0.8", "1.0")
    assert linear_ticks(0.0, 160.0, 7).labels == ("0", "25", "50", "75", "100", "125", "150")
    assert linear_ticks(-0.02, 0.02, 6).labels == ("-0.02", "-0.01", "0", "0.01", "0.02")


@given(d_min=st.floats(0.5, 6.0), ratio=st.floats(1.2, 30.0))
def test_numbers_of_a_resolution_axis_do_not_touch_and_stand_where_they_say(d_min: float, ratio: float):
    low, high = (d_min * ratio) ** -2.0, d_min**-2.0
    ticks = resolution_ticks(low, high)
    assert len(ticks.values) >= 2
    assert len(set(ticks.labels)) == len(ticks.labels)
    assert np.all(np.diff(ticks.values) > 0.08 * (high - low))
    np.testing.assert_allclose([float(label) ** -2.0 for label in ticks.labels], ticks.values, rtol=1e-9)
