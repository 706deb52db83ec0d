"""What a lattice is worth in bits, and where a search looks."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from synthetic_spots import random_spots, setting, spots_of, sweep

from autoproc.indexing.assign import Tolerance, index_deviations
from autoproc.indexing.candidates import assess
from autoproc.indexing.fft3d import COARSE_GRID, GRID, transform_d_min
from autoproc.indexing.max_cell import estimate_max_cell
from autoproc.indexing.model import model_of
from autoproc.indexing.params import IndexParams
from autoproc.indexing.reciprocal_spots import spots_in_reciprocal_space
from autoproc.indexing.search import (
    GRID_SEARCH,
    MIN_COARSE_SPOTS,
    RefinedCandidate,
    Search,
    _attempts,
    _resolution_of,
    _thinned,
    _volumes,
    cell_limit,
    find_lattice,
    information,
    known_space_group,
    try_candidate,
)
from autoproc.models.reflections import Reflections

CELL = (60.0, 70.0, 80.0, 90.0, 95.0, 90.0)
WIDE = Tolerance(0.3, np.full(3, 0.3))
ONE = sweep(n_images=40)
A = setting(CELL, 1)


def spots(n_random: int = 0):
    table = spots_of(ONE, A, 4.0, noise_frames=0.02)
    return spots_in_reciprocal_space(
        [ONE], Reflections.concatenate([table, random_spots(ONE, n_random)]) if n_random else table
    )


def test_information_is_that_of_narrow_places_less_that_of_telling_them_apart():
    seen = spots(1000)
    _, residual, smeared = index_deviations(A, seen)
    on = [r for r, s in zip(residual, smeared, strict=True) if np.all(np.abs(r) < 0.3) and np.all(np.abs(r - s) < 0.3)]
    n, total = len(on), len(seen)
    sigma = np.maximum(1.4826 * np.median(np.abs(on), axis=0), 0.002)
    sharpness = sum(np.log2(1 / (s * np.sqrt(2 * np.pi * np.e))) for s in sigma)
    share = n / total
    telling = total * -(share * np.log2(share) + (1 - share) * np.log2(1 - share))
    assert n < total
    assert information(A, seen, WIDE) == pytest.approx((n * sharpness - telling, sharpness))


def test_where_every_spot_is_on_the_lattice_nothing_has_to_be_told_apart():
    bits, sharpness = information(A, spots(), WIDE)
    assert bits == pytest.approx(len(spots()) * sharpness)


def test_a_cell_twice_too_large_costs_a_bit_a_spot():
    seen = spots()
    doubled = np.linalg.inv(np.diag([1, 2, 1]) @ np.linalg.inv(A))
    right, large = information(A, seen, WIDE)[0], information(doubled, seen, WIDE)[0]
    assert right - large == pytest.approx(len(seen), rel=0.02)


def test_no_order_is_no_information():
    seen = spots_in_reciprocal_space([ONE], random_spots(ONE, 2000))
    assert information(A, seen, WIDE)[0] < 0
    assert information(A, seen[np.arange(3)], Tolerance(1.0, np.ones(3))) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("params", "n_spots", "expected"),
    [
        ({}, 151, [("fft3d", 1.0), ("fft3d", 0.5), ("fft3d", 2.0), ("fft3d", 0.25)]),
        ({"method": "fft1d"}, 151, [("fft1d", 1.0), ("fft1d", 0.5), ("fft1d", 2.0), ("fft1d", 0.25)]),
        ({}, 150, [(m, f) for m in ("fft3d", "fft1d") for f in (1.0, 2.0, 4.0, 0.5)]),
        ({"max_cell": 100.0}, 151, [("fft3d", 1.0)]),
        ({"max_cell": 100.0}, 150, [("fft3d", 1.0), ("fft1d", 1.0)]),
        ({"method": GRID_SEARCH}, 151, [("fft3d", 1.0), ("fft3d", 0.5), ("fft3d", 2.0), ("fft3d", 0.25)]),
        ({"unit_cell": CELL}, 151, [("fft3d", 1.0), (GRID_SEARCH, 1.0)]),
        ({"unit_cell": CELL, "method": GRID_SEARCH}, 10, [(GRID_SEARCH, 1.0)]),
    ],
)
def test_what_is_tried_in_turn(params, n_spots, expected):
    attempts = _attempts(IndexParams(**params), np.full(n_spots, 1.0), 100.0)
    assert [(a.method, a.max_cell / 100.0) for a in attempts] == expected
    assert {a.grid for a in attempts} == {GRID}
    assert {a.enough for a in attempts} == {0.5 if n_spots > 150 else 0.9}


@pytest.mark.parametrize(
    ("params", "n_coarse", "is_tried"),
    [
        ({}, MIN_COARSE_SPOTS, True),
        ({}, MIN_COARSE_SPOTS - 1, False),
        ({"method": GRID_SEARCH}, MIN_COARSE_SPOTS, True),
        ({"method": "fft1d"}, MIN_COARSE_SPOTS, False),
        ({"d_min": 3.0}, MIN_COARSE_SPOTS, False),
        ({"unit_cell": CELL}, MIN_COARSE_SPOTS, False),
    ],
)
def test_the_coarse_transform_comes_first_where_it_has_spots_enough(params, n_coarse, is_tried):
    d = np.concatenate([np.full(n_coarse, transform_d_min(100.0, COARSE_GRID)), np.full(500, 1.0)])
    coarse, *others = _attempts(IndexParams(**params), d, 100.0)
    assert (coarse.grid == COARSE_GRID) == is_tried
    if is_tried:
        assert replace(coarse, grid=GRID) == others[0]


def test_the_limit_of_the_cell_is_that_of_the_sweep_that_allows_most():
    far = sweep(distance=300.0, wavelength=0.8)
    seen = spots_in_reciprocal_space(
        [ONE, far], Reflections.concatenate([random_spots(ONE, 200), random_spots(far, 300, 1, sweep_id=1)])
    )
    model = model_of([ONE, far])
    expected = [
        estimate_max_cell(seen.rlp[seen.sweep == n], 0.172 / (distance * wavelength))
        for n, (distance, wavelength) in enumerate([(150.0, 1.0), (300.0, 0.8)])
    ]
    assert cell_limit(model, seen, IndexParams()) == max(expected)
    assert cell_limit(model, seen, IndexParams(unit_cell=CELL)) == pytest.approx(1.3 * 80.0)


def test_volumes_are_of_the_primitive_cell():
    assert _volumes(IndexParams(min_volume=30.0)) == (30.0, np.inf)
    low, high = _volumes(IndexParams(unit_cell=(78.0,) * 3 + (90.0,) * 3, space_group="I 2 3"))
    assert (low, high) == (pytest.approx(0.85 * 78.0**3 / 2), pytest.approx(1.15 * 78.0**3 / 2))


def test_without_a_space_group_it_is_the_triclinic_one():
    assert known_space_group(IndexParams()).hm == "P 1"
    assert known_space_group(IndexParams(space_group="P 43 21 2")).number == 96


def test_resolution_that_holds_so_many_spots_and_thinning_that_leaves_them():
    d = np.array([2.0, 9.0, 4.0, 3.0])
    assert [_resolution_of(d, n) for n in (1, 2, 3, 4, 9)] == [9.0, 4.0, 3.0, 2.0, 2.0]
    seen = spots()
    assert_allclose(_thinned(seen, 10).phi, seen.phi[:: len(seen) // 10])
    assert len(_thinned(seen, 10**6)) == len(seen)


def searched(monkeypatch, answers, n_spots=200, **params):
    """What find_lattice returns, and the (method, max_cell) it tried, where searches have these answers in turn.

    answers : (fraction indexed, information) of the best trial, None where there is no trial
    """
    tried = []
    found = []

    def answer(model, spots, params, attempt):
        fraction_and_information = answers[len(tried)]
        tried.append((attempt.method, attempt.max_cell))
        trials = ()
        if fraction_and_information is not None:
            fraction, bits = fraction_and_information
            trials = (SimpleNamespace(fraction=fraction, information=bits),)
        found.append(Search(trials, attempt.max_cell, 2.0))
        return found[-1]

    monkeypatch.setattr("autoproc.indexing.search._search", answer)
    seen = spots_in_reciprocal_space([ONE], random_spots(ONE, n_spots))
    result = find_lattice(model_of([ONE]), seen, IndexParams(**params))
    return found.index(result), tried


@pytest.mark.parametrize(
    ("answers", "best", "n_tried"),
    [
        ([(0.51, 201.0)], 0, 1),
        ([(0.50, 201.0), (0.51, 202.0)], 1, 2),  # half of the spots are not more than half
        ([(0.51, 200.0), (0.51, 201.0)], 1, 2),  # nor are 200 bits more than 200
        ([None, (0.6, 300.0)], 1, 2),
        ([(0.3, 250.0), (0.2, 100.0), None, (0.3, 249.0)], 0, 4),
        ([(0.1, 50.0), (0.1, 50.0), (0.1, 50.0), (0.1, 50.0)], 0, 4),  # of equals the first
        ([(0.1, 50.0), (0.1, 60.0), (0.2, 70.0), (0.1, 65.0)], 2, 4),
        ([None, None, None, None], 0, 4),
    ],
)
def test_a_search_ends_with_the_first_good_lattice_or_the_best_of_all(monkeypatch, answers, best, n_tried):
    found, tried = searched(monkeypatch, answers, max_cell=None)
    assert (found, len(tried)) == (best, n_tried)


def test_few_spots_have_to_lie_on_the_lattice_nearly_all(monkeypatch):
    assert searched(monkeypatch, [(0.9, 300.0), (0.91, 301.0)], n_spots=150)[0] == 1
    assert len(searched(monkeypatch, [(0.9, 300.0)], n_spots=151)[1]) == 1


def test_what_the_coarse_transform_finds_badly_the_fine_one_is_asked_for(monkeypatch):
    many = 3000
    assert searched(monkeypatch, [(0.51, 201.0)], many, max_cell=100.0)[1] == [("fft3d", 100.0)]
    for badly in (None, (0.5, 900.0), (0.9, 200.0)):
        assert searched(monkeypatch, [badly, (0.91, 901.0)], many, max_cell=100.0)[1] == [("fft3d", 100.0)] * 2


def test_longest_axes_of_the_searches(monkeypatch):
    """Those given times the factors, and never so short that the shortest cells do not fit twice."""
    assert searched(monkeypatch, [(0.9, 900.0)], max_cell=100.0)[1] == [("fft3d", 100.0)]
    assert searched(monkeypatch, [(0.9, 900.0)], max_cell=5.0, min_cell=3.0)[1] == [("fft3d", 6.0)]
    lengths = [length for _, length in searched(monkeypatch, [None] * 4)[1]]
    assert np.divide(lengths, lengths[0]) == pytest.approx([1.0, 0.5, 2.0, 0.25])
    known = searched(monkeypatch, [None, None], unit_cell=CELL)[1]
    assert known == [("fft3d", pytest.approx(104.0)), (GRID_SEARCH, pytest.approx(104.0))]


def test_a_true_candidate_is_refined_to_the_lattice_and_told_in_figures():
    """From a basis 1% long and turned by half a degree; one spot in five is on no lattice."""
    seen = spots(len(spots()) // 4)
    turn = Rotation.from_rotvec(np.radians(0.5) * np.array([0.6, 0.0, 0.8])).as_matrix()
    start = assess(1.01 * np.linalg.inv(A) @ turn.T, seen.rlp)
    low_first = seen[np.argsort(-seen.d, kind="stable")]
    trial = try_candidate(model_of([ONE]), low_first, start, IndexParams())
    assert trial.cell == pytest.approx(CELL, rel=2e-3)
    assert trial.volume == pytest.approx(60.0 * 70.0 * 80.0 * np.sin(np.radians(95.0)), rel=3e-3)
    assert trial.n_spots == len(seen)
    assert trial.fraction == trial.n_indexed / len(seen) == pytest.approx(0.8, abs=0.03)
    assert trial.sharpness > 10
    assert trial.rms[:2] == pytest.approx(0.1 * 0.172, rel=0.4)


def test_a_trial_without_spots_has_no_fraction():
    nothing = RefinedCandidate(None, model_of([ONE]), 0, 0, np.zeros(3), 0.0, 0.0)
    assert nothing.fraction == 0.0
    assert replace(nothing, n_indexed=1, n_spots=1).fraction == 1.0
