"""What integration tells of its reflections and spots."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.integration.report import HEADER, resolution_rows, shape_lines
from autoproc.integration.shapes import SpotShape
from autoproc.models.reflections import Flag, Reflections


def table(n: int = 20) -> Reflections:
    flags = np.full(n, int(Flag.INTEGRATED_SUM))
    flags[:5] |= int(Flag.INTEGRATED_PRF)
    flags[:3] |= int(Flag.OVERLAPPED_FG)
    flags[:2] |= int(Flag.FOREGROUND_INCLUDES_BAD_PIXELS)
    variance = np.full(n, 4.0)
    variance[-1] = -1.0
    return Reflections(
        {
            "d": np.linspace(10, 2, n), "flags": flags, "background_mean": np.full(n, 0.25),
            "profile_correlation": np.where(np.arange(n) < 5, 0.5, 0.0), "intensity_sum": np.full(n, 6.0),
            "variance_sum": variance, "intensity_prf": np.full(n, 10.0), "variance_prf": variance,
        }
    )  # fmt: skip


def test_the_last_row_is_of_all_reflections():
    rows = resolution_rows(table())
    assert len(rows) == 12
    numbers = [float(word) for word in rows[-1].split()]
    assert numbers == [10.0, 2.0, 20, 5, 3, 2, 0.25, 3.0, 5.0, 0.5]
    assert len(HEADER) == len(rows[0]) == len(rows[-2]) == len(rows[-1])


def test_shells_come_from_low_resolution_and_have_their_own_numbers():
    rows = [[float(word) for word in row.split()] for row in resolution_rows(table(), 4)[:4]]
    assert [row[0] for row in rows] == sorted((row[0] for row in rows), reverse=True)
    assert [row[2] for row in rows] == [5, 5, 5, 5]
    assert [row[3] for row in rows] == [5, 0, 0, 0]
    assert rows[1][9] == 0  # nothing fitted, nothing correlated
    assert rows[0][0] == 10.0
    assert rows[-1][1] == 2.0


def test_nothing_measured_is_no_row_and_no_variance_no_signal():
    assert resolution_rows(table()[:0]) == []
    nothing = table().replace(variance_sum=np.full(20, -1.0))
    assert resolution_rows(nothing, 1)[0].split()[7] == "0.00"


def test_widths_are_told_in_degrees_and_what_is_wrong_below_them():
    good = SpotShape(np.radians(0.05), np.radians(0.2), 321, spread=np.radians(0.01))
    lines = shape_lines([good, SpotShape(1.0, 1.0, 5, warning="cut")])
    assert lines[0] == (
        "lattice 1: sigma_b 0.0500, sigma_m 0.2000 degrees from 321 spots; mosaic spread along e1 0.0100 degrees"
    )
    assert lines[2] == "  WARNING: cut"
    assert len(lines) == 3


@pytest.mark.parametrize("n_shells", [1, 3, 7])
def test_shells_share_all_reflections(n_shells):
    rows = resolution_rows(table(), n_shells)[:n_shells]
    assert sum(int(row.split()[2]) for row in rows) == 20
