"""Images to leave out of scaling: the crystal out of the beam, the beam off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoproc.merging.blank_images import blank_images, reaches_into
from autoproc.scaling.shadows import NEIGHBOURS, disagreeing_places, neighbourhoods
from autoproc.scaling.state import ScalingState, against_equivalents, with_rough_scales
from autoproc.scaling.unscaled_observations import UnscaledObservations

MIN_PLAUSIBLE_SCALE = 0.2


def with_images_without_signal(observations: UnscaledObservations, state: ScalingState) -> ScalingState:
    """The state with the reflections on images without any signal, among others that have some, marked as blank.

    To be done before any model is fitted, which would follow them down to nothing.
    """
    found, measured = [], state.measured
    for own in observations.rows_of_each(len(state.models)):
        rows = own[measured[own]]
        found.append(blank_images(observations.at.frame[rows], state.intensity[rows] / np.sqrt(state.variance[rows])))
    return _without(observations, state, found)


def with_blank_images(observations: UnscaledObservations, state: ScalingState, max_ratio: float) -> ScalingState:
    """The state with the reflections on images marked most of whose reflections stand among others far too weak.

    So are those that were measured on other images and reach into these, for they lack a part.
    The model may have followed a blank stretch down: its factors count as no less than a fifth of the sweep's
    median. If images are marked, the scales start afresh without them; if none is, the state stays the same.
    """
    # Those known to be blank are judged again: images between them and the good ones have no others.
    use = replace(state, blank=np.zeros(len(observations), bool)).measured
    floor = np.zeros(len(observations))
    every, measured = observations.rows_of_each(len(state.models)), state.measured
    for own in every:
        rows = own[measured[own]]
        floor[rows] = MIN_PLAUSIBLE_SCALE * np.median(state.factors[rows]) if len(rows) else 0.0
    seen = against_equivalents(observations, replace(state, factors=np.maximum(state.factors, floor)), use)
    near = neighbourhoods(observations.experiment, observations.at.frame[:, None], use, seen.compared)
    low = disagreeing_places(near, seen, max_ratio, NEIGHBOURS[-1:]) & (seen.ratio < 1)
    found, numbers = [], frame_numbers(observations)
    for own in every:
        rows = own[use[own]]
        image = numbers[rows]
        found.append(np.bincount(image, low[rows]) > 0.5 * np.bincount(image))
    without = _without(observations, state, found)
    return with_rough_scales(observations, without) if np.any(without.blank != state.blank) else state


def _without(observations: UnscaledObservations, state: ScalingState, found: Sequence[np.ndarray]) -> ScalingState:
    """The state with all reflections that reach into the images found, (images,) bool for each experiment."""
    blank, frame = state.blank.copy(), frame_numbers(observations)
    for images, rows in zip(found, observations.rows_of_each(len(found)), strict=True):
        blank[rows] |= reaches_into(images, frame[rows], observations.span[rows])
    return replace(state, blank=blank)


def images_left_out(
    observations: UnscaledObservations, state: ScalingState, n_images: Sequence[int]
) -> list[np.ndarray]:
    """For each experiment the frames of which every reflection that reaches them was left out as blank."""
    found = []
    for rows, size in zip(observations.rows_of_each(len(n_images)), n_images, strict=True):
        total = _covered(observations.span[rows], size)
        blank = _covered(observations.span[rows[state.blank[rows]]], size)
        found.append(np.flatnonzero((total > 0) & (blank == total)))
    return found


def _covered(span: np.ndarray, size: int) -> np.ndarray:
    """(size,) how many of the spans (n, 2) hold each frame."""
    ends = np.clip(span, 0, size)
    change = np.bincount(ends[:, 0], minlength=size + 1) - np.bincount(ends[:, 1], minlength=size + 1)
    return np.cumsum(change)[:size]


def frame_numbers(observations: UnscaledObservations) -> np.ndarray:
    """(N,) the frame of each observation's centre."""
    return np.maximum(observations.at.frame.astype(np.intp), 0)
