"""One reflection, its equivalents, and lists of them: as the table has them, and as the pixels are."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import gemmi
import numpy as np
import pytest
from models_for_tests import experiment
from processed import processed_sweep

from autoproc.models.reflections import Flag, Reflections
from autoproc.reports.maps import deviations_map
from autoproc.reports.plots import used_in_refinement
from autoproc.reports.report_html import USED_SPOTS
from autoproc.viewing.equivalents import equivalent_indices, equivalents, rows_with
from autoproc.viewing.image_cache import BoundedCache
from autoproc.viewing.images import SweepOfImages
from autoproc.viewing.reflection_list import MOST, ReflectionFilter, reflection_list
from autoproc.viewing.reflections_on_image import (
    doubt_of,
    fates,
    highest_resolution,
    places,
    reflections_on_image,
    rows_on_images,
)
from autoproc.viewing.shoebox_view import OVERLOADED, reflection_facts

GROUP = gemmi.SpaceGroup("P 21 21 21")


@pytest.fixture(scope="module")
def processing(tmp_path_factory):
    return processed_sweep(tmp_path_factory)


@pytest.fixture(scope="module")
def integrated(processing):
    return processing.integrated


@pytest.fixture(scope="module")
def sweep(integrated, processing):
    from autoproc.formats.registry import open_reader

    models = tuple(integrated.experiments)
    reader = open_reader(models[0])
    members = tuple(range(len(models)))
    return SweepOfImages("demo", 0, members, models, reader, reader.mask, BoundedCache(1 << 26), "demo")


def strongest(table, n=20):
    return np.argsort(-table["intensity_sum"])[:n]


def test_peak_pixels_sum_to_the_integrated_intensity(integrated, sweep):
    table = integrated.reflections
    whole = table["partiality"] > 0.99
    off, more = [], []
    for row in strongest(table, 60):
        facts = reflection_facts(table, int(row), sweep, integrated.experiments)
        box = facts["box"]
        counts = np.array(box["counts"]).reshape(box["shape"])
        peak = np.array(box["peak"], bool).reshape(box["shape"]) & (counts > OVERLOADED)
        found = counts[peak].sum() - facts["background"] * peak.sum()
        more.append(peak.sum() - table["n_foreground"][row])
        if whole[row]:
            off.append(found / table["intensity_sum"][row] - 1)
    assert abs(np.median(off)) < 0.01
    assert np.mean(np.array(more) == 0) > 0.95, "but those that share pixels with a neighbour"


def test_the_rocking_curve_follows_the_mosaicity(integrated, sweep):
    table = integrated.reflections
    agreement = []
    for row in strongest(table):
        rocking = reflection_facts(table, int(row), sweep, integrated.experiments)["rocking"]
        assert len(rocking["measured"]) == len(rocking["expected"])
        if len(rocking["measured"]) > 2:
            agreement.append(np.corrcoef(rocking["measured"], rocking["expected"])[0, 1])
    assert not agreement or np.median(agreement) > 0.8


def test_what_is_told_is_json(integrated, sweep):
    table = integrated.reflections
    json.dumps(reflection_facts(table, 0, sweep, integrated.experiments), allow_nan=False)
    json.dumps(reflections_on_image(table, sweep, integrated.experiments, sweep.first + 3), allow_nan=False)
    json.dumps(equivalents(table, 0, GROUP, integrated.experiments), allow_nan=False)


def test_reflections_are_on_the_images_of_their_boxes(integrated, sweep):
    table = integrated.reflections
    for frame in (0, 7, 29):
        rows = np.flatnonzero(rows_on_images(table, frame))
        told = reflections_on_image(table, sweep, integrated.experiments, frame + sweep.first)
        assert told["columns"]["row"] == rows.tolist()
        assert all(box[4] <= frame < box[5] for box in told["columns"]["box"])


def test_equivalents_are_those_of_the_group():
    indices, is_mate = equivalent_indices(np.array([1, 2, 3]), GROUP)
    assert len(indices) == 8
    assert is_mate.sum() == 4
    assert {tuple(np.abs(one)) for one in indices} == {(1, 2, 3)}
    indices, is_mate = equivalent_indices(np.array([0, 2, 3]), GROUP)
    assert len(indices) == 4
    assert not is_mate.any()


def test_rows_are_found_by_index():
    hkl = np.random.default_rng(1).integers(-3, 4, (500, 3))
    table = Reflections({"hkl": hkl})
    indices, _ = equivalent_indices(np.array([1, 2, 3]), GROUP)
    rows, which = rows_with(table, indices)
    np.testing.assert_array_equal(rows, np.flatnonzero(np.all(np.abs(hkl) == [1, 2, 3], axis=1)))
    np.testing.assert_array_equal(indices[which], hkl[rows])


def test_deviations_are_from_the_mean_of_the_others_accepted():
    flags = [int(Flag.SCALED)] * 3 + [int(Flag.SCALED | Flag.OUTLIER_IN_SCALING)]
    table = Reflections(
        {
            "hkl": [[1, 2, 3], [-1, -2, 3], [-1, -2, -3], [1, 2, 3]], "flags": flags, "experiment_id": [0] * 4,
            "xyz_cal_px": [[1.0, 2.0, 3.5]] * 4, "intensity_scale": [20.0, 22.0, 24.0, 100.0],
            "variance_scale": [4.0] * 4, "inverse_scale": [2.0] * 4,
        }
    )  # fmt: skip
    told = equivalents(table, 0, GROUP, [experiment()])
    assert told["mean"] == pytest.approx(11.0)
    assert told["deviation"] == pytest.approx([-1.5 / 1.5**0.5, 0.0, 1.5 / 1.5**0.5, 39 / (4 / 3) ** 0.5], abs=1e-3)
    assert told["is_mate"] == [False, False, True, False]
    assert told["image"] == [4] * 4


def test_an_outlier_is_rejected_whatever_else_it_is():
    flags = int(Flag.SCALED | Flag.INTEGRATED_PRF | Flag.INDEXED | Flag.OUTLIER_IN_SCALING)
    table = Reflections({"hkl": [[1, 2, 3], [0, 0, 0]], "flags": [flags, int(Flag.STRONG)]})
    fate, words = fates(table)
    assert [words[n]["kind"] for n in fate] == ["rejected", "unindexed"]
    assert "outlier" in words[fate[0]]["words"]


def test_lists_hold_what_is_asked_for(integrated, sweep):
    table, experiments = integrated.reflections, integrated.experiments

    def told(**wanted):
        return reflection_list(table, sweep, experiments, ReflectionFilter(**wanted), GROUP)

    everything = told(order="intensity")
    assert everything["n_there"] == len(table)
    assert everything["n"] == min(MOST, len(table))
    strengths = everything["columns"]["intensity_sum"]
    assert strengths == sorted(strengths, reverse=True)
    corner = told(region=(0, 100, 0, 80))
    place = places(table)
    assert corner["n_there"] == np.sum((place[:, 0] < 100) & (place[:, 1] < 80) & np.all(place[:, :2] >= 0, axis=1))
    hkl = tuple(int(v) for v in table["hkl"][5])
    assert 5 in told(hkl=hkl)["columns"]["row"]
    assert told(kind="unindexed")["n_there"] == 0


def scaled_table(processing):
    return processing.scaled.reflections, processing.scaled.experiments


def test_a_list_of_a_shell_and_a_lattice_has_these_only(processing, sweep):
    table, experiments = scaled_table(processing)
    d = np.sort(table["d"])
    edges = float(d[len(d) // 3]), float(d[len(d) // 4])
    told = reflection_list(table, sweep, experiments, ReflectionFilter(d=edges, lattice=1), GROUP)
    inside = (table["d"] <= edges[0]) & (table["d"] >= edges[1]) & (table["experiment_id"] == 1)
    assert 0 < told["n_there"] == inside.sum() < len(table) / 8
    assert reflection_list(table.without("d"), sweep, experiments, ReflectionFilter(d=edges), GROUP)["n_there"] == 0


def test_the_farthest_off_their_equivalents_come_first(processing, sweep):
    table, experiments = scaled_table(processing)
    group = processing.scaled.experiments[0].crystal.space_group
    told = reflection_list(table, sweep, experiments, ReflectionFilter(order="deviation"), group)
    off = [value for value in told["columns"]["off"] if value is not None]
    assert off == sorted(off, reverse=True)
    row = told["columns"]["row"][0]
    of_it = equivalents(table, row, group, experiments)
    assert abs(of_it["deviation"][of_it["row"].index(row)]) == pytest.approx(off[0], abs=0.01)


def test_how_far_off_is_told_where_it_is_known(integrated, sweep):
    table, experiments = integrated.reflections, integrated.experiments
    assert "off" not in reflection_list(table, sweep, experiments, ReflectionFilter(), GROUP)["columns"]
    unscaled = reflection_list(table, sweep, experiments, ReflectionFilter(order="deviation"), GROUP)["columns"]
    assert "off" not in unscaled
    assert unscaled["image"] == sorted(unscaled["image"])


def test_a_cell_of_the_map_of_deviations_lists_the_spots_that_it_was_made_of(processing, sweep):
    refined = processing.refined
    panel = processing.experiment.detector[0]
    used = used_in_refinement(refined.reflections, 0)
    drawn = deviations_map(refined.reflections, used, panel, view=f"{USED_SPOTS}&lattice=0").map
    asked = dict(parse_qsl(drawn.view))
    assert asked.pop("stage") == "refined"
    for row, column in np.argwhere(np.isfinite(drawn.values))[::7]:
        wanted = ReflectionFilter(
            region=drawn.region(row, column), lattice=int(asked["lattice"]), words=asked["words"], order=asked["order"]
        )
        told = reflection_list(refined.reflections, sweep, refined.experiments, wanted, GROUP)
        assert told["n"] == told["n_there"], "all are told"
        squares = np.square(told["columns"]["off"])
        assert np.sqrt(squares.mean()) == pytest.approx(drawn.values[row, column], abs=0.01)


def test_what_lies_beyond_the_limit_is_not_called_rejected():
    flags = [Flag.SCALED, Flag.EXCLUDED_FOR_SCALING, Flag.EXCLUDED_FOR_SCALING, Flag.OUTLIER_IN_SCALING]
    table = Reflections({"flags": [int(flag) for flag in flags], "hkl": [[1, 2, 3]] * 4, "d": [2.0, 3.0, 1.9, 1.9]})
    assert highest_resolution(table) == 2.0
    fate, words = fates(table, highest_resolution(table))
    assert [words[n]["kind"] for n in fate] == ["integrated", "rejected", "beyond", "rejected"]
    assert highest_resolution(table[np.array([1, 2])]) is None


def test_reflections_without_a_box_are_on_the_image_of_their_place():
    """Predictions of other programs have none, or an empty one."""
    place = [[1.0, 2.0, 3.5], [1.0, 2.0, 4.0], [1.0, 2.0, 9.9]]
    for table in (
        Reflections({"xyz_cal_px": place}),
        Reflections({"xyz_cal_px": place, "bbox": np.zeros((3, 6), np.int32)}),
    ):
        assert rows_on_images(table, 3).tolist() == [True, False, False]
        assert rows_on_images(table, 3, 2).tolist() == [True, True, False]
        assert rows_on_images(table, 9).tolist() == [False, False, True]


def test_reflections_that_name_other_experiments_are_doubted():
    models = [replace(experiment(), identifier=name) for name in ("a", "b")]
    indexed = Reflections({"hkl": [[1, 2, 3]]}, {0: "x"})
    assert "another sweep" in doubt_of(indexed, models)
    assert doubt_of(indexed.with_identifiers({0: "x", 1: "b"}), models) == ""
    assert doubt_of(indexed.with_identifiers({}), models) == ""
    assert doubt_of(indexed, [replace(models[0], identifier="")]) == ""
    assert doubt_of(Reflections({"flags": [1]}, {0: "x"}), models) == "", "spots are of the models before"


def test_what_is_recorded_in_part_is_told_as_such():
    flags = int(Flag.INTEGRATED_SUM | Flag.EXCLUDED_FOR_SCALING)
    table = Reflections({"flags": [flags, flags], "hkl": [[1, 2, 3]] * 2, "d": [2.0] * 2, "partiality": [0.1, 1.0]})
    fate, words = fates(table)
    assert "in part" in words[fate[0]]["words"]
    assert "not good enough" in words[fate[1]]["words"]
