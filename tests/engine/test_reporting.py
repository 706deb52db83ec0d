from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.engine.reporting import (
    _lower_groups,
    _mates,
    indexing_report,
    lattices_report,
    of_first_lattice,
    resolution_report,
    worst_rmsds,
)
from autoproc.merging.mates import mates_agreements
from autoproc.models.reflections import Flag
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.result import ScaleResult
from autoproc.stages.scale import scale
from autoproc.symmetry.lattice_symmetry import lattice_symmetry
from autoproc.symmetry.subgroups import find_subgroups


def rmsd(x: float, y: float, z: float) -> SimpleNamespace:
    return SimpleNamespace(x_px=x, y_px=y, z_images=z)


def processing(scaled: ScaleResult | None = None) -> SimpleNamespace:
    """What the reports look at, of two lattices."""
    indexed = SimpleNamespace(
        n_indexed=(700, 200), n_unindexed=(60, 40), is_loose=True, n_per_lattice=(600, 300),
        rotations=(SimpleNamespace(angle=12.5),),
    )  # fmt: skip
    refined = SimpleNamespace(rmsds=(rmsd(0.3, 0.5, 0.2), rmsd(0.4, 0.1, 0.9)))
    return SimpleNamespace(indexed=indexed, refined=refined, scaled=scaled, resolution=None)


@pytest.fixture(scope="module")
def scaled() -> ScaleResult:
    made = synthetic(Recipe(n_observations=3000))
    return scale([made.experiment], made.reflections, ScaleParams(max_cycles=2, max_shadow_ratio=0))


def test_spots_of_all_sweeps_and_the_worst_direction_count():
    report = indexing_report(processing())
    assert (report.n_spots, report.n_indexed, report.rmsd) == (1000, 900, 0.9)
    assert worst_rmsds(processing().refined) == (0.5, 0.9)


def test_lattices_before_and_after_scaling(scaled):
    before, after = lattices_report(processing()), lattices_report(processing(scaled))
    for report in (before, after):
        assert (report.n_spots, report.n_left) == (1000, 100)
    assert before.r_meas is None
    assert after.r_meas == scaled.statistics.inner.steady_r_meas
    assert after.isa == scaled.isa
    assert after.n_unique == scaled.statistics.overall.n_unique


def test_quality_of_several_lattices_is_that_of_the_first(scaled):
    """The same crystal once more as another experiment, with nonsense: the first one's figures stay."""
    first = scaled.reflections
    noise = np.random.default_rng(0).normal(0, 1e4, len(first))
    second = first.replace(experiment_id=np.ones(len(first), int), intensity_scale=noise)
    both = replace(scaled, experiments=scaled.experiments * 2, reflections=type(first).concatenate([first, second]))
    assert len(of_first_lattice(both)) == len(first)
    report = lattices_report(processing(both))
    assert report.r_meas == pytest.approx(scaled.statistics.inner.steady_r_meas)
    assert report.n_unique == scaled.statistics.overall.n_unique


def test_mates_are_compared_on_the_common_scale_without_outliers(scaled):
    rows = scaled.reflections[scaled.reflections.has_flag(Flag.SCALED)]
    g = rows["inverse_scale"]
    group = scaled.experiments[0].crystal.space_group
    expected = mates_agreements(group, rows["hkl"], rows["intensity_scale"] / g, rows["variance_scale"] / g**2)
    assert _mates(scaled) == expected
    assert len(expected) > 1


def test_lower_groups_are_those_within_the_likeliest_first_and_of_a_class_before():
    subgroups = find_subgroups(lattice_symmetry((40, 40, 60, 90, 90, 90), 1.0))
    best = next(s for s in subgroups if s.order == 8)
    scores = [SimpleNamespace(subgroup=s) for s in subgroups]
    symmetry = SimpleNamespace(best=SimpleNamespace(subgroup=best), subgroups=scores)
    plain = _lower_groups(symmetry, ())
    assert plain[0] != "P 4/m m m"
    assert "P 4/m" in plain
    assert plain[-1] == "P -1"
    assert len(set(plain)) == len(plain)
    assert _lower_groups(symmetry, (1, 2, 4, 4))[0] == "P 4/m"
    lowest = SimpleNamespace(best=SimpleNamespace(subgroup=subgroups[-1]), subgroups=scores)
    assert _lower_groups(lowest, ()) == ()


@pytest.mark.parametrize("d_min", [1.8, np.inf, np.nan])
def test_a_resolution_that_is_no_number_is_no_report(d_min):
    estimate = SimpleNamespace(d_min=d_min, edge=1.5, limited_by_data=True, why="the end of the data")
    p = processing()
    assert resolution_report(p) is None
    p.resolution = estimate
    report = resolution_report(p)
    assert (report is None) == (not np.isfinite(d_min))
    if report is not None:
        assert (report.d_min, report.edge) == (1.8, 1.5)
