"""A group's folder: what a sweep's folder has, with its members; and what is said where there is too little."""

from __future__ import annotations

import json
from dataclasses import replace

import gemmi
import numpy as np
import pytest
from joint_for_tests import found_at, images_of
from wedges_for_tests import wedges_of

from autoproc.config import Config
from autoproc.console import Console
from autoproc.engine import integrate_sweeps
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.dials.image_numbers import to_file_frames
from autoproc.formats.dials.refl import write_refl
from autoproc.reports.visit_index import sweep_row
from autoproc.service.processing.order import Order
from autoproc.service.processing.process_group import group_sweep
from autoproc.service.processing.process_job import process_job
from autoproc.service.results.brief import brief, failure_lines
from autoproc.service.results.outputs import Outputs
from autoproc.stages.combine import selected

MEMBERS = (("x_1", 1), ("x_2", 2), ("x_3", 1), ("x_4", 1))


def order_of(output, members=MEMBERS):
    outputs = Outputs(output)
    folder = outputs.folder("combined/x", 1)
    folder.mkdir(parents=True)
    return Order(7, 1, "combined/x", "/data/x", None, "", folder, outputs.outcome_path("combined/x", 1), Config(),
                 40, members)  # fmt: skip


def process(output, members=MEMBERS):
    order = order_of(output, members)
    with Console(order.folder / "autoproc.log", title="run") as console:
        return order, process_job(order, console)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Three wedges of one form and an impostor."""
    output = tmp_path_factory.mktemp("results")
    wedges = wedges_of("P 3", 3, 1, seed=4, degrees=(50, 70))
    for n, (name, _) in enumerate(MEMBERS):
        stages = output / name / "stages"
        stages.mkdir(parents=True)
        experiments, table = selected(wedges.experiments, wedges.reflections, [n])
        write_expt(stages / "integrated.expt", experiments)
        write_refl(stages / "integrated.refl", to_file_frames(table, experiments))
    return (output, wedges, *process(output))


def test_the_folder_has_what_a_sweep_s_has(done):
    _, _, order, summary = done
    assert summary["status"] == "processed", summary["error"]
    names = {path.name for path in order.folder.iterdir()}
    assert names >= {"merged.mtz", "unmerged.mtz", "summary.txt", "summary.json", "report.html", "ispyb.json", "stages"}
    assert {path.name for path in (order.folder / "stages").iterdir()} == {
        "combined.expt", "combined.refl", "scaled.expt", "scaled.refl",
    }  # fmt: skip
    assert gemmi.read_mtz_file(str(order.folder / "merged.mtz")).nreflections > 100


def test_members_and_what_each_added_are_told(done):
    _, wedges, order, summary = done
    kept = json.loads((order.folder / "summary.json").read_text())
    assert kept["members"] == dict(MEMBERS) == brief(summary)["members"]
    aside = [row["name"] for row in kept["data_sets"] if row["why_aside"]]
    assert aside == [MEMBERS[n][0] for n in np.flatnonzero(wedges.is_impostor)]
    page = (order.folder / "summary.txt").read_text()
    assert "3 of 4 data sets put together" in page
    assert f"{aside[0]}: set aside, for" in page
    assert kept["n_images"] == sum(e.scan.n_images for e in wedges.experiments)
    assert "Data sets" in (order.folder / "report.html").read_text()


def test_the_damage_of_each_crystal_is_told(done):
    _, _, order, summary = done
    inside = [row["name"] for row in summary["data_sets"] if not row["why_aside"]]
    crystals = json.loads((order.folder / "summary.json").read_text())["damage"]["crystals"]
    assert [one["sweeps"] for one in crystals] == [[name] for name in inside]
    assert not any(one["suffers"] for one in crystals)
    page = (order.folder / "summary.txt").read_text()
    assert "none of the 3 crystals suffers by itself" in page
    assert f"{inside[0]}: B " in page
    assert "Crystals" in (order.folder / "report.html").read_text()
    assert brief(summary)["suffer"] == []


def test_sweeps_whose_results_are_gone_are_named(done, tmp_path):
    for name in ("x_1", "x_2"):
        (tmp_path / name / "stages").mkdir(parents=True)
    order, summary = process(tmp_path, MEMBERS[:2])
    assert summary["status"] == "failed"
    assert summary["error"].startswith("0 of the sweeps of combined/x have results")
    assert "x_1: " in summary["error"]
    assert summary["members"] == dict(MEMBERS[:2])
    assert (order.folder / "summary.txt").exists()


def test_an_order_keeps_its_members(tmp_path):
    order = order_of(tmp_path)
    assert Order.read(order.line()) == order


def test_sweeps_of_which_no_two_agree_are_not_combined_and_nothing_has_failed(tmp_path):
    for n, seed in enumerate((11, 12)):
        stages = tmp_path / MEMBERS[n][0] / "stages"
        stages.mkdir(parents=True)
        one = wedges_of("P 3", 1, 0, seed=seed, degrees=(50, 60))
        write_expt(stages / "integrated.expt", one.experiments)
        write_refl(stages / "integrated.refl", to_file_frames(one.reflections, one.experiments))
    order, summary = process(tmp_path, MEMBERS[:2])
    assert (summary["status"], summary["quality"]["verdict"]) == ("not_combined", None)
    text, page = ((order.folder / name).read_text() for name in ("summary.txt", "report.html"))
    assert "NOT COMBINED: of 2 data sets no two agree" in text
    assert "the result is of the others" not in text  # there are none
    assert "Not combined:" in page
    for words in (text, page):
        assert "failed" not in words.lower()
    result = brief(summary)
    assert failure_lines("combined/x", result) == [f"combined/x: not combined: {summary['error']}"]
    row = sweep_row("combined/x", summary["status"], result, 80, summary["error"])
    assert (row.lamp, row.verdict_words, row.has_report) == ("open", "not combined", True)
    assert json.loads((order.folder / "ispyb.json").read_text())["AutoProc"]["spaceGroup"] == summary["space_group"]


@pytest.fixture
def failed(tmp_path):
    """Two sweeps that failed with the spots on their images found, and one of which nothing is left."""
    for number, name in enumerate(("x_1", "x_2")):
        stages = tmp_path / name / "stages"
        stages.mkdir(parents=True)
        experiment, spots = found_at(number)
        write_expt(stages / "imported.expt", [experiment])
        write_refl(stages / "strong.refl", to_file_frames(spots, [experiment]))
        facts = {"status": "failed", "error": "too few of the spots agree", "n_spots": len(spots)}
        (tmp_path / name / "summary.json").write_text(json.dumps(facts))
    return tmp_path


def test_what_a_failed_sweep_has_left_is_read(failed):
    sweep = group_sweep(failed, "x_2")
    experiment, spots = found_at(1)
    assert sweep.integrated is None
    assert (sweep.failure, sweep.n_spots) == ("too few of the spots agree", len(spots))
    found = sweep.found()
    assert found.name == "x_2"
    np.testing.assert_allclose(found.spots["xyz_obs_px"], spots["xyz_obs_px"])
    np.testing.assert_allclose(found.experiment.goniometer.fixed, experiment.goniometer.fixed, atol=1e-9)
    gone = group_sweep(failed, "x_3")
    assert (gone.integrated, gone.n_spots) == (None, 0)
    assert gone.failure
    (failed / "x_1" / "summary.json").write_text("[")
    assert group_sweep(failed, "x_1").n_spots == 0


def test_sweeps_that_failed_alone_are_processed_together(failed, monkeypatch):
    monkeypatch.setattr(integrate_sweeps, "open_frames", images_of)
    order, summary = process(failed, MEMBERS[:2])
    assert summary["status"] == "processed", summary["error"]
    assert [row["name"] for row in summary["data_sets"] if not row["why_aside"]] == ["x_1", "x_2"]
    assert summary["n_images"] == 32
    page = (order.folder / "summary.txt").read_text()
    assert "index the spots of 2 sweeps together: yes" in page
    assert "2 of 2 data sets put together" in page
    assert {path.name for path in (order.folder / "stages").iterdir()} >= {
        "indexed.expt", "refined.refl", "integrated.refl", "scaled.refl",
    }  # fmt: skip
    assert gemmi.read_mtz_file(str(order.folder / "merged.mtz")).nreflections > 20
    assert "Data sets" in (order.folder / "report.html").read_text()


def test_sweeps_that_are_not_of_one_crystal_are_not_combined_and_nothing_more_has_failed(failed):
    stages = failed / "x_2" / "stages"
    (wrong,) = read_expt(stages / "imported.expt")
    write_expt(stages / "imported.expt", [replace(wrong, goniometer=found_at(0)[0].goniometer)])
    order, summary = process(failed, MEMBERS[:2])
    assert summary["status"] == "not_combined"
    assert "are not of one crystal" in summary["error"]
    assert "goniometer angles" in summary["error_hint"]
    assert [(row["name"], row["n_images"]) for row in summary["data_sets"]] == [("x_1", 16), ("x_2", 16)]
    assert all(row["why_aside"] for row in summary["data_sets"])
    assert (summary["n_images"], summary["n_images_used"]) == (32, 0)  # not those of the first sweep
    page = (order.folder / "report.html").read_text()
    assert "<b>0 of 32</b><span>images put together</span>" in page
    assert "Each sweep keeps the results that it has by itself. If they are of one, the headers&#39;" in page
