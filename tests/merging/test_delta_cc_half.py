"""What a part of the data does to CC1/2: by its definition, and on data with known faults."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.merging.delta_cc_half import cc_half_by_block, part_effects
from autoproc.merging.groups import group_equivalents

GROUP = gemmi.SpaceGroup("P 4 2 2")


def observations(seed, n_parts=6, n_unique=400, sigma=0.2, share=0.5):
    """Parts that each measure some of the reflections, with errors; true intensities are exponential."""
    rng = np.random.default_rng(seed)
    hkl = np.array([(h, k, m) for h in range(1, 12) for k in range(h) for m in range(1, 12)])[:n_unique]
    truth = rng.exponential(1.0, len(hkl)) + 0.01
    rows = [np.flatnonzero(rng.random(len(hkl)) < share) for _ in range(n_parts)]
    part = np.repeat(np.arange(n_parts), [len(r) for r in rows])
    rows = np.concatenate(rows)
    return hkl[rows], truth[rows] + rng.normal(0, sigma, len(rows)), np.full(len(rows), sigma**2), part


def shells_of(groups, n_shells=2):
    s2 = np.sum(groups.hkl**2, axis=1)
    return np.searchsorted(np.quantile(s2, np.linspace(0, 1, n_shells + 1)[1:-1]), s2)


def plainly(groups, value, variance, rows, shell, only):
    """CC1/2 of the observations `rows`, over reflections `only`, by its definition."""
    total, n_total = 0.0, 0
    for number in range(int(shell.max()) + 1):
        means, errors = [], []
        for g in np.flatnonzero(only & (shell == number)):
            own = rows & (groups.group == g)
            w, x = 1 / variance[own], value[own]
            mean = np.sum(w * x) / np.sum(w)
            means.append(mean)
            errors.append(2 * np.sum(w * (x - mean) ** 2) / ((len(x) - 1) * np.sum(w)))
        v, e = np.var(means), np.mean(errors)
        total += len(means) * (v - e / 2) / (v + e / 2)
        n_total += len(means)
    return total / n_total


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), n_parts=st.integers(3, 6))
def test_as_the_definition_has_it(seed, n_parts):
    hkl, value, variance, part = observations(seed, n_parts, n_unique=120)
    variance = variance * np.random.default_rng(seed).uniform(0.5, 2, len(variance))
    groups = group_equivalents(GROUP, hkl)
    shell = shells_of(groups)
    effects = part_effects(groups, value, variance, part, shell)
    for number in range(n_parts):
        without = part != number
        n_rest = np.bincount(groups.group[without], minlength=len(groups))
        has = np.bincount(groups.group[~without], minlength=len(groups)) > 0
        only = np.where(has, n_rest > 1, groups.count > 1)
        assert effects.n_shared[number] == np.sum(has & (n_rest > 1))
        everything = np.ones(len(value), bool)
        assert effects.with_it[number] == pytest.approx(plainly(groups, value, variance, everything, shell, only))
        assert effects.without[number] == pytest.approx(plainly(groups, value, variance, without, shell, only))


def test_a_part_of_noise_does_harm_and_the_others_help():
    hkl, value, variance, part = observations(1, n_parts=8)
    bad = part == 3
    value[bad] = np.random.default_rng(2).permutation(value[bad])
    groups = group_equivalents(GROUP, hkl)
    delta = part_effects(groups, value, variance, part, shells_of(groups)).delta
    assert np.argmin(delta) == 3
    assert delta[3] < -0.02
    assert np.all(np.delete(delta, 3) > 0)


def test_large_intensities_cost_no_digits():
    hkl, value, variance, part = observations(3)
    groups = group_equivalents(GROUP, hkl)
    shell = shells_of(groups)
    near = part_effects(groups, value, variance, part, shell)
    far = part_effects(groups, 1e6 * value, 1e12 * variance, part, shell)
    np.testing.assert_allclose(far.delta, near.delta, rtol=1e-8)


def test_a_part_that_shares_nothing_is_not_judged():
    hkl, value, variance, part = observations(4)
    alone = np.array([(20, k, 1) for k in range(15)])
    hkl, part = np.concatenate([hkl, alone]), np.concatenate([part, np.full(15, 6)])
    value, variance = np.concatenate([value, np.ones(15)]), np.concatenate([variance, np.ones(15)])
    groups = group_equivalents(GROUP, hkl)
    effects = part_effects(groups, value, variance, part, shells_of(groups))
    assert effects.n_shared[6] == 0
    assert np.isnan(effects.delta[6])
    assert np.all(np.isfinite(effects.delta[:6]))


def test_reflections_that_are_not_looked_at_say_nothing():
    hkl, value, variance, part = observations(5)
    groups = group_equivalents(GROUP, hkl)
    shell = shells_of(groups)
    hidden = np.arange(len(groups)) % 3 == 0
    shell[hidden] = -1
    before = part_effects(groups, value, variance, part, shell)
    value = value + 100 * hidden[groups.group] * np.random.default_rng(1).normal(size=len(value))
    np.testing.assert_allclose(part_effects(groups, value, variance, part, shell).delta, before.delta)


def test_the_value_is_the_correlation_of_half_sets():
    """2000 reflections of variance 1 measured 8 times with errors of 0.5: halves have an error variance of 1/16."""
    rng = np.random.default_rng(6)
    hkl = np.array([(h, k, m) for h in range(1, 22) for k in range(h) for m in range(1, 22)])[:2000]
    rows = np.tile(np.arange(2000), 8)
    value = rng.normal(size=2000)[rows] + rng.normal(0, 0.5, 16000)
    groups = group_equivalents(GROUP, hkl[rows])
    block = np.arange(2000) % 4
    found = cc_half_by_block(groups, value, np.full(16000, 0.25), block, np.zeros(2000, int))
    assert found.shape == (4,)
    assert found.mean() == pytest.approx(1 / (1 + 1 / 16), abs=0.005)


def test_too_few_reflections_have_no_value():
    hkl, value, variance, _ = observations(7, n_unique=9)
    groups = group_equivalents(GROUP, hkl)
    flat = np.zeros(len(groups), int)
    assert np.isnan(cc_half_by_block(groups, value, variance, flat, flat)).all()
