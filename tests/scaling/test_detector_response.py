from __future__ import annotations

import gemmi
import numpy as np
import pytest
from scaled_for_tests import Recipe, synthetic

from autoproc.merging.groups import group_equivalents
from autoproc.scaling.detector_response import (
    FINEST,
    MIN_OBSERVATIONS,
    DetectorResponse,
    Grid,
    detector_responses,
    grid_of,
    most_different,
    rectangles,
    strong_observations,
)
from autoproc.scaling.params import ScaleParams
from autoproc.stages.scale import scale

BOXES = [((500, 1000), (0, 1000), 1.3), ((0, 1000), (0, 250), 0.8), ((250, 625), (500, 875), 1.2)]


def responses(scaled) -> list[DetectorResponse]:
    return detector_responses(scaled, strong_observations(scaled))


def found(factor: float, fast: tuple[int, int], slow: tuple[int, int], level="medium", **recipe) -> DetectorResponse:
    """What is found where a box of the detector, px, counts `factor` times as much as the rest."""
    made = synthetic(Recipe(**{"n_observations": 8000, "strength": 3000.0, **recipe}))
    x, y, _ = made.reflections["xyz_cal_px"].T
    inside = (x >= fast[0]) & (x < fast[1]) & (y >= slow[0]) & (y < slow[1])
    by = np.where(inside, factor, 1.0)
    columns = {
        f"{what}_{kind}": made.reflections[f"{what}_{kind}"] * by**power
        for what, power in (("intensity", 1), ("variance", 2))
        for kind in ("prf", "sum")
    }
    table = made.reflections.replace(**columns)
    (one,) = responses(scale([made.experiment], table, ScaleParams(absorption_level=level)))
    return one


@pytest.mark.parametrize(("fast", "slow", "factor"), BOXES)
def test_a_part_that_counts_otherwise_is_found_with_its_factor(fast, slow, factor):
    one = found(factor, fast, slow)
    assert np.abs(np.subtract((*one.fast, *one.slow), (*fast, *slow))).max() <= 5
    assert np.log(one.factor) == pytest.approx(np.log(factor), rel=0.25)
    assert abs(one.factor - 1) > 8 * one.sigma


@pytest.mark.parametrize("absorption", [0.0, 0.4])
def test_an_even_detector_is_even_whatever_the_crystal_absorbs(absorption):
    assert found(1.0, (0, 1), (0, 1), absorption=absorption).factor == pytest.approx(1.0, abs=0.04)


def test_too_few_reflections_tell_nothing():
    made = synthetic(Recipe(n_observations=MIN_OBSERVATIONS // 2))
    assert responses(scale([made.experiment], made.reflections, ScaleParams(absorption_level="low"))) == []


def repeated(n_groups: int, n_each: int) -> np.ndarray:
    return np.repeat(np.arange(1, n_groups + 1)[:, None] * [1, 0, 0], n_each, axis=0)


@pytest.fixture
def halves():
    """Groups of four, two observations on the left and two on the right; the grid of two by two cells."""
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), repeated(100, 4))
    xy = np.column_stack([np.tile([10.0, 20.0, 60.0, 90.0], 100), np.tile([5.0, 95.0, 95.0, 5.0], 100)])
    return groups, xy, Grid(0, (xy[:, 1] > 50) * 2 + (xy[:, 0] > 50), np.array([[0.0, 50, 100], [0, 50, 100]]))


def test_a_step_that_no_model_explains_is_the_detectors(halves):
    groups, xy, grid = halves
    step = np.where(xy[:, 0] > 50, 0.1, -0.1)
    one = most_different(groups, step, np.full(400, 0.05), np.zeros((400, 1)), grid)
    assert one is not None
    assert abs(np.log(one.factor)) == pytest.approx(0.2)


def test_a_step_that_the_model_explains_is_not(halves):
    groups, xy, grid = halves
    step = np.where(xy[:, 0] > 50, 0.1, -0.1)
    one = most_different(groups, step, np.full(400, 0.05), step[:, None], grid)
    assert one is None or abs(one.factor - 1) < max(1e-3, one.sigma)


def test_single_wild_reflections_make_no_part(halves):
    groups, _, grid = halves
    wild = np.zeros(400)
    wild[2] = 50.0
    one = most_different(groups, wild, np.full(400, 0.05), np.zeros((400, 1)), grid)
    assert one is not None
    assert abs(one.factor - 1) < 0.01


@pytest.mark.parametrize(("n_here", "n"), [(30, 1), (60 * 9, 3), (10**5, FINEST)])
def test_the_grid_is_as_fine_as_there_are_reflections(n_here, n):
    xy = np.random.default_rng(0).uniform(0, 1000, (n_here, 2))
    grid = grid_of(0, xy, np.ones(n_here, bool))
    assert grid.n == n
    assert grid.edges.shape == (2, n + 1)
    assert set(np.unique(grid.number)) <= set(range(n * n))


def test_rectangles_are_all_but_the_whole():
    assert len(rectangles(2)) == 8
    assert len(rectangles(8)) == 36**2 - 1
    assert (0, 2, 0, 2) not in rectangles(2)


def test_many_parameters_leave_fewer_observations_not_more_memory(monkeypatch):
    made = synthetic(Recipe(n_observations=3000, strength=3000.0))
    scaled = scale([made.experiment], made.reflections, ScaleParams(absorption_level="low"))
    whole = strong_observations(scaled)
    monkeypatch.setattr("autoproc.scaling.detector_response.MAX_NUMBERS", 1000 * whole.model.shape[1])
    assert len(strong_observations(scaled).rows) <= 1000 < len(whole.rows)
    monkeypatch.setattr("autoproc.scaling.detector_response.MAX_NUMBERS", 1)
    assert responses(scaled) == []
