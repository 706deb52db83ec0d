from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from damaged_for_tests import scaled as damaged
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import crystal, experiment, scaled
from scaled_for_tests import Recipe, true_intensities

from autoproc.errors import NoReflections
from autoproc.geometry.asu import to_asu
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.merge import MergeParams, format_merge, merge, wilson_b

GROUPS = ["P 1", "P 1 21 1", "C 1 2 1", "P 21 21 21", "P 43 21 2", "P 31 2 1", "P 65", "H 3 2", "I 2 3", "F 4 3 2"]
CELLS = {"P 1": (41, 52, 63, 81, 95, 105), "P 1 21 1": (41, 52, 63, 90, 95, 90), "C 1 2 1": (81, 52, 63, 90, 105, 90)}
CELLS |= {"P 21 21 21": (41, 52, 63, 90, 90, 90), "P 43 21 2": (77, 77, 37, 90, 90, 90)}
CELLS |= dict.fromkeys(("P 31 2 1", "P 65", "H 3 2"), (77, 77, 90, 90, 90, 120))
CELLS |= dict.fromkeys(("I 2 3", "F 4 3 2"), (78, 78, 78, 90, 90, 90))


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), group=st.sampled_from(GROUPS))
def test_merge_ignores_observation_order(seed, group):
    made = crystal(CELLS[group], group)
    obs = scaled(made, d_min=8.0, seed=seed)
    shuffled = obs[np.random.default_rng(seed).permutation(len(obs))]
    one, other = (merge([experiment(made)], o, MergeParams()) for o in (obs, shuffled))
    np.testing.assert_array_equal(one.hkl, other.hkl)
    np.testing.assert_allclose(one.intensity, other.intensity, rtol=1e-12)
    np.testing.assert_array_equal(one.free_r, other.free_r)


@pytest.mark.parametrize("group", GROUPS)
def test_every_mate_of_a_reflection_is_merged_into_one(group):
    made = crystal(CELLS[group], group)
    obs = scaled(made, d_min=8.0, multiplicity=7, noise=0.0)
    merged = merge([experiment(made)], obs, MergeParams())
    assert (merged.n == 7).all()
    np.testing.assert_array_equal(merged.n, merged.n_plus + merged.n_minus)
    assert len(merged) * 7 == len(obs)
    np.testing.assert_array_equal(to_asu(merged.hkl, made.space_group)[0], merged.hkl)


def test_merged_sigma_is_that_of_the_scatter():
    made = crystal()
    truths, zs = scaled(made, multiplicity=8, seed=3), []
    merged = merge([experiment(made)], truths, MergeParams())
    again = merge([experiment(made)], scaled(made, multiplicity=8, seed=3, noise=1e-9), MergeParams())
    zs = (merged.intensity - again.intensity) / np.hypot(merged.sigma, again.sigma)
    assert 0.5 < np.std(zs) < 1.5


def test_limits_and_outliers_are_obeyed():
    made = crystal()
    obs = scaled(made)
    bad = np.zeros(len(obs), bool)
    bad[::3] = True
    flagged = obs.with_flag(Flag.OUTLIER_IN_SCALING, bad)
    assert merge([experiment(made)], flagged, MergeParams()).n.sum() == (~bad).sum()
    cut = merge([experiment(made)], obs, MergeParams(d_min=6.0, d_max=20.0))
    assert cut.d.min() >= 6.0
    assert cut.d.max() <= 20.0


def test_nothing_left_is_an_error():
    made = crystal()
    with pytest.raises(NoReflections, match="merging"):
        merge([experiment(made)], scaled(made, d_min=8.0), MergeParams(d_max=2.0))


def test_wilson_b_of_a_known_fall_off():
    rng = np.random.default_rng(0)
    d = 1 / np.sqrt(rng.uniform(1 / 20**2, 1 / 1.6**2, 20000))
    assert wilson_b(rng.exponential(1.0, 20000) * np.exp(-25.0 / (2 * d**2)), d) == pytest.approx(25.0, abs=1.5)
    assert np.isnan(wilson_b(np.ones(10), np.full(10, 2.0)))


def test_wilson_b_is_that_of_the_shells_with_signal():
    rng = np.random.default_rng(1)
    d = 1 / np.sqrt(rng.uniform(1 / 20**2, 1 / 1.4**2, 30000))
    signal = rng.exponential(1.0, 30000) * np.exp(-25.0 / (2 * d**2)) * (d > 1.9)
    noisy = signal + rng.normal(0, 0.005, 30000)
    assert wilson_b(noisy, d) == pytest.approx(25.0, abs=3.0)


def test_summary_names_the_numbers():
    made = crystal()
    text = format_merge(merge([experiment(made)], scaled(made), MergeParams()))
    assert "P 43 21 2" in text
    assert "Free-R" in text


def test_zero_dose_is_nearer_to_the_crystal_before_damage():
    made, table = damaged(Recipe(n_observations=15000), 0.4)
    as_it_is, extrapolated = (merge([made], table, MergeParams(zero_dose=wanted)) for wanted in (False, True))
    hkl, true = true_intensities()
    truth = dict(zip(map(tuple, hkl.tolist()), 300.0 * true, strict=True))
    off = [[m.intensity[k] - truth[tuple(h)] for k, h in enumerate(m.hkl.tolist())] for m in (as_it_is, extrapolated)]
    assert np.median(np.abs(off[1])) < 0.8 * np.median(np.abs(off[0]))
    assert np.all(extrapolated.sigma > 0)
    assert np.isfinite(extrapolated.amplitude).mean() > 0.95
    assert "extrapolated to no dose" in format_merge(extrapolated)
    assert "dose" not in format_merge(as_it_is)


def turned(made, angle):
    c, s = np.cos(angle), np.sin(angle)
    U = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return replace(made, crystal=replace(made.crystal, A=U @ made.crystal.A))


@pytest.mark.parametrize(("angle", "n_crystals"), [(0.7, 2), (0.3, 1)])
def test_zero_dose_counts_doses_within_a_crystal(angle, n_crystals):
    """The same damage on two crystals is no further damage on the second one; on one crystal it would be."""
    first, table = damaged(Recipe(n_observations=12000), 0.4)
    second, other = damaged(Recipe(n_observations=12000, seed=1), 0.4, experiment_id=1)
    both = [turned(first, 0.3), turned(second, angle)]
    merged = merge(both, Reflections.concatenate([table, other]), MergeParams(zero_dose=True))
    assert ("each of 2 crystals" in merged.remark) == (n_crystals == 2)
    hkl, true = true_intensities()
    truth = dict(zip(map(tuple, hkl.tolist()), 300.0 * true, strict=True))
    off = [(merged.intensity[k] - truth[tuple(h)]) / merged.sigma[k] for k, h in enumerate(merged.hkl.tolist())]
    assert (np.sqrt(np.mean(np.square(off))) < 2.0) == (n_crystals == 2)


def test_zero_dose_counts_outliers_that_are_where_damage_had_them():
    made, table = damaged(Recipe(n_observations=15000), 0.4)
    early = (table["xyz_cal_px"][:, 2] < 40) & (table["hkl"].sum(axis=1) % 10 == 0)
    rejected = table.without_flag(Flag.SCALED, early).with_flag(Flag.OUTLIER_IN_SCALING, early)
    plain, asked = (merge([made], rejected, MergeParams(zero_dose=wanted)) for wanted in (False, True))
    assert plain.n.sum() == np.sum(~early)
    assert asked.n.sum() > np.sum(~early) + 0.9 * np.sum(early)
    assert f"{int(asked.n.sum() - plain.n.sum())} observations that scaling took for outliers" in asked.remark


def test_zero_dose_changes_nothing_where_nothing_changed():
    made, table = damaged(Recipe(n_observations=15000))
    plain, asked = (merge([made], table, MergeParams(zero_dose=wanted)) for wanted in (False, True))
    np.testing.assert_array_equal(plain.intensity, asked.intensity)
    assert "none is extrapolated" in format_merge(asked)
