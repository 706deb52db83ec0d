"""Indices that are off by one, and what must not be taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from synthetic_spots import setting, spots_of, sweep

from autoproc.indexing import origin
from autoproc.indexing.assign import Assignment
from autoproc.indexing.model import model_of
from autoproc.indexing.origin import (
    CLEAR_GAIN,
    LEAST_RATIO,
    ShiftedIndices,
    _ratio,
    is_shift_likely,
    neighbouring_origins,
)
from autoproc.indexing.reciprocal_spots import spots_in_reciprocal_space

CELL = (45.0, 60.0, 130.0, 90.0, 95.0, 90.0)
ONE = sweep(n_images=30)
A = setting(CELL, 3)
SPOTS = spots_of(ONE, A, 3.0, noise_px=0.2)
SPOTS = SPOTS[np.random.default_rng(0).permutation(len(SPOTS))]


def origins(shift, *, n, sweeps=1):
    """Neighbours of a model whose indices are `shift` less than the truth."""
    spots = SPOTS[np.arange(n)]
    model = model_of([ONE] * sweeps).with_settings([A])
    assignment = Assignment(np.zeros(len(spots), int), (spots["hkl"] - np.array(shift)).astype(np.int32))
    return neighbouring_origins(model, spots_in_reciprocal_space([ONE], spots), assignment)


def test_indices_off_by_one_are_told():
    found = origins((-1, 0, 0), n=150)
    assert is_shift_likely(found)
    assert found[0].shift == (-1, 0, 0)
    assert found[0].gain == max(o.gain for o in found)
    assert found[0].ratio > 1.5
    assert_allclose(found[0].model.settings[0], A, atol=2e-4)


@pytest.mark.parametrize("shift", [(-1, 0, 0), (0, 0, 0), (0, 1, -1)])
def test_shifts_that_no_move_makes_up_for_are_not_tried(monkeypatch, shift):
    """What is left out by one linear step would not have come near by all."""
    tried = []
    promising = origin._is_promising
    monkeypatch.setattr(origin, "_is_promising", lambda *a: tried.append(a[3]) or promising(*a))
    wide = sweep(n_images=240)
    spots = spots_of(wide, A, 3.0, noise_px=0.03, noise_frames=0.03)[::40]
    assignment = Assignment(np.zeros(len(spots), int), (spots["hkl"] - np.array(shift)).astype(np.int32))
    given = model_of([wide]).with_settings([A]), spots_in_reciprocal_space([wide], spots), assignment
    found = neighbouring_origins(*given)
    assert any(shift) or len(tried) < 20, "where indices are right others leave far more"
    monkeypatch.setattr(origin, "POSSIBLE", np.inf)
    tried.clear()
    assert [o.shift for o in neighbouring_origins(*given)] == [o.shift for o in found]
    assert len(tried) == 26


def test_right_indices_have_no_better_neighbour():
    assert not is_shift_likely(origins((0, 0, 0), n=100))


def test_several_sweeps_and_few_spots_have_no_neighbours():
    assert origins((0, 0, 1), n=100, sweeps=2) == []
    assert origins((0, 0, 1), n=19) == []
    assert origins((0, 0, 1), n=20) != []


def test_a_shift_has_to_be_clear_in_gain_and_in_ratio():
    def best(gain, ratio):
        return [ShiftedIndices((0, 0, 1), gain, ratio, model_of([ONE]))]

    assert is_shift_likely(best(CLEAR_GAIN + 1, LEAST_RATIO + 0.01))
    assert not is_shift_likely(best(CLEAR_GAIN, 2.0))
    assert not is_shift_likely(best(1e6, LEAST_RATIO))
    assert not is_shift_likely([])


def test_the_ratio_is_a_geometric_mean_and_nothing_where_it_is_not_known():
    assert _ratio(np.array([2.0, 2.0, 16.0]), np.array([1.0, 1.0, 1.0])) == pytest.approx(4.0)
    assert _ratio(np.ones(3), np.full(3, np.inf)) == 0.0
    assert _ratio(np.zeros(3), np.zeros(3)) == 0.0
