"""What can be tried is said where the data call for it, with the command."""

from __future__ import annotations

from dataclasses import replace

import pytest
from damaged_for_tests import scaled
from processed import processed_sweep

from autoproc.damage.drift import Drift
from autoproc.reports.recipes import recipes
from autoproc.reports.report_html import report_of, report_page
from autoproc.reports.story import story
from autoproc.reports.summary import format_summary, summarise
from autoproc.stages.damage_analysis import DamageParams, damage_analysis
from autoproc.stages.merge import MergeParams, merge
from autoproc.stages.pipeline import Processing


def processed(change, **params):
    experiment, table = scaled(change=change)
    found = Processing(experiment)
    found.damage = damage_analysis([experiment], table, DamageParams())
    found.merged = merge([experiment], table, MergeParams(**params))
    return found


def test_zero_dose_is_offered_where_intensities_change():
    (said,) = recipes("x 1", processed(0.3))
    assert "`autoproc reprocess 'x 1' merge.zero_dose=true`" in said
    assert said.startswith(("intensities change by 2", "intensities change by 3"))


@pytest.mark.parametrize(("change", "params"), [(0.0, {}), (0.3, {"zero_dose": True})])
def test_it_is_not_offered_where_nothing_changes_or_it_is_done(change, params):
    assert recipes("x", processed(change, **params)) == []


def test_a_change_that_is_hardly_any_needs_none():
    found = processed(0.3)
    found.damage = replace(found.damage, drift=replace(found.damage.drift, change=0.04, error=0.001))
    assert recipes("x", found) == []
    assert recipes("x", None) == []


def test_the_summary_and_the_page_have_it(tmp_path_factory):
    whole = processed_sweep(tmp_path_factory)
    assert whole.damage is not None
    burnt = replace(whole, damage=replace(whole.damage, drift=Drift(0.3, 0.02, 1000, 0.5)))
    summary = summarise("demo", burnt, None)
    assert summary["recipes"] == recipes("demo", burnt) != []
    text = format_summary(summary, burnt)
    assert "`autoproc reprocess demo merge.zero_dose=true`" in text, "on one line"
    assert "To try\n------\n* intensities change by 30.0% over the dose" in text
    page = report_page(summary, report_of(summary, burnt))
    assert "<code>autoproc reprocess demo merge.zero_dose=true</code>" in page
    assert "To try" not in format_summary(summarise("demo", whole, None) | {"recipes": []}, whole)


def test_what_was_done_at_zero_dose_is_told(tmp_path_factory):
    whole = processed_sweep(tmp_path_factory)
    done = replace(whole, merged=replace(whole.merged, remark="Intensities are extrapolated to no dose"))
    assert "Intensities are extrapolated to no dose" in [line.text for line in story(done)]
