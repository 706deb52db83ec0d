from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scaled_for_tests import Recipe, experiment
from scipy.special import sph_harm_y

from autoproc.kernels.harmonics import mean_harmonics, mean_series
from autoproc.merging.groups import group_equivalents
from autoproc.scaling.absorption import n_harmonics, surface_basis
from autoproc.scaling.error_model import ErrorModel, error_bins, fit_error_model
from autoproc.scaling.gaussian_smoother import GaussianSmoother, smoother_for_range
from autoproc.scaling.model import ScaleCoordinates, model_for, to_dials
from autoproc.scaling.outliers import impossible_intensities, reject_outliers
from autoproc.scaling.shadows import compare_with_others


@given(n=st.integers(1, 30), seed=st.integers(0, 1000))
def test_smoother_weights_sum_to_one_and_keep_constants(n: int, seed: int) -> None:
    smoother = GaussianSmoother(n)
    x = np.random.default_rng(seed).uniform(0, n, 50)
    index, weight = smoother.weights(x)
    np.testing.assert_allclose(weight.sum(axis=1), 1.0)
    assert index.min() >= 0
    assert index.max() < smoother.n_parameters


def test_smoother_is_nearly_linear_in_the_middle() -> None:
    smoother = GaussianSmoother(10)
    x = np.linspace(1, 9, 81)
    index, weight = smoother.weights(x)
    np.testing.assert_allclose((smoother.positions[index] * weight).sum(axis=1), x, atol=0.2)


@pytest.mark.parametrize(
    ("width", "spacing", "n"), [(80.0, 8.0, 10), (0.5, 1.0, 1), (180.0, 15.0, 12), (100.0, 15.0, 7)]
)
def test_smoother_for_range(width: float, spacing: float, n: int) -> None:
    assert smoother_for_range(width, spacing).n_intervals == n


def test_harmonics_agree_with_scipy() -> None:
    directions = np.random.default_rng(0).normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    theta, phi = np.arccos(directions[:, 2]), np.arctan2(directions[:, 1], directions[:, 0])
    basis = mean_harmonics(directions, directions, 6)
    column = 0
    for degree in range(1, 7):
        for m in range(-degree, degree + 1):
            y = sph_harm_y(degree, abs(m), theta, phi) * (-1.0) ** m
            expected = {True: np.sqrt(2) * y.imag, False: np.sqrt(2) * y.real}[m < 0] if m else y.real
            np.testing.assert_allclose(basis[:, column], expected, atol=1e-12)
            column += 1
    assert column == n_harmonics(6)


def test_series_of_harmonics_is_their_sum() -> None:
    random = np.random.default_rng(5)
    first, second = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in random.normal(size=(2, 50, 3)))
    coefficients = random.normal(size=n_harmonics(4))
    both = mean_harmonics(first, second, 4)
    np.testing.assert_allclose(2 * both, mean_harmonics(first, first, 4) + mean_harmonics(second, second, 4))
    np.testing.assert_allclose(mean_series(first, second, 4, coefficients), both @ coefficients, atol=1e-12)
    with pytest.raises(ValueError, match="coefficients"):
        mean_series(first, second, 4, coefficients[1:])
    with pytest.raises(ValueError, match="degree"):
        mean_harmonics(first, second, 17)


def test_surface_turns_with_the_crystal() -> None:
    """The same direction in the crystal gives the same correction whatever the image."""
    made = experiment(Recipe())
    angle = made.scan.phi_at(np.array([0.0, 50.0]))
    s1 = np.array([[0.3, 0.8 * np.cos(a) - 0.2 * np.sin(a), 0.8 * np.sin(a) + 0.2 * np.cos(a)] for a in angle])
    beam_part = surface_basis(made, s1 * 0 + made.beam.s0 * -1, np.array([0.0, 50.0]), 4)
    total = surface_basis(made, s1, np.array([0.0, 50.0]), 4)
    outgoing = 2 * total - beam_part
    np.testing.assert_allclose(outgoing[0], outgoing[1], atol=1e-9)


def test_log_derivatives_of_the_model() -> None:
    made = experiment(Recipe())
    random = np.random.default_rng(1)
    at = ScaleCoordinates(random.uniform(0, 180, 40), random.normal(size=(40, 3)), random.uniform(2, 10, 40))
    model = model_for(made, np.array([0.0, 180.0]), True, 4)
    model = model.with_parameters(model.parameters + 0.05 * random.normal(size=len(model.parameters)))
    design = model.design(made, at)
    analytic = model.log_derivatives(design)
    for n in range(len(model.parameters)):
        step = np.zeros_like(model.parameters)
        step[n] = 1e-6
        up, down = (np.log(model.with_parameters(model.parameters + s).factors(design)) for s in (step, -step))
        np.testing.assert_allclose(analytic[:, n], (up - down) / 2e-6, atol=1e-6)


def test_model_without_terms_is_one() -> None:
    made = experiment(Recipe())
    model = model_for(made, np.array([0.0, 100.0]), False, 0)
    at = ScaleCoordinates(np.array([5.0]), np.array([[0.0, 0.0, 1.0]]), np.array([2.0]))
    np.testing.assert_allclose(model.factors_at(made, at), 1.0)
    assert to_dials(model, model.parameters * 0, made, {})["configuration_parameters"]["corrections"] == ["scale"]


def test_groups_know_hands_and_centric_reflections() -> None:
    group = gemmi.SpaceGroup("P 21 21 21")
    groups = group_equivalents(
        group, np.array([[1, 2, 3], [-1, -2, 3], [-1, -2, -3], [0, 2, 3], [0, -2, -3], [1, -2, 3]])
    )
    assert groups.group[0] == groups.group[1] == groups.group[2] == groups.group[5]
    assert groups.group[3] == groups.group[4] != groups.group[0]
    assert groups.is_plus.tolist() == [True, True, False, True, True, False]
    assert groups.is_centric[groups.group].tolist() == [False, False, False, True, True, False]
    assert groups.anomalous().count.sum() == 6


def test_error_model_of_few_observations_stays_usual() -> None:
    random = np.random.default_rng(8)
    variance, expected = random.uniform(20, 200, 40), random.exponential(300.0, 40)
    for factor in (0.2, 5.0):
        deviation2 = factor * ErrorModel(1.0, 0.03).variance(variance, expected) * random.chisquare(1, 40)
        model = fit_error_model(deviation2, variance, expected, ErrorModel())
        assert 0.3 < model.a < 3
        assert 0.005 < model.b < 0.2


def test_groups_without_observations_have_no_mean() -> None:
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), np.array([[1, 2, 3], [1, 2, 4]]))
    nothing = groups.subset(np.zeros(2, bool))
    for found in nothing.weighted_mean(np.empty(0), np.empty(0)):
        np.testing.assert_array_equal(found, [np.nan, np.nan])


def test_error_model_recovers_a_and_b() -> None:
    random = np.random.default_rng(3)
    n = 40000
    variance, expected = random.uniform(20, 200, n), random.exponential(500.0, n)
    true = ErrorModel(1.4, 0.03)
    sigma = np.sqrt(true.variance(variance, expected))
    deviation2 = (sigma * random.normal(size=n)) ** 2
    fitted = fit_error_model(deviation2, variance, expected, ErrorModel())
    assert fitted.a == pytest.approx(1.4, rel=0.03)
    assert fitted.b == pytest.approx(0.03, rel=0.05)
    assert all(b.after == pytest.approx(1.0, abs=0.15) for b in error_bins(deviation2, variance, expected, fitted))


def test_error_model_shrugs_at_outliers() -> None:
    random = np.random.default_rng(4)
    n = 20000
    variance, expected = np.full(n, 100.0), random.exponential(500.0, n)
    sigma = np.sqrt(ErrorModel(1.0, 0.03).variance(variance, expected))
    deviation2 = (sigma * random.normal(size=n)) ** 2
    deviation2[:100] *= 1e4
    fitted = fit_error_model(deviation2, variance, expected, ErrorModel())
    assert fitted.a == pytest.approx(1.0, rel=0.06)
    assert fitted.b == pytest.approx(0.03, rel=0.15)


def test_error_model_needs_observations() -> None:
    start = ErrorModel(1.1, 0.05)
    assert fit_error_model(np.ones(5), np.ones(5), np.ones(5), start) is start


def test_outliers_of_small_groups() -> None:
    hkl = np.array([[1, 0, 0]] * 2 + [[2, 0, 0]] * 3 + [[3, 0, 0]] * 6)
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), hkl)
    intensity = np.array([10.0, 1000.0, 10.0, 11.0, 1000.0, 10.0, 11.0, 9.0, 10.0, 500.0, 700.0])
    found = reject_outliers(groups, intensity, np.ones(11), np.ones(11), 6.0, np.ones(11, bool))
    assert found.tolist() == [False] * 4 + [True] + [False] * 4 + [True, True]


def test_impossible_intensities() -> None:
    random = np.random.default_rng(5)
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), np.stack([np.arange(1, 2001)] * 3, axis=1))
    intensity, d = random.exponential(100.0, 2000), random.uniform(2, 10, 2000)
    intensity[7] = 1e6
    found = impossible_intensities(groups, d, intensity, np.full(2000, 25.0), np.ones(2000, bool))
    assert np.flatnonzero(found).tolist() == [7]


def test_comparison_leaves_an_observation_out_of_its_own_mean() -> None:
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), np.array([[1, 0, 0], [1, 0, 0], [2, 0, 0]]))
    everything = np.ones(3, bool)
    seen = compare_with_others(groups, np.array([10.0, 40.0, 5.0]), np.full(3, 4.0), everything, everything)
    assert seen.ratio.tolist() == [0.25, 4.0, 1.0]
    assert seen.z[:2] == pytest.approx([-30 / np.sqrt(8), 30 / np.sqrt(8)])
    assert seen.compared.tolist() == [True, True, False]
