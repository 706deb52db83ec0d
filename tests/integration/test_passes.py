"""Blocks of rotation that are measured apart come out as they do among all, to the bit."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from simulated import simulated_frames

from autoproc.integration.params import IntegrateParams
from autoproc.integration.passes import MeasuredReflections, measure_all
from autoproc.linear_algebra import single_threaded_blas
from autoproc.stages.find_spots import FindSpotsParams, find_spots
from autoproc.stages.integrate_stretches import StretchesParams, integrate_stretches

HOW = {"first": 12.0, "growth": 1.4, "min_images": 20, "min_images_more": 10, "surveyed_first": 30}
PARAMS = StretchesParams(integrate=IntegrateParams(stretches=HOW, block_width=3.0))


class Spy:
    """Measures, and keeps what it was asked for each time, and what came of it."""

    def __init__(self):
        self.calls = []

    def __call__(self, *asked):
        whole = measure_all(*asked)
        self.calls.append((asked, whole))
        return whole


@pytest.fixture(scope="module")
def calls():
    """Of two stretches, the second beside reflections that were measured before."""
    frames = simulated_frames(width=0.6, mosaicity=0.4)
    experiment = replace(frames.experiments()[0], crystal=None)
    found = find_spots(experiment, frames, frames.mask, FindSpotsParams(), 2, milestones=[20, 39])
    spy = Spy()
    integrate_stretches(experiment, list(found.by_milestone), frames, PARAMS, 2, measure=spy)
    return spy.calls


def arrays_of(measured):
    background = [getattr(measured.background, field.name) for field in fields(measured.background)]
    marks = [measured.is_reference, measured.is_contested]
    return [measured.measurements.table, *background, *marks, measured.profiles.ends, measured.profiles.coefficients]


@pytest.mark.parametrize("n_blocks", [1, 3])
@single_threaded_blas
def test_cut_anywhere_they_are_the_same(calls, n_blocks):
    assert [len(asked[1].blocks) for asked, _ in calls] == [4, 4]
    for asked, whole in calls:
        n = len(asked[1].blocks)
        parts = [measure_all(*asked, range(i, min(i + n_blocks, n))) for i in range(0, n, n_blocks)]
        for one, other in zip(arrays_of(MeasuredReflections.concatenate(parts)), arrays_of(whole), strict=True):
            np.testing.assert_array_equal(one, other)


def test_they_touch_one_another(calls):
    """Or nothing would be tested: pixels are contested, and profiles are learnt from neighbours."""
    for asked, whole in calls:
        assert whole.is_contested.sum() > 100
        coefficients = whole.profiles.coefficients
        assert len({one.tobytes() for one in coefficients}) == len(asked[1].blocks)
