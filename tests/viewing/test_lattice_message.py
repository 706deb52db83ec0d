"""What is sent can be read again, and says what it is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from models_for_tests import crystal, experiment

from autoproc.models.reflections import Reflections
from autoproc.viewing.lattice_message import ALIGNMENT, columns_of_message, lattice_message
from autoproc.viewing.lattice_points import observed_points, reciprocal_points


def points_of(n):
    rng = np.random.default_rng(n)
    table = {
        "xyz_obs_px": rng.uniform([1, 1, 0], [480, 610, 40], (n, 3)),
        "panel": np.zeros(n),
        "experiment_id": np.arange(n) % 3 - 1,
        "hkl": rng.integers(1, 9, (n, 3)),
        "intensity_sum": rng.exponential(100, n),
    }
    return observed_points([experiment(crystal()), experiment(crystal(seed=2))], Reflections(table))


@pytest.mark.parametrize("n", [0, 1, 3, 50])
def test_columns_come_back(n):
    points = points_of(n)
    facts, columns = columns_of_message(lattice_message(points))
    assert facts["n"] == n
    assert set(columns) == set(points.columns)
    for name, column in points.columns.items():
        np.testing.assert_array_equal(columns[name], column)
        assert columns[name].dtype == column.dtype


def test_typed_arrays_may_begin_where_the_columns_do():
    facts, _ = columns_of_message(lattice_message(points_of(5)))
    assert all(column["offset"] % ALIGNMENT == 0 for column in facts["columns"])


def test_facts_are_those_of_the_points():
    points = points_of(50)
    facts, _ = columns_of_message(lattice_message(points))
    assert facts["n_unindexed"] == np.sum(points.lattice < 0)
    assert [lattice["n"] for lattice in facts["lattices"]] == [np.sum(points.lattice == n) for n in (0, 1)]
    assert facts["d_min"] == pytest.approx(1 / np.linalg.norm(reciprocal_points(points), axis=1).max())
    assert facts["ice"][0] == pytest.approx(3.895, abs=0.01)
    assert json.dumps(facts, allow_nan=False)


def test_unknown_intensities_are_no_numbers():
    table = {"xyz_obs_px": [[9.0, 9, 9]], "panel": [0]}
    _, columns = columns_of_message(lattice_message(observed_points([experiment()], Reflections(table))))
    assert np.isnan(columns["intensity"]).all()


def test_other_bytes_are_refused():
    with pytest.raises(ValueError, match="not a message"):
        columns_of_message(b"<html>")
