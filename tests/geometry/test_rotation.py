from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.geometry.rotation import (
    GENERATORS,
    cross,
    crystal_from_lab,
    lab_from_crystal,
    lab_rotations,
    nearest_rotation,
    rotation_matrix,
    rotation_of_vector,
    turn_to_crystal,
    wrapped,
)
from autoproc.models.experiment import Goniometer

SEEDS = st.integers(0, 2**32 - 1)


def random_rotation(rng, n=None):
    return rotation_of_vector(rng.normal(size=3 if n is None else (n, 3)))


@pytest.mark.parametrize(
    ("of_a", "of_b"),
    [((3,), (3,)), ((3,), (5, 3)), ((5, 3), (3,)), ((5, 3), (5, 3)), ((2, 1, 3), (5, 3)), ((0, 3), (3,))],
)
def test_vector_products_are_numpys_to_the_last_bit(of_a, of_b):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=of_a), rng.normal(size=of_b)
    np.testing.assert_array_equal(cross(a, b), np.cross(a, b))


@given(SEEDS)
def test_generators_make_cross_products(seed):
    a, b = np.random.default_rng(seed).normal(size=(2, 3))
    np.testing.assert_allclose(np.tensordot(a, GENERATORS, axes=1) @ b, np.cross(a, b), atol=1e-12)


@given(SEEDS, st.floats(0, 3))
def test_rotation_vector_is_axis_times_angle(seed, angle):
    axis = np.random.default_rng(seed).normal(size=3)
    axis /= np.linalg.norm(axis)
    np.testing.assert_allclose(rotation_of_vector(angle * axis), rotation_matrix(axis, angle), atol=1e-12)


def test_no_rotation_is_the_identity():
    np.testing.assert_array_equal(rotation_of_vector(np.zeros((2, 3))), np.broadcast_to(np.eye(3), (2, 3, 3)))


@given(SEEDS)
def test_nearest_rotation_undoes_a_small_distortion(seed):
    rng = np.random.default_rng(seed)
    turn = random_rotation(rng, 4)
    strain = 1e-3 * rng.normal(size=(4, 3, 3))
    stretched = turn @ (np.eye(3) + strain + np.swapaxes(strain, 1, 2))
    np.testing.assert_allclose(nearest_rotation(stretched), turn, atol=1e-12)


@given(SEEDS)
def test_nearest_rotation_is_proper(seed):
    found = nearest_rotation(np.random.default_rng(seed).normal(size=(3, 3)))
    np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(found) > 0


@given(st.floats(-100, 100))
def test_wrapped_angles_are_the_same_within_half_a_turn(angle):
    found = float(wrapped(np.array(angle)))
    assert -np.pi <= found < np.pi + 1e-12
    np.testing.assert_allclose(np.exp(1j * found), np.exp(1j * angle), atol=1e-12)


@given(SEEDS)
def test_laboratory_and_crystal(seed):
    rng = np.random.default_rng(seed)
    axis = random_rotation(rng) @ np.array([1.0, 0.0, 0.0])
    goniometer = Goniometer(axis, random_rotation(rng), random_rotation(rng))
    phi, vectors = rng.uniform(-7, 7, 5), rng.normal(size=(5, 3))
    lab = lab_from_crystal(goniometer, phi, vectors)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", lab_rotations(goniometer, phi), vectors), lab, atol=1e-12)
    np.testing.assert_allclose(crystal_from_lab(goniometer, phi, lab), vectors, atol=1e-12)
    turn = turn_to_crystal(goniometer)
    for seen, vector, angle in zip(lab, vectors, phi, strict=True):
        matrix = turn[0] + np.cos(angle) * turn[1] + np.sin(angle) * turn[2]
        np.testing.assert_allclose(seen @ matrix, vector, atol=1e-12)
