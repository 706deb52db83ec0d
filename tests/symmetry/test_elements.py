from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from autoproc.symmetry.elements import (
    CorrelationModel,
    elements_of,
    for_weak_data,
    merge_friedel,
    pairs_related,
    pairs_within,
    truncated_cauchy,
)
from autoproc.symmetry.lattice_symmetry import lattice_symmetry

TWO_FOLD_B = np.diag([-1, 1, -1])
FOUR_FOLD_C = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])


def observations(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    hkl = rng.integers(-3, 4, size=(n, 3))
    hkl = hkl[np.any(hkl != 0, axis=1)]
    return hkl, rng.exponential(size=len(hkl))


def brute_force(hkl: np.ndarray, values: np.ndarray, rotation: np.ndarray) -> tuple[int, float]:
    """Every unordered pair of observations related by the rotation or its inverse, compared one by one."""
    unique = [max(tuple(h), tuple(-h)) for h in hkl]
    turned = [max(tuple(h @ rotation), tuple(-h @ rotation)) for h in hkl]
    same = np.array_equal(rotation, np.eye(3))
    pairs = {
        (min(i, j), max(i, j))
        for i in range(len(hkl))
        for j in range(len(hkl))
        if i != j and turned[i] == unique[j] and (same or unique[i] != unique[j])
    }
    x = [values[i] for i, j in pairs] + [values[j] for i, j in pairs]
    y = [values[j] for i, j in pairs] + [values[i] for i, j in pairs]
    return len(pairs), float(np.corrcoef(x, y)[0, 1])


@pytest.mark.parametrize("rotation", [TWO_FOLD_B, FOUR_FOLD_C])
def test_sums_over_pairs_are_those_of_every_pair(rotation):
    hkl, values = observations()
    sums = pairs_related(merge_friedel(hkl, values), rotation)
    n, cc = brute_force(hkl, values, rotation)
    assert sums.n_pairs == n
    assert sums.cc == pytest.approx(cc, abs=1e-12)


def test_sums_of_repeated_observations_are_those_of_every_pair():
    hkl, values = observations()
    sums = pairs_within(merge_friedel(hkl, values))
    n, cc = brute_force(hkl, values, np.eye(3, dtype=int))
    assert sums.n_pairs == n
    assert sums.cc == pytest.approx(cc, abs=1e-12)


def test_friedel_mates_are_one_reflection():
    merged = merge_friedel(np.array([[1, 2, 3], [-1, -2, -3], [1, -2, 3]]), np.array([1.0, 3.0, 5.0]))
    np.testing.assert_array_equal(sorted(merged.total), [4.0, 5.0])
    np.testing.assert_array_equal(sorted(merged.count), [1, 2])


def test_order_of_observations_does_not_matter():
    hkl, values = observations()
    shuffled = np.random.default_rng(9).permutation(len(hkl))
    a = pairs_related(merge_friedel(hkl, values), FOUR_FOLD_C)
    b = pairs_related(merge_friedel(hkl[shuffled], values[shuffled]), FOUR_FOLD_C)
    assert a.cc == pytest.approx(b.cc, abs=1e-12)


@pytest.mark.parametrize(("centre", "width"), [(0.97, 0.1), (0.0, 0.3), (0.5, 2.0)])
def test_truncated_cauchy_is_a_density(centre, width):
    area, _ = quad(lambda x: truncated_cauchy(x, np.array(centre), width), -1, 1, points=[centre])
    assert area == pytest.approx(1, abs=1e-6)


def model(cc_true: float = 0.96) -> CorrelationModel:
    return CorrelationModel(cc_true, cc_true, cc_true, 0.0, 20000, 0.9, 0.1)


def test_likelihood_is_that_of_the_tutorial():
    """CC 0.97 with E(CC) about 0.97 and sd 0.1 gave 0.93 there; 0.13 gave 0.07."""
    assert model(0.97).likelihood(0.97, 1000) == pytest.approx(0.93, abs=0.01)
    assert model(0.976).likelihood(0.12, 1000) == pytest.approx(0.075, abs=0.01)


def test_likelihood_grows_with_cc_and_is_even_without_pairs():
    values = [model().likelihood(cc, 1000) for cc in np.linspace(-0.2, 0.96, 20)]
    assert np.all(np.diff(values[6:]) > 0)
    assert model().likelihood(0.9, 0) == 0.5
    assert abs(model().likelihood(0.9, 5) - 0.5) < abs(model().likelihood(0.9, 500) - 0.5)


def test_elements_of_a_cubic_lattice():
    rotations = lattice_symmetry((50, 50, 50, 90, 90, 90), 1.0).rotations
    elements = elements_of(rotations)
    assert elements[0] == (0,)
    assert [len(e) for e in elements] == [1] + [2] * 7 + [1] * 9


def test_elements_of_weak_data_are_told_by_what_repeats_say():
    weak = CorrelationModel(0.2, 0.3, 0.1, 0.0, 20000, 1.0, 0.1)
    assert weak.likelihood(0.1, 10000) < 0.7
    told = for_weak_data(weak, 10000)
    assert told.cc_true == 0.1
    assert told.min_sd == pytest.approx(np.hypot(0.01, 0.01))
    assert told.likelihood(0.1, 10000) > 0.8
    assert told.likelihood(0.0, 10000) < 0.45


def test_few_repeats_change_nothing():
    assert for_weak_data(model(), 200) == model()


def test_of_strong_data_the_scatter_is_as_ever():
    assert for_weak_data(model(0.96), 10**6).min_sd == pytest.approx(0.096, abs=1e-3)
