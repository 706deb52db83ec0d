from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.geometry.shells import equal_volume_shells, shells_of_equal_number

RESOLUTIONS = st.lists(st.floats(0.8, 50), min_size=2, max_size=200).map(np.array)


@given(d=RESOLUTIONS, n=st.integers(1, 20))
def test_every_reflection_is_in_one_shell(d, n):
    shells = equal_volume_shells(d, n)
    index = shells.index(d)
    assert len(shells) == n
    assert index.min() >= 0
    assert index.max() < n
    np.testing.assert_array_equal(np.sort(d)[::-1], np.concatenate([np.sort(d[index == i])[::-1] for i in range(n)]))


def test_shells_have_equal_volumes():
    shells = equal_volume_shells(np.array([2.0, 40.0]), 10)
    volumes = np.diff(shells.edges**1.5)
    np.testing.assert_allclose(volumes[1:-1], volumes[1:-1].mean(), rtol=1e-9)
    assert shells.limits(9)[1] == pytest.approx(2.0, rel=1e-5)


def test_outside_is_no_shell():
    shells = equal_volume_shells(np.array([2.0, 4.0]), 3)
    assert shells.index(np.array([1.9, 4.1])).tolist() == [-1, -1]


@given(d=RESOLUTIONS, per_shell=st.integers(1, 50))
def test_shells_of_equal_number_share_all_reflections(d, per_shell):
    s2 = d**-2.0
    shells = shells_of_equal_number(s2, per_shell, most=10)
    assert 1 <= len(shells) <= 10
    assert sorted(np.concatenate(shells).tolist()) == list(range(len(d)))
    sizes = [len(s) for s in shells]
    assert max(sizes) - min(sizes) <= 1
    limits = [(s2[s].min(), s2[s].max()) for s in shells if len(s)]
    assert all(low[1] <= high[0] for low, high in pairwise(limits))


def test_number_of_shells_is_limited():
    s2 = np.linspace(0.01, 0.2, 1000)
    assert len(shells_of_equal_number(s2, 100)) == 10
    assert len(shells_of_equal_number(s2, 100, most=4)) == 4
    assert len(shells_of_equal_number(s2, 900, least=5)) == 5


def test_the_first_shell_prints_the_limit_of_the_data():
    """22.13 and 22.14 in one table look like two limits."""
    for d_max in (22.1349, 96.0, 200.0):
        limit = equal_volume_shells(np.array([1.3, 5.0, d_max]), 20).limits(0)[0]
        assert limit == pytest.approx(d_max, rel=2e-6)
