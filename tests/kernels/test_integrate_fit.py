from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from autoproc.integration.profiles import GRID_SIZE, SPACING, Equations, gaussian_coefficients, solve_profiles
from autoproc.kernels.integrate_background import Background, constant_background
from autoproc.kernels.integrate_fit import measure_shoeboxes, profile_equations
from autoproc.kernels.integrate_shoebox import FREE, OTHER, OWN, UNTRUSTED, Shoeboxes

RADIUS = 3.0
N_IMAGES = 5


def spots(intensity, n=600, background=0.4, sigma=1.3, seed=0, z=2.5):
    """Shoeboxes of Gaussian spots at random places in their pixels, and each one's true intensity."""
    rng = np.random.default_rng(seed)
    bbox = np.tile([0, 18, 0, 18, 0, N_IMAGES], (n, 1))
    centre = np.column_stack([9 + rng.uniform(-0.5, 0.5, (n, 2)), np.full(n, z) + rng.uniform(-0.5, 0.5, n)])
    transform, rate = np.tile(np.eye(2) / sigma, (n, 1, 1)), np.full(n, 1.5)
    boxes = Shoeboxes.empty(bbox, centre, transform, rate)
    boxes.counts[:], boxes.label[:] = UNTRUSTED, FREE
    edges = np.arange(19)
    x, y = (np.diff(ndtr((edges - centre[:, i, None]) / sigma), axis=1) for i in (0, 1))
    z_share = np.diff(ndtr(rate[:, None] * (np.arange(N_IMAGES + 1) - centre[:, 2, None])), axis=1)
    shape = z_share[:, :, None, None] * y[:, None, :, None] * x[:, None, None, :]
    boxes.counts[:] = rng.poisson(background + intensity * shape).ravel()
    r2 = ((np.arange(18) + 0.5 - centre[:, 0, None]) / sigma)[:, None, :] ** 2
    r2 = r2 + ((np.arange(18) + 0.5 - centre[:, 1, None]) / sigma)[:, :, None] ** 2
    boxes.label[:] = np.repeat((r2 <= (RADIUS + 0.5) ** 2)[:, None], N_IMAGES, axis=1).ravel() * OWN
    return boxes


def measured(boxes, mean=-1.0, profiles=None):
    n = len(boxes)
    profiles = gaussian_coefficients()[None] if profiles is None else profiles
    return measure_shoeboxes(
        boxes, constant_background(boxes), profiles, np.zeros(n, np.intp), SPACING, np.full(n, mean), RADIUS, 1.0,
        N_IMAGES, 0.2,
    )  # fmt: skip


@pytest.mark.parametrize("intensity", [0.0, 5.0, 40.0, 1000.0])
def test_intensities_are_unbiased_and_sigmas_honest(intensity):
    found = measured(spots(intensity), mean=intensity)
    for value, variance in (
        (found.intensity_sum / found.partiality, found.variance_sum / found.partiality**2),
        (found.intensity_prf, found.variance_prf),
    ):
        error = value - intensity
        assert abs(error.mean()) < 4 * error.std() / np.sqrt(len(error)) + 0.01 * intensity
        assert 0.8 < np.mean(error**2 / variance) < 1.25


def test_profile_fitting_beats_summation_for_weak_spots_and_equals_it_for_strong():
    weak, strong = measured(spots(20.0, background=2.0), mean=20.0), measured(spots(1e5))
    assert np.std(weak.intensity_prf) < 0.92 * np.std(weak.intensity_sum)
    np.testing.assert_allclose(strong.intensity_prf, strong.intensity_sum / strong.partiality, rtol=0.02)
    assert weak.correlation.mean() < strong.correlation.mean()
    assert strong.correlation.mean() > 0.98


def test_missing_pixels_cost_precision_not_intensity():
    boxes = spots(2000.0)
    column = (np.arange(len(boxes.counts)) % 18) == 10
    boxes.counts[column] = UNTRUSTED
    found = measured(boxes)
    assert (found.valid_fraction < 0.95).all()
    assert (found.n_bad > 0).all()
    assert abs(found.intensity_prf.mean() / 2000 - 1) < 0.02
    assert abs((found.intensity_sum / found.partiality).mean() / 2000 - 1) < 0.02
    assert (found.variance_prf > measured(spots(2000.0)).variance_prf).all()


def test_pixels_of_a_neighbour_are_not_summed():
    boxes = spots(500.0)
    column = (np.arange(len(boxes.counts)) % 18) == 11
    boxes.counts[column] += 300
    boxes.label[column] = OTHER
    assert abs(measured(boxes).intensity_prf.mean() / 500 - 1) < 0.03


def test_a_spot_half_outside_the_scan_is_half_recorded():
    found = measured(spots(5000.0, z=0.0))
    assert 0.2 < found.partiality.min() < found.partiality.max() < 0.8
    assert abs(found.intensity_prf.mean() / 5000 - 1) < 0.03
    np.testing.assert_allclose(found.intensity_sum, 5000 * found.partiality, rtol=0.2)


def test_nothing_valid_gives_no_intensity():
    boxes = spots(100.0, n=3)
    boxes.counts[boxes.label == OWN] = UNTRUSTED
    found = measured(boxes)
    assert (found.variance_sum == -1).all()
    assert (found.variance_prf == -1).all()


def test_variances_do_not_follow_the_noise_of_weak_intensities():
    found = measured(spots(3.0, n=3000), mean=3.0)
    assert np.corrcoef(found.intensity_prf, found.variance_prf)[0, 1] < 0.8
    weight = 1 / found.variance_prf
    weighted = np.sum(weight * found.intensity_prf) / weight.sum()
    naive = measured(spots(3.0, n=3000))
    naive_weight = 1 / naive.variance_prf
    naive_mean = np.sum(naive_weight * naive.intensity_prf) / naive_weight.sum()
    assert abs(weighted - 3) < 0.5 * abs(naive_mean - 3)


def test_a_profile_is_learnt_back():
    """Spots 30% wider than the Gaussian prior: the learnt profile is as wide as they are."""
    boxes = spots(20000.0, n=300, sigma=1.3)
    narrow = Shoeboxes(
        boxes.bbox, boxes.centre, boxes.transform * 1.3, boxes.rate, boxes.start, boxes.counts, boxes.label
    )
    background = constant_background(boxes)
    normal, right = profile_equations(
        narrow, background, np.arange(300), np.full(300, 20000.0), GRID_SIZE, SPACING, 1.0, 0.05
    )
    learnt = solve_profiles(Equations(normal[None], right[None], np.array([300])), 1)
    axis = (np.arange(GRID_SIZE) - GRID_SIZE // 2) * SPACING
    along = learnt[0].sum(axis=0)
    width = np.sqrt(np.sum(along * axis**2) / along.sum())
    expected = 1.3 * np.sqrt(1 + 1 / (12 * 1.3**2))
    # The B-spline's own width, spacing**2 / 3, is part of the coefficients' only where they are sampled densely.
    assert width == pytest.approx(expected, rel=0.12)
    gaussian = gaussian_coefficients()
    assert learnt[0].max() < 0.8 * gaussian.max()


def test_too_few_spots_take_the_profile_of_the_whole_detector_and_none_the_gaussian():
    size = GRID_SIZE**2
    nothing = Equations(np.zeros((2, size, size)), np.zeros((2, size)), np.zeros(2, int))
    np.testing.assert_allclose(solve_profiles(nothing, 10), np.tile(gaussian_coefficients(), (2, 1, 1)), rtol=1e-9)


def test_lengths_are_checked():
    boxes = spots(1.0, n=2)
    background = Background(np.zeros(3), np.ones(3), np.ones(3, np.int32), np.ones(3, np.int32))
    with pytest.raises(ValueError, match="expected"):
        measure_shoeboxes(
            boxes,
            background,
            gaussian_coefficients()[None],
            np.zeros(2, np.intp),
            SPACING,
            np.zeros(2),
            3.0,
            1.0,
            5,
            0.2,
        )
