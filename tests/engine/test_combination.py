"""Data sets put together: one setting, bad ones out, what each adds, wavelengths apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from quiet_observer import Quiet
from wedges_for_tests import wedges_of

from autoproc.config import Config
from autoproc.engine.combination import combine_sensibly, data_sets_report
from autoproc.merging.merging_statistics import merging_statistics
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.combine import NothingAgrees
from autoproc.stages.pipeline import Processing


def put_together(wedges, reflections=None, experiments=None, config=None):
    experiments = list(experiments or wedges.experiments)
    names = [f"x{n}" for n in range(len(experiments))]
    processing, observer = Processing(experiments[0]), Quiet()
    table = wedges.reflections if reflections is None else reflections
    combine_sensibly(processing, names, (experiments, table), config or Config(), observer)
    return processing, observer


@pytest.fixture(scope="module")
def together():
    return put_together(wedges_of("P 3", 8, 1, seed=3))


def test_all_stages_are_told_and_kept(together):
    processing, observer = together
    assert observer.kept == ["combined", "scaled"]
    assert next(name for name in observer.stages if "attempt" not in name) == "combine"
    assert "merge" in observer.stages
    assert processing.merged is not None
    assert set(processing.timings) >= {"combine", "scale", "merge"}


def test_impostors_are_set_aside_with_the_reason(together):
    processing, _ = together
    wedges = wedges_of("P 3", 8, 1, seed=3)
    aside = [n for n, row in enumerate(processing.data_sets) if row.why_aside]
    assert aside == list(np.flatnonzero(wedges.is_impostor))
    assert all(row.completeness is None and row.n_observations == 0 for row in processing.data_sets if row.why_aside)


def test_what_each_added_adds_up(together):
    processing, _ = together
    rows = [row for row in processing.data_sets if not row.why_aside]
    so_far = [row.completeness for row in rows]
    assert so_far == sorted(so_far)
    overall = processing.scaled.statistics.overall
    assert so_far[-1] == pytest.approx(overall.completeness)
    assert sum(row.n_observations for row in rows) == overall.n_observations
    assert 0 < sum(row.n_alone for row in rows) < overall.n_unique
    assert all(row.cc > 0.8 for row in rows)


def test_what_lies_beyond_the_limit_is_no_loss(together):
    """Of the noise in the detector's corners a data set more measures more: that is no reason to keep it."""
    processing, _ = together
    scaled = processing.scaled
    table, limit = scaled.reflections, 4.0
    d = scaled.experiments[0].crystal.unit_cell.calculate_d_array(table["hkl"])
    corners = (d < limit) & (np.arange(len(table)) % 9 > 0)
    noisy = replace(scaled, reflections=table.with_flag(Flag.EXCLUDED_FOR_SCALING, corners))
    noisy = replace(noisy, statistics=merging_statistics(noisy.experiments, noisy.reflections))
    names = [f"x{n}" for n in range(len(scaled.experiments))]
    asked = Processing(scaled.experiments[0])
    asked.scaled = noisy
    asked.resolution = replace(processing.resolution, d_min=limit)
    told = data_sets_report(asked, names)
    assert told.completeness == pytest.approx(100.0, abs=3.0)
    assert noisy.statistics.overall.completeness < told.completeness - 10


def test_a_data_set_that_harms_is_left_out_and_the_journal_says_so():
    wedges = wedges_of("P 3", 10, 0, seed=5, degrees=(40, 60))
    table = wedges.reflections
    bad = table["experiment_id"] == 4
    spoilt = table["intensity_prf"] * np.where(bad, np.random.default_rng(1).lognormal(0, 0.5, len(bad)), 1.0)
    columns = {"intensity_prf": spoilt}
    if "intensity_sum" in table:
        columns["intensity_sum"] = np.where(bad, spoilt, table["intensity_sum"])
    processing, _ = put_together(wedges, table.replace(**columns))
    told = [d for d in processing.decisions if d.what.startswith("leave out")]
    assert [(d.what, d.kept) for d in told] == [("leave out x4", True)]
    assert "held-out reflections changes by +" in told[0].because
    assert processing.data_sets[4].why_aside == "the others agree better without it"
    assert len(processing.scaled.experiments) == 9


def test_good_data_sets_all_stay():
    processing, _ = put_together(wedges_of("P 4", 6, 0, seed=2, degrees=(30, 50)))
    assert [row.why_aside for row in processing.data_sets] == [""] * 6
    assert not [d for d in processing.decisions if d.what.startswith("leave out") and d.kept]


def test_wavelengths_are_scaled_together_and_merged_apart():
    wedges = wedges_of("P 21 21 21", 4, 0, seed=2, degrees=(60, 80))
    experiments = [
        replace(e, beam=replace(e.beam, wavelength=e.beam.wavelength * (1.001 if n % 2 else 1.0)))
        for n, e in enumerate(wedges.experiments)
    ]
    processing, observer = put_together(wedges, experiments=experiments)
    assert len(processing.by_wavelength) == 2
    first, second = processing.by_wavelength
    assert second.wavelength == pytest.approx(1.001 * first.wavelength)
    assert (first.names, second.names) == (("x0", "x2"), ("x1", "x3"))
    most = max(processing.by_wavelength, key=lambda one: int(one.merged.n.sum()))
    assert processing.merged is most.merged
    for one in processing.by_wavelength:
        assert one.merged.wavelength == pytest.approx(one.wavelength)
        assert one.statistics.overall.n_observations == int(one.merged.n.sum())
        assert one.statistics.overall.n_unique == len(one.merged)
    rows = {row.name: row for row in processing.data_sets}
    for one in processing.by_wavelength:
        own = [rows[name] for name in one.names]
        assert own[-1].completeness == pytest.approx(one.statistics.overall.completeness)
        assert sum(row.n_observations for row in own) == one.statistics.overall.n_observations
    assert [name for name in observer.stages if name.startswith("merge ")] == [
        f"merge {one.wavelength:.4f}A by itself" for one in processing.by_wavelength
    ]


def test_data_sets_of_which_no_two_agree_are_not_put_together():
    one, other = (wedges_of("P 3", 1, 0, seed=seed, degrees=(50, 60)) for seed in (11, 12))
    ids = other.reflections["experiment_id"] + 1
    table = Reflections.concatenate([one.reflections, other.reflections.replace(experiment_id=ids)])
    with pytest.raises(NothingAgrees, match="of 2 data sets no two agree"):
        put_together(one, table, [*one.experiments, *other.experiments])


def test_settings_are_consistent(together):
    processing, _ = together
    assert len(processing.scaled.experiments) == 8
    assert processing.symmetry.space_group.point_group_hm() == "3"
    assert processing.scaled.statistics.overall.r_meas < 0.25
