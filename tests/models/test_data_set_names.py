"""Names by which people know their data sets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from models_for_tests import experiment

from autoproc.models.data_set_names import data_set_names, name_of_all, sweep_name
from autoproc.models.experiment import ImageSet


def of(template, first=1):
    known = experiment(n_images=10)
    scan = replace(known.scan, image_range=(first, first + 9))
    return replace(known, imageset=ImageSet("cbf", template), scan=scan)


@pytest.mark.parametrize(
    ("templates", "names"),
    [
        (["/d/xt_1_####.cbf", "/d/xt_2_####.cbf"], ["xt_1", "xt_2"]),
        (["/d/a/collect_master.h5", "/d/b/collect_master.h5"], ["a/collect", "b/collect"]),
        (["/d/xt_####.cbf.gz", "/d/xt_####.cbf.gz"], ["xt lattice 1", "xt lattice 2"]),
        (["/d/####.cbf"], ["sweep"]),
    ],
)
def test_names_are_those_of_the_files(templates, names):
    assert data_set_names([of(template) for template in templates]) == names


def test_sweeps_of_one_file_are_told_by_their_images():
    names = data_set_names([of("/d/xt_master.h5", 1), of("/d/xt_master.h5", 11), of("/d/y_master.h5")])
    assert names == ["xt images 1 to 10", "xt images 11 to 20", "y"]


def test_without_images_the_identifier_is_the_name():
    known = [replace(experiment(), imageset=None, identifier=name) for name in ("one", "two")]
    assert data_set_names(known) == ["one", "two"]
    assert sweep_name(known[0]) == "sweep"


def test_what_is_made_of_several_is_not_named_after_the_first():
    assert name_of_all([of("/d/xt_1_####.cbf"), of("/d/xt_2_####.cbf")]) == "xt"
    assert name_of_all([of("/d/peak_####.cbf"), of("/d/edge_####.cbf"), of("/d/low_####.cbf")]) == "peak_and_2_more"
    assert name_of_all([of("/d/peak_1_####.cbf")] * 2) == "peak_1"
