from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from autoproc.kernels.simulate_spots import add_spots


def one_spot(centre, covariance, counts=1000.0, shape=(40, 50)):
    image = np.zeros(shape)
    add_spots(image, np.array([centre]), np.array([covariance]), np.array([counts]))
    return image


@settings(deadline=None, max_examples=60)
@given(
    x=st.floats(15, 35),
    y=st.floats(15, 25),
    sigma_x=st.floats(0.7, 2.5),
    sigma_y=st.floats(0.7, 2.5),
    correlation=st.floats(-0.8, 0.8),
)
def test_spot_has_its_photons_centre_and_covariance(x, y, sigma_x, sigma_y, correlation):
    covariance = (sigma_x**2, correlation * sigma_x * sigma_y, sigma_y**2)
    image = one_spot((x, y), covariance)
    fast, slow = np.arange(50) + 0.5, (np.arange(40) + 0.5)[:, None]
    total = image.sum()
    assert total == pytest.approx(1000.0, rel=1e-3)
    mean_x, mean_y = (image * fast).sum() / total, (image * slow).sum() / total
    assert (mean_x, mean_y) == pytest.approx((x, y), abs=5e-3)
    dx, dy = fast - mean_x, slow - mean_y
    # a pixel of unit width adds 1/12 to the variance
    measured = [(image * dx * dx).sum(), (image * dx * dy).sum(), (image * dy * dy).sum()]
    expected = [covariance[0] + 1 / 12, covariance[1], covariance[2] + 1 / 12]
    np.testing.assert_allclose(np.array(measured) / total, expected, rtol=0.02, atol=0.01)


def test_a_narrow_spot_is_integrated_over_its_pixels():
    image = one_spot((25.3, 20.8), (0.05**2, 0.0, 0.3**2))
    across = np.diff(ndtr((np.arange(51) - 25.3) / 0.05))
    down = np.diff(ndtr((np.arange(41) - 20.8) / 0.3))
    np.testing.assert_allclose(image, 1000.0 * down[:, None] * across, atol=0.02)


def test_part_of_a_spot_beyond_the_edge_is_lost():
    assert one_spot((0.0, 20.0), (1.0, 0.0, 1.0)).sum() == pytest.approx(500.0, rel=1e-3)
    assert one_spot((-30.0, 20.0), (1.0, 0.0, 1.0)).sum() == 0.0
    assert one_spot((25.0, 60.0), (1.0, 0.0, 1.0)).sum() == 0.0


def test_spots_add_up():
    both = np.zeros((40, 50))
    centres, shapes = np.array([(20.0, 20.0), (22.0, 21.0)]), np.array([(1.0, 0.2, 2.0), (0.5, 0.0, 0.5)])
    add_spots(both, centres, shapes, np.array([10.0, 20.0]))
    np.testing.assert_allclose(both, one_spot(centres[0], shapes[0], 10.0) + one_spot(centres[1], shapes[1], 20.0))


@pytest.mark.parametrize(
    ("centre", "covariance", "message"),
    [
        ((np.nan, 3.0), (1.0, 0.0, 1.0), "not finite"),
        ((3.0, 3.0), (1.0, 1.0, 1.0), "positive definite"),
        ((3.0, 3.0), (-1.0, 0.0, -1.0), "positive definite"),
    ],
)
def test_impossible_spots_are_refused(centre, covariance, message):
    with pytest.raises(ValueError, match=message):
        one_spot(centre, covariance)


def test_shapes_must_match():
    with pytest.raises(ValueError, match="of shape"):
        add_spots(np.zeros((5, 5)), np.zeros((2, 2)), np.ones((1, 3)), np.ones(2))


@pytest.mark.parametrize(
    ("centre", "variance", "reach"),
    [(1e19, 2.0, 4.5), (np.nan, 2.0, 4.5), (5.0, 1e300, 4.5), (5.0, 2.0, np.nan), (5.0, 2.0, 1e30)],
)
def test_spots_that_reach_farther_than_can_be_counted_are_refused(centre, variance, reach):
    with pytest.raises(ValueError, match="centre is not finite|covariance|reaches farther|reach is"):
        add_spots(
            np.zeros((10, 10)), np.array([[5.0, centre]]), np.array([[variance, 0.0, variance]]), np.ones(1), reach
        )
