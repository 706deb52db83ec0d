"""Equivalents that have nothing in common are told from weak ones, and from those that are too few to tell."""

from __future__ import annotations

import numpy as np
import pytest
from scaled_for_tests import Recipe, experiment, synthetic

from autoproc.merging.merging_statistics import merging_statistics
from autoproc.merging.no_agreement import doubts_of_agreement
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.shell_statistics import Agreement
from autoproc.stages.merge import MergeParams, format_merge, merge

KNOWN = [experiment(Recipe())]


@pytest.fixture(scope="module")
def good() -> Reflections:
    made = synthetic(Recipe())
    table = made.reflections
    return table.replace(
        intensity_scale=table["intensity_prf"], variance_scale=table["variance_prf"], inverse_scale=made.factor
    ).with_flag(Flag.SCALED)


def unrelated(table: Reflections) -> Reflections:
    """The same observations with intensities that have nothing in common but their fall with resolution."""
    d = KNOWN[0].crystal.unit_cell.calculate_d_array(table["hkl"])
    mean = 2e4 * np.exp(-60.0 / (2 * d**2))
    value = mean * np.random.default_rng(3).exponential(1.0, len(d))
    return table.replace(intensity_scale=value, variance_scale=(0.1 * mean) ** 2, inverse_scale=np.ones(len(d)))


def agreement_of(table: Reflections) -> Agreement | None:
    return merging_statistics(KNOWN, table).agreement


def test_good_data_agree(good):
    found = agreement_of(good)
    assert found.cc > 0.95
    assert not found.is_none
    assert doubts_of_agreement(found) == ()


def test_what_falls_with_resolution_only_does_not(good):
    wrong = unrelated(good)
    statistics = merging_statistics(KNOWN, wrong)
    assert statistics.overall.cc_half_significant, "over all resolutions it looks like data"
    assert statistics.agreement.is_none
    assert abs(statistics.agreement.cc) < 0.1
    (words,) = doubts_of_agreement(statistics.agreement)
    assert words.startswith("the symmetry-related intensities: they do not agree at all (CC1/2 ")
    merged = merge(KNOWN, wrong, MergeParams())
    assert merged.doubts[-1].startswith("the symmetry-related intensities: they do not agree at all")
    assert merged.doubts[-1] in format_merge(merged)
    assert merge(KNOWN, good, MergeParams()).doubts == ()


@pytest.mark.parametrize(
    ("cc", "n", "is_none"),
    [(0.0, 70, True), (0.0, 50, False), (-0.3, 30, True), (0.25, 10_000, False), (0.08, 10_000, True),
     (0.12, 10_000, False), (0.15, 230, True), (0.0, 0, False), (1.0, 5, False)],
)  # fmt: skip
def test_weak_agreement_and_too_few_reflections_are_not_none(cc, n, is_none):
    assert Agreement(cc, n).is_none == is_none


def test_a_handful_of_repeats_tells_nothing(good):
    few = unrelated(good)[np.arange(60)]
    found = agreement_of(few)
    assert found is None or not found.is_none
