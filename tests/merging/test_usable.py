"""Each rule of what enters merged data, by observations that break that one only."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.merging.usable import OUTLIERS, unusable
from autoproc.models.reflections import Flag, Reflections

CELL = gemmi.UnitCell(40, 50, 60, 90, 90, 90)
GROUP = gemmi.SpaceGroup("P 21 21 21")
GOOD = int(Flag.SCALED | Flag.INTEGRATED_PRF)
"""An observation that was integrated and scaled."""


def observations(hkl=(4, 0, 0), flags=GOOD, scale=1.0, variance=4.0):
    return Reflections(
        {
            "hkl": np.array([hkl, (1, 2, 3)], np.int32),
            "flags": np.array([flags, GOOD], np.int64),
            "intensity_scale": np.array([100.0, 100.0]),
            "variance_scale": np.array([variance, 4.0]),
            "inverse_scale": np.array([scale, 1.0]),
        }
    )


BROKEN = {
    OUTLIERS: {"flags": GOOD | int(Flag.OUTLIER_IN_SCALING)},
    "without a usable intensity": {"flags": int(Flag.EXCLUDED_FOR_SCALING)},
    "left out of scaling": {"flags": GOOD | int(Flag.EXCLUDED_FOR_SCALING)},
    "without a scale or an error": {"variance": 0.0},
    "beyond 5.00 A": {"hkl": (9, 1, 0)},
    "below 25.00 A": {"hkl": (0, 1, 1)},
    "systematically absent": {"hkl": (5, 0, 0)},
}


def reasons(table):
    """Of the first observation; the second must be usable."""
    found = unusable(table, CELL, GROUP, 5.0, 25.0)
    assert list(found) == list(BROKEN)
    assert not any(of[1] for of in found.values())
    return [name for name, of in found.items() if of[0]]


@pytest.mark.parametrize("reason", BROKEN)
def test_what_breaks_one_rule_is_left_out_for_that_reason(reason):
    assert reasons(observations(**BROKEN[reason])) == [reason]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"flags": int(Flag.INTEGRATED_PRF)}, "left out of scaling"),
        ({"scale": 0.0}, "without a scale or an error"),
        ({"scale": -1.0}, "without a scale or an error"),
        ({"scale": np.nan}, "without a scale or an error"),
        ({"variance": np.nan}, "without a scale or an error"),
        ({"variance": -1.0}, "without a scale or an error"),
    ],
)
def test_what_is_not_known_is_left_out(broken, reason):
    assert reasons(observations(**broken)) == [reason]


def test_what_breaks_none_is_used():
    assert reasons(observations()) == []


@pytest.mark.parametrize(("d_min", "d_max"), [(10.0, 25.0), (5.0, 10.0)])
def test_a_reflection_at_the_limit_is_within_whatever_the_rounding(d_min, d_max):
    for off in (-1e-12, 0.0, 1e-12):
        found = unusable(observations(), CELL, GROUP, d_min * (1 + off), d_max * (1 + off))
        assert not any(of[0] for of in found.values())


def test_without_limits_none_is_beyond():
    found = unusable(observations(hkl=(90, 1, 1)), CELL, GROUP, None, None)
    assert not any(of[0] for of in found.values())
