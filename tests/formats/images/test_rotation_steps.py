"""Which images turn on evenly, and by how much, from the angles that a file gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.formats.images.rotation_steps import are_known, rotation_of

NOTHING = np.zeros(0)


def ranges(rotation):
    return [(run.start, run.stop) for run in rotation.runs]


def test_even_steps_are_one_run():
    rotation = rotation_of(10 + 0.5 * np.arange(6), np.full(6, 0.5), 6)
    (run,) = rotation.runs
    assert (run.start, run.stop, run.angle, run.width) == (0, 6, 10.0, 0.5)
    assert not rotation.warnings


@given(st.floats(0.01, 3), st.floats(-720, 720), st.integers(2, 400), st.sampled_from([-1, 1]))
def test_any_even_sweep_comes_back(width, start, n, sense):
    """Also through 360 degrees, where files may begin again at 0."""
    angles = (start + sense * width * np.arange(n)) % 360.0
    (run,) = rotation_of(angles, NOTHING, n).runs
    assert run.width == pytest.approx(sense * width, rel=1e-6, abs=1e-8)
    assert run.angle == pytest.approx(angles[0], abs=1e-6)


def test_the_step_is_the_slope_of_the_starts_where_a_shutter_opens_late():
    rotation = rotation_of(np.arange(150.0), np.full(150, 0.95), 150)
    (run,) = rotation.runs
    assert run.width == 1.0
    assert "cover 0.95 degrees of each step of 1" in rotation.warnings[0]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n", [40, 400])
def test_noise_of_an_encoder_does_not_cut_a_sweep(seed, n):
    angles = np.arange(float(n)) + np.random.default_rng(seed).normal(0, 0.08, n)
    rotation = rotation_of(angles, NOTHING, n)
    (run,) = rotation.runs
    assert run.width == pytest.approx(1.0, abs=5 * 0.08 * 3.5 / n**1.5)
    assert run.angle == pytest.approx(0.0, abs=5 * 0.08 * 2 / n**0.5)
    assert "scatter by" in rotation.warnings[0]


@pytest.mark.parametrize("seed", range(8))
def test_a_missing_image_is_found_in_noise(seed):
    angles = np.arange(60.0) + np.random.default_rng(seed).normal(0, 0.05, 60)
    angles[25:] += 1
    assert ranges(rotation_of(angles, NOTHING, 60)) == [(0, 25), (25, 60)]


def test_one_angle_that_was_misread_cuts_nothing():
    angles = 0.1 * np.arange(100.0)
    angles[40] += 0.05
    assert ranges(rotation_of(angles, NOTHING, 100)) == [(0, 100)]


def test_gaps_and_restarts_cut_a_sweep():
    angles = np.concatenate([np.arange(10.0), 10.3 + np.arange(10.0), np.arange(5.0)])
    rotation = rotation_of(angles, np.ones(25), 25)
    assert ranges(rotation) == [(0, 10), (10, 20), (20, 25)]
    assert [run.angle for run in rotation.runs] == [0.0, 10.3, 0.0]


def test_screening_shots_come_out_one_by_one():
    rotation = rotation_of(np.array([0.0, 45.0, 90.0]), np.full(3, 0.5), 3)
    assert [(run.angle, run.width) for run in rotation.runs] == [(0.0, 0.5), (45.0, 0.5), (90.0, 0.5)]


def test_ends_that_were_never_filled_in():
    (run,) = rotation_of(0.1 * np.arange(50), np.zeros(50), 50).runs
    assert run.width == pytest.approx(0.1)
    assert len(rotation_of(30.0 * np.arange(4), np.zeros(4), 4).runs) == 4


def test_images_that_stand_still():
    (run,) = rotation_of(np.full(8, 33.0), np.zeros(8), 8).runs
    assert (run.angle, run.width) == (33.0, 0.0)


def test_one_angle_for_all_images():
    (run,) = rotation_of(np.array([5.0]), np.array([0.2]), 100).runs
    assert (run.start, run.stop, run.angle, run.width) == (0, 100, 5.0, 0.2)
    (run,) = rotation_of(np.arange(4.0), NOTHING, 6).runs
    assert (run.stop, run.width) == (6, 1.0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.lists(st.floats(), max_size=30))
def test_whatever_the_angles_every_image_is_in_one_run(angles, covered):
    runs = rotation_of(np.array(angles), np.array(covered), len(angles)).runs
    assert [run.start for run in runs] == [0, *(run.stop for run in runs[:-1])]
    assert runs[-1].stop == len(angles)


@pytest.mark.parametrize("at", [1, 5, 18])
@pytest.mark.parametrize("wrong", [0.0, 7.0, 359.0])
def test_one_misread_angle_cuts_no_sweep_and_is_said(at, wrong):
    starts = 30.0 + 0.5 * np.arange(20)
    starts[at] = wrong
    found = rotation_of(starts, np.full(20, 0.5), 20)
    (run,) = found.runs
    assert (run.start, run.stop) == (0, 20)
    assert (run.angle, run.width) == pytest.approx((30.0, 0.5))
    (said,) = found.warnings
    assert f"the angle of image {at + 1}, {wrong:g} degrees" in said
    assert f"{30 + 0.5 * at:g} is taken" in said


def test_a_missing_image_is_no_misreading():
    starts = np.delete(0.5 * np.arange(21), 9)
    assert len(rotation_of(starts, np.full(20, 0.5), 20).runs) == 2


def test_many_wrong_angles_are_not_guessed():
    starts = 0.5 * np.arange(20)
    starts[[4, 9, 14]] = 90.0
    assert len(rotation_of(starts, np.full(20, 0.5), 20).runs) > 1


@pytest.mark.parametrize("at", [0, 1, 7, 999])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1e30])
def test_an_angle_that_is_none_refuses_nothing(at, wrong):
    starts = 30.0 + 0.5 * np.arange(1000)
    starts[at] = wrong
    assert are_known(starts)
    found = rotation_of(starts, NOTHING, 1000)
    (run,) = found.runs
    assert (run.start, run.stop, run.angle, run.width) == (0, 1000, 30.0, 0.5)
    (said,) = found.warnings
    assert f"the angle of image {at + 1}, {wrong:g} degrees, is no angle: {30 + 0.5 * at:g} is taken" in said


@given(st.sets(st.integers(0, 399), max_size=8), st.floats(0.02, 3), st.sampled_from([np.nan, -np.inf, 1e9]))
def test_a_few_unknown_angles_change_nothing(wrong, width, value):
    """Also where they follow each other, at the ends, and where the angles pass through 360 degrees."""
    good = (200 + width * np.arange(400)) % 360.0
    starts = good.copy()
    starts[list(wrong)] = value
    (run,) = rotation_of(starts, np.full(400, width), 400).runs
    assert (run.start, run.stop) == (0, 400)
    assert run.width == pytest.approx(width, rel=1e-6)
    assert (run.angle - good[0] + 180) % 360 - 180 == pytest.approx(0, abs=1e-4)


def test_many_unknown_angles_are_told_in_one_sentence_and_too_many_are_not_guessed():
    starts = 0.5 * np.arange(1000)
    starts[100:300:10] = np.nan
    (said,) = rotation_of(starts, NOTHING, 1000).warnings
    assert said.startswith("the angles of 20 images (101, 111, 121, 17 more stretches) are no angles")
    starts[100] = starts[101] = np.nan
    assert not are_known(starts)
    assert not are_known(np.array([np.nan]))


def test_a_width_that_is_none_counts_like_the_others():
    covered = np.full(50, 0.95)
    covered[7] = np.nan
    assert "cover 0.95 degrees" in rotation_of(np.arange(50.0), covered, 50).warnings[0]


@pytest.mark.parametrize("n_wrong", [2, 3])
def test_a_few_misread_in_a_row_cut_no_sweep(n_wrong):
    starts = 0.5 * np.arange(400)
    starts[70 : 70 + n_wrong] = 0.0
    found = rotation_of(starts, NOTHING, 400)
    assert ranges(found) == [(0, 400)]
    assert len(found.warnings) == n_wrong
