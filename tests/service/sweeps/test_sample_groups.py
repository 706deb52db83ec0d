"""Which sweeps are taken to be of one sample."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.service.sweeps.sample_groups import SweepPlace, sample_groups, stem_of


def places(*paths):
    return [SweepPlace(f"s{n}", path, 1, 10) for n, path in enumerate(paths)]


def groups(*paths, **how):
    return {g.name: [s.path for s in g.sweeps] for g in sample_groups(places(*paths), **how)}


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("/d/xtal_1_#####.cbf", "xtal_#_#"), ("/d/xtal_12_master.h5", "xtal_#"), ("/d/xtal_12.nxs", "xtal_#"),
        ("/d/plate_A1_#.cbf", "plate_#_#"), ("/d/ins_11_1.nxs", "ins_#_#"), ("/d/B12_3_master.h5", "#_#"),
        ("/d/lyso_#.cbf.gz", "lyso_#"), ("/d/P21_#.cbf", "#_#"), ("/d/x_1.####", "x_#.#"), ("/d/x_1.img", "x_#"),
    ],
)  # fmt: skip
def test_numbers_and_wells_do_not_tell_samples_apart(path, stem):
    assert stem_of(path) == stem


def test_sweeps_of_one_name_in_one_folder_are_a_group():
    assert groups("/d/x_2_#.cbf", "/d/x_10_#.cbf", "/d/x_1_#.cbf", "/d/other_1_#.cbf") == {
        "x": ["/d/x_1_#.cbf", "/d/x_2_#.cbf", "/d/x_10_#.cbf"]
    }


def test_folders_that_differ_by_numbers_are_side_by_side():
    assert groups("/v/ins_1/ins_1_master.h5", "/v/ins_2/ins_1_master.h5", "/v/lyso_1/ins_1_master.h5") == {
        "ins": ["/v/ins_1/ins_1_master.h5", "/v/ins_2/ins_1_master.h5"]
    }
    assert groups("/v/a/x_1_master.h5", "/v/b/x_1_master.h5") == {}
    assert groups("/v1/x/x_1_master.h5", "/v2/x/x_1_master.h5") == {}


def test_files_that_are_called_alike_leave_the_name_to_their_folders():
    assert list(groups("/v/xt_1/demo_#####.cbf", "/v/xt_2/demo_#####.cbf")) == ["xt"]
    assert list(groups("/1/demo_#####.cbf", "/2/demo_#####.cbf")) == ["sample"]


def test_names_of_numbers_alone_take_the_folder_s():
    assert list(groups("/v/thau/1_#.cbf", "/v/thau/2_#.cbf")) == ["thau"]
    assert list(groups("/1/1_#.cbf", "/1/2_#.cbf")) == ["sample"]


def test_by_folder_or_not_at_all():
    paths = ("/d/x_1_#.cbf", "/d/y_1_#.cbf", "/e/x_1_#.cbf")
    assert groups(*paths, by="folder") == {"d": ["/d/x_1_#.cbf", "/d/y_1_#.cbf"]}
    assert groups(*paths, by="none") == {}


def test_named_groups_go_first():
    paths = ("/d/x_1_#.cbf", "/d/x_2_#.cbf", "/d/x_3_#.cbf", "/e/y_1_#.cbf")
    found = groups(*paths, named={"mine": ["*/x_1_*", "y_*"]})
    assert found == {"mine": ["/d/x_1_#.cbf", "/e/y_1_#.cbf"], "x": ["/d/x_2_#.cbf", "/d/x_3_#.cbf"]}
    assert groups(*paths, by="none", named={"all": ["*"]}) == {"all": sorted(paths)}


@given(st.permutations(["/d/x_1_#.cbf", "/d/x_2_#.cbf", "/e/x_1_#.cbf", "/e/x_2_#.cbf", "/e/y_1_#.cbf"]))
def test_the_order_of_arrival_does_not_matter(paths):
    found = sample_groups([SweepPlace(path, path, 1, 1) for path in paths])
    assert [(g.name, g.key, [s.path for s in g.sweeps]) for g in found] == [
        ("x", "auto:/d/x_#_#", ["/d/x_1_#.cbf", "/d/x_2_#.cbf"]),
        ("x", "auto:/e/x_#_#", ["/e/x_1_#.cbf", "/e/x_2_#.cbf"]),
    ]
    assert found[0].members == {"/d/x_1_#.cbf": 1, "/d/x_2_#.cbf": 1}
