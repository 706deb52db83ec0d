from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoproc.models.reflections import Flag
from autoproc.spot_finding.centroids import measure_spots, peak_distance
from autoproc.spot_finding.pixels import SpotPixels


def one_spot(x, y, z, counts):
    n = len(x)
    ints = [np.array(column, np.int32) for column in (x, y, z, counts)]
    return SpotPixels(np.array([0, n]), *ints, np.zeros(n, np.float32))


def test_centroid_and_variance_of_a_spot_that_dials_measured():
    # from strong.refl of DIALS 3.12: 1 and 5 counts side by side, 1 below the first
    spot = measure_spots(one_spot([215, 216, 215], [14, 14, 15], [0, 0, 0], [1, 5, 1]))
    np.testing.assert_allclose(spot["xyz_obs_px"], [[216.21428571428572, 14.642857142857142, 0.5]])
    np.testing.assert_allclose(
        spot["xyz_obs_px_variance"], [[0.14826839826839827, 0.12229437229437229, 0.08333333333333333]]
    )
    np.testing.assert_array_equal(spot["bbox"], [[215, 217, 14, 16, 0, 1]])
    assert (spot["intensity_sum"][0], spot["variance_sum"][0], spot["n_signal"][0]) == (7.0, 7.0, 3)
    assert spot["flags"][0] == Flag.STRONG


def test_variance_is_the_spread_of_repeated_measurements():
    """The standard error is that of the centroid of photons that fall at random on a wide spot."""
    rng = np.random.default_rng(8)
    x = np.arange(11)
    probability = np.exp(-((x - 5.2) ** 2) / 8)
    counts = rng.poisson(400 * probability / probability.sum(), (500, 11))
    spots = [measure_spots(one_spot(x, 0 * x, 0 * x, row + 0)) for row in counts]
    found = np.array([spot["xyz_obs_px"][0, 0] for spot in spots])
    expected = np.mean([spot["xyz_obs_px_variance"][0, 0] - 1 / 12 for spot in spots])
    np.testing.assert_allclose(np.var(found), expected, rtol=0.2)


@given(seed=st.integers(0, 2**32 - 1))
def test_many_spots_at_once_are_as_each_alone(seed):
    rng = np.random.default_rng(seed)
    spots = [one_spot(*(rng.integers(0, 9, (3, n)) + 100), rng.integers(1, 99, n)) for n in rng.integers(1, 8, size=5)]
    spots.sort(key=lambda spot: (spot.z[0], spot.y[0], spot.x[0]))
    together = measure_spots(SpotPixels.in_order(list(spots)), overload=80)
    for k, spot in enumerate(spots):
        alone = measure_spots(spot, overload=80)
        for name in alone:
            np.testing.assert_allclose(together[name][k], alone[name][0])


def test_a_single_pixel_has_the_variance_of_a_pixel():
    spot = measure_spots(one_spot([3], [4], [5], [9]))
    np.testing.assert_allclose(spot["xyz_obs_px_variance"], 1 / 12)


def test_overloaded_spots_are_flagged():
    spot = measure_spots(one_spot([3, 4], [4, 4], [5, 5], [9, 100]), overload=100)
    assert spot.has_flag(Flag.OVERLOADED | Flag.STRONG)[0]


def test_distance_of_the_peak_is_to_the_centre_of_its_pixel():
    spot = one_spot([0, 1, 2, 3], [0] * 4, [0] * 4, [4, 2, 2, 4])
    np.testing.assert_allclose(peak_distance(spot, measure_spots(spot)["xyz_obs_px"]), 1.5)


def test_no_spots():
    none = SpotPixels.in_order([])
    spots = measure_spots(none)
    assert len(spots) == 0
    assert len(peak_distance(none, spots["xyz_obs_px"])) == 0
