"""The parts of the search for the orientation of a known cell."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from synthetic_spots import setting

from autoproc.indexing.fft1d import hemisphere
from autoproc.indexing.grid_search import (
    N_ORIENTATIONS,
    _axes,
    _distinct,
    _frame,
    _highest,
    _scores,
    _short_vectors,
    _turned,
)

CELL = (31.0, 42.0, 55.0, 83.0, 97.0, 102.0)
BASIS = np.linalg.inv(setting(CELL, 3))


def test_a_direction_scores_the_cosines_of_the_points_along_it():
    rng = np.random.default_rng(0)
    rlp, vectors = rng.normal(size=(200, 3)) * 0.1, rng.normal(size=(700, 3)) * 20
    expected = np.cos(2 * np.pi * rlp @ vectors.T).sum(axis=0)
    assert_allclose(_scores(rlp, vectors), expected, atol=0.01)


def test_a_frame_is_right_handed_along_its_vector():
    for vector in np.random.default_rng(1).normal(size=(20, 3)):
        frame = _frame(vector)
        assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(frame) > 0
        assert_allclose(frame[0], vector / np.linalg.norm(vector))


def test_short_vectors_begin_with_the_basis_and_are_of_the_lattice():
    vectors, kind, lengths = _short_vectors(BASIS)
    assert_allclose(vectors[:3], BASIS)
    indices = vectors @ np.linalg.inv(BASIS)
    assert_allclose(indices, np.rint(indices), atol=1e-9)
    assert_allclose(np.linalg.norm(vectors, axis=1), lengths[kind], rtol=0.01)
    assert len(lengths) <= 6
    assert lengths.max() < 1.5 * 55.0
    opposite = np.linalg.norm(vectors[:, None] + vectors, axis=2)
    assert opposite.min() > 1.0, "one of each pair of opposites"


@pytest.mark.parametrize(
    ("cell", "axes"),
    [((40, 40, 40, 90, 90, 90), [0]), ((40, 40, 60, 90, 90, 90), [0, 2]), ((40, 50, 60, 90, 90, 90), [0, 1, 2])],
)
def test_axes_of_one_length_are_looked_for_once(cell, axes):
    _, kind, lengths = _short_vectors(np.linalg.inv(setting(cell, 1)))
    assert _axes(kind) == axes
    assert len(set(np.round(lengths, 6))) == len(lengths)
    if cell[2] == 40:
        assert np.bincount(kind).tolist() == [3, 6]  # axes, diagonals of faces; those of the body are too long


def test_the_highest_peaks_are_local_maxima_the_best_first():
    score = np.array([1.0, 5.0, 2.0, 7.0, 7.5, 0.0])
    neighbours = [[0, 1, 11], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6]]
    assert _highest(score, neighbours).tolist() == [4, 1]


def test_of_orientations_nearly_alike_the_first_is_kept():
    def turned(angle):
        return BASIS @ Rotation.from_rotvec([0, 0, angle]).as_matrix().T

    kept = _distinct(np.stack([turned(0.0), turned(0.05), turned(0.2), turned(0.21)]))
    assert_allclose(kept, [turned(0.0), turned(0.2)])
    many = np.stack([turned(0.1 * n) for n in range(N_ORIENTATIONS + 1)])
    assert len(_distinct(many[:40])) == 40
    assert len(_distinct(np.concatenate([many, BASIS[None] + 50 * np.arange(1, 30)[:, None, None]]))) == N_ORIENTATIONS


def test_a_cell_is_turned_about_its_axis_to_where_its_other_vectors_score():
    directions = hemisphere(0.02)
    target = BASIS @ Rotation.from_rotvec([0.3, -0.8, 0.4]).as_matrix().T
    vectors, kind, lengths = _short_vectors(BASIS)
    aims = vectors @ np.linalg.inv(BASIS) @ target
    maps = np.full((len(lengths), len(directions)), 0.0)
    for aim, k in zip(aims, kind, strict=True):
        maps[k] += np.exp(-0.5 * ((1 - np.abs(directions @ aim / np.linalg.norm(aim))) / 5e-4) ** 2)
    along = target[0] / np.linalg.norm(target[0])
    bases, score = _turned(BASIS, vectors, kind, 0, along[None], maps)
    best = bases[int(np.argmax(score))]
    assert_allclose(best @ best.T, BASIS @ BASIS.T, atol=1e-8)
    assert np.linalg.det(best) * np.linalg.det(BASIS) > 0
    distance = np.minimum(np.linalg.norm(best - target, axis=1), np.linalg.norm(best + target, axis=1))
    assert np.all(distance < 0.04 * np.linalg.norm(target, axis=1))
