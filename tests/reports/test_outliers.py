"""The table of outliers names those that are farthest off, and leads to them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import parse_qs

import numpy as np
import pytest
from models_for_tests import experiment, scaled
from processed import processed_sweep

from autoproc.models.reflections import Flag
from autoproc.reports.outliers import MOST, outliers_table, worst_outliers
from autoproc.reports.report_html import scaling

SPOILT = {11: 900.0, 200: -700.0, 305: 400.0}
"""Rows of the table, and what is added to their scaled intensities."""


def spoilt(rows=SPOILT):
    """Observations of which some are off, and were left out for it."""
    made = experiment()
    table = scaled(made.crystal, noise=0.02)
    table = table.replace(xyz_cal_px=np.column_stack([np.full(len(table), 100.0), np.full(len(table), 50.0),
                                                      table["xyz_cal_px"][:, 2]]))  # fmt: skip
    intensity = table["intensity_scale"].copy()
    is_outlier = np.zeros(len(table), bool)
    for row, by in rows.items():
        intensity[row] += by * table["inverse_scale"][row]
        is_outlier[row] = True
    return made, table.replace(intensity_scale=intensity).with_flag(Flag.OUTLIER_IN_SCALING, is_outlier)


def test_the_farthest_off_comes_first_with_the_mean_of_the_others():
    made, table = spoilt()
    worst = worst_outliers([made], table)
    assert {one.row for one in worst} == set(SPOILT)
    assert [abs(one.deviation) for one in worst] == sorted((abs(one.deviation) for one in worst), reverse=True)
    for one in worst:
        assert one.hkl == tuple(table["hkl"][one.row])
        assert one.n_others == 5, "of six equivalents"
        assert np.sign(one.deviation) == np.sign(SPOILT[one.row])
        assert one.intensity - one.mean == pytest.approx(SPOILT[one.row], abs=30)
        assert one.image == 1 + int(table["xyz_cal_px"][one.row, 2])
        assert (one.x, one.y) == (100.0, 50.0)


def test_an_outlier_does_not_count_for_another_of_its_reflection():
    made, table = spoilt({0: 900.0, 1: 900.0})  # the first six are of one reflection
    worst = worst_outliers([made], table)
    assert [one.n_others for one in worst] == [4, 4]
    assert min(one.intensity - one.mean for one in worst) > 800


def test_no_more_than_can_be_looked_through():
    made, table = spoilt({6 * n: 500.0 + n for n in range(MOST + 5)})
    assert len(worst_outliers([made], table)) == MOST
    assert len(worst_outliers([made], table, 3)) == 3


def test_no_outliers_no_table():
    made, table = spoilt({})
    assert worst_outliers([made], table) == []
    assert outliers_table(SimpleNamespace(experiments=(made,), reflections=table, n_outliers=0)) is None


def test_each_sweep_has_its_own_images():
    made, table = spoilt()
    other = replace(made, imageset=replace(made.imageset, template="/data/other_###.cbf"))
    ids = np.where(np.arange(len(table)) == 200, 1, 0).astype(np.int32)
    found = outliers_table(SimpleNamespace(experiments=(made, other), reflections=table.replace(experiment_id=ids),
                                           n_outliers=3))  # fmt: skip
    sweeps = {parse_qs(view)["row"][0]: parse_qs(view).get("sweep", ["0"])[0] for view in found.views}
    assert sweeps == {"11": "0", "200": "1", "305": "0"}
    assert "sweep" in found.header


def test_the_report_leads_to_the_reflection_that_it_names(tmp_path_factory):
    processing = processed_sweep(tmp_path_factory)
    table = processing.scaled.reflections
    own = [t for t in scaling(processing).tables if t.title == "Outliers"]
    assert bool(own) == bool(processing.scaled.n_outliers)
    for row, view in zip(own[0].rows if own else (), own[0].views if own else (), strict=True):
        asked = parse_qs(view)
        assert asked["stage"] == ["scaled"]
        number = int(asked["row"][0])
        assert row[0] == " ".join(map(str, table["hkl"][number]))
        assert table.has_flag(Flag.OUTLIER_IN_SCALING)[number]
        assert abs(float(row[-1])) > 4
