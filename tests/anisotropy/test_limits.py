"""Limits by direction: where CC1/2 of a known crystal falls to the limit, and the surface through them."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from anisotropic_for_tests import anisotropic_case
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autoproc.anisotropy.evidence import Cone
from autoproc.anisotropy.limits import CONE, direction_limits, distinct, falls_to, half_sphere
from autoproc.anisotropy.surface import limit_surface, measured_surface
from autoproc.merging.correlation import half_set_correlations
from autoproc.merging.wilson_model import cartesian_rotations


def surface_of(case, common=None):
    mean, sigma = case.merged
    halves = half_set_correlations(case.groups, case.intensity, case.sigma)
    return measured_surface(case.s, case.rotations, halves, mean / sigma, (0.3, 1.2), common)


def along_axes(surface):
    return 1 / surface.s_max(np.eye(3))


def test_limits_are_where_the_signal_ends():
    case = anisotropic_case((0.0, 30.0, 70.0), seed=1, cell=(60, 100, 80, 90, 90, 90))
    surface = surface_of(case)
    assert surface.ellipsoid is not None
    found = 1 / surface.s_max(np.eye(3))
    assert found[1] == pytest.approx(case.limit(1, 0.3), rel=0.08)
    assert found[2] == pytest.approx(case.limit(2, 0.3), rel=0.08)
    assert found[0] < found[1] < found[2]
    inside = surface.holds(case.s)
    signal = case.truth / (case.sigma[0] / 2)
    assert np.mean(signal[inside]) > 5 * np.mean(signal[~inside])


def test_nothing_is_left_out_where_the_signal_goes_on_to_the_end():
    case = anisotropic_case((0.0, 0.0, 0.0), seed=2, sigma=0.01, d_min=3.0)
    surface = surface_of(case)
    assert surface.limits.is_edge.all()
    assert surface.holds(case.s).all()


def test_where_all_was_measured_once_the_signal_tells():
    case = anisotropic_case((0.0, 0.0, 60.0), seed=3, n=1, sigma=0.05)
    surface = surface_of(case)
    assert surface.limits.by_signal.all()
    best, worst = 1 / surface.s_max(np.eye(3))[[0, 2]]
    assert worst > 1.15 * best


def test_few_reflections_have_no_limit():
    case = anisotropic_case(d_min=12.0)
    assert surface_of(case) is None


def test_a_shape_that_is_no_ellipsoid_is_followed():
    case = anisotropic_case()
    limits = surface_of(case).limits
    u = limits.direction
    limits.s_max[:] = 0.2 + 0.2 * (np.abs(u[:, 2]) > 0.7)
    limits.is_edge[:] = False
    surface = limit_surface(limits, case.rotations)
    assert surface.ellipsoid is None
    assert surface.scatter > 0.1
    np.testing.assert_allclose(surface.s_max(np.array([[0, 0, 1.0], [1.0, 0, 0], [0, -2.0, 0]])), [0.4, 0.2, 0.2],
                               atol=0.02)  # fmt: skip


def test_equivalent_directions_have_one_limit():
    case = anisotropic_case((0.0, 25.0, 70.0), seed=1)
    surface = surface_of(case)
    u = np.random.default_rng(0).normal(size=(50, 3))
    for rotation in case.rotations:
        np.testing.assert_allclose(surface.s_max(u @ rotation), surface.s_max(u), rtol=1e-6)
        np.testing.assert_allclose(surface.s_max(-u), surface.s_max(u))


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("n", [1, 2])
def test_isotropic_data_have_the_common_limit_in_all_directions(seed, n):
    case = anisotropic_case((0.0, 0.0, 0.0), seed=seed, n=n, b=50.0, d_min=2.0, cell=(40, 50, 45, 90, 90, 90))
    surface = surface_of(case, 1 / 2.8)
    np.testing.assert_allclose(along_axes(surface), 2.8, rtol=1e-6)
    assert not surface.limits.is_edge.any()


@pytest.mark.parametrize("n", [1, 2])
def test_noise_beyond_an_abrupt_end_is_no_limit(n):
    """Strong to 2.5 A and nothing from there on, of so few reflections that a shell of a cone is 0.3 A wide."""
    case = anisotropic_case((0.0, 0.0, 0.0), seed=4, n=n, sigma=0.01, d_min=1.9, cell=(40, 45, 50, 90, 90, 90))
    is_blank = np.repeat(np.linalg.norm(case.s, axis=1) > 1 / 2.5, n)
    order = np.argsort(case.groups.group, kind="stable")
    noise = np.random.default_rng(1).normal(0, case.sigma[0], len(order))
    case.intensity[order] = np.where(is_blank, noise[order], case.intensity[order])
    np.testing.assert_allclose(along_axes(surface_of(case, 1 / 2.5)), 2.5, rtol=1e-6)


def test_no_limit_lies_beyond_the_farthest_that_was_found():
    surface = surface_of(anisotropic_case((0.0, 20.0, 50.0), seed=1, d_min=1.6, b=30.0))
    assert not surface.limits.is_edge.any()
    u = np.random.default_rng(0).normal(size=(500, 3))
    assert surface.s_max(u).max() <= surface.limits.s_max.max() * (1 + 1e-9)
    assert along_axes(surface)[2] > 1.2 * along_axes(surface)[0]


def test_a_direction_with_few_reflections_around_has_the_common_limit():
    case = anisotropic_case((0.0, 0.0, 0.0), seed=2, b=50.0, d_min=2.0)
    mean, sigma = case.merged
    halves = half_set_correlations(case.groups, case.intensity, case.sigma)
    length = np.linalg.norm(case.s, axis=1)
    unit = case.s / length[:, None]
    unit[np.abs(unit[:, 2]) > 0.8] = [1.0, 0.0, 0.0]
    limits = direction_limits(unit, case.rotations, Cone.of_all(length, halves, mean / sigma, (0.3, 1.2)), 1 / 2.6)
    is_up = np.abs(limits.direction[:, 2]) > 0.97
    assert is_up.any()
    assert not limits.is_told[is_up].any()
    assert limits.is_told[np.abs(limits.direction[:, 2]) < 0.5].all()
    np.testing.assert_allclose(limits.s_max[is_up], 1 / 2.6)


@pytest.mark.parametrize(
    ("name", "share"), [("P 1", 1), ("P 2 2 2", 4), ("P 4 2 2", 8), ("P 2 3", 12), ("P 4 3 2", 24)]
)
def test_directions_that_are_looked_at_stand_for_all(name, share):
    rotations = cartesian_rotations(gemmi.SpaceGroup(name), gemmi.UnitCell(50, 50, 50, 90, 90, 90))
    direction = half_sphere(2000)
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1)
    kept = distinct(direction, rotations)
    assert len(kept) == pytest.approx(2000 / share, rel=0.25)
    looked = distinct(half_sphere(), rotations)
    u = np.random.default_rng(1).normal(size=(200, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    nearest = np.abs(np.einsum("rij,dj,ni->nrd", rotations, looked, u)).max(axis=(1, 2))
    assert np.degrees(np.arccos(nearest)).max() < CONE


@given(arrays.arrays(float, st.integers(1, 20), elements=st.floats(-1, 1)))
def test_a_value_falls_to_its_limit_once(value):
    x = np.arange(len(value), dtype=float)
    at = falls_to(x, value, 0.3)
    assert at is None or 0 <= at <= len(value) - 1
    if np.all(value > 0.3):
        assert at is None
    if np.all(value < 0.3):
        assert at == 0


def test_between_two_shells_it_is_interpolated():
    assert falls_to(np.array([1.0, 2.0, 3.0]), np.array([0.9, 0.5, 0.1]), 0.3) == pytest.approx(2.5)
