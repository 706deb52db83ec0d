"""What indexing refines: how its parameters move detectors, beams and crystals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from synthetic_spots import random_spots, setting, sweep

from autoproc.geometry.placement import panel_middle
from autoproc.indexing.model import N_MOVES, beam_turn_axis, detector_indices, model_of
from autoproc.indexing.reciprocal_spots import mapped_anew, spots_in_reciprocal_space
from autoproc.models.experiment import Beam, Goniometer


def test_headers_are_where_a_model_begins():
    one = sweep()
    model = model_of([one, one, sweep()])
    assert model.moves.shape == (2, N_MOVES)
    assert model.turns.shape == (3, 3)
    assert not model.moves.any()
    assert not model.turns.any()
    assert model.detector_of_sweep.tolist() == [0, 0, 1]
    moved = model.moved_sweeps()
    assert_allclose(moved[0].detector[0].origin, one.detector[0].origin)
    assert_allclose(moved[0].beam.direction, one.beam.direction)


def test_detectors_are_numbered_as_they_appear():
    a, b = sweep(), sweep()
    assert detector_indices([b, a, b, a]).tolist() == [0, 1, 0, 1]


def test_a_detector_moves_about_its_middle_and_a_beam_towards_the_spindle():
    one = sweep()
    moves = np.array([[1.0, 2.0, 3.0, 0.01, 0.02, 0.03, 0.005]])
    moved = replace(model_of([one]), moves=moves).moved_sweeps()[0]
    old, new = one.detector[0], moved.detector[0]
    assert_allclose(panel_middle(new) - panel_middle(old), [1, 2, 3], atol=1e-12)
    turn = Rotation.from_rotvec([0.01, 0.02, 0.03]).as_matrix()
    assert_allclose([new.fast_axis, new.slow_axis], np.array([old.fast_axis, old.slow_axis]) @ turn.T)
    spindle = one.goniometer.lab_axis
    # the incident wave turns towards the spindle, to which it was at right angles
    assert_allclose(moved.beam.s0 @ spindle, np.sin(0.005) / one.beam.wavelength, atol=1e-12)
    assert_allclose(moved.beam.direction @ np.cross(spindle, one.beam.direction), 0, atol=1e-12)


def test_the_beams_axis_is_at_right_angles_to_it_and_to_the_spindle():
    one = replace(
        sweep(), beam=Beam(1.0, direction=np.array([0.1, 0.2, 0.9])), goniometer=Goniometer(np.array([0.6, 0.8, 0]))
    )
    axis = beam_turn_axis(one)
    assert_allclose([np.linalg.norm(axis), axis @ one.beam.s0, axis @ one.goniometer.lab_axis], [1, 0, 0], atol=1e-12)
    along = replace(one, goniometer=Goniometer(one.beam.direction / np.linalg.norm(one.beam.direction)))
    assert_allclose(np.linalg.norm(beam_turn_axis(along)), 0, atol=1e-12)


def test_what_sweeps_share_stays_shared():
    one = sweep()
    model = model_of([one, replace(one), sweep()])
    moved = replace(model, moves=np.full((2, N_MOVES), 0.01)).moved_sweeps()
    assert moved[0].detector is moved[1].detector
    assert moved[0].beam is moved[1].beam
    assert moved[2].detector is not moved[0].detector
    assert moved[2].beam is not moved[0].beam


def test_spots_are_placed_with_what_has_moved():
    first, second = sweep(), sweep(start=40.0)
    model = replace(
        model_of([first, second]).with_settings([setting((50, 60, 70, 90, 90, 90))]),
        moves=np.array([[0.5, 0, 0, 0, 0, 0, 0], [0, 0.5, 0, 0, 0, 0.01, 0]]),
        turns=np.array([[0, 0, 0], [0, 0.02, 0]]),
    )
    spots = spots_in_reciprocal_space([first, second], random_spots(first, 20))
    expected = mapped_anew(model.moved_sweeps(), spots, Rotation.from_rotvec(model.turns).as_matrix())
    assert_allclose(model.placed(spots).rlp, expected.rlp, atol=1e-12)
    assert_allclose(model.turn_matrices()[1], Rotation.from_rotvec([0, 0.02, 0]).as_matrix())
