from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scaled_for_tests import Recipe, experiment, synthetic

from autoproc.errors import NoReflections
from autoproc.geometry.shells import equal_volume_shells
from autoproc.merging.agreement import group_agreement
from autoproc.merging.correlation import half_set_correlations, is_significant
from autoproc.merging.groups import group_equivalents
from autoproc.merging.merging_statistics import HalfSetTables, MergingTables, merging_statistics, scaled_observations
from autoproc.merging.tables import format_shells, format_table_one
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.merge import MergeParams, merge


def scaled_table(recipe: Recipe) -> Reflections:
    made = synthetic(recipe)
    table = made.reflections
    return table.replace(
        intensity_scale=table["intensity_prf"], variance_scale=table["variance_prf"], inverse_scale=made.factor
    ).with_flag(Flag.SCALED)


@pytest.fixture(scope="module")
def table() -> Reflections:
    return scaled_table(Recipe())


def test_r_factors_by_hand() -> None:
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), np.array([[1, 2, 3]] * 3 + [[2, 2, 2]] * 2 + [[5, 0, 1]]))
    intensity = np.array([9.0, 10.0, 11.0, 20.0, 30.0, 7.0])
    agreement = group_agreement(groups, intensity, np.ones(6))
    assert agreement.r_merge == pytest.approx((2 + 10) / 80)
    assert agreement.r_meas == pytest.approx((2 * np.sqrt(3 / 2) + 10 * np.sqrt(2)) / 80)
    assert agreement.r_pim == pytest.approx((2 * np.sqrt(1 / 2) + 10) / 80)


def test_counts_add_up(table: Reflections) -> None:
    statistics = merging_statistics([experiment(Recipe())], table)
    assert sum(s.n_observations for s in statistics.shells) == statistics.overall.n_observations == len(table)
    assert sum(s.n_unique for s in statistics.shells) == statistics.overall.n_unique
    assert statistics.inner.d_max > statistics.inner.d_min >= statistics.outer.d_max > statistics.outer.d_min
    assert statistics.overall.multiplicity == pytest.approx(len(table) / statistics.overall.n_unique)


def test_completeness_counts_what_is_missing() -> None:
    full = scaled_table(Recipe(n_observations=60000))
    statistics = merging_statistics([experiment(Recipe())], full)
    assert statistics.overall.completeness == pytest.approx(100.0, abs=0.1)
    half = full[group_equivalents(gemmi.SpaceGroup("P 41 21 2"), full["hkl"]).group % 2 == 0]
    assert merging_statistics([experiment(Recipe())], half).overall.completeness == pytest.approx(50.0, abs=1.0)


def test_good_data_have_high_cc_and_noise_has_none(table: Reflections) -> None:
    assert merging_statistics([experiment(Recipe())], table).overall.cc_half > 0.99
    noise = table.replace(intensity_scale=np.random.default_rng(1).normal(size=len(table)))
    overall = merging_statistics([experiment(Recipe())], noise).overall
    assert abs(overall.cc_half) < 0.08
    assert not overall.cc_half_significant


def test_noise_has_no_r_factors(table: Reflections) -> None:
    """A sum of intensities that is not above zero makes them huge, or negative, by chance."""
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(size=len(table)) * np.sqrt(table["variance_scale"])
        overall = merging_statistics([experiment(Recipe())], table.replace(intensity_scale=noise)).overall
        assert overall.r_merge is overall.r_meas is overall.r_pim is overall.r_anom is None
        assert " - " in format_shells(merging_statistics([experiment(Recipe())], table.replace(intensity_scale=noise)))


def test_no_number_is_a_negative_nought(table: Reflections) -> None:
    noise = np.random.default_rng(3).normal(size=len(table)) * np.sqrt(table["variance_scale"]) * 1e-3
    statistics = merging_statistics([experiment(Recipe())], table.replace(intensity_scale=noise))
    assert "-0.0 " not in format_shells(statistics) + format_table_one(statistics)


def test_weak_signal_keeps_its_r_factors(table: Reflections) -> None:
    noise = np.random.default_rng(0).normal(size=len(table)) * np.sqrt(table["variance_scale"])
    weak = table.replace(intensity_scale=noise + 0.2 * np.sqrt(table["variance_scale"]))
    r_merge = merging_statistics([experiment(Recipe())], weak).overall.r_merge
    assert r_merge is not None
    assert 1 < r_merge < 10


def test_what_is_counted_is_what_is_merged(table: Reflections) -> None:
    """Systematic absences that were measured are in neither."""
    hkl = table["hkl"].copy()
    hkl[:40] = [(0, 0, n) for n in np.tile([1, 2, 3, 5], 10)]
    with_absent = table.replace(hkl=hkl)
    overall = merging_statistics([experiment(Recipe())], with_absent).overall
    merged = merge([experiment(Recipe())], with_absent, MergeParams())
    assert overall.n_unique == len(merged)
    assert overall.n_observations == merged.n.sum() == len(table) - 40


def test_anomalous_signal_is_seen_where_there_is_one() -> None:
    without = merging_statistics([experiment(Recipe())], scaled_table(Recipe(n_observations=30000)))
    signal = merging_statistics([experiment(Recipe())], scaled_table(Recipe(n_observations=30000, anomalous=0.2)))
    assert abs(without.overall.cc_anom) < 0.1
    assert signal.overall.cc_anom > 0.6
    assert signal.anomalous_slope > 1.3 > without.anomalous_slope
    assert signal.df_over_f > without.df_over_f
    assert signal.overall.r_merge_anom < signal.overall.r_merge


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_observations_does_not_matter(seed: int) -> None:
    table = scaled_table(Recipe(n_observations=2000))
    shuffled = table[np.random.default_rng(seed).permutation(len(table))]
    one, other = (merging_statistics([experiment(Recipe())], t, n_shells=5) for t in (table, shuffled))
    for name in ("r_meas", "r_pim_anom", "cc_half", "cc_anom", "i_over_sigma", "completeness"):
        assert getattr(other.overall, name) == pytest.approx(getattr(one.overall, name), rel=1e-9)


def test_rejected_reflections_are_left_out(table: Reflections) -> None:
    outliers = np.arange(len(table)) % 3 == 0
    statistics = merging_statistics([experiment(Recipe())], table.with_flag(Flag.OUTLIER_IN_SCALING, outliers))
    assert statistics.overall.n_observations == np.count_nonzero(~outliers)


def test_single_observations_have_no_r_factor() -> None:
    table = scaled_table(Recipe(n_observations=3))
    statistics = merging_statistics([experiment(Recipe())], table)
    assert statistics.overall.r_merge is None
    assert statistics.overall.cc_half is None
    assert " - " in format_table_one(statistics) or "-\n" in format_table_one(statistics)
    assert format_shells(statistics)


def test_nothing_left_says_so(table: Reflections) -> None:
    with pytest.raises(NoReflections):
        merging_statistics([experiment(Recipe())], table.with_flag(Flag.OUTLIER_IN_SCALING))
    with pytest.raises(NoReflections):
        merging_statistics([experiment(Recipe())], table, d_min=100.0)


def test_shells_hold_every_reflection_once() -> None:
    d = np.random.default_rng(0).uniform(1.0, 30.0, 500)
    shell = equal_volume_shells(d, 7).index(d)
    assert shell.min() == 0
    assert shell.max() == 6
    assert np.all(equal_volume_shells(np.full(4, 2.0), 3).index(np.full(4, 2.0)) >= 0)


def test_half_sets_agree_with_the_expected_correlation() -> None:
    random = np.random.default_rng(2)
    true = random.exponential(size=3000)
    hkl = np.repeat(np.stack([np.arange(1, 3001), np.zeros(3000, int), np.zeros(3000, int)], axis=1), 8, axis=0)
    observed = np.repeat(true, 8) + random.normal(size=24000)
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), hkl)
    cc, n = half_set_correlations(groups, observed, np.ones(24000)).cc_half(np.ones(3000, bool))
    assert n == 3000
    assert cc == pytest.approx(1 / (1 + 1 / 4), abs=0.02)  # var(I) = 1, var of a half's mean = 1/4


def test_significance_needs_pairs() -> None:
    assert is_significant(0.5, 100)
    assert not is_significant(0.1, 100)
    assert not is_significant(0.99, 2)
    assert not is_significant(None, 1000)


def test_table_one_has_the_rows_of_the_tutorials(table: Reflections) -> None:
    statistics = merging_statistics([experiment(Recipe())], table)
    text = format_table_one(statistics)
    assert text.splitlines()[2].split() == ["Overall", "Low", "High"]
    for row in ("High resolution limit", "Rmerge(I+/-)", "Anomalous slope", "dF/F", "dI/s(dI)", "Total unique"):
        assert row in text
    suggested = format_table_one(statistics, merging_statistics([experiment(Recipe())], table, d_min=3.0))
    assert suggested.splitlines()[2].split() == ["Suggested", "Low", "High", "Overall"]


def test_shells_of_half_sets_are_those_of_the_table(table: Reflections) -> None:
    observations = scaled_observations([experiment(Recipe())], table)
    halves, tables = HalfSetTables(observations), MergingTables(observations)
    for few, all_of_it in zip(halves.shells(5, 3.0), tables.shells(5, 3.0), strict=True):
        assert (few.d_max, few.d_min) == (all_of_it.d_max, all_of_it.d_min)
        assert (few.n_unique, few.i_over_sigma) == (all_of_it.n_unique, all_of_it.i_over_sigma)
        here = (tables.d <= few.d_max * (1 + 1e-9)) & (tables.d >= few.d_min * (1 - 1e-9))
        assert few.cc_half == pytest.approx(tables.halves.steady_cc_half(here)[0], abs=0.01)


def test_observations_of_a_table_are_looked_for_once_for_each_cell_group_and_limit(table: Reflections) -> None:
    first = scaled_observations([experiment(Recipe())], table)
    assert scaled_observations([experiment(Recipe())], table) is first
    limited = scaled_observations([experiment(Recipe())], table, d_min=4.0)
    assert limited.d.min() >= 4.0 > first.d.min()
    larger = experiment(Recipe())
    assert larger.crystal is not None
    larger = replace(larger, crystal=replace(larger.crystal, A=larger.crystal.A / 1.1))
    assert scaled_observations([larger], table).d.min() == pytest.approx(1.1 * first.d.min())
    lower = replace(larger, crystal=replace(larger.crystal, space_group=gemmi.SpaceGroup("P 1")))
    assert len(scaled_observations([lower], table).groups) > len(first.groups)
    doubled = scaled_observations([experiment(Recipe())], table.replace(inverse_scale=2 * table["inverse_scale"]))
    np.testing.assert_allclose(doubled.intensity, first.intensity / 2)
