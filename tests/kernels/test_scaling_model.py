"""Terms of scaling models, against the same written plainly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autoproc.kernels.scaling_model import (
    log_derivatives,
    smoothed,
    smoother_weights,
    turned_directions,
    weighted_sums,
)

WIDTH, SIGMA = 3, 0.7


def plain_weights(x: np.ndarray, n: int, width: int, start: float) -> tuple[np.ndarray, np.ndarray]:
    """The `width` in a row whose middle is nearest, and Gaussians of their distances over their sum."""
    first = np.clip(np.floor(x - width / 2 + 0.5).astype(int) + 1, 0, n - width)
    index = first[:, None] + np.arange(width)
    weight = np.exp(-(((x[:, None] - index - start) / SIGMA) ** 2))
    return index, weight / weight.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("n", "width", "start"), [(1, 1, 0.0), (2, 2, 0.0), (3, 3, 0.0), (9, 3, -0.5)])
def test_weights_are_gaussians_of_the_nearest_parameters(n, width, start):
    random = np.random.default_rng(n)
    x = np.concatenate([random.uniform(0, n, 200), [0.0, n, n - 2.0, -7.0, n + 7.0]])
    index, weight = smoother_weights(x, n, width, start, SIGMA)
    expected_index, expected = plain_weights(x, n, width, start)
    assert np.array_equal(index, expected_index)
    assert_allclose(weight, expected, rtol=1e-13)
    parameters = random.normal(size=n)
    assert_allclose(smoothed(x, parameters, width, start, SIGMA), (parameters[index] * weight).sum(axis=1), atol=1e-14)


def test_a_position_that_is_no_number_reads_nothing_outside():
    index, _ = smoother_weights(np.array([np.nan, np.inf, -np.inf]), 6, WIDTH, -0.5, SIGMA)
    assert index.min() >= 0
    assert index.max() < 6
    assert np.isnan(smoothed(np.array([np.nan]), np.ones(6), WIDTH, -0.5, SIGMA)).all()


@pytest.mark.parametrize("width", [0, 4])
def test_more_or_fewer_parameters_at_a_time_are_refused(width):
    with pytest.raises(ValueError, match="width"):
        smoother_weights(np.zeros(2), 9, width, 0.0, SIGMA)
    with pytest.raises(ValueError, match="width"):
        smoothed(np.zeros(2), np.ones(2), 3, 0.0, SIGMA)


def test_directions_are_of_length_one_and_turn_with_the_angle():
    random = np.random.default_rng(1)
    vectors, angle, turn = random.normal(size=(50, 3)), random.uniform(-9, 9, 50), random.normal(size=(3, 3, 3))
    vectors[7] = 0.0
    still = random.normal(size=3)
    first, second = turned_directions(vectors, angle, still, turn)
    unit = vectors / np.where(np.arange(50) == 7, 1.0, np.linalg.norm(vectors, axis=1))[:, None]
    for n in range(50):
        matrix = turn[0] + np.cos(angle[n]) * turn[1] + np.sin(angle[n]) * turn[2]
        assert_allclose(first[n], still @ matrix, atol=1e-13)
        assert_allclose(second[n], unit[n] @ matrix, atol=1e-13)


def terms(n: int = 20, n_decay: int = 4, n_surface: int = 5) -> dict:
    random = np.random.default_rng(2)
    scale = plain_weights(random.uniform(0, 5, n), 6, 3, -0.5)
    decay = plain_weights(random.uniform(0, 3, n), 4, 3, -0.5) if n_decay else (np.zeros((n, 0), int), np.zeros((n, 0)))
    return {
        "scale": (*scale, random.uniform(0.5, 2, n)),
        "decay": (*decay, random.uniform(0, 0.5, n)),
        "surface": (random.normal(size=(n, n_surface)), random.uniform(0.5, 2, n)),
        "n_parameters": (6, n_decay),
    }


@pytest.mark.parametrize(("n_decay", "n_surface"), [(4, 5), (0, 5), (4, 0), (0, 0)])
def test_derivatives_are_weights_over_values(n_decay, n_surface):
    given = terms(20, n_decay, n_surface)
    found = log_derivatives(**given)
    expected = np.zeros((20, 6 + n_decay + n_surface))
    row = np.arange(20)[:, None]
    expected[row, given["scale"][0]] = given["scale"][1] / given["scale"][2][:, None]
    expected[row, 6 + given["decay"][0]] = given["decay"][1] * given["decay"][2][:, None]
    expected[:, 6 + n_decay :] = given["surface"][0] / given["surface"][1][:, None]
    assert_allclose(found, expected, rtol=1e-14)


def test_an_index_that_is_no_parameter_is_refused():
    given = terms()
    given["scale"][0][3, 1] = 6
    with pytest.raises(ValueError, match="scale"):
        log_derivatives(**given)
    given = terms()
    with pytest.raises(ValueError, match="decay"):
        log_derivatives(**{**given, "decay": (given["decay"][0][:, :2], *given["decay"][1:])})
    with pytest.raises(ValueError, match="surface"):
        log_derivatives(**{**given, "surface": (given["surface"][0], np.ones(3))})


def test_sums_of_a_block_are_those_of_matrices():
    random = np.random.default_rng(6)
    derivatives, group = random.normal(size=(40, 7)), np.sort(random.integers(3, 30, 40))
    root, pull, share = random.normal(size=(3, 40))
    weighted, gradient, found, coupling = weighted_sums(derivatives, root, pull, share, group)
    of = (group == found[:, None]).astype(float)
    assert found.tolist() == np.unique(group).tolist()
    assert_allclose(weighted, derivatives * root[:, None], rtol=1e-15)
    assert_allclose(gradient, pull @ derivatives, atol=1e-13)
    assert_allclose(coupling, of @ (derivatives * share[:, None]), atol=1e-13)


def test_no_observations_have_no_sums():
    weighted, gradient, found, coupling = weighted_sums(np.zeros((0, 3)), *np.zeros((3, 0)), np.zeros(0, np.intp))
    assert (weighted.shape, gradient.tolist(), found.tolist(), coupling.shape) == ((0, 3), [0, 0, 0], [], (0, 3))


@pytest.mark.parametrize("group", [[0, 1, 0], [0, 0], [-1, 0, 1]])
def test_groups_that_are_not_in_order_or_too_few_are_refused(group):
    with pytest.raises(ValueError, match="groups"):
        weighted_sums(np.zeros((3, 2)), *np.ones((3, 3)), np.array(group))
