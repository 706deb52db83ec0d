from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from synthetic_spots import miller_indices, setting

from autoproc.indexing.candidates import assess, fit_basis, niggli_reduced, rank_candidates
from autoproc.indexing.max_cell import estimate_max_cell
from autoproc.indexing.superlattice import sublattice, superlattice
from autoproc.models.crystal import cell_from_real_matrix

CELL = (31.0, 42.0, 55.0, 83.0, 97.0, 102.0)


def lattice(seed: int = 1, d_min: float = 3.0):
    A = setting(CELL, seed)
    return A, miller_indices(A, d_min)


@given(
    change=st.lists(st.integers(-2, 2), min_size=9, max_size=9).map(lambda v: np.array(v).reshape(3, 3)),
    seed=st.integers(0, 100),
)
def test_reduction_depends_on_the_lattice_only(change, seed):
    if abs(round(np.linalg.det(change))) != 1:
        change = np.eye(3)
    real = np.linalg.inv(setting(CELL, seed))
    reduced, other = niggli_reduced(real), niggli_reduced(change @ real)
    np.testing.assert_allclose(cell_from_real_matrix(reduced), cell_from_real_matrix(other), rtol=1e-6)
    assert np.linalg.det(reduced) > 0
    transform = reduced @ np.linalg.inv(real)
    np.testing.assert_allclose(transform, np.rint(transform), atol=1e-6)


def test_angles_near_90_leave_the_others_obtuse():
    real = np.linalg.inv(setting((11.6, 13.5, 30.1, 89.96, 86.28, 89.87), 3))
    angles = cell_from_real_matrix(niggli_reduced(real))[3:]
    np.testing.assert_allclose(angles, (89.96, 93.72, 90.13), atol=1e-6)


def test_acute_cells_stay_acute():
    real = np.linalg.inv(setting((31.0, 42.0, 55.0, 70.0, 75.0, 80.0), 3))
    np.testing.assert_allclose(cell_from_real_matrix(niggli_reduced(real))[3:], (70, 75, 80), atol=1e-6)


def test_the_smallest_cell_that_indexes_all_is_first():
    A, hkl = lattice()
    real = np.linalg.inv(A)
    combinations = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [2, 0, 0], [0, 1, 2], [0, 0, 3], [1, 0, 2]])
    best = rank_candidates(combinations @ real, hkl @ A.T, (25.0, np.inf), 3.0)[0]
    assert best.fraction == 1.0
    assert best.volume == pytest.approx(abs(np.linalg.det(real)), rel=1e-6)


def test_two_lattices_are_not_mixed():
    A, hkl = lattice(1)
    B, other = lattice(2)
    vectors = np.concatenate([np.linalg.inv(A), np.linalg.inv(B)])[[0, 3, 1, 4, 2, 5]]
    rlp = np.concatenate([hkl @ A.T, other[::2] @ B.T])
    best = rank_candidates(vectors, rlp, (25.0, np.inf), 3.0)[0]
    assert best.fraction == pytest.approx(2 / 3, abs=0.05)
    np.testing.assert_allclose(np.sort(best.cell[:3]), CELL[:3], rtol=1e-3)


def test_no_candidate_outside_the_limits():
    A, hkl = lattice()
    vectors = np.linalg.inv(A)
    assert rank_candidates(vectors, hkl @ A.T, (1e6, np.inf), 3.0) == []
    assert rank_candidates(vectors, hkl @ A.T, (25.0, np.inf), 40.0) == []
    assert rank_candidates(vectors[:2], hkl @ A.T, (25.0, np.inf), 3.0) == []


def test_fit_is_least_squares():
    A, hkl = lattice()
    noisy = hkl @ A.T + np.random.default_rng(0).normal(size=hkl.shape) * 1e-4
    start = np.linalg.inv(A) * 1.003
    fitted = fit_basis(start, noisy, 0.15)
    np.testing.assert_allclose(fitted, np.linalg.inv(A), atol=0.01)
    assert assess(fitted, noisy).n_indexed >= assess(start, noisy).n_indexed


@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 1, 0), (1, 1, 1)])
@pytest.mark.parametrize("prime", [2, 3])
def test_superlattice_and_sublattice_are_each_others_inverse(direction, prime):
    """Spots of the full lattice of A: those with n.h = 0 mod p make the smaller cell."""
    A, hkl = lattice()
    on_sublattice = (hkl @ np.array(direction)) % prime == 0
    small = sublattice(A, hkl[on_sublattice] @ A.T)
    assert small is not None
    assert np.linalg.det(small) == pytest.approx(prime * np.linalg.det(A), rel=1e-9)
    assert assess(np.linalg.inv(small), hkl[on_sublattice] @ A.T).fraction == 1.0
    weak = on_sublattice | (np.random.default_rng(0).random(len(hkl)) < 0.1)
    full = superlattice(small, hkl[weak] @ A.T)
    assert full is not None
    assert abs(np.linalg.det(full)) == pytest.approx(abs(np.linalg.det(A)), rel=1e-9)
    assert assess(np.linalg.inv(full), hkl[weak] @ A.T).fraction == 1.0


def test_a_right_cell_stays_even_among_noise():
    A, hkl = lattice()
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (2 * len(hkl), 3))
    rlp = np.concatenate([hkl @ A.T, noise])
    assert superlattice(A, rlp) is None
    assert sublattice(A, hkl @ A.T) is None


@pytest.mark.parametrize("angle", [0.5, 1.0, 2.0])
def test_a_second_lattice_turned_a_little_is_no_superlattice(angle):
    A, hkl = lattice()
    turn = Rotation.from_rotvec(np.radians(angle) * np.array([0.6, 0.0, 0.8])).as_matrix()
    assert superlattice(A, np.concatenate([hkl @ A.T, hkl[::2] @ (turn @ A).T])) is None


def test_max_cell_is_a_little_longer_than_the_longest_axis():
    A, hkl = lattice(d_min=4.0)
    rlp = hkl @ A.T
    estimate = estimate_max_cell(rlp, 1e-4)
    longest = max(gemmi.UnitCell(*CELL).parameters[:3])
    assert longest < estimate < 1.6 * longest


def test_max_cell_does_not_mind_split_spots():
    A, hkl = lattice(d_min=4.0)
    rlp = hkl @ A.T
    split = rlp[::3] + np.random.default_rng(0).normal(size=rlp[::3].shape) * 3e-5
    whole = estimate_max_cell(rlp, 1e-4)
    assert estimate_max_cell(np.concatenate([rlp, split]), 1e-4) == pytest.approx(whole, rel=0.05)
