"""What follows from a scaling is the same side by side as one after the other."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc import threads
from autoproc.config import Config, with_command_line
from autoproc.damage.params import DamageParams
from autoproc.errors import NoReflections
from autoproc.stages.conclude import conclude
from autoproc.stages.damage_analysis import damage_analysis
from autoproc.stages.merge import merge
from autoproc.stages.scale import ScaleParams, scale_to_judge

PARAMS = {"merge.check_forms": "false"}


@pytest.fixture(scope="module")
def made():
    return synthetic(Recipe(n_observations=4000, b_end=8.0))


def judged(made):
    return scale_to_judge([made.experiment], made.reflections, ScaleParams())


def concluded(made, **changes):
    kept = []
    config = with_command_line(Config(), PARAMS | changes)
    return conclude(judged(made), config, kept.append), kept


@pytest.mark.parametrize("n_cores", [1, 2])
def test_each_is_what_its_stage_gives(made, monkeypatch, n_cores):
    monkeypatch.setattr(threads, "available_cores", lambda: n_cores)
    found, kept = concluded(made)
    scaled = judged(made).whole
    merged = merge(scaled.experiments, scaled.reflections, with_command_line(Config(), PARAMS).merge)
    for column in ("hkl", "intensity", "sigma", "free_r", "half_sets"):
        if column in {f.name for f in fields(merged)}:
            np.testing.assert_array_equal(getattr(found.merged, column), getattr(merged, column))
    alone = damage_analysis(scaled.experiments, scaled.reflections, DamageParams())
    assert found.damage.drift == alone.drift
    assert (found.untold, found.merged_inside) == ("", None)
    assert kept == [found.scaled]
    for name in scaled.reflections:
        np.testing.assert_array_equal(found.scaled.reflections[name], scaled.reflections[name])
    assert set(found.seconds) == {"scale", "merge", "damage_analysis"}


def test_damage_that_cannot_be_told_costs_nothing_else(made):
    found, _ = concluded(made, **{"damage_analysis.d_max": "0.1"})
    assert found.damage is None
    assert found.untold.startswith("damage was not analysed: ")
    assert len(found.merged)


def test_what_merging_raises_is_raised_when_all_are_over(made):
    with pytest.raises(NoReflections):
        concluded(made, **{"merge.d_max": "0.1"})
