"""Limits by direction: where CC1/2 of a known crystal falls to the limit, and the surface through them."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from anisotropic_for_tests import anisotropic_case
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autoproc.anisotropy.limits import CONE, direction_limits, distinct, falls_to, half_sphere
from autoproc.anisotropy.surface import limit_surface
from autoproc.merging.correlation import half_set_correlations
from autoproc.merging.wilson_model import cartesian_rotations


def limits_of(case):
    mean, sigma = case.merged
    halves = half_set_correlations(case.groups, case.intensity, case.sigma)
    return direction_limits(case.s, case.rotations, halves, mean / sigma, 0.3, 1.2)


def test_limits_are_where_the_signal_ends():
    case = anisotropic_case((0.0, 30.0, 70.0), seed=1, cell=(60, 100, 80, 90, 90, 90))
    surface = limit_surface(limits_of(case), case.rotations)
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
    limits = limits_of(case)
    assert limits.is_edge.all()
    assert limit_surface(limits, case.rotations).holds(case.s).all()


def test_where_all_was_measured_once_the_signal_tells():
    case = anisotropic_case((0.0, 0.0, 60.0), seed=3, n=1, sigma=0.05)
    limits = limits_of(case)
    assert limits.by_signal.all()
    surface = limit_surface(limits, case.rotations)
    best, worst = 1 / surface.s_max(np.eye(3))[[0, 2]]
    assert worst > 1.15 * best


def test_few_reflections_have_no_limit():
    case = anisotropic_case(d_min=12.0)
    limits = limits_of(case)
    assert np.isnan(limits.s_max).all()
    assert limit_surface(limits, case.rotations) is None


def test_a_shape_that_is_no_ellipsoid_is_followed():
    case = anisotropic_case()
    limits = limits_of(case)
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
    limits = limits_of(case)
    for surface in (limit_surface(limits, case.rotations),):
        u = np.random.default_rng(0).normal(size=(50, 3))
        for rotation in case.rotations:
            np.testing.assert_allclose(surface.s_max(u @ rotation), surface.s_max(u), rtol=1e-6)
            np.testing.assert_allclose(surface.s_max(-u), surface.s_max(u))


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
