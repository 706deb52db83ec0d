from __future__ import annotations

import numpy as np
import pytest

from autoproc.scaling import normal_equations as module
from autoproc.scaling.normal_equations import Block, BlockEquations


def equations(n_models: int = 5, n_groups: int = 40, p: int = 6, seed: int = 0) -> BlockEquations:
    """Of J^T J with the common intensities of groups, which two models and more share, eliminated."""
    random = np.random.default_rng(seed)
    blocks = []
    for _ in range(n_models):
        groups = np.sort(random.choice(n_groups, n_groups // 2, replace=False))
        derivatives = random.normal(size=(len(groups), p))
        blocks.append(
            Block(derivatives.T @ derivatives + np.eye(p), random.normal(size=p), groups, 0.5 * derivatives)
        )  # fmt: skip
    return BlockEquations(blocks, n_groups)


def test_products_are_those_of_the_matrix():
    found = equations()
    x = np.random.default_rng(1).normal(size=30)
    np.testing.assert_allclose(found.times(x), found.matrix @ x, atol=1e-10)
    np.testing.assert_allclose(found.diagonal(), np.diag(found.matrix), atol=1e-12)


@pytest.mark.parametrize("damping", [1e-9, 1e-2, 10.0])
def test_many_models_step_as_few_do(damping, monkeypatch):
    dense = equations().step(damping)
    monkeypatch.setattr(module, "MOST_DENSE", 0)
    many = equations()
    assert not many.is_small
    np.testing.assert_allclose(many.step(damping), dense, atol=1e-3 * np.abs(dense).max())


def test_a_direction_without_a_gradient_does_no_harm(monkeypatch):
    """As the overall scale, which the data leave free: two models that do the same, of one group."""
    one = np.ones((1, 1))
    blocks = [Block(one, np.array([g]), np.zeros(1, np.intp), one / np.sqrt(2)) for g in (1.0, -1.0)]
    monkeypatch.setattr(module, "MOST_DENSE", 0)
    step = BlockEquations(blocks, 1).step(1e-9)
    np.testing.assert_allclose(step, [1.0, -1.0], rtol=1e-4)


def test_covariances_of_many_are_nearly_those_of_all_together(monkeypatch):
    overall = np.full(30, 30**-0.5)
    whole = equations().covariances(overall)
    monkeypatch.setattr(module, "MOST_DENSE", 0)
    for near, exact in zip(equations().covariances(overall), whole, strict=True):
        assert near.shape == exact.shape == (6, 6)
        assert np.all(np.diag(near) > 0)
        assert np.median(np.diag(near) / np.diag(exact)) == pytest.approx(1.0, abs=0.3)
