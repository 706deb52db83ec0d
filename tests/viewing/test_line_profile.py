"""A line has the counts of the pixels under it."""

from __future__ import annotations

import numpy as np

from autoproc.viewing.image_tiles import pyramid_of_counts
from autoproc.viewing.line_profile import MOST_POINTS, line_profile


def made(shape=(40, 60)):
    counts = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
    mask = np.ones(shape, bool)
    mask[5, 10] = False
    return pyramid_of_counts(counts, mask, 0, 1e6, n_threads=1), counts


def test_along_a_row():
    pyramid, counts = made()
    told = line_profile(pyramid, (8.5, 5.5), (12.5, 5.5))
    assert told["values"] == [
        float(counts[5, 8]),
        float(counts[5, 9]),
        None,
        float(counts[5, 11]),
        float(counts[5, 12]),
    ]
    assert told["length"] == 4.0


def test_outside_there_is_nothing():
    pyramid, _ = made()
    values = line_profile(pyramid, (-5, -5), (-1, -1))["values"]
    assert set(values) == {None}


def test_a_point_and_a_line_to_nowhere():
    pyramid, _ = made()
    assert len(line_profile(pyramid, (3, 3), (3, 3))["values"]) == 2
    assert len(line_profile(pyramid, (0, 0), (9e8, 9e8))["values"]) == MOST_POINTS
