from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest

from autoproc.kernels.nearest_points import PointGrid
from autoproc.merging.groups import group_equivalents
from autoproc.scaling import shadows
from autoproc.scaling.shadows import (
    Comparison,
    _combined_z,
    _weighted_median,
    against_the_usual,
    compare_with_others,
    disagreeing_places,
    neighbourhoods,
)


def test_comparison_is_that_of_a_loop():
    random = np.random.default_rng(0)
    groups = group_equivalents(
        gemmi.SpaceGroup("P 1"), np.column_stack([random.integers(1, 9, (40, 1)), np.ones((40, 2))]).astype(int)
    )
    value, variance = random.uniform(5, 20, 40), random.uniform(1, 4, 40)
    use, kept = random.uniform(size=40) < 0.8, random.uniform(size=40) < 0.7
    kept &= use
    seen = compare_with_others(groups, value, variance, use, kept)
    for i in range(40):
        others = [j for j in range(40) if j != i and groups.group[j] == groups.group[i] and kept[j]]
        assert seen.compared[i] == (bool(others) and use[i])
        if not seen.compared[i]:
            assert (seen.z[i], seen.ratio[i], seen.information[i]) == (0, 1, 0)
            continue
        w = 1 / variance[others]
        mean, total = (w * value[others]).sum() / w.sum(), variance[i] + 1 / w.sum()
        assert seen.z[i] == pytest.approx((value[i] - mean) / np.sqrt(total))
        assert seen.ratio[i] == pytest.approx(value[i] / mean)
        assert seen.information[i] == pytest.approx(mean**2 / total)


def test_others_below_nothing_give_no_ratio():
    groups = group_equivalents(gemmi.SpaceGroup("P 1"), np.ones((2, 3), int))
    everything = np.ones(2, bool)
    seen = compare_with_others(groups, np.array([5.0, -5.0]), np.ones(2), everything, everything)
    assert seen.ratio.tolist() == [1.0, -1.0]
    assert seen.information.tolist() == [0.0, 12.5]
    assert seen.z == pytest.approx([10 / np.sqrt(2), -10 / np.sqrt(2)])


def test_combined_deviation_of_normal_ones_is_normal():
    """Weighted by the expected strength: sum w z / sqrt(sum w^2), the wild ones cut at 5."""
    assert _combined_z(np.array([[1.0, 2.0, 100.0]]), np.array([[1.0, 4.0, 4.0]]))[0] == pytest.approx((1 + 4 + 10) / 3)
    assert _combined_z(np.array([[-100.0]]), np.ones((1, 1)))[0] == -5.0
    random = np.random.default_rng(1)
    z = _combined_z(random.normal(size=(4000, 32)), random.exponential(size=(4000, 32)))
    assert np.std(z) == pytest.approx(1.0, abs=0.05)
    assert _combined_z(np.zeros((1, 3)), np.zeros((1, 3)))[0] == 0.0


def test_weighted_median_is_that_of_repeated_values():
    random = np.random.default_rng(2)
    values, weight = random.normal(size=(20, 9)), random.integers(1, 6, (20, 9))
    for v, w, found in zip(values, weight, _weighted_median(values, weight.astype(float)), strict=True):
        assert found == np.sort(np.repeat(v, w))[(w.sum() - 1) // 2]


def measured(n: int = 3000, seed: int = 3) -> tuple[np.ndarray, Comparison]:
    """Places on a detector of 1000 px and comparisons that agree, of strong observations."""
    random = np.random.default_rng(seed)
    z = random.normal(size=n)
    return random.uniform(0, 1000, (n, 2)), Comparison(z, 1 + 0.03 * z, np.full(n, 1000.0), np.ones(n, bool))


def suspects(position: np.ndarray, seen: Comparison, max_ratio: float = 0.8) -> np.ndarray:
    everything = np.ones(len(position), bool)
    near = neighbourhoods(np.zeros(len(position), int), position, everything, seen.compared)
    return disagreeing_places(near, seen, max_ratio)


def test_neighbours_are_the_nearest_of_the_same_sweep_that_compare():
    position, _seen = measured(300)
    sweep = np.arange(300) % 2
    compared = np.arange(300) % 5 != 0
    for found in neighbourhoods(sweep, position, np.ones(300, bool), compared):
        for row, place in zip(found.rows[:40], found.place[:40], strict=True):
            known = np.flatnonzero(compared & (sweep == sweep[row]))
            distance = np.linalg.norm(position[known] - position[row], axis=1)
            assert found.near[place].tolist() == known[np.argsort(distance)[:32]].tolist()


def test_many_observations_share_places(monkeypatch):
    monkeypatch.setattr(shadows, "MAX_PLACES", 100)
    position, seen = measured(1000)
    (found,) = neighbourhoods(np.zeros(1000, int), position, np.ones(1000, bool), seen.compared)
    assert 90 < len(found.near) <= 110
    centre = position[found.near[found.place, 0]]
    assert np.median(np.linalg.norm(centre - position, axis=1)) < 80


def test_each_observation_has_the_nearest_place(monkeypatch):
    monkeypatch.setattr(shadows, "MAX_PLACES", 60)
    position = np.random.default_rng(4).uniform(0, 100, (500, 3))
    place, near = shadows._nearest(position[:400], position)
    distance = np.linalg.norm(position[:400][near[:, :1]] - position[:400][near], axis=2)
    assert distance.shape == (len(near), 32)
    stride = 500 // 60
    order = PointGrid(position, 2 * stride).by_cell
    centres = position[order[stride // 2 :: stride]]
    apart = np.linalg.norm(position[:, None] - centres, axis=2)
    np.testing.assert_array_equal(place, np.argmin(apart, axis=1))


def test_too_few_observations_have_no_neighbourhoods():
    position, seen = measured(64)
    assert neighbourhoods(np.zeros(64, int), position, np.ones(64, bool), seen.compared) == []


def test_places_that_agree_are_not_suspected():
    assert not suspects(*measured()).any()


@pytest.mark.parametrize(("ratio", "is_found"), [(0.3, True), (0.7, True), (0.9, False)])
def test_a_shadow_is_found_as_dark_as_the_limit_says(ratio, is_found):
    position, seen = measured()
    dark = np.linalg.norm(position - 500, axis=1) < 120
    factor = np.where(dark, ratio, 1.0)
    z = np.where(dark, -4.0, seen.z)
    found = suspects(position, Comparison(z, seen.ratio * factor, seen.information, seen.compared))
    deep = np.linalg.norm(position - 500, axis=1) < 60
    assert found[deep].all() == is_found
    assert not found[np.linalg.norm(position - 500, axis=1) > 240].any()


def test_a_strong_observation_that_agrees_is_kept_in_a_shadow_and_a_weak_one_is_not():
    position, seen = measured()
    distance = np.linalg.norm(position - 500, axis=1)
    dark = np.argsort(distance)[: np.count_nonzero(distance < 120)]
    z, ratio, information = np.array(seen.z), np.array(seen.ratio), np.array(seen.information)
    z[dark], ratio[dark] = -4.0, 0.4
    strong, weak = dark[:2]
    z[[strong, weak]], ratio[[strong, weak]] = 0.0, 1.0
    information[[strong, weak]] = 8.0**2 * np.array([1.01, 0.99])
    found = suspects(position, Comparison(z, ratio, information, seen.compared))
    assert (found[strong], found[weak]) == (False, True)
    assert found[dark[2:20]].all()


def test_a_hot_place_needs_several_that_are_much_too_strong():
    position, seen = measured()
    nearest = np.argsort(np.linalg.norm(position - 500, axis=1))
    for n, is_hot in ((8, True), (2, False)):
        z = np.clip(seen.z, -1, 1)
        z[nearest[:n]] = 9.0
        found = suspects(position, Comparison(z, seen.ratio, seen.information, seen.compared))
        assert found[nearest[:2]].all() == is_hot
        assert not found[nearest[200:]].any()


def test_what_nothing_compares_with_goes_with_its_neighbours():
    position, seen = measured()
    dark = np.flatnonzero(np.linalg.norm(position - 500, axis=1) < 60)
    z, ratio, compared = np.array(seen.z), np.array(seen.ratio), np.array(seen.compared)
    z[dark], ratio[dark] = -4.0, 0.4
    z[dark[0]], ratio[dark[0]], compared[dark[0]] = 0.0, 1.0, False
    information = np.where(compared, seen.information, 0.0)
    assert suspects(position, Comparison(z, ratio, information, compared))[dark[0]]


def test_many_that_are_a_little_too_strong_are_not_hot():
    position, seen = measured()
    z = np.where(np.linalg.norm(position - 500, axis=1) < 200, 3.9, seen.z)
    assert not suspects(position, Comparison(z, seen.ratio, seen.information, seen.compared)).any()


def test_what_agrees_is_kept_in_a_hot_place():
    position, seen = measured()
    nearest = np.argsort(np.linalg.norm(position - 500, axis=1))[:60]
    z = np.array(seen.z)
    z[nearest] = 9.0
    z[nearest[:2]] = 1.9, 2.1
    found = suspects(position, Comparison(z, seen.ratio, seen.information, seen.compared))
    assert found[nearest[:2]].tolist() == [False, True]
    assert found[nearest[2:10]].all()


def test_threads_do_not_change_the_places(monkeypatch):
    monkeypatch.setattr(shadows, "BLOCK", 50)
    position, _ = measured(1000)
    found = []
    for n in (1, 2, 4):
        monkeypatch.setattr("autoproc.threads.available_cores", lambda n=n: n)
        found.append(shadows._nearest(position[:900], position))
    for place, near in found[1:]:
        np.testing.assert_array_equal(place, found[0][0])
        np.testing.assert_array_equal(near, found[0][1])


def damaged(n: int = 8000, seed: int = 5) -> tuple[np.ndarray, np.ndarray, Comparison]:
    """Places, frames and comparisons of a crystal whose strong reflections fall late by more than errors expect."""
    random = np.random.default_rng(seed)
    position, frame, information = random.uniform(0, 1000, (n, 2)), random.uniform(0, 100, n), np.full(n, 400.0)
    z = random.normal(size=n) * np.where(frame > 70, 4.0, 1.0) - np.where(frame > 70, 4.0, 0.0)
    return position, frame, Comparison(z, 1 + z / 20, information, np.ones(n, bool))


def found_among_the_usual(position: np.ndarray, frame: np.ndarray, seen: Comparison) -> np.ndarray:
    everything, sweep = np.ones(len(position), bool), np.zeros(len(position), int)
    near = neighbourhoods(sweep, np.column_stack([position, 10 * frame]), everything, seen.compared)
    return disagreeing_places(near, against_the_usual(seen, sweep, frame), 0.9)


def test_what_all_places_have_at_a_dose_is_no_shadow():
    position, frame, seen = damaged()
    everything, sweep = np.ones(len(position), bool), np.zeros(len(position), int)
    near = neighbourhoods(sweep, np.column_stack([position, 10 * frame]), everything, seen.compared)
    assert disagreeing_places(near, seen, 0.9).sum() > 500
    assert not found_among_the_usual(position, frame, seen).any()


@pytest.mark.parametrize("limits", [(30, 60), (75, 95)])
def test_a_shadow_at_some_doses_is_found_beside_damage(limits):
    position, frame, seen = damaged()
    dark = (position < 350).all(axis=1) & (frame > limits[0]) & (frame < limits[1])
    found = found_among_the_usual(position, frame, replace(
        seen, z=np.where(dark, seen.z - 16.0, seen.z), ratio=np.where(dark, 0.2 * seen.ratio, seen.ratio)
    ))  # fmt: skip
    assert found[dark].mean() > 0.8
    assert found[~dark].sum() < 0.15 * dark.sum()


def test_the_usual_is_told_for_each_sweep_and_strength():
    random = np.random.default_rng(6)
    z, sweep, strong = random.normal(size=8000), np.arange(8000) % 2, np.arange(8000) % 4 > 1
    seen = Comparison(np.where(sweep, 3 + 2 * z, z) + strong, 1 + z, np.where(strong, 9.0, 4.0), np.ones(8000, bool))
    usual = against_the_usual(seen, sweep, random.uniform(0, 50, 8000))
    for n in (0, 1):
        assert np.std(usual.z[sweep == n]) == pytest.approx(1.0, abs=0.1)
        for one in (strong, ~strong):
            assert np.median(usual.z[(sweep == n) & one]) == pytest.approx(0.0, abs=0.12)
    assert usual.ratio is seen.ratio


def test_few_observations_are_judged_by_their_errors():
    _, frame, seen = damaged(99)
    assert against_the_usual(seen, np.zeros(99, int), frame).z.tolist() == seen.z.tolist()


def test_what_agrees_better_than_its_errors_is_not_made_to_disagree():
    _, frame, seen = damaged(3000)
    calm = replace(seen, z=np.random.default_rng(7).normal(0, 0.1, 3000))
    usual = against_the_usual(calm, np.zeros(3000, int), frame)
    assert np.std(usual.z) == pytest.approx(0.1, rel=0.1)
