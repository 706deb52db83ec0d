"""Reflections to leave out of scaling: where the detector is shadowed, or hot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoproc.scaling.shadows import against_the_usual, disagreeing_places, neighbourhoods
from autoproc.scaling.state import ScalingState, against_equivalents
from autoproc.scaling.unscaled_observations import UnscaledObservations


def with_shadows(observations: UnscaledObservations, state: ScalingState, max_ratio: float) -> ScalingState:
    """The state with observations marked where the detector is shadowed or hot, judged by all that are measured.

    Neighbours are sought on the detector for what stands still, then also in the frame for what moves. Only the latter
    are of like dose, and may share what radiation does: they are judged against what is usual at that dose.
    """
    state = replace(state, shadowed=np.zeros(len(observations), bool))
    extent = np.maximum(np.ptp(observations.position, axis=0), 1.0)
    moving = observations.position * np.array([1.0, 1.0, extent[:2].max() / extent[2]])
    near = None
    for position in (observations.position[:, :2], observations.position[:, :2], moving):
        seen = against_equivalents(observations, state)
        if position is moving:
            seen = against_the_usual(seen, observations.sweep, observations.at.frame)
        if near is None or position is moving:
            near = neighbourhoods(observations.place, position, state.measured, seen.compared)
        state = replace(state, shadowed=state.shadowed | disagreeing_places(near, seen, max_ratio))
    return state
