"""The expected intensity follows resolution and direction, whatever the noise."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from anisotropic_for_tests import anisotropic_case
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.merging.french_wilson import french_wilson
from autoproc.merging.wilson_model import (
    cartesian_rotations,
    invariant_tensors,
    reciprocal_vectors,
    wilson_model,
)


def fitted(case):
    mean, sigma = case.merged
    return wilson_model(case.s, mean / case.epsilon, sigma / case.epsilon, case.groups.is_centric, case.rotations)


@pytest.mark.parametrize("extra", [(0.0, 25.0, 70.0), (0.0, 40.0, 0.0), (0.0, 0.0, 0.0)])
def test_the_tensor_is_found_within_its_uncertainty(extra):
    case = anisotropic_case(extra, seed=3)
    model = fitted(case)
    true = np.diag(extra) - np.eye(3) * np.mean(extra)
    assert np.abs(model.anisotropy - true).max() < 3 * model.uncertainty
    assert model.delta_b == pytest.approx(np.ptp(extra), abs=3 * model.uncertainty)
    assert 0.2 < model.uncertainty < 3
    assert np.trace(model.anisotropy) == pytest.approx(0, abs=1e-9)


def test_the_curve_is_the_mean_of_the_intensities():
    case = anisotropic_case((0.0, 25.0, 70.0), seed=4)
    expected = fitted(case).expected(case.s)
    true = np.exp(-0.5 * (20 * np.sum(case.s**2, axis=1) + np.einsum("ni,ij,nj->n", case.s, case.tensor, case.s)))
    visible = true > 0.03
    assert np.abs(np.log(expected / true))[visible].mean() < 0.1


@pytest.mark.parametrize("extra", [(0.0, 25.0, 70.0), (0.0, 40.0, 0.0)])
def test_amplitudes_are_right_in_every_direction(extra):
    """Of the outer half, and not worse than the direction is measurable: from 0.95 to 1.05 of the truth."""
    case = anisotropic_case(extra, seed=5, d_min=1.9)
    mean, sigma = case.merged
    expected = fitted(case).expected(case.s) * case.epsilon
    amplitude, _ = french_wilson(mean, sigma, expected, case.groups.is_centric)
    length = np.linalg.norm(case.s, axis=1)
    outer = (length > np.median(length)) & np.isfinite(amplitude) & (expected > 0.3 * sigma)
    for axis in range(3):
        here = outer & (np.abs(case.s[:, axis]) > 0.85 * length)
        if here.sum() > 100:
            assert 0.95 < amplitude[here].sum() / np.sqrt(case.truth[here]).sum() < 1.05, axis


def test_without_rotations_there_are_no_directions():
    case = anisotropic_case()
    mean, sigma = case.merged
    model = wilson_model(case.s, mean, sigma, case.groups.is_centric)
    assert model.delta_b == 0
    assert np.isnan(model.uncertainty)


@pytest.mark.parametrize(
    ("name", "cell", "n"),
    [
        ("P 1", (30, 40, 50, 80, 95, 100), 5), ("C 1 2 1", (30, 40, 50, 90, 105, 90), 3),
        ("P 21 21 21", (30, 40, 50, 90, 90, 90), 2), ("P 43 21 2", (40, 40, 50, 90, 90, 90), 1),
        ("P 31 2 1", (40, 40, 50, 90, 90, 120), 1), ("I 2 3", (50, 50, 50, 90, 90, 90), 0),
        ("R 3 :R", (50, 50, 50, 70, 70, 70), 1),
    ],
)  # fmt: skip
def test_symmetry_leaves_so_many_numbers_free(name, cell, n):
    rotations = cartesian_rotations(gemmi.SpaceGroup(name), gemmi.UnitCell(*cell))
    np.testing.assert_allclose(rotations @ np.swapaxes(rotations, 1, 2), np.broadcast_to(np.eye(3), rotations.shape),
                               atol=1e-7)  # fmt: skip
    tensors = invariant_tensors(rotations)
    assert len(tensors) == n
    for tensor in tensors:
        np.testing.assert_allclose(rotations @ tensor @ np.swapaxes(rotations, 1, 2), [tensor] * len(rotations),
                                   atol=1e-7)  # fmt: skip
        assert np.trace(tensor) == pytest.approx(0, abs=1e-7)


def test_reciprocal_vectors_have_the_length_of_1_over_d():
    cell, hkl = gemmi.UnitCell(30, 40, 50, 80, 95, 100), np.array([[1, 2, 3], [-4, 0, 5], [0, 0, 1]])
    length = np.linalg.norm(reciprocal_vectors(cell, hkl), axis=1)
    np.testing.assert_allclose(length, np.sqrt(cell.calculate_1_d2_array(hkl)))


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(1, 300), seed=st.integers(0, 2**31), scale=st.sampled_from([1e-12, 1.0, 1e12]), noise=st.booleans()
)
def test_any_intensities_have_a_positive_expectation(n, seed, scale, noise):
    rng = np.random.default_rng(seed)
    s = rng.normal(0, 0.2, (n, 3)) + 1e-6
    intensity = scale * (rng.normal(0, 1, n) if noise else rng.exponential(1, n))
    rotations = cartesian_rotations(gemmi.SpaceGroup("P 2 2 2"), gemmi.UnitCell(30, 40, 50, 90, 90, 90))
    model = wilson_model(s, intensity, np.full(n, scale), rng.random(n) < 0.1, rotations)
    expected = model.expected(s)
    assert np.isfinite(expected).all()
    assert (expected > 0).all()


def test_one_wild_intensity_changes_little():
    case = anisotropic_case(seed=6)
    before = fitted(case)
    case.intensity[7] = 1e6
    after = fitted(case)
    assert np.abs(after.anisotropy - before.anisotropy).max() < 2 * before.uncertainty
