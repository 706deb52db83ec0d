from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.scaling.blank_images import (
    frame_numbers,
    images_left_out,
    with_blank_images,
    with_images_without_signal,
)
from autoproc.scaling.model import model_for
from autoproc.scaling.state import ScalingState, bare_state, with_rough_scales
from autoproc.scaling.unscaled_observations import UnscaledObservations, observations_for_scaling


def prepared(factor_of_image) -> tuple[UnscaledObservations, ScalingState]:
    """A sweep of 60 images whose intensities are multiplied by a function of the image."""
    made = synthetic(Recipe(n_images=60, n_observations=6000, scale_amplitude=0.0))
    table = made.reflections
    factor = factor_of_image(np.floor(table["xyz_obs_px"][:, 2]))
    value = table["intensity_prf"] * factor
    observations = observations_for_scaling(
        [made.experiment], table.replace(intensity_prf=value, intensity_sum=value), 0.4, -np.inf, None, None
    )
    model = model_for(made.experiment, observations.at.frame, True, 0)
    return observations, bare_state(observations.profile, [model])


def images_of(observations: UnscaledObservations, marked: np.ndarray) -> list[int]:
    return sorted(set(frame_numbers(observations)[marked].tolist()))


def test_images_without_any_signal_are_marked_before_a_model_follows_them():
    observations, state = prepared(lambda image: np.where((image >= 20) & (image < 24), 0.0, 1.0))
    found = with_images_without_signal(observations, state)
    assert images_of(observations, found.blank) == [20, 21, 22, 23]
    np.testing.assert_array_equal(found.blank, np.isin(frame_numbers(observations), [20, 21, 22, 23]))


def test_weak_images_are_marked_by_the_intensity_of_their_equivalents():
    observations, state = prepared(lambda image: np.where((image >= 20) & (image < 24), 0.1, 1.0))
    rough = replace(state, factors=np.ones(len(observations)))
    found = with_blank_images(observations, rough, 0.3)
    assert images_of(observations, found.blank) == [20, 21, 22, 23]
    np.testing.assert_allclose(np.median(found.factors[~found.blank]), 1.0, atol=0.1)


def test_a_model_that_followed_a_blank_stretch_down_does_not_excuse_it():
    """Its factors count as no less than a fifth of the median, so that a twentieth is seen as a quarter."""
    observations, state = prepared(lambda image: np.where((image >= 20) & (image < 40), 0.05, 1.0))
    factors = np.where((frame_numbers(observations) >= 20) & (frame_numbers(observations) < 40), 0.05, 1.0)
    found = with_blank_images(observations, replace(state, factors=factors), 0.5)
    assert set(range(22, 38)) <= set(images_of(observations, found.blank)) <= set(range(20, 40))


def test_good_images_change_nothing():
    observations, state = prepared(lambda image: 1.0 + 0.3 * np.cos(image / 10))
    rough = with_rough_scales(observations, state)
    assert with_blank_images(observations, rough, 0.3) is rough
    assert not with_images_without_signal(observations, state).blank.any()


def test_what_reaches_into_a_blank_image_goes_with_it():
    observations, state = prepared(lambda image: np.where(image == 30, 0.0, 1.0))
    centre = frame_numbers(observations)
    wide = replace(observations, span=np.column_stack([np.maximum(centre - 1, 0), centre + 2]))
    found = with_images_without_signal(wide, state)
    assert images_of(wide, found.blank) == [29, 30, 31]


@pytest.mark.parametrize(("span", "named"), [(0, [30, 31]), (1, [29, 30, 31, 32])])
def test_an_image_is_left_out_when_all_that_reaches_it_is(span, named):
    observations, state = prepared(np.ones_like)
    centre = frame_numbers(observations)
    wide = replace(observations, span=np.column_stack([np.maximum(centre - span, 0), centre + 1 + span]))
    # With spans of one more on either side the centres within 28..33 all have to go for 29..32 to be named.
    blank = np.isin(centre, np.arange(30 - 2 * span, 32 + 2 * span))
    (found,) = images_left_out(wide, replace(state, blank=blank), [60])
    assert found.tolist() == named
    (none,) = images_left_out(wide, state, [60])
    assert none.tolist() == []


def test_images_that_nothing_reaches_are_not_said_to_be_left_out():
    observations, state = prepared(np.ones_like)
    (found,) = images_left_out(observations, replace(state, blank=np.ones(len(observations), bool)), [80])
    assert found.tolist() == list(range(60))
