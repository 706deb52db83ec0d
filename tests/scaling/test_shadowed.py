from __future__ import annotations

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.scaling import shadowed
from autoproc.scaling.model import model_for
from autoproc.scaling.shadows import Comparison
from autoproc.scaling.state import bare_state
from autoproc.scaling.unscaled_observations import observations_for_scaling


@pytest.mark.parametrize(("moves", "stands"), [(False, False), (True, False), (False, True)])
def test_shadows_are_told_from_what_damage_does_at_a_dose(monkeypatch, moves, stands):
    """Late observations deviate everywhere by more than their errors; shadows darken a corner, for a time or always."""
    made = synthetic(Recipe(n_observations=8000))
    observations = observations_for_scaling([made.experiment], made.reflections, 0.4, -5.0, None, None)
    state = bare_state(observations.profile, [model_for(made.experiment, observations.at.frame, True, 0)])
    place, n = observations.position, len(observations)
    late = place[:, 2] > 130
    left = place[:, 0] < np.quantile(place[:, 0], 0.25)
    dark = left & (place[:, 2] < 60) if moves else left & stands
    z = np.random.default_rng(8).normal(size=n) * np.where(late, 3.0, 1.0) - np.where(late, 1.5, 0.0)
    ratio = np.where(dark, 0.2, np.where(late, 0.7, 1.0))
    seen = Comparison(np.where(dark, z - 16.0, z), ratio, np.full(n, 400.0), np.ones(n, bool))
    monkeypatch.setattr(shadowed, "against_equivalents", lambda *_: seen)
    found = shadowed.with_shadows(observations, state, 0.8).shadowed
    assert found[dark].sum() >= 0.85 * dark.sum()
    assert found[~dark].mean() < (0.1 if moves or stands else 0.005)
