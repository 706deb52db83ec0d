from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.formats.templates import counter_of, grouped_by_template, matches_template, sweep_name
from autoproc.models.experiment import ImageSet


@pytest.mark.parametrize(
    ("name", "template", "sweep"),
    [
        ("lysozyme_00001.cbf.gz", "lysozyme_#####.cbf.gz", "lysozyme"),
        ("lysozyme_master.h5", None, "lysozyme"),
        ("ins_11_1_master.h5", None, "ins_11_1"),
        ("ins_11_1.nxs", None, "ins_11_1"),
        ("l-cyst_01_00001.cbf", "l-cyst_01_#####.cbf", "l-cyst_01"),
        ("in16c_010001.cbf", "in16c_######.cbf", "in16c"),
        ("my crystal 2_0001.cbf.bz2", "my crystal 2_####.cbf.bz2", "my crystal 2"),
        ("a.b_001.CBF", "a.b_###.CBF", "a.b"),
        ("xtal1.cbf", "xtal#.cbf", "xtal"),
        ("x_#####.cbf", None, "x"),
        ("plain.cbf", None, "plain"),
        ("0001.cbf", "####.cbf", ""),
    ],
)
def test_counter_and_name(name, template, sweep):
    counter = counter_of(name)
    assert (counter.template if counter else None) == template
    assert sweep_name(name) == sweep


def test_series_are_told_apart():
    names = ["x_0002.cbf", "x_0001.cbf", "y_0001.cbf", "x_0001.cbf.gz", "x_00001.cbf", "note.cbf"]
    assert grouped_by_template(names) == {
        "note.cbf": {1: "note.cbf"},
        "x_####.cbf": {1: "x_0001.cbf", 2: "x_0002.cbf"},
        "x_####.cbf.gz": {1: "x_0001.cbf.gz"},
        "x_#####.cbf": {1: "x_00001.cbf"},
        "y_####.cbf": {1: "y_0001.cbf"},
    }


@given(
    first=st.integers(0, 2000), n=st.integers(1, 30), digits=st.integers(1, 5), name=st.sampled_from(["x_", "a # b-"])
)
def test_template_and_number_give_the_file_back(first, n, digits, name):
    names = [f"{name}{i:0{digits}d}.cbf" for i in range(first, first + n)]
    groups = grouped_by_template(names)
    assert sorted(m for files in groups.values() for m in files.values()) == sorted(names)
    for template, files in groups.items():
        for number, member in files.items():
            assert ImageSet("cbf", f"/d#1/{template}").path(number) == Path("/d#1") / member
            assert matches_template(template).match(member)


def test_counter_that_outgrows_its_digits_stays_with_its_series():
    names = [f"x_{i:03d}.cbf" for i in range(1, 1003)]
    assert list(grouped_by_template(names)) == ["x_###.cbf"]
