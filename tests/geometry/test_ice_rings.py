from __future__ import annotations

import numpy as np

from autoproc.geometry.ice_rings import HALF_WIDTH, ice_ring_inverse_d2, is_on_ice_ring


def test_the_rings_that_crystallographers_know():
    d = 1 / np.sqrt(ice_ring_inverse_d2(1.9))[::-1]
    for known in (3.90, 3.67, 3.44, 2.67, 2.25, 2.07, 1.95, 1.92):
        assert np.min(np.abs(d - known)) < 0.015
    assert d.max() < 3.91


def test_reflections_absent_by_the_c_glide_and_screw_axis_make_no_ring():
    # 0 0 1 would be at 7.34 A, 1 1 1 at 2.15 A
    d = 1 / np.sqrt(ice_ring_inverse_d2(1.9))
    assert np.min(np.abs(d - 2.15)) > 0.05


def test_width_is_in_inverse_d_squared():
    ring = ice_ring_inverse_d2(3.0)[1]
    inside, outside = 1 / np.sqrt(ring + 0.99 * HALF_WIDTH), 1 / np.sqrt(ring + 1.5 * HALF_WIDTH)
    np.testing.assert_array_equal(is_on_ice_ring(np.array([inside, outside, 50.0, 0.5])), [True, False, False, False])
