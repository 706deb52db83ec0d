"""The sweep of a row: by its lattice, or by its images where no lattice explains it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import experiment

from autoproc.models.experiment import ImageSet
from autoproc.models.reflections import Reflections
from autoproc.viewing.sweep_of_rows import image_number_of_each, sweep_of_experiments, sweep_of_rows


def of_images(name):
    return replace(experiment(), imageset=ImageSet("cbf", f"/data/{name}_####.cbf"))


@pytest.fixture
def experiments():
    """Two lattices of sweep a, one each of b and c."""
    return [of_images("a"), of_images("a"), of_images("b"), of_images("c")]


def test_lattices_of_one_sweep_share_its_number(experiments):
    assert sweep_of_experiments(experiments).tolist() == [0, 0, 1, 2]


def test_spots_of_no_lattice_are_of_the_sweep_of_their_images(experiments):
    table = Reflections({"experiment_id": [0, 1, 2, 3, -1, -1, -1], "imageset_id": [0, 0, 1, 2, 2, 0, 1]})
    assert sweep_of_rows(table, experiments).tolist() == [0, 0, 1, 2, 2, 0, 1]


def test_what_a_lattice_says_goes_before_the_images(experiments):
    """Files of several sweeps that were joined may have kept imageset_id as it was."""
    table = Reflections({"experiment_id": [2, 3], "imageset_id": [0, 0]})
    assert sweep_of_rows(table, experiments).tolist() == [1, 2]


def test_tables_without_these_columns_are_of_the_first_sweep(experiments):
    table = Reflections({"flags": np.zeros(2, np.int64)})
    assert sweep_of_rows(table, experiments).tolist() == [0, 0]
    assert sweep_of_rows(Reflections({"experiment_id": [-1]}), experiments).tolist() == [0]


def test_absurd_numbers_are_within_what_there_is(experiments):
    table = Reflections({"experiment_id": [99, -1, -7], "imageset_id": [0, 99, -5]})
    assert sweep_of_rows(table, experiments).tolist() == [2, 2, 0]


def test_images_are_numbered_as_each_sweep_has_them_and_within_it(experiments):
    first, last = experiments[0].scan.image_range
    place = np.array([[0, 0, 0.5], [0, 0, 3.99], [0, 0, -0.2], [0, 0, 1000.0]])
    numbers = image_number_of_each(place, np.zeros(4, int), experiments)
    assert numbers.tolist() == [first, first + 3, first, last]
