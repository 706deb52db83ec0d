"""Data sets without a reflection in common: between them the scale stays as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from integrated_for_tests import integrated

from autoproc.models.reflections import Reflections
from autoproc.scaling.links import linked_parts, with_parts_held, words_of_parts
from autoproc.scaling.params import ScaleParams
from autoproc.stages.scale import scale

CELL = (31.0, 42.0, 55.0, 90.0, 90.0, 90.0)


def test_chains_of_common_reflections_make_a_part():
    experiment = np.array([0, 1, 1, 2, 3, 4, 4])
    group = np.array([0, 0, 1, 1, 2, 3, 3])
    assert linked_parts(experiment, group, 6).tolist() == [0, 0, 0, 1, 2, 3]
    assert linked_parts(experiment[:0], group[:0], 2).tolist() == [0, 1]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=30), st.randoms())
def test_the_order_of_the_observations_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    one, other = (np.array(p, int).reshape(-1, 2) for p in (pairs, shuffled))
    np.testing.assert_array_equal(linked_parts(*one.T, 5), linked_parts(*other.T, 5))


def two(is_apart):
    """One crystal on two sweeps, with reflections of its own on each, or the same."""
    first, table = integrated("P 21 21 21", CELL, n_images=60, seed=3)
    second = replace(first, identifier="two")
    hkl = np.abs(table["hkl"])
    is_first = (hkl.sum(axis=1) % 2 == 0) if is_apart else np.ones(len(hkl), bool)
    is_second = ~is_first if is_apart else is_first
    here, there = table[is_first], table[is_second]
    there = there.replace(experiment_id=np.ones(len(there), int)).with_identifiers({1: "two"})
    return [first, second], Reflections.concatenate([here, there])


@pytest.mark.parametrize("is_apart", [True, False])
def test_scales_of_sweeps_apart_stay_equal_and_it_is_said(is_apart):
    experiments, table = two(is_apart)
    result = scale(experiments, table, ScaleParams(absorption_level="off", check_settings=False))
    means = [result.reflections["inverse_scale"][table["experiment_id"] == n].mean() for n in (0, 1)]
    assert means[1] / means[0] == pytest.approx(1.0, abs=0.1)
    assert result.parts == ((0, 1) if is_apart else (0, 0))
    assert [w for w in result.warnings if "0; 1 are apart" in w] == list(result.warnings)[: int(is_apart)]


def test_many_parts_are_not_all_named():
    assert words_of_parts(dict.fromkeys(range(3), 0)) == []
    (words,) = words_of_parts({n: n for n in range(20)})
    assert "7; ... are apart" in words


@pytest.mark.parametrize("parts", [(0, 1), (0, 0)])
def test_what_a_fit_makes_of_the_scale_between_parts_is_undone(parts):
    experiments, table = two(is_apart=True)
    before = scale(experiments, table, ScaleParams(absorption_level="off", check_settings=False)).start.models
    drifted = []
    for model, factor in zip(before, (0.5, 2.0), strict=True):
        parameters = model.parameters.copy()
        parameters[model.slices[0]] *= factor
        drifted.append(model.with_parameters(parameters))
    held = with_parts_held(drifted, before, np.array(parts))
    expected = before if parts == (0, 1) else drifted
    for model, other in zip(held, expected, strict=True):
        np.testing.assert_allclose(model.parameters, other.parameters, rtol=1e-12)
