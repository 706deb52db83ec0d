from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import norm

from autoproc.scaling.error_model import (
    MAX_DEVIATION,
    SPREAD,
    TRUNCATED_VARIANCE,
    USUAL,
    Approach,
    ErrorModel,
    error_bins,
    fit_error_model,
)


def observations(n: int, true: ErrorModel, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    variance, expected = random.uniform(20, 200, n), random.exponential(500.0, n)
    deviation2 = true.variance(variance, expected) * random.normal(size=n) ** 2
    return deviation2, variance, expected


def test_variance_by_hand():
    """a = 1.5, b = 0.04, sigma = 10, I = 500: 2.25 (100 + 400)."""
    model = ErrorModel(1.5, 0.04)
    assert model.variance(np.array([100.0]), np.array([500.0]))[0] == pytest.approx(1125.0)
    assert model.isa == pytest.approx(1 / 0.06)


@given(a=st.floats(0.2, 5), b=st.floats(0.001, 0.2))
def test_isa_is_the_limit_of_strong_reflections(a, b):
    model, strong = ErrorModel(a, b), np.array([1e9])
    assert strong[0] / np.sqrt(model.variance(strong, strong)[0]) == pytest.approx(model.isa, rel=1e-3)


def test_what_is_expected_below_nothing_has_no_relative_error():
    np.testing.assert_allclose(ErrorModel(2.0, 0.1).variance(np.ones(2), np.array([-1e6, 0.0])), 4.0)


def test_truncated_variance_is_the_integral():
    inside, _ = quad(lambda z: z * z * norm.pdf(z), -MAX_DEVIATION, MAX_DEVIATION)
    assert inside + MAX_DEVIATION**2 * 2 * norm.sf(MAX_DEVIATION) == pytest.approx(TRUNCATED_VARIANCE, abs=1e-5)


@pytest.mark.parametrize(("a", "b"), [(1.3, 0.05), (4.0, 0.02), (0.4, 0.1), (10.0, 0.02)])
def test_most_likely_model_is_that_of_every_observation_by_itself(a, b):
    """The same posterior without pools, minimised by another method."""
    deviation2, variance, expected = observations(4000, ErrorModel(a, b))
    fitted = fit_error_model(deviation2, variance, expected, ErrorModel())

    def posterior(x: np.ndarray) -> float:
        model = ErrorModel(*np.exp(x)).variance(variance, expected)
        cut = np.minimum(deviation2, MAX_DEVIATION**2 * fitted.variance(variance, expected)) / TRUNCATED_VARIANCE
        prior = (((x - np.log([USUAL.a, USUAL.b])) / SPREAD) ** 2).sum()
        return float((np.log(model) + cut / model).sum() + prior)

    best = np.exp(minimize(posterior, np.log([1.0, 0.03]), method="Nelder-Mead", options={"xatol": 1e-5}).x)
    assert (fitted.a, fitted.b) == pytest.approx(tuple(best), rel=0.001)


def test_few_observations_follow_what_is_usual():
    """60 without any relative error: b falls, but not to nothing; with 30 of chi squared 4, a rises by half of 2."""
    deviation2, variance, _ = observations(60, ErrorModel(1.0, 1e-3))
    weak = fit_error_model(deviation2, variance, np.full(60, 1.0), ErrorModel())
    assert weak.b == pytest.approx(USUAL.b, rel=0.05)
    n, chi2 = 30, 4.0
    fitted = fit_error_model(np.full(n, chi2 * 50), np.full(n, 50.0), np.zeros(n), ErrorModel())
    x = np.log(fitted.a)  # zero of the derivative: n (1 - chi2 / a^2) + ln a / 0.3^2
    assert n * (1 - chi2 / TRUNCATED_VARIANCE / fitted.a**2) + x / SPREAD[0] ** 2 == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(("seed", "a", "b"), [(0, 2.0, 0.1), (1, 0.5, 0.01)])
def test_few_observations_are_weighed_against_what_is_usual(seed, a, b):
    """40: ln a is 0 and ln b that of 0.03 before they are seen, with standard deviations of 0.3 and 0.7."""
    deviation2, variance, expected = observations(40, ErrorModel(a, b), seed)
    deviation2 = np.minimum(deviation2, 9 * ErrorModel(a, b).variance(variance, expected))
    fitted = fit_error_model(deviation2, variance, expected, ErrorModel())

    def posterior(x: np.ndarray) -> float:
        model = ErrorModel(*np.exp(x)).variance(variance, expected)
        cut = np.minimum(deviation2, 16 * fitted.variance(variance, expected)) / 0.99988
        return float((np.log(model) + cut / model).sum() + (x[0] / 0.3) ** 2 + ((x[1] - np.log(0.03)) / 0.7) ** 2)

    best = np.exp(minimize(posterior, np.log([1.0, 0.03]), method="Nelder-Mead", options={"xatol": 1e-5}).x)
    assert (fitted.a, fitted.b) == pytest.approx(tuple(best), rel=0.01)


def test_what_is_expected_below_nothing_is_fitted_as_nothing():
    deviation2, variance, expected = observations(2000, ErrorModel(1.2, 0.05))
    expected[::2] *= -1
    fits = [fit_error_model(deviation2, variance, e, ErrorModel()) for e in (expected, np.maximum(expected, 0.0))]
    assert fits[0] == fits[1]


def test_every_size_of_relative_error_is_found():
    for b, low, high in ((0.35, 0.33, 0.37), (1e-4, 0.0, 0.003)):
        assert low < fit_error_model(*observations(20000, ErrorModel(1.0, b)), ErrorModel()).b < high


def test_before_anything_is_known_a_strong_observation_is_known_to_two_per_cent():
    assert (ErrorModel().a, ErrorModel().isa) == pytest.approx((1.0, 50.0))


def test_what_lies_far_beyond_says_nothing_of_errors():
    """50 of 2000 at 9 standard uncertainties: the model is that of the others."""
    true = ErrorModel(1.3, 0.04)
    deviation2, variance, expected = observations(2000, true)
    others = fit_error_model(deviation2[50:], variance[50:], expected[50:], ErrorModel())
    deviation2[:50] = 9**2 * true.variance(variance[:50], expected[:50])
    fitted = fit_error_model(deviation2, variance, expected, ErrorModel())
    assert (fitted.a, fitted.b) == pytest.approx((others.a, others.b), rel=0.005)


@pytest.mark.parametrize("unit", [1e-3, 1e4])
def test_model_does_not_change_with_the_unit_of_intensity(unit):
    deviation2, variance, expected = observations(2000, ErrorModel(1.2, 0.04))
    plain = fit_error_model(deviation2, variance, expected, ErrorModel())
    other = fit_error_model(deviation2 * unit**2, variance * unit**2, expected * unit, ErrorModel())
    assert (other.a, other.b) == pytest.approx((plain.a, plain.b), rel=1e-3)


def test_where_it_starts_does_not_matter():
    data = observations(3000, ErrorModel(1.5, 0.03))
    first, second = (fit_error_model(*data, ErrorModel(*start)) for start in ((0.5, 0.2), (4.0, 0.005)))
    assert (first.a, first.b) == pytest.approx((second.a, second.b), rel=0.01)


def test_thirty_observations_are_needed():
    start = ErrorModel(1.1, 0.05)
    data = observations(30, ErrorModel(2.0, 0.03))
    assert fit_error_model(*(x[:29] for x in data), start) is start
    assert fit_error_model(*data, start) != start


def test_bins_by_hand():
    """Two bins of 30, strongest first: mean of deviation^2 over the variance before and after."""
    expected = np.arange(60.0)
    variance, deviation2 = np.full(60, 4.0), np.where(expected < 30, 4.0, 16.0)
    strong, weak = error_bins(deviation2, variance, expected, ErrorModel(2.0, 1e-9))
    assert (strong.i_max, strong.i_min, strong.n) == (59.0, 30.0, 30)
    assert (weak.i_max, weak.i_min, weak.n) == (29.0, 0.0, 30)
    assert (strong.before, strong.after, weak.before, weak.after) == pytest.approx((4.0, 1.0, 1.0, 0.25))


def test_bins_are_ten_at_most_and_none_of_nothing():
    assert len(error_bins(*observations(3000, ErrorModel()), ErrorModel())) == 10
    assert len(error_bins(*observations(5, ErrorModel()), ErrorModel())) == 1
    assert error_bins(*(np.zeros(0),) * 3, ErrorModel()) == ()


def approached(answer, start: ErrorModel, n: int = 12) -> list[ErrorModel]:
    """The models of n cycles that each find what `answer` says of the model before."""
    models, approach = [start], Approach()
    for _ in range(n):
        model, approach = approach.towards(answer(models[-1]), models[-1])
        models.append(model)
    return models


ONE, OTHER = ErrorModel(0.94, 0.0471), ErrorModel(0.97, 0.0455)


def test_fits_that_go_to_and_fro_come_to_rest_between():
    """Where each is the other's answer, and where the answer jumps half way between."""
    between = ErrorModel(np.sqrt(ONE.a * OTHER.a), np.sqrt(ONE.b * OTHER.b))
    for answer in (
        lambda m: ErrorModel(ONE.a * OTHER.a / m.a, ONE.b * OTHER.b / m.b),
        lambda m: OTHER if m.a < between.a else ONE,
    ):
        last = approached(answer, ONE)[-1]
        assert (last.a, last.b) == pytest.approx((between.a, between.b), rel=2e-3)
        assert approached(answer, ONE) == approached(answer, ONE)


def test_fits_that_come_nearer_each_time_are_taken_as_they_are():
    """One-sided, and to and fro by ever less: a fifth of the step."""
    for slope in (0.5, -0.2):

        def answer(m: ErrorModel, slope: float = slope) -> ErrorModel:
            return ErrorModel((m.a / 0.9) ** slope * 0.9, 0.03)

        models = approached(answer, ErrorModel(1.2, 0.03), 6)
        assert models[1:] == [answer(m) for m in models[:-1]]


@given(slope=st.floats(-2.5, 0.9), a=st.floats(0.5, 2.0))
def test_the_answer_does_not_depend_on_the_way(slope, a):
    """Where there is an answer that is its own, that is found, however the fits overshoot."""
    models = approached(lambda m: ErrorModel((m.a / 0.9) ** slope * 0.9, 0.03), ErrorModel(a, 0.03), 100)
    assert models[-1].a == pytest.approx(0.9, rel=1e-3)


def test_variances_are_new_arrays_and_those_of_the_formula():
    variance, intensity = np.array([1.0, 2.0, 3.0]), np.array([10.0, -5.0, 0.0])
    before = variance.copy(), intensity.copy()
    found = ErrorModel(1.5, 0.1).variance(variance, intensity)
    np.testing.assert_allclose(found, 1.5**2 * (variance + [1.0, 0.0, 0.0]))
    np.testing.assert_array_equal((variance, intensity), before)
