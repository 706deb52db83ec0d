from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from autoproc.errors import TooFewSpots
from autoproc.integration.shapes import (
    MIN_SPOTS,
    SpotShape,
    SpotWidths,
    _checked,
    _mode,
    _mosaic_spread,
    _rocking_width,
    shape_of,
    spot_widths,
)
from autoproc.integration.survey import MAX_SURVEYED, SpotPlaces, SpotSums, StrongSpots, surveyed_frames

WIDTH = np.radians(0.5)


def spot_shape(spots, seen, experiment, width, max_sigma_m):
    return shape_of(spot_widths(spots, seen, experiment, width), (), max_sigma_m)


def surveyed(sigma_m, n=400, sigma_b=1e-3, offset=0.0, seed=0, extent=None, spread=0.0):
    """Spots with the frame shares of a Gaussian rocking curve; `offset` frames of scatter in the prediction."""
    rng = np.random.default_rng(seed)
    z, zeta = rng.uniform(20, 80, n), rng.uniform(0.3, 1, n)
    reach = 4 * sigma_m / (zeta * WIDTH) if extent is None else np.full(n, extent / 2)
    z0, z1 = np.floor(z - reach).astype(int), np.ceil(z + reach).astype(int)
    spot = np.concatenate([np.full(b - a, i) for i, (a, b) in enumerate(zip(z0, z1, strict=True))])
    frame = np.concatenate([np.arange(a, b) for a, b in zip(z0, z1, strict=True)])
    rate = zeta[spot] * WIDTH / sigma_m
    flux = rng.poisson(500 * (ndtr(rate * (frame + 1 - z[spot])) - ndtr(rate * (frame - z[spot])))).astype(float)
    bbox = np.column_stack([np.zeros((n, 4), int), z0 + 1, np.maximum(z1 - 1, z0 + 2)])
    spots = StrongSpots(
        SpotPlaces(20.0 * np.arange(2 * n).reshape(n, 2), bbox),
        np.zeros(n, int),
        z + rng.normal(0, 1, n) * offset,
        zeta,
        np.tile(np.eye(2), (n, 1, 1)),
        rng.uniform(0.1, 0.6, n),
    )
    first = flux * (sigma_b**2 + (spread * spots.lever[spot]) ** 2)
    out = np.column_stack([flux, np.ones(len(spot)), first, 0 * flux, flux * sigma_b**2])
    return spots, SpotSums.of_frames(n, spot, frame, out)


@pytest.mark.parametrize("degrees", [0.08, 0.2, 0.6])
def test_widths_are_recovered(degrees):
    spots, seen = surveyed(np.radians(degrees))
    shape = spot_shape(spots, seen, 0, WIDTH, np.radians(2.0))
    assert np.degrees(shape.sigma_m) == pytest.approx(degrees, rel=0.15)
    assert shape.sigma_b == pytest.approx(1e-3)
    assert shape.warning == ""


@pytest.mark.parametrize("spread", [0.0, 2e-3, 8e-3])
def test_mosaic_spread_along_the_tangent_is_recovered_beside_sigma_b(spread):
    spots, seen = surveyed(np.radians(0.3), spread=spread)
    shape = spot_shape(spots, seen, 0, WIDTH, np.radians(2.0))
    assert shape.spread == pytest.approx(spread, rel=1e-3, abs=1e-6)
    assert shape.sigma_b == pytest.approx(1e-3)


def test_tails_of_neighbours_in_phi_do_not_widen_the_rocking_curve():
    spots, seen = surveyed(np.radians(0.5))
    late = (seen.spot % 2 > 0) & (seen.frame - spots.frame[seen.spot] > 2.0 / spots.zeta[seen.spot])
    seen.flux[late] += 200.0
    shape = spot_shape(spots, seen, 0, WIDTH, np.radians(2.0))
    assert np.degrees(shape.sigma_m) == pytest.approx(0.5, rel=0.25)


def test_a_runaway_mosaicity_is_cut_and_said():
    """Predictions that are frames away from short spots would make sigma_m, and the shoeboxes, enormous."""
    spots, seen = surveyed(np.radians(0.1), offset=6.0, extent=3)
    shape = spot_shape(spots, seen, 0, WIDTH, np.radians(2.0))
    assert shape.sigma_m < np.radians(1.0)
    assert "was cut" in shape.warning


def test_too_few_spots_are_an_error():
    spots, seen = surveyed(np.radians(0.2), n=5)
    with pytest.raises(TooFewSpots):
        spot_shape(spots, seen, 0, WIDTH, np.radians(2.0))


def test_a_long_sweep_is_surveyed_in_wedges():
    assert surveyed_frames(60) == [range(60)]
    wedges = surveyed_frames(36000)
    assert sum(map(len, wedges)) <= MAX_SURVEYED
    assert wedges[0].start == 0
    assert wedges[-1].stop == 36000


@pytest.mark.parametrize(
    ("photons", "n_frames"), [(0.0, 400), (-0.1, 400), (0.05, 400), (0.132, 200), (0.2, 140), (1.0, 120), (90.0, 120)]
)
def test_the_stronger_the_background_the_fewer_frames_are_looked_at(photons, n_frames):
    wedges = surveyed_frames(1000, photons)
    assert {len(wedge) for wedge in wedges} == {20}
    assert sum(map(len, wedges)) == n_frames
    assert (wedges[0].start, wedges[-1].stop) == (0, 1000)
    assert surveyed_frames(n_frames, photons) == [range(n_frames)]


def test_spots_that_touch_another_are_not_isolated():
    spots, _ = surveyed(np.radians(0.2), n=6)
    spots.places.xy[1] = spots.places.xy[0] + 1
    spots.frame[1] = spots.frame[0]
    assert spots.is_isolated().tolist() == [False, False, True, True, True, True]


def test_the_mode_is_where_values_are_dense_whatever_lies_beyond():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(4.0, 0.2, 600), rng.uniform(5, 40, 400)])
    assert _mode(values) == pytest.approx(4.0, abs=0.15)
    assert _mode(rng.permutation(values)) == _mode(values)
    assert _mode(np.full(5, -3.0)) == 1e-12
    assert _mode(np.arange(1.0, 21.0)) == pytest.approx(10.5)  # twenty are too few to be halved


def test_spread_is_of_the_spots_that_show_it_most():
    """excess = (spread lever)^2 for the half of the spots with the longer levers; what the others say is not heard."""
    lever = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    excess = np.where(lever < 0.35, 99.0, (0.002 * lever) ** 2)
    assert _mosaic_spread(excess, lever, 1.0) == pytest.approx(0.002)
    assert _mosaic_spread(excess, lever, 0.001) == pytest.approx(0.001)
    assert _mosaic_spread(-excess, lever, 1.0) == 0.0
    assert _mosaic_spread(excess, 0 * lever, 1.0) == 0.0


def test_sigma_m_is_at_most_half_of_what_the_spots_last():
    def checked(sigma_m, extent, largest, sigma_b=0.01):
        return _checked(SpotShape(sigma_b, sigma_m, 9), extent, largest)

    assert checked(0.049, 0.1, 1.0).warning == ""
    cut = checked(0.06, 0.1, 1.0)
    assert (cut.sigma_m, "2.86" in cut.warning) == (0.05, True)
    assert checked(0.06, 0.1, 0.04).sigma_m == 0.04
    assert checked(0.06, 0.0, 1.0, sigma_b=0.2).sigma_m == pytest.approx(0.02)


@pytest.mark.parametrize("sigma", [0.002, 0.004])
def test_the_rocking_width_is_that_of_the_shares(sigma):
    """Exact shares of a Gaussian curve: 60 spots, 12 frames about each, some cut slowly."""
    rng = np.random.default_rng(3)
    spot = np.repeat(np.arange(60), 12)
    centre, rate = rng.uniform(5, 7, 60)[spot], rng.uniform(0.3, 1.0, 60)[spot] * 0.008
    offset = centre - np.tile(np.arange(12.0), 60)
    share = ndtr(rate * (1 - offset) / sigma) - ndtr(-rate * offset / sigma)
    together, alone = _rocking_width(offset, rate, share, spot, 0.05)
    assert together == pytest.approx(sigma, rel=0.02)
    assert alone == together


def test_a_sweep_with_enough_spots_keeps_to_its_own():
    own = spot_widths(*surveyed(np.radians(0.2), n=40), 0, WIDTH)
    other = spot_widths(*surveyed(np.radians(0.6), sigma_b=4e-3, seed=1), 0, WIDTH)
    alone, beside = (shape_of(own, others, np.radians(2.0)) for others in ((), [other]))
    assert (beside.sigma_b, beside.sigma_m, beside.n_spots) == (alone.sigma_b, alone.sigma_m, 40)
    assert not beside.is_borrowed
    assert beside.borrowed == ""


def test_a_sweep_with_few_spots_takes_those_of_others_in():
    few = spot_widths(*surveyed(np.radians(0.2), n=MIN_SPOTS - 4), 0, WIDTH)
    other = spot_widths(*surveyed(np.radians(0.2), n=80, seed=1), 0, WIDTH)
    shape = shape_of(few, [other], np.radians(2.0))
    assert np.degrees(shape.sigma_m) == pytest.approx(0.2, rel=0.15)
    assert shape.sigma_b == pytest.approx(1e-3)
    assert (shape.n_own, shape.n_spots) == (MIN_SPOTS - 4, 80 + MIN_SPOTS - 4)
    assert shape.borrowed.startswith(f"{MIN_SPOTS - 4} strong spots are too few")


def test_sweeps_none_of_which_has_enough_have_enough_together_or_say_so():
    few = [spot_widths(*surveyed(np.radians(0.2), n=6, seed=seed), 0, WIDTH) for seed in range(4)]
    assert np.degrees(shape_of(few[0], few[1:], np.radians(2.0)).sigma_m) == pytest.approx(0.2, rel=0.3)
    with pytest.raises(TooFewSpots, match="only 6 spots"):
        shape_of(few[0], (), np.radians(2.0))
    none = spot_widths(*surveyed(np.radians(0.2), n=6), 1, WIDTH)
    assert len(none) == 0
    with pytest.raises(TooFewSpots, match="only 6 spots"):
        shape_of(few[0], [none], np.radians(2.0))


def test_spots_of_several_sweeps_are_told_apart_when_put_together():
    parts = [spot_widths(*surveyed(np.radians(0.2), n=n, seed=n), 0, WIDTH) for n in (5, 7)]
    both = SpotWidths.together(parts)
    assert len(both) == 12
    assert sorted(set(both.spot)) == list(range(12))
    for n, part in ((0, parts[0]), (5, parts[1])):
        for spot in range(len(part)):
            np.testing.assert_array_equal(both.share[both.spot == n + spot], part.share[part.spot == spot])
    assert np.bincount(both.spot, both.share) == pytest.approx(1.0)
