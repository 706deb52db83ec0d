"""A measurement counts once, however often it is given."""

from __future__ import annotations

import numpy as np
import pytest
from wedges_for_tests import wedges_of

from autoproc.combining.given_twice import ObservationsGivenTwice, given_before, require_each_once
from autoproc.models.reflections import Reflections
from autoproc.scaling.params import ScaleParams
from autoproc.stages.combine import CombineParams, combine
from autoproc.stages.scale import scale
from autoproc.symmetry.params import SymmetryParams


@pytest.fixture(scope="module")
def wedges():
    return wedges_of("P 4", 3, any_setting=False, as_indexed=False)


def with_copy(wedges, seed=None):
    """The first wedge once more as the last; its rows in another order, where a seed is given."""
    table = wedges.reflections
    rows = np.flatnonzero(table["experiment_id"] == 0)
    if seed is not None:
        rows = np.random.default_rng(seed).permutation(rows)
    every = np.concatenate([np.arange(len(table)), rows])
    ids = np.concatenate([table["experiment_id"], np.full(len(rows), len(wedges.experiments))])
    columns = {name: table[name][every] for name in table} | {"experiment_id": ids}
    return [*wedges.experiments, wedges.experiments[0]], Reflections(columns)


def test_wedges_differ(wedges):
    assert given_before(wedges.reflections) == {}
    require_each_once(wedges.reflections)


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_a_copy_is_known_in_any_order(wedges, seed):
    _, table = with_copy(wedges, seed)
    assert given_before(table) == {3: 0}
    with pytest.raises(ObservationsGivenTwice, match="experiment 0 and experiment 3"):
        require_each_once(table)


def test_one_that_differs_in_a_single_observation_is_another(wedges):
    _, table = with_copy(wedges)
    name = next(name for name in ("intensity_sum", "intensity_prf") if name in table)
    changed = table[name].copy()
    changed[-1] += 1
    assert given_before(table.replace(**{name: changed})) == {}


def test_nothing_but_zeros_is_no_copy(wedges):
    _, table = with_copy(wedges)
    zeros = {name: np.zeros(len(table)) for name in ("intensity_sum", "intensity_prf") if name in table}
    assert given_before(table.replace(**zeros)) == {}


def test_scaling_stops_and_combining_sets_it_aside(wedges):
    experiments, table = with_copy(wedges)
    with pytest.raises(ObservationsGivenTwice):
        scale(experiments, table, ScaleParams())
    result = combine(experiments, table, CombineParams(), SymmetryParams())
    assert result.data_sets[3].why_aside == f"it holds the same observations as {result.data_sets[0].name}"
    assert not any(one.why_aside for one in result.data_sets[:3])
