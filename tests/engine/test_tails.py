from __future__ import annotations

import pytest
from damaged_for_tests import scaled
from scaled_for_tests import Recipe

from autoproc.decisions.damage import CUTS, DAMAGE
from autoproc.engine.climb import Budget, climb
from autoproc.engine.tails import scaled_sweep
from autoproc.models.reflections import Flag
from autoproc.scaling.params import ScaleParams
from autoproc.stages.scale import scale


def scaled_with(change, **recipe):
    experiment, table = scaled(Recipe(n_observations=15000, **recipe), change)
    value = table["intensity_scale"]
    return scale([experiment], table.replace(intensity_prf=value, intensity_sum=value), ScaleParams())


@pytest.fixture(scope="module")
def damaged():
    return scaled_with(0.3)


def kept_of(result):
    sweep, journal = scaled_sweep(result, None), []
    climbed = climb(
        DAMAGE, lambda step: sweep.report(step.changes.get("scale.keep_first", 1.0), 0.05), lambda r: r,
        Budget(len(CUTS), 1e9), journal,
    )  # fmt: skip
    return climbed.result.kept, journal


def test_the_damaged_end_is_left_out(damaged):
    kept, journal = kept_of(damaged)
    assert kept < 1
    assert "intensities change with dose" in journal[0].because


def test_a_good_sweep_is_kept_whole():
    assert kept_of(scaled_with(0.0)) == (1.0, [])


def test_b_alone_is_corrected_by_scaling_and_costs_no_images():
    kept, journal = kept_of(scaled_with(0.0, b_end=15.0))
    assert kept == 1.0
    assert "B grows by 1" in journal[0].because


def test_a_report_counts_what_is_left(damaged):
    sweep = scaled_sweep(damaged, None)
    whole, half = sweep.report(1.0, 0.05), sweep.report(0.5, 0.05)
    assert (whole.completeness, whole.pairs) == (1.0, 1.0)
    assert half.multiplicity == pytest.approx(whole.multiplicity / 2, rel=0.1)
    assert 0.5 < half.pairs < half.completeness <= 1
    assert scaled_sweep(damaged, 3.0).report(1.0, 0.05).deviance.size < whole.deviance.size


def test_what_is_not_kept_is_not_scaled(damaged):
    table = damaged.reflections
    again = scale(damaged.experiments, table, ScaleParams(keep_first=0.5), damaged)
    used = again.reflections.has_flag(Flag.SCALED)
    assert again.n_scaled < 0.55 * damaged.n_scaled
    assert again.reflections["xyz_obs_px"][used, 2].max() <= 90
