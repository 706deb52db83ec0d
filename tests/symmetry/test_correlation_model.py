"""What CC to expect of symmetry elements, and the sums it comes from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from autoproc.symmetry.elements import (
    CorrelationModel,
    ElementScore,
    PairSums,
    correlation_model,
    hkl_key,
    merge_friedel,
    score_elements,
    span_of,
    truncated_cauchy,
    unrelated_pairs,
)
from autoproc.symmetry.lattice_symmetry import lattice_symmetry

ROTATIONS = lattice_symmetry((40, 40, 60, 90, 90, 90), 1.0).rotations


def measured(
    noise: float, repeats: int = 3, seed: int = 0, limit: int = 12
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """hkl, E^2 of Wilson's distribution with errors and their sigmas, in P 1, each measured `repeats` times."""
    random = np.random.default_rng(seed)
    axis = np.arange(-limit, limit + 1)
    every = np.array(np.meshgrid(axis, axis, axis)).reshape(3, -1).T
    every = every[hkl_key(every, span_of(every)) > 0]
    unique = every[random.permutation(len(every))[:2000]]
    unique = unique[np.unique(hkl_key(unique, span_of(unique)), return_index=True)[1]]
    hkl = np.repeat(unique, repeats, axis=0)
    true = np.repeat(random.exponential(size=len(unique)), repeats)
    return hkl, true + noise * random.normal(size=len(hkl)), np.full(len(hkl), noise)


@pytest.mark.parametrize("noise", [0.1, 0.5, 1.0])
def test_expected_cc_is_the_part_of_the_variance_that_is_true(noise):
    """E^2 of variance 1 and errors of variance s^2: CC of two measurements is 1 / (1 + s^2)."""
    hkl, e2, sigma = measured(noise)
    model = correlation_model(merge_friedel(hkl, e2), ROTATIONS, e2, sigma)
    assert model.cc_identity == pytest.approx(1 / (1 + noise**2), abs=0.04)
    assert model.cc_from_sigmas == pytest.approx(1 / (1 + noise**2), abs=0.06)
    assert min(model.cc_identity, model.cc_from_sigmas) <= model.cc_true <= max(model.cc_identity, model.cc_from_sigmas)


def test_pairs_that_nothing_relates_do_not_correlate():
    hkl, e2, sigma = measured(0.3)
    model = correlation_model(merge_friedel(hkl, e2), ROTATIONS, e2, sigma)
    assert abs(model.cc_unrelated) < 0.05
    assert model.sd_factor == pytest.approx(1.0, abs=0.15)  # sd(CC) is 1 / sqrt(n) for unrelated pairs
    assert model.n_unrelated > 5000


def test_unrelated_pairs_are_of_different_orbits():
    hkl, _, _ = measured(0.3, limit=2)
    number = np.arange(len(hkl), dtype=float)
    x, y = unrelated_pairs(merge_friedel(hkl, number), ROTATIONS, number)
    assert len(x) < len(hkl)  # some are related by chance
    for i, j in zip(x.astype(int), y.astype(int), strict=True):
        images = hkl[i] @ ROTATIONS
        assert not np.any(np.all((images == hkl[j]) | (images == -hkl[j]), axis=1))


def test_without_repeats_the_sigmas_alone_tell():
    hkl, e2, sigma = measured(0.5, repeats=1)
    model = correlation_model(merge_friedel(hkl, e2), ROTATIONS, e2, sigma)
    assert model.cc_identity is None
    assert model.cc_true == model.cc_from_sigmas
    noisy = correlation_model(merge_friedel(hkl, e2), ROTATIONS, e2, 10 * sigma)
    assert noisy.cc_true == 0.2  # never less is expected


def test_the_less_a_cc_is_known_the_more_it_may_scatter():
    model = CorrelationModel(0.9, 0.9, 0.9, 0.0, 1000, 0.8, 0.07)
    assert model.sd(16) == pytest.approx(0.2)
    assert model.sd(10**6) == 0.07
    assert model.sd(0) == 0.8


@pytest.mark.parametrize(("cc", "n"), [(0.9, 400), (0.4, 400), (-0.2, 20), (0.95, 3)])
def test_likelihood_is_evans_integral(cc, n):
    """p / (p + q), q the mean over m of weight sqrt(1 - m^2) (Evans 2011, equations 6 to 9)."""
    model = CorrelationModel(0.9, 0.9, 0.9, 0.0, 1000, 0.8, 0.07)
    width = max(0.07, 0.8 / np.sqrt(n))

    def density(centre: float) -> float:
        norm = quad(lambda x: 1 / (1 + ((x - centre) / width) ** 2), -1, 1, points=[centre])[0]
        return 1 / (1 + ((cc - centre) / width) ** 2) / norm

    weight = quad(lambda m: np.sqrt(1 - m * m), 0, 1)[0]
    q = quad(lambda m: np.sqrt(1 - m * m) * density(m), 0, 1, points=[max(cc, 0.0)], limit=200)[0] / weight
    assert model.likelihood(cc, n) == pytest.approx(density(0.9) / (density(0.9) + q), rel=2e-3)
    assert float(truncated_cauchy(cc, np.array(0.9), width)) == pytest.approx(density(0.9), rel=1e-6)


def test_fewer_than_three_pairs_tell_nothing():
    model = CorrelationModel(0.9, 0.9, 0.9, 0.0, 1000, 0.8, 0.07)
    assert model.likelihood(0.9, 2) == 0.5
    assert model.likelihood(0.9, 3) != 0.5


def test_correlation_of_sums_is_that_of_the_pairs_both_ways_round():
    x, y = np.random.default_rng(1).normal(3, 1, size=(2, 50))
    sums = PairSums(50, 50, (x + y).sum(), (x**2 + y**2).sum(), (x * y).sum())
    both = np.corrcoef(np.append(x, y), np.append(y, x))[0, 1]
    assert sums.cc == pytest.approx(both)
    half = PairSums(20, 20, (x + y)[:20].sum(), (x**2 + y**2)[:20].sum(), (x * y)[:20].sum())
    rest = PairSums(30, 30, (x + y)[20:].sum(), (x**2 + y**2)[20:].sum(), (x * y)[20:].sum())
    assert (half + rest).cc == pytest.approx(sums.cc)


@pytest.mark.parametrize("sums", [PairSums(), PairSums(1, 1, 4.0, 10.0, 3.0), PairSums(5, 5, 20.0, 40.0, 20.0)])
def test_correlation_without_pairs_or_spread_is_nothing(sums):
    assert sums.cc == 0.0


def test_true_elements_score_high_and_false_ones_low():
    """Intensities with a two-fold along b alone, on a tetragonal lattice."""
    hkl, _, _ = measured(0.0, repeats=1)
    b = np.diag([-1, 1, -1])
    orbit = np.minimum(hkl_key(hkl, 100), hkl_key(hkl @ b, 100))
    _, number = np.unique(orbit, return_inverse=True)
    random = np.random.default_rng(2)
    e2 = random.exponential(size=number.max() + 1)[number] + 0.2 * random.normal(size=len(hkl))
    merged = merge_friedel(hkl, e2)
    model = correlation_model(merged, ROTATIONS, e2, np.full(len(e2), 0.2))
    scores = score_elements(merged, ROTATIONS, model)
    assert [s.order for s in scores[:2]] == [1, 4]
    for s in scores[1:]:
        is_true = s.order == 2 and s.axis == (0, 1, 0)
        assert (s.likelihood > 0.8, s.likelihood < 0.2) == (is_true, not is_true)
        assert s.stars in (("**", "***") if is_true else ("",))
        assert s.z_cc == pytest.approx(s.cc / s.sd)


@pytest.mark.parametrize(("p", "stars"), [(0.49, ""), (0.51, "*"), (0.71, "**"), (0.91, "***")])
def test_stars(p, stars):
    assert ElementScore((1,), 2, (0, 1, 0), PairSums(), 0.0, 0.1, p).stars == stars


def test_keys_are_unique_and_those_of_friedel_mates_are_one():
    axis = np.arange(-4, 5)
    hkl = np.array(np.meshgrid(axis, axis, axis)).reshape(3, -1).T
    key = hkl_key(hkl, span_of(hkl))
    np.testing.assert_array_equal(key, hkl_key(-hkl, span_of(hkl)))
    assert len(np.unique(key)) == (9**3 + 1) // 2
