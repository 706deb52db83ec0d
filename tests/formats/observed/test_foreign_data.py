"""Observations of other programs: what cannot be used is left out and counted."""

from __future__ import annotations

import numpy as np
import pytest
from wedges_for_tests import wedges_of

from autoproc.formats.observed.foreign_data import FileObservations, ForeignData, reflections_of
from autoproc.models.reflections import Flag

HKL = np.array([[1, 0, 0], [0, 2, 0], [0, 0, 3], [1, 1, 1], [2, 1, 0]])


def measured(**changes):
    own = {
        "hkl": HKL, "experiment": np.zeros(5, int), "intensity": np.arange(10.0, 60.0, 10.0), "sigma": np.full(5, 2.0),
        "position": np.full((5, 3), np.nan), "is_rejected": np.zeros(5, bool),
    }  # fmt: skip
    return FileObservations(**own | changes)


def with_one(values, value):
    changed = np.array(values, float)
    changed[2] = value
    return changed


@pytest.mark.parametrize("is_scaled", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"hkl": np.where(np.arange(5)[:, None] == 2, 0, HKL)},
        {"intensity": with_one(np.arange(10.0, 60.0, 10.0), np.nan)},
        {"intensity": with_one(np.arange(10.0, 60.0, 10.0), np.inf)},
        {"sigma": with_one(np.full(5, 2.0), 0.0)},
        {"sigma": with_one(np.full(5, 2.0), -1.0)},
        {"is_rejected": np.arange(5) == 2},
    ],
)
def test_what_is_no_observation_is_left_out_and_counted(changes, is_scaled):
    experiments = wedges_of("P 4", 1).experiments
    table = reflections_of(experiments, measured(**changes), is_scaled)
    assert list(table.has_flag(Flag.INTEGRATED_SUM)) == [True, True, False, True, True]
    if is_scaled:
        assert list(table.has_any_flag(Flag.BAD_FOR_SCALING)) == [False, False, True, False, False]
    words = ForeignData(tuple(experiments), table, "XDS", is_scaled).in_words
    assert words.startswith("5 observations of 1 sweep")
    assert words.endswith("; 1 of them have no usable intensity, and are left out")


def test_nothing_is_said_where_all_are_used():
    experiments = wedges_of("P 4", 1).experiments
    table = reflections_of(experiments, measured(), False)
    assert "left out" not in ForeignData(tuple(experiments), table, "", False).in_words
