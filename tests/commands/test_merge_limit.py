"""Merging warns where data lie beyond the limit that scaling suggests."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from models_for_tests import crystal, experiment, fading, scaled

from autoproc.commands.stages import beyond_estimate
from autoproc.config import Config
from autoproc.stages.merge import MergeParams


@pytest.mark.parametrize(("d_min", "is_warned"), [(None, True), (2.4, True), (2.75, False)])
def test_data_beyond_their_own_limit(d_min, is_warned):
    """Signal falls near 2.7 A, measured to 2.2."""
    step = SimpleNamespace(config=Config(merge=MergeParams(d_min=d_min)))
    warnings = beyond_estimate(step, *fading(2.7, 0.01))
    assert len(warnings) == is_warned
    if is_warned:
        assert warnings[0].startswith(f"data are merged to {d_min or 2.2:.2f} A, beyond the limit of 2.")
        assert "where the fitted CC1/2 falls to 0.3" in warnings[0]


def test_data_that_are_good_to_their_end_and_those_too_few_to_tell():
    step = SimpleNamespace(config=Config())
    made = crystal()
    assert beyond_estimate(step, [experiment(made)], scaled(made, d_min=2.5)) == []
    assert beyond_estimate(step, [experiment(made)], scaled(made, d_min=12.0)[:20]) == []
