from __future__ import annotations

import numpy as np
import pytest
from synthetic_spots import miller_indices, setting

from autoproc.indexing import fft1d, fft3d
from autoproc.indexing.grid_search import find_bases
from autoproc.indexing.vectors import choose_vectors, refine_vectors

CELL = (31.0, 42.0, 55.0, 83.0, 97.0, 102.0)


@pytest.fixture(scope="module")
def points():
    A = setting(CELL, 1)
    rlp = miller_indices(A, 2.0) @ A.T
    return A, rlp[np.random.default_rng(0).permutation(len(rlp))[:3000]]


def distances(vectors, wanted):
    """From each wanted vector to the nearest of the found ones or their opposites."""
    both = np.concatenate([vectors, -vectors])
    return np.linalg.norm(both[None] - wanted[:, None], axis=2).min(axis=1)


def test_transform_has_its_highest_peaks_at_lattice_vectors(points):
    A, rlp = points
    vectors = fft3d.find_vectors(rlp, 2.0, 3.0, 120.0)
    assert distances(vectors, np.linalg.inv(A)).max() < 0.5
    indices = vectors[:10] @ A
    assert np.abs(indices - np.rint(indices)).max() < 0.03


def test_directions_find_the_axes_too(points):
    A, rlp = points
    vectors = fft1d.find_vectors(rlp[np.linalg.norm(rlp, axis=1) < 1 / 4.0], 3.0, 80.0)
    assert distances(vectors, np.linalg.inv(A)).max() < 2.5


def test_a_known_cell_is_oriented_and_refined(points):
    A, rlp = points
    known = np.linalg.inv(setting(CELL, 9))
    bases = find_bases(rlp[np.linalg.norm(rlp, axis=1) < 1 / 6.0], known)
    assert distances(bases[0], np.linalg.inv(A)).max() < 1e-6


def test_a_known_cell_is_oriented_among_ten_times_as_many_other_points(points):
    A, rlp = points
    near = rlp[np.linalg.norm(rlp, axis=1) < 1 / 6.0][:300]
    others = np.random.default_rng(5).normal(size=(3000, 3))
    others *= (np.random.default_rng(6).random(3000) ** (1 / 3) / 6.0 / np.linalg.norm(others, axis=1))[:, None]
    bases = find_bases(np.concatenate([near, others]), np.linalg.inv(setting(CELL, 9)))
    assert min(distances(basis, np.linalg.inv(A)).max() for basis in bases[:12]) < 1.5


def test_nearest_direction_is_the_nearest_or_a_neighbour_as_near():
    directions = fft1d.hemisphere(0.05)
    some = np.random.default_rng(0).normal(size=(300, 3))
    some /= np.linalg.norm(some, axis=1, keepdims=True)
    found = directions[fft1d.nearest_direction(some, 0.05)]
    assert np.abs(np.sum(found * some, axis=1)).min() > np.cos(0.05 / np.sqrt(2) + 1e-3)


def test_refinement_ignores_points_of_no_lattice(points):
    A, rlp = points
    noise = np.random.default_rng(3).uniform(-0.4, 0.4, (3000, 3))
    start = np.linalg.inv(A) + np.random.default_rng(4).normal(size=(3, 3)) * 0.1
    refined, scores = refine_vectors(start, np.concatenate([rlp, noise]))
    np.testing.assert_allclose(refined, np.linalg.inv(A), atol=0.02)
    assert np.all((scores > 0.4) & (scores < 0.6))


def test_a_perfect_lattice_scores_1_and_no_order_0(points):
    A, rlp = points
    _, perfect = refine_vectors(np.linalg.inv(A), rlp)
    np.testing.assert_allclose(perfect, 1.0, atol=1e-6)
    _, none = refine_vectors(np.array([[0.0, 0.0, 40.0]]), np.random.default_rng(0).uniform(-1, 1, (3000, 3)))
    assert abs(none[0]) < 0.1


def test_repetitions_and_opposites_are_dropped():
    vectors = np.array([[10.0, 0, 0], [-10.0, 0.01, 0], [0, 12.0, 0], [20.0, 0, 0], [0, 12.0, 0.05]])
    chosen, _ = choose_vectors(vectors, np.ones(5), 3.0, 100.0)
    np.testing.assert_array_equal(chosen, vectors[[0, 2, 3]])


def test_chosen_vectors_are_good_and_short():
    vectors = np.array([[50.0, 0, 0], [0, 20.0, 0], [0, 0, 30.0], [15.0, 0, 0], [2.0, 0, 0]])
    chosen, scores = choose_vectors(vectors, np.array([0.9, 1.0, 0.8, 0.1, 1.0]), 3.0, 100.0)
    np.testing.assert_array_equal(np.linalg.norm(chosen, axis=1), [20, 30, 50])
    np.testing.assert_array_equal(scores, [1.0, 0.8, 0.9])


def test_hemisphere_leaves_no_gap():
    directions = fft1d.hemisphere(0.1)
    assert np.allclose(np.linalg.norm(directions, axis=1), 1)
    some = np.random.default_rng(0).normal(size=(200, 3))
    some /= np.linalg.norm(some, axis=1, keepdims=True)
    assert np.abs(some @ directions.T).max(axis=1).min() > np.cos(0.1)


@pytest.mark.parametrize("wanted", [0.0, 0.5, 0.985, 0.9995, 2.0])
def test_heights_leave_neither_too_few_voxels_nor_too_many(monkeypatch, wanted):
    monkeypatch.setattr(fft3d, "MAX_VOXELS", 1000)
    power = np.random.default_rng(0).random((40, 40, 21)).astype(np.float32)
    ordered = np.sort(power.reshape(-1))[::-1]
    expected = power >= max(min(wanted, ordered[9]), ordered[999])
    np.testing.assert_array_equal(power >= fft3d._threshold(power, wanted), expected)
    assert 10 <= np.count_nonzero(expected) <= 1000
