from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.kernels.pair_correlations import pair_sums


def direct(start, dataset, value, image, n):
    sums = np.zeros((n, n, 6))
    for u, v in enumerate(image):
        for p in range(start[u], start[u + 1]):
            for q in range(start[v], start[v + 1]):
                if p != q:
                    x, y = value[p], value[q]
                    sums[dataset[p], dataset[q]] += (1, x, y, x * x, y * y, x * y)
    return sums


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6), n_reflections=st.integers(1, 12))
def test_sums_are_those_of_a_plain_loop(seed, n, n_reflections):
    rng = np.random.default_rng(seed)
    seen = [rng.permutation(n)[: rng.integers(0, n + 1)] for _ in range(n_reflections)]
    start = np.cumsum([0, *map(len, seen)])
    dataset = np.concatenate([*seen, []]).astype(int)
    value, image = rng.normal(size=len(dataset)), rng.permutation(n_reflections)
    found = pair_sums(start, dataset, value, image, n)
    np.testing.assert_allclose(found, direct(start, dataset, value, image, n), atol=1e-12)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"start": [0, 1, 3]}, "starts"),
        ({"start": [0, 2, 1, 2]}, "starts"),
        ({"dataset": [0, 2]}, "data sets"),
        ({"dataset": [0]}, "1 data sets for 2 values"),
        ({"image": [0, 2]}, "images"),
        ({"image": [0]}, "1 images"),
    ],
)
def test_wrong_arguments_are_refused(change, match):
    given = {"start": [0, 1, 2], "dataset": [0, 1], "value": [1.0, 2.0], "image": [1, 0]} | change
    with pytest.raises(ValueError, match=match):
        pair_sums(*(np.array(v) for v in given.values()), 2)
