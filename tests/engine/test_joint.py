"""Sweeps of one crystal at several kappa settings, with few spots each: together they give what none gives alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from joint_for_tests import CELL, GROUP, found_at, images_of, sweep_of, true_intensities
from quiet_observer import Quiet

from autoproc.config import Config, with_command_line
from autoproc.engine import integrate_sweeps as module
from autoproc.engine.integrate_sweeps import integrate_sweeps
from autoproc.engine.joint import NotOneCrystal, SweepFound, index_together, process_together
from autoproc.errors import ProcessingError
from autoproc.models.reflections import Flag
from autoproc.reports.summary import format_summary, summarise
from autoproc.stages.index import index
from autoproc.stages.integrate import TooFewForShapes
from autoproc.stages.pipeline import Processing
from autoproc.stages.refine import refine

CONFIG = with_command_line(Config(), {"run.n_threads": "1", "index.max_cell": "20"})


@pytest.fixture(autouse=True)
def in_memory(monkeypatch):
    monkeypatch.setattr(module, "open_frames", images_of)


@pytest.fixture(scope="module")
def indexed():
    found, kept, aside = index_together([SweepFound(f"x{n}", *found_at(n)) for n in (0, 1)], CONFIG)
    assert (kept, aside) == ([0, 1], {})
    return found


@pytest.fixture(scope="module")
def refined(indexed):
    return refine(indexed.experiments, indexed.reflections, CONFIG.refine)


def test_alone_the_first_has_too_few_spots():
    experiment, spots = found_at(0)
    alone = index([experiment], spots, CONFIG.index)
    with pytest.raises(ProcessingError, match="too few"):
        refine(alone.experiments, alone.reflections, CONFIG.refine)


def test_one_crystal_is_found_on_all_sweeps(indexed, refined):
    assert indexed.n_indexed == tuple(len(found_at(n)[1]) for n in (0, 1))
    for one in (*indexed.crystals, *(e.crystal for e in refined.experiments)):
        np.testing.assert_allclose(sorted(one.cell[:3]), CELL[:3], rtol=5e-4)
        np.testing.assert_allclose(one.cell[3:], 90, atol=0.03)
    first, second = (e.crystal for e in refined.experiments)
    np.testing.assert_allclose(first.cell, second.cell, rtol=1e-9)
    turn = second.A @ np.linalg.inv(first.A)
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) == pytest.approx(0.4, abs=0.05)  # what the goniometer missed
    assert refined.experiments[0].detector is refined.experiments[1].detector
    assert max(max(r.x_px, r.y_px, r.z_images) for r in refined.rmsds) < 0.1


@pytest.mark.parametrize("cell", [{}, {"index.unit_cell": ",".join(map(str, CELL))}])
def test_a_known_group_and_cell_are_obeyed(cell):
    config = with_command_line(CONFIG, {"index.space_group": GROUP, **cell})
    found, _, _ = index_together([SweepFound(f"x{n}", *found_at(n)) for n in (0, 1)], config)
    assert {c.space_group.xhm() for c in found.crystals} == {GROUP}
    np.testing.assert_allclose(found.crystals[0].cell, CELL, rtol=1e-3)
    assert found.fraction_indexed == 1


def test_wrong_kappa_angles_are_found_out():
    experiment, spots = found_at(1)
    first = found_at(0)
    wrong = replace(experiment, goniometer=first[0].goniometer)
    with pytest.raises(ProcessingError) as raised:
        index_together([SweepFound("x0", *first), SweepFound("x1", wrong, spots)], CONFIG)
    assert isinstance(raised.value, NotOneCrystal)
    assert "goniometer's angles" in raised.value.message


@pytest.fixture(scope="module")
def together():
    """Two sweeps of one crystal, and one of another between them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "open_frames", images_of)
        sweeps = [SweepFound("x0", *found_at(0)), SweepFound("y", *found_at(2, seed=5)), SweepFound("x1", *found_at(1))]
        processing, observer = Processing(sweeps[0].experiment), Quiet()
        process_together(processing, sweeps, CONFIG, observer)
    return processing, observer


def test_the_sweep_of_another_crystal_is_set_aside(together):
    processing, observer = together
    assert [row.name for row in processing.data_sets] == ["x0", "y", "x1"]
    assert [bool(row.why_aside) for row in processing.data_sets] == [False, True, False]
    assert "another crystal" in processing.data_sets[1].why_aside
    assert observer.kept == ["indexed", "refined", "integrated", "scaled"]
    assert {"index", "refine", "integrate x0", "integrate x1", "symmetry", "scale"} <= set(observer.stages)
    assert set(processing.timings) >= {"index", "refine", "integrate", "symmetry", "scale", "merge"}


def test_rmsds_of_each_sweep_are_told(together):
    processing, _ = together
    assert [row.rmsd is None for row in processing.data_sets] == [False, True, False]
    assert all(0 < max(row.rmsd) < 0.2 and row.n_refined > 10 for row in processing.data_sets if row.rmsd)
    summary = summarise("combined/x", processing, None)
    assert summary["data_sets"][0]["rmsd"] == processing.data_sets[0].rmsd
    text = " ".join(format_summary(summary, processing).split())
    assert f"RMSD {processing.data_sets[0].rmsd[0]:.2f}" in text
    assert "spots against predictions" in [check["name"] for check in summary["quality"]["checks"]]


def test_intensities_are_those_of_the_truth(together):
    processing, _ = together
    table = processing.scaled.reflections
    whole = table.has_flag(Flag.SCALED) & (table["partiality"] > 0.95)
    assert set(table["experiment_id"][whole]) == {0, 1}
    change = processing.symmetry.change_of_basis
    np.testing.assert_array_equal(change[0], change[1])
    order = np.argsort(processing.merged.cell.parameters[:3])
    true = true_intensities(sweep_of(processing.experiment), table["hkl"][whole][:, order])
    value = (table["intensity_prf"] * table["lp"] / table["qe"])[whole]
    known = np.isfinite(true)
    assert known.mean() > 0.95
    assert np.corrcoef(np.sqrt(np.clip(value[known], 0, None)), np.sqrt(true[known]))[0, 1] > 0.98


def test_no_sweep_of_one_crystal_is_doubted_for_having_little_in_common(together):
    processing, _ = together
    assert not [w for w in processing.symmetry.warnings if "in common" in w or "sets it aside" in w]


def with_few_spots(refined, n, of=1):
    """The refined sweeps with n spots left on one of them."""
    table = refined.reflections
    rows = np.flatnonzero(table["experiment_id"] == of)
    keep = np.ones(len(table), bool)
    keep[rows[n:]] = False
    return refined.experiments, table[keep]


def test_a_sweep_with_few_spots_learns_their_widths_from_the_others(refined):
    told = {}
    experiments, spots = with_few_spots(refined, 5)
    models, table = integrate_sweeps(
        experiments, spots, CONFIG, Quiet().watch, lambda n, result, reader: told.update({n: result})
    )
    assert list(told) == [0, 1]
    assert [r.shapes[0].is_borrowed for r in told.values()] == [False, True]
    assert any("strong spots are too few" in w for w in told[1].warnings)
    assert told[1].shapes[0].sigma_b == pytest.approx(told[0].shapes[0].sigma_b, rel=0.2)
    assert models[1].profile.sigma_m == pytest.approx(0.12, rel=0.4)
    assert np.count_nonzero(table["experiment_id"] == 1) > 20
    assert table.identifiers == {n: e.identifier for n, e in enumerate(refined.experiments)}


def test_sweeps_come_in_their_order_though_the_first_is_measured_last(refined):
    told = []
    models, table = integrate_sweeps(
        *with_few_spots(refined, 5, of=0), CONFIG, Quiet().watch, lambda n, result, reader: told.append(n)
    )
    assert told == [1, 0]
    assert [m.identifier for m in models] == [e.identifier for e in refined.experiments]
    assert np.count_nonzero(table["experiment_id"] == 0) > 20


def test_spots_too_few_on_all_sweeps_together_are_refused(refined):
    experiments, spots = with_few_spots(refined, 3)
    _, spots = with_few_spots(replace(refined, reflections=spots), 3, of=0)
    with pytest.raises(TooFewForShapes, match=r"only [1-6] spots?"):
        integrate_sweeps(experiments, spots, CONFIG, Quiet().watch, lambda *_: None)
