from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoproc.reports.plots import spots_per_image
from autoproc.reports.thinning import block_edges, block_extremes, block_mean, block_rms


@given(n=st.integers(1, 5000), most=st.integers(1, 500))
def test_blocks_are_few_and_hold_every_row_once(n: int, most: int):
    edges = block_edges(n, most)
    assert len(edges) - 1 <= most
    assert edges[0] == 0
    assert edges[-1] == n
    assert np.all(np.diff(edges) > 0)


def test_means_leave_gaps_out_and_short_data_alone():
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan, 7.0])
    np.testing.assert_array_equal(block_mean(values, 6), values)
    np.testing.assert_array_equal(block_mean(values, 3), [1.0, 3.0, 7.0])
    assert np.isnan(block_mean(np.array([np.nan, np.nan, 1.0]), 2)[0])


def test_root_mean_squares_are_weighted_by_spots():
    rmsd, spots = np.array([[1.0], [2.0], [np.nan]]), np.array([3, 1, 0])
    np.testing.assert_allclose(block_rms(rmsd, spots, 1), [[np.sqrt(7 / 4)]])
    assert np.isnan(block_rms(rmsd, spots, 3)[2, 0])


def test_extremes_keep_a_single_blank_image_in_sight():
    counts = np.full(4000, 100)
    counts[1234] = 0
    least, greatest = block_extremes(counts)
    assert least.min() == 0
    assert greatest.min() == 100


def test_a_long_sweep_takes_no_more_space_than_a_short_one():
    counts = np.random.default_rng(0).poisson(100, 20000)
    assert len(spots_per_image(counts, 1)) < 3 * len(spots_per_image(counts[:400], 1))
