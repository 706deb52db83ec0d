from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.combining.alignment import align
from autoproc.combining.coordinates import _functional, choose_dimensions, find_coordinates
from autoproc.combining.correlations import PairCorrelations
from autoproc.combining.element_scores import score_by_coordinates
from autoproc.combining.rotation_group import RotationGroup
from autoproc.models.space_group import rotations_of

GROUP = RotationGroup.of(rotations_of(gemmi.SpaceGroup("P 6 2 2")))
P3 = {w.tobytes() for w in rotations_of(gemmi.SpaceGroup("P 3"))}
THREEFOLD = tuple(n for n, w in enumerate(GROUP.rotations) if w.tobytes() in P3)


def ideal_pairs(settings, noise=0.05, other=(), seed=0, missing=0.0):
    """Correlations of data sets of P 3 in these settings: 0.9 where turned onto one another, otherwise 0."""
    n, rng = len(settings), np.random.default_rng(seed)
    coset, r = GROUP.coset_of(THREEFOLD), np.zeros((n, len(GROUP), n))
    for i in range(n):
        for c in range(len(GROUP)):
            for j in range(n):
                same_kind = i == j or not {i, j} & set(other)
                turned = GROUP.product[settings[i], GROUP.product[c, GROUP.inverse[settings[j]]]]
                r[i, c, j] = 0.9 * (same_kind and coset[turned] == 0)
    drawn = noise * rng.normal(size=r.shape)
    unknown = rng.random(r.shape) < missing
    inverse = drawn.transpose(2, 1, 0)[:, GROUP.inverse]
    lost = unknown | unknown.transpose(2, 1, 0)[:, GROUP.inverse]
    return PairCorrelations(r + (drawn + inverse) / 2, np.where(lost, 0, 200))


SETTINGS = np.random.default_rng(3).integers(0, len(GROUP), 9)


def test_the_gradient_is_that_of_the_functional():
    pairs = ideal_pairs(SETTINGS)
    found = find_coordinates(pairs, GROUP, (0,))
    y = np.random.default_rng(0).normal(size=found.y.size)
    _, gradient = _functional(y, pairs.r, pairs.weight, found.moved)
    for k in (0, 17, 60):
        step = np.zeros_like(y)
        step[k] = 1e-5
        ends = [_functional(y + sign * step, pairs.r, pairs.weight, found.moved)[0] for sign in (1, -1)]
        assert gradient[k] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5)


def test_as_many_dimensions_as_settings_are_chosen():
    dimensions = choose_dimensions(ideal_pairs(SETTINGS), GROUP)
    assert dimensions[0].n == 4
    assert dimensions[0].members == THREEFOLD


def test_coordinates_reproduce_the_correlations():
    pairs = ideal_pairs(SETTINGS, noise=0.0)
    found = find_coordinates(pairs, GROUP, THREEFOLD)
    off = ~np.eye(len(SETTINGS), dtype=bool)
    difference = np.moveaxis(found.predicted() - pairs.r, 1, 0)[:, off]
    assert np.abs(difference).max() < 0.02


@pytest.mark.parametrize(("missing", "other"), [(0.0, ()), (0.5, ()), (0.2, (2, 5))])
def test_copies_that_lie_together_are_in_one_setting(missing, other):
    pairs = ideal_pairs(SETTINGS, other=other, missing=missing)
    found = align(find_coordinates(pairs, GROUP, THREEFOLD))
    coset = GROUP.coset_of(THREEFOLD)
    good = [n for n in range(len(SETTINGS)) if n not in other]
    relative = {int(coset[GROUP.product[found[n], GROUP.inverse[SETTINGS[n]]]]) for n in good}
    assert len(relative) == 1


def test_elements_are_scored_by_the_angle_between_copies():
    pairs = ideal_pairs(SETTINGS)
    setting = align(find_coordinates(pairs, GROUP, THREEFOLD))
    scores = score_by_coordinates(find_coordinates(pairs, GROUP, (0,)), GROUP, setting, pairs.weight)
    for score in scores:
        expected = set(score.members) <= set(THREEFOLD)
        assert (score.cc > 0.9) == expected, score
        assert (score.likelihood > 0.5) == expected, score


@pytest.mark.parametrize("seed", [0, 1])
def test_two_data_sets_are_enough(seed):
    pairs = ideal_pairs(SETTINGS[:2], seed=seed)
    chosen = choose_dimensions(pairs, GROUP)[0].members
    assert chosen == THREEFOLD
    found = align(find_coordinates(pairs, GROUP, chosen))
    coset = GROUP.coset_of(THREEFOLD)
    relative = {int(coset[GROUP.product[found[n], GROUP.inverse[SETTINGS[n]]]]) for n in range(2)}
    assert len(relative) == 1
